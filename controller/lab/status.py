"""How a lab is doing: nodes, daemons, sessions, faults; and what our AS announces to its upstreams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_network

from controller.core.model import Network
from controller.lab import namespaces
from controller.lab.errors import LabError
from controller.lab.faults import Fault
from controller.lab.ready import SessionState, sessions
from controller.lab.routers import Router, daemons_of
from controller.lab.topology import NODES, OUR_ASN, OUR_PREFIXES, ROUTERS, UPSTREAMS, sessions_of


@dataclass(frozen=True, slots=True)
class NodeState:
    """One node of the lab."""

    name: str
    alive: tuple[str, ...]  # the daemons a router should run and does
    dead: tuple[str, ...]  # those it should run and does not


@dataclass(frozen=True, slots=True)
class LabStatus:
    """One look at a lab."""

    name: str
    up: bool  # all nodes are there; faults do not count
    nodes: tuple[NodeState, ...]
    sessions: tuple[SessionState, ...]  # both ends of each
    faults: tuple[Fault, ...]
    memory_mb: float  # of its processes, what they share counted once (PSS)


def look(lab: str, routers: Sequence[Router], faults: tuple[Fault, ...]) -> LabStatus:
    """The lab's state now. A router whose bgpd is dead tells its sessions as "dead"."""
    present = namespaces.existing_nodes(lab)
    running = namespaces.processes(lab)
    programs: dict[str, set[str]] = {node: set() for node in NODES}
    for pid, node in running.items():
        programs[node].add(namespaces.program(pid))
    nodes = tuple(_node(name, programs[name]) for name in present)
    here = [router for router in routers if router.name in present]
    with ThreadPoolExecutor(2) as pool:
        seen = tuple(state for states in pool.map(_sessions, here) for state in states)
    memory = sum(namespaces.memory_kb(pid) for pid in running) / 1024
    return LabStatus(lab, len(present) == len(NODES), nodes, seen, faults, memory)


def _node(name: str, running: set[str]) -> NodeState:
    wanted = daemons_of(name) if name in ROUTERS else ()
    return NodeState(
        name, tuple(d for d in wanted if d in running), tuple(d for d in wanted if d not in running)
    )


def _sessions(router: Router) -> tuple[SessionState, ...]:
    try:
        return sessions(router)
    except LabError:
        return tuple(
            SessionState(router.name, s.peer, str(s.peer_address), s.family, "dead")
            for s in sessions_of(router.name)
        )


def leaks(routers: Sequence[Router]) -> list[str]:
    """What our AS announces to its upstreams and should not: one sentence for each prefix and session.

    Raises LabError when an upstream cannot be asked.
    """
    firsts = {upstream.first for upstream in UPSTREAMS}
    return [leak for router in routers if router.name in firsts for leak in _leaks_to(router)]


def _leaks_to(router: Router) -> list[str]:
    found = []
    for session in sessions_of(router.name):
        if session.peer_asn == OUR_ASN:
            command = (
                f"show bgp {session.family} unicast neighbors {session.peer_address} received-routes json"
            )
            received = json.loads(router.vtysh(command)).get("receivedRoutes", {})
            found += [
                f"{session.peer} announces {prefix} to {router.name}"
                for prefix in sorted(received)
                if not _ours(ip_network(prefix))
            ]
    return found


def _ours(prefix: Network) -> bool:
    # A more specific of ours counts as a leak too: nobody asked for it.
    return prefix in OUR_PREFIXES
