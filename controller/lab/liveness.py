"""How soon a session between us and an upstream notices that the other end is gone: BGP's timers, and BFD."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from controller.lab.errors import LabError
from controller.lab.routers import Router
from controller.lab.topology import ASN, OUR_ASN, Session, sessions_of

LARGEST_S = 65535  # two octets in RFC 4271
SHORTEST_HOLD_S = 3


@dataclass(frozen=True, slots=True)
class Liveness:
    """Of all sessions with upstreams, at both ends; by default as FRR does it: 60/180 s and no BFD."""

    timers: tuple[int, int] | None = None  # keepalive and hold, in seconds
    bfd: bool = False  # FRR's own pace: 3 x 300 ms


AS_FRR_DOES = Liveness()


def timers(text: str) -> tuple[int, int]:
    """``3/9`` as (keepalive, hold) in seconds. Raises LabError saying what would make sense."""
    match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text)
    keepalive, hold = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= keepalive < hold <= LARGEST_S or hold < SHORTEST_HOLD_S:
        raise LabError(
            f"timers are KEEPALIVE/HOLD in seconds, the hold time longer and at least {SHORTEST_HOLD_S}, "
            f"for example 3/9; not {text!r}"
        )
    return keepalive, hold


def apply(routers: Iterable[Router], wanted: Liveness) -> None:
    """Set it on both ends, save it, and start the sessions anew: timers are agreed at their start."""
    ends = {router: _transit(router.name) for router in routers}
    ends = {router: sessions for router, sessions in ends.items() if sessions}
    for router, sessions in ends.items():
        lines = (line for session in sessions for line in _lines(session, wanted))
        router.vtysh("configure terminal", f"router bgp {ASN[router.name]}", *lines, "end", "write memory")
    for router, sessions in ends.items():
        if ASN[router.name] == OUR_ASN:
            router.vtysh(*(f"clear bgp {session.peer_address}" for session in sessions))


def _transit(router: str) -> tuple[Session, ...]:
    """Its sessions between us and upstreams."""
    own = ASN[router]
    return tuple(s for s in sessions_of(router) if own != s.peer_asn and OUR_ASN in (own, s.peer_asn))


def _lines(session: Session, wanted: Liveness) -> Iterator[str]:
    peer = f"neighbor {session.peer_address}"
    yield f"{peer} timers {wanted.timers[0]} {wanted.timers[1]}" if wanted.timers else f"no {peer} timers"
    yield f"{peer} bfd" if wanted.bfd else f"no {peer} bfd"
