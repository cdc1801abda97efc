"""Plumbing: the namespaces' wires, addresses, routes and rules, by netlink.

Every wire is a bridge in `wires` with one veth pair a node, so that faults are made in `wires` and no router
is touched by them.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute, netns

from controller.core.model import Address, Family, family_of
from controller.lab import namespaces
from controller.lab.topology import (
    ALL_WIRES,
    EDGES,
    HOSTS,
    LINKS,
    LOOPBACKS,
    NODES,
    ROUTERS,
    WIRE,
    WIRES,
    Interface,
    address_on,
)

_AF = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_RULE_PRIORITY = 1000
_LAST_RESORT = 2**32 - 1  # the worst metric: used when FRR's route through the link is gone
_FOREVER = 2**32 - 1  # lifetime of an address

# Addresses are usable at once and outlive a lost carrier; hosts with two gateways keep to the one they have.
_SYSCTL_ALL = {
    "ipv4/conf/{}/rp_filter": "0",
    "ipv4/conf/{}/accept_redirects": "0",
    "ipv4/conf/{}/send_redirects": "0",
    "ipv6/conf/{}/accept_dad": "0",
    "ipv6/conf/{}/accept_ra": "0",
    "ipv6/conf/{}/accept_redirects": "0",
    "ipv6/conf/{}/keep_addr_on_down": "1",
}


def build(lab: str) -> None:
    """Make every namespace of the lab and all that is in it but processes."""
    for node in NODES:
        namespaces.create(lab, node)
        _in_netns(lab, node, _sysctl_writer(node))
    _lay_wires(lab)
    for node in NODES:
        if node != WIRES:
            _address(lab, node)


def _in_netns(lab: str, node: str, action: Callable[[], None]) -> None:
    """Do something that has no netlink message inside a namespace, then come back."""
    netns.pushns(str(namespaces.netns_path(lab, node)))
    try:
        action()
    finally:
        netns.popns()


def _sysctl_writer(node: str) -> Callable[[], None]:
    values = {
        path.format(scope): value for path, value in _SYSCTL_ALL.items() for scope in ("all", "default")
    }
    if node in ROUTERS:
        values |= {
            "ipv4/ip_forward": "1",
            "ipv6/conf/all/forwarding": "1",
            "ipv6/conf/default/forwarding": "1",
        }
    if node == WIRES:  # a wire has no opinions of its own
        values |= {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}

    def write() -> None:
        # /proc/sys/net is a view of the namespace of whoever opens it
        for path, value in values.items():
            Path("/proc/sys/net", path).write_text(value)

    return write


def _lay_wires(lab: str) -> None:
    with IPRoute(netns=namespaces.netns_name(lab, WIRES)) as ip:
        for wire in ALL_WIRES:
            ip.link("add", ifname=wire.bridge, kind="bridge", br_stp_state=0, br_mcast_snooping=0)
            bridge = index(ip, wire.bridge)
            for number, port in enumerate(wire.ports):
                peer = {"ifname": port.device, "net_ns_fd": namespaces.netns_name(lab, port.node)}
                ip.link("add", ifname=wire.device(number), kind="veth", peer=peer)
                ip.link("set", index=index(ip, wire.device(number)), master=bridge, state="up")
            ip.link("set", index=bridge, state="up")


def index(ip: Any, device: str) -> int:
    """The number of a device. Raises LookupError when there is none of that name."""
    found = ip.link_lookup(ifname=device)
    if not found:
        raise LookupError(f"no device {device}")
    return int(found[0])


def _address(lab: str, node: str) -> None:
    with IPRoute(netns=namespaces.netns_name(lab, node)) as ip:
        lo = index(ip, "lo")
        ip.link("set", index=lo, state="up")
        for address in LOOPBACKS.get(node, ()):
            ip.addr("add", index=lo, address=str(address), prefixlen=address.max_prefixlen)
        for wire in ALL_WIRES:
            for port in wire.ports:
                if port.node == node:
                    device = index(ip, port.device)
                    ip.link("set", index=device, state="up")
                    for interface in port.addresses:
                        _add(ip, device, interface)
        if node in HOSTS:
            _default_via(ip, "edge1", table=254)
        if node == "noc":
            _steer_from_noc(ip)
        if node in EDGES:
            _steer_at_edge(ip, node)


def _add(ip: Any, device: int, interface: Interface) -> None:
    ip.addr("add", index=device, address=str(interface.ip), prefixlen=interface.network.prefixlen)


def _default_via(ip: Any, edge: str, table: int) -> None:
    for family in Family:
        gateway = str(address_on(WIRE["lan"], edge, family))
        ip.route("add", family=_AF[family], dst="default", gateway=gateway, table=table)


def _steer_from_noc(ip: Any) -> None:
    """Probe sources on the LAN; what comes from one goes to the edge that has the link."""
    lan = index(ip, "lan")
    for number, edge in enumerate(EDGES, start=101):
        _default_via(ip, edge, table=number)
        for family in Family:
            _last_resort(ip, family, number)
    for link in LINKS:
        for source in link.probe_sources:
            # Deprecated from birth (preferred lifetime 0): never chosen unless asked for by name.
            lifetime = {"IFA_CACHEINFO": {"ifa_preferred": 0, "ifa_valid": _FOREVER}}
            ip.addr("add", index=lan, address=str(source), prefixlen=source.max_prefixlen, **lifetime)
            _rule(ip, source, 101 + EDGES.index(link.edge))


def _steer_at_edge(ip: Any, edge: str) -> None:
    """What comes from a probe source leaves through its link or not at all; FRR holds the route itself."""
    for link in LINKS:
        if link.edge == edge:
            for source in link.probe_sources:
                _rule(ip, source, link.table)
                _last_resort(ip, family_of(source), link.table)


def _last_resort(ip: Any, family: Family, table: int) -> None:
    """Without it a lookup that finds no route in the table goes on to the next, and to another upstream."""
    ip.route("add", family=_AF[family], dst="default", type="unreachable", table=table, priority=_LAST_RESORT)


def _rule(ip: Any, source: Address, table: int) -> None:
    ip.rule(
        "add",
        family=_AF[family_of(source)],
        src=str(source),
        src_len=source.max_prefixlen,
        table=table,
        priority=_RULE_PRIORITY,
    )
