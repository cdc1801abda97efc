"""How each fault is made and undone. Undoing is safe to repeat, and safe for a fault that was half made."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyroute2 import IPRoute

from controller.core.model import Network
from controller.lab import namespaces, network, wire
from controller.lab.errors import LabError
from controller.lab.faults import Fault, Kind, Towards
from controller.lab.frr_config import WITHDRAWN_LIST
from controller.lab.routers import Router
from controller.lab.topology import ORIGINATES, OUR_ASN, UPSTREAM, WIRE, WIRES, Wire, sessions_of

_WIRE_READY_S = 10.0
_WIRE_END_S = 3.0

# What a blackhole beyond the first hop leaves alone: BGP, BFD (RFC 5881, 5883), ARP, neighbor discovery.
_SPARED = (
    "ether type arp return",
    "tcp sport 179 return",
    "tcp dport 179 return",
    "udp dport { 3784, 3785, 4784 } return",
    "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } return",
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where faults are made: a lab, its routers, a directory for what must be remembered."""

    lab: str
    routers: Mapping[str, Router]
    notes: Path


@dataclass(frozen=True, slots=True)
class Effect:
    """How one kind of fault is made and undone."""

    make: Callable[[Site, Fault], None]
    undo: Callable[[Site, Fault], None]


def effect_of(fault: Fault) -> Effect:
    """How this fault is made and undone."""
    return _USER_SPACE if fault.burst_s is not None else _EFFECTS[fault.kind]


def make(site: Site, faults: Sequence[Fault]) -> None:
    """Make these faults; filters come last and in the same instant, by one transaction of the kernel."""
    filters = [fault for fault in faults if effect_of(fault) is _FILTER]
    for fault in faults:
        if fault not in filters:
            effect_of(fault).make(site, fault)
    if filters:
        _nft(site, "".join(map(_ruleset, filters)))


# --- carrier -----------------------------------------------------------------------------------


def _cut(site: Site, fault: Fault) -> None:
    _set_carrier(site, fault, "down")


def _splice(site: Site, fault: Fault) -> None:
    _set_carrier(site, fault, "up")


def _set_carrier(site: Site, fault: Fault, state: str) -> None:
    with IPRoute(netns=namespaces.netns_name(site.lab, WIRES)) as ip:
        for each in fault.wires:
            for number in range(len(each.ports)):
                ip.link("set", index=network.index(ip, each.device(number)), state=state)


# --- filters: silent, blackhole, loss, ssh -----------------------------------------------------


def _filter(site: Site, fault: Fault) -> None:
    _nft(site, _ruleset(fault))


def _unfilter(site: Site, fault: Fault) -> None:
    # Declared first, so that deleting works whether it is there or not.
    table = _table(fault)
    _nft(site, f"table bridge {table} {{ }}\ndelete table bridge {table}\n")


def _nft(site: Site, ruleset: str) -> None:
    namespaces.run(namespaces.inside(site.lab, WIRES, ["nft", "-f", "-"]), stdin=ruleset)


def _table(fault: Fault) -> str:
    return "fault_" + fault.id.replace("-", "_")


def _ruleset(fault: Fault) -> str:
    """One table a fault: frames that suffer jump to a chain which spares some and drops the others."""
    drop = "drop"
    if fault.kind is Kind.LOSS and fault.value is not None:
        drop = f"numgen random mod 100000 < {round(fault.value * 1000)} drop"
    suffers = "\n".join([*(_SPARED if fault.spares_bgp else ()), drop])
    jumps = "\n".join(f"{match} jump suffers" for match in _matches(fault))
    return (
        f"table bridge {_table(fault)} {{\n"
        f"chain suffers {{\n{suffers}\n}}\n"
        f"chain forward {{\ntype filter hook forward priority 0; policy accept\n{jumps}\n}}\n"
        "}\n"
    )


def _matches(fault: Fault) -> Iterator[str]:
    if fault.kind is Kind.SSH:
        port = WIRE["mgmt"].device(WIRE["mgmt"].index_of(fault.place))
        yield f'iifname "{port}"'
        yield f'oifname "{port}"'
    for each in fault.wires:
        if fault.direction is not Towards.IN:
            yield f'iifname "{each.device(0)}"'
        if fault.direction is not Towards.OUT:
            yield f'iifname "{each.device(1)}"'


# --- a wire in user space: delay, loss in bursts -----------------------------------------------


def _lay(site: Site, fault: Fault) -> None:
    for each in fault.wires:
        note = _note(site, each)
        argv = namespaces.inside(
            site.lab, WIRES, [sys.executable, "-m", wire.__name__, *_wish(site, fault, each)]
        )
        note.write_text(str(namespaces.start(argv, note.with_suffix(".log"))))
    give_up = time.monotonic() + _WIRE_READY_S
    for each in fault.wires:
        log = _note(site, each).with_suffix(".log")
        while wire.READY not in log.read_text().splitlines():
            if time.monotonic() > give_up:
                raise LabError(
                    f"the wire {each.name} does not start: {log.read_text().strip() or 'it is silent'}"
                )
            time.sleep(0.02)


def _wish(site: Site, fault: Fault, each: Wire) -> list[str]:
    ways = {Towards.BOTH: "both", Towards.OUT: "a-to-b", Towards.IN: "b-to-a"}
    wish = ["--netns", namespaces.netns_name(site.lab, WIRES), "--direction", ways[fault.direction]]
    wish += ["--port-a", each.device(0), "--port-b", each.device(1)]
    if fault.kind is Kind.DELAY:
        return [*wish, "--delay-ms", f"{fault.value:g}"]
    return [*wish, "--loss", f"{fault.value:g}%", "--burst-ms", f"{1000 * (fault.burst_s or 0.0):g}"]


def _take_up(site: Site, fault: Fault) -> None:
    for each in fault.wires:
        note = _note(site, each)
        if note.exists():
            _end(site, int(note.read_text()))
            note.unlink()
    # A wire that was killed outright did not put its ports back.
    with IPRoute(netns=namespaces.netns_name(site.lab, WIRES)) as ip:
        for each in fault.wires:
            bridge = network.index(ip, each.bridge)
            for number in range(len(each.ports)):
                ip.link("set", index=network.index(ip, each.device(number)), master=bridge)


def _end(site: Site, pid: int) -> None:
    """Ask the wire to end, and insist when it does not; a pid that is no longer in the lab is left alone."""
    give_up = time.monotonic() + _WIRE_END_S
    while pid in namespaces.processes(site.lab, [WIRES]):
        os.kill(pid, signal.SIGTERM if time.monotonic() < give_up else signal.SIGKILL)
        time.sleep(0.02)


def _note(site: Site, each: Wire) -> Path:
    return site.notes / f"wire-{each.bridge}"


# --- bgpd: withdraw, router --------------------------------------------------------------------


def _withdraw(site: Site, fault: Fault) -> None:
    commands = ["configure terminal"]
    for number, prefix in enumerate(withdrawn(fault), start=1):
        word = "ip" if prefix.version == 4 else "ipv6"
        commands.append(f"{word} prefix-list {WITHDRAWN_LIST} seq {number} permit {prefix}")
    _announce_anew(site, fault, commands)


def _announce(site: Site, fault: Fault) -> None:
    lists = [f"no {word} prefix-list {WITHDRAWN_LIST}" for word in ("ip", "ipv6")]
    _announce_anew(site, fault, ["configure terminal", *lists])


def _announce_anew(site: Site, fault: Fault, commands: list[str]) -> None:
    """Change the lists, then apply them to our sessions now and not when the route-map timer says."""
    (name,) = fault.routers
    clears = [
        f"clear bgp {session.family} unicast {session.peer_address} soft out"
        for session in sessions_of(name)
        if session.peer_asn == OUR_ASN
    ]
    site.routers[name].vtysh(*commands, "end", *clears)


def withdrawn(fault: Fault) -> tuple[Network, ...]:
    """The prefixes that a withdraw fault hides: the wanted share of each family, never the upstream's own.

    Which ones looks random and is the same each time: the larger shares contain the smaller ones.
    """
    own = ORIGINATES[UPSTREAM[fault.place].first]
    others = {p for name, row in ORIGINATES.items() if name not in ("edge1", "edge2") for p in row} - set(own)
    share = 1.0 if fault.value is None else fault.value / 100
    hidden: list[Network] = []
    for version in (4, 6):
        family = sorted((p for p in others if p.version == version), key=_shuffled)
        hidden += family[: max(1, round(share * len(family)))]
    return tuple(hidden)


def _shuffled(prefix: Network) -> bytes:
    return hashlib.sha256(str(prefix).encode()).digest()


def _kill_bgpd(site: Site, fault: Fault) -> None:
    for name in fault.routers:
        site.routers[name].kill_bgpd()


def _revive_bgpd(site: Site, fault: Fault) -> None:
    for name in fault.routers:
        site.routers[name].revive_bgpd()


_FILTER = Effect(_filter, _unfilter)
_USER_SPACE = Effect(_lay, _take_up)
_EFFECTS: dict[Kind, Effect] = {
    Kind.CARRIER: Effect(_cut, _splice),
    Kind.SILENT: _FILTER,
    Kind.BLACKHOLE: _FILTER,
    Kind.LOSS: _FILTER,
    Kind.DELAY: _USER_SPACE,
    Kind.WITHDRAW: Effect(_withdraw, _announce),
    Kind.ROUTER: Effect(_kill_bgpd, _revive_bgpd),
    Kind.SSH: _FILTER,
}
