"""Whether a lab has come to life: sessions, routes, probes."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from controller.core.model import Address, Family, family_of
from controller.lab import namespaces
from controller.lab.errors import LabError
from controller.lab.routers import Router
from controller.lab.topology import ASN, EDGES, LINKS, TARGETS, sessions_of

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class SessionState:
    """One end of a BGP session as its router tells it."""

    router: str
    peer: str  # the router at the other end
    address: str
    family: Family
    state: str  # FRR's word: Established, Active, ...


def sessions(router: Router) -> tuple[SessionState, ...]:
    """Every configured BGP session of a router. Raises LabError when bgpd does not answer."""
    families = json.loads(router.vtysh("show bgp summary json"))
    peers = {
        address: peer["state"]
        for family in ("ipv4Unicast", "ipv6Unicast")
        for address, peer in families.get(family, {}).get("peers", {}).items()
    }
    return tuple(
        SessionState(
            router.name, s.peer, str(s.peer_address), s.family, peers.get(str(s.peer_address), "missing")
        )
        for s in sessions_of(router.name)
    )


def wait(lab: str, routers: Sequence[Router], progress: Callable[[str], None], within_s: float) -> None:
    """Wait until every session is established, then until every link answers probes.

    Raises LabError naming what is missing after `within_s` seconds.
    """
    give_up = time.monotonic() + within_s
    _until_none(lambda: _sessions_missing(routers), give_up, "sessions still down")
    progress(f"{sum(len(sessions_of(router)) for router in ASN) // 2} BGP sessions established")
    _until_none(lambda: _bfd_missing(routers), give_up, "BFD still down")
    _until_none(lambda: _probes_missing(lab), give_up, "probes still unanswered")
    progress(f"{len(LINKS)} links answer probes from every target")


def _until_none(missing: Callable[[], list[str]], give_up: float, what: str) -> None:
    while left := missing():
        if time.monotonic() > give_up:
            raise LabError(f"the lab does not come to life; {what}: {', '.join(left[:6])}")
        time.sleep(_POLL_S)


def _sessions_missing(routers: Sequence[Router]) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        seen = [state for states in pool.map(sessions, routers) for state in states]
    return [f"{s.router}-{s.peer} {s.family} {s.state}" for s in seen if s.state != "Established"]


def _bfd_missing(routers: Sequence[Router]) -> list[str]:
    """Sessions of our edges that BFD is to watch and does not yet."""
    return [
        f"{router.name} {neighbor}"
        for router in routers
        if router.name in EDGES
        for neighbor, seen in json.loads(router.vtysh("show bgp neighbors json")).items()
        if seen.get("peerBfdInfo", {}).get("status", "Up") != "Up"
    ]


def _probes_missing(lab: str) -> list[str]:
    targets: list[Address] = [target for row in TARGETS.values() for target in row]
    ways = [
        (source, target, f"{target} through {link.name}")
        for link in LINKS
        for source in link.probe_sources
        for target in targets
        if family_of(source) is family_of(target)
    ]
    with ThreadPoolExecutor(len(ways)) as pool:
        answered = pool.map(lambda way: ping(lab, "noc", way[1], source=way[0]), ways)
    return [name for (_, _, name), ok in zip(ways, answered, strict=True) if not ok]


def ping(lab: str, node: str, target: Address, source: Address | None = None, wait_s: float = 0.5) -> bool:
    """Whether one echo request from a host of the lab is answered."""
    ask = ["ping", "-n", "-q", "-c", "1", "-W", f"{wait_s:g}"]
    if source is not None:
        ask += ["-I", str(source)]
    command = namespaces.inside(lab, node, [*ask, str(target)])
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
