"""The lab's network as frozen data: nodes, wires, addresses, ASNs, probe steering, places for faults.

Three upstreams leave our AS by three roads and meet again at `internet`; two of them share a segment.
Addresses come from the documentation and benchmarking ranges (RFC 5737, RFC 3849, RFC 2544), autonomous
systems from RFC 5398.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Interface,
    IPv6Interface,
    ip_address,
    ip_interface,
    ip_network,
)

from controller.core.model import Address, Family, Network, family_of

Interface = IPv4Interface | IPv6Interface

OUR_ASN = 64500
INTERNET_ASN = 64510
OUR_PREFIXES: tuple[Network, ...] = (ip_network("203.0.113.0/24"), ip_network("2001:db8:500::/48"))
EDGES = ("edge1", "edge2")
HOSTS = ("noc", "users")
WIRES = "wires"  # the namespace that holds one bridge a wire


@dataclass(frozen=True, slots=True)
class Upstream:
    """An upstream of two routers: the first faces our edges, the second the internet."""

    name: str
    asn: int
    number: int  # its place in 198.18.<number>.0/24 and 2001:db8:50<number>::/48

    @property
    def first(self) -> str:
        """The router that faces our edges."""
        return f"{self.name}1"

    @property
    def second(self) -> str:
        """The router that faces the internet."""
        return f"{self.name}2"

    @property
    def prefixes(self) -> tuple[Network, ...]:
        """Its own address space."""
        return (ip_network(f"198.18.{self.number}.0/24"), ip_network(f"2001:db8:50{self.number}::/48"))


@dataclass(frozen=True, slots=True)
class Link:
    """One attachment of an edge to an upstream, and how packets are made to probe through it."""

    edge: str
    upstream: Upstream
    number: int  # the subnet's place among those between this upstream and us, from 1

    @property
    def name(self) -> str:
        """The link's name, used everywhere."""
        return f"{self.edge}-{self.upstream.name}"

    @property
    def probe_sources(self) -> tuple[Address, ...]:
        """Addresses of noc out of the upstream's space whose way there and back is this link."""
        last = 128 + int(self.edge[-1])
        n = self.upstream.number
        return (ip_address(f"198.18.{n}.{last}"), ip_address(f"2001:db8:50{n}:ff::{last}"))

    @property
    def table(self) -> int:
        """The edge's routing table of packets from the probe sources."""
        return 100 + self.upstream.number


@dataclass(frozen=True, slots=True)
class Port:
    """A node's end of a wire."""

    node: str
    device: str
    addresses: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """A bridge in `wires` and the nodes on it. Of a wire with two ends the first is nearer to our AS."""

    name: str
    bridge: str  # at most 13 characters: its ports are called <bridge>.0, <bridge>.1, ...
    ports: tuple[Port, ...]

    def device(self, index: int) -> str:
        """The device in `wires` that leads to the node of this port."""
        return f"{self.bridge}.{index}"

    def index_of(self, node: str) -> int:
        """Which port is this node's. Raises ValueError when the node is not on the wire."""
        return [port.node for port in self.ports].index(node)


@dataclass(frozen=True, slots=True)
class Session:
    """One end of a BGP session."""

    node: str
    peer: str
    peer_asn: int
    peer_address: Address

    @property
    def family(self) -> Family:
        """The one family that the session carries."""
        return family_of(self.peer_address)


AZERBAIJAN = Upstream("azerbaijan", 64501, 1)
GEORGIA = Upstream("georgia", 64502, 2)
IRAN = Upstream("iran", 64503, 3)
UPSTREAMS = (AZERBAIJAN, GEORGIA, IRAN)

LINKS = (
    Link("edge1", AZERBAIJAN, 1),
    Link("edge1", GEORGIA, 1),
    Link("edge2", GEORGIA, 2),
    Link("edge2", IRAN, 1),
)

_STUBS = {
    "stub1": (64505, "192.0.2.0/25", "2001:db8:200::/48"),
    "stub2": (64506, "192.0.2.128/25", "2001:db8:300::/48"),
}

ASN: dict[str, int] = (
    dict.fromkeys(EDGES, OUR_ASN)
    | {router: upstream.asn for upstream in UPSTREAMS for router in (upstream.first, upstream.second)}
    | {"internet": INTERNET_ASN}
    | {stub: row[0] for stub, row in _STUBS.items()}
)
ROUTERS = tuple(ASN)
NODES = (*ROUTERS, *HOSTS, WIRES)

# Sixteen more prefixes a family, without hosts: "most routes are gone" can be told from "all are".
_FILLERS = (
    *(ip_network(f"198.19.{16 * n}.0/20") for n in range(16)),
    *(ip_network(f"2001:db8:f{n:x}00::/48") for n in range(16)),
)
ORIGINATES: dict[str, tuple[Network, ...]] = (
    dict.fromkeys(EDGES, OUR_PREFIXES)
    | {router: upstream.prefixes for upstream in UPSTREAMS for router in (upstream.first, upstream.second)}
    | {"internet": (ip_network("198.51.100.0/24"), ip_network("2001:db8:100::/48"), *_FILLERS)}
    | {stub: (ip_network(row[1]), ip_network(row[2])) for stub, row in _STUBS.items()}
)

TARGETS: dict[str, tuple[Address, ...]] = {
    "internet": tuple(
        ip_address(a) for a in ("198.51.100.1", "198.51.100.53", "2001:db8:100::1", "2001:db8:100::53")
    ),
    "stub1": (ip_address("192.0.2.1"), ip_address("2001:db8:200::1")),
    "stub2": (ip_address("192.0.2.129"), ip_address("2001:db8:300::1")),
}
ECHO_HOSTS: tuple[Address, ...] = (
    ip_address("198.51.100.7"),
    ip_address("2001:db8:100::7"),
)  # of user traffic
LOOPBACKS: dict[str, tuple[Address, ...]] = TARGETS | {"internet": TARGETS["internet"] + ECHO_HOSTS}

LAN_ADDRESSES: dict[str, tuple[Interface, ...]] = {
    node: (ip_interface(f"203.0.113.{n}/24"), ip_interface(f"2001:db8:500::{n}/64"))
    for node, n in {"edge1": 1, "edge2": 2, "users": 10, "noc": 20}.items()
}
MGMT_ADDRESSES: dict[str, tuple[Interface, ...]] = {
    node: (ip_interface(f"198.18.0.{n}/24"),) for node, n in {"edge1": 1, "edge2": 2, "noc": 254}.items()
}


def _pair(v4: str, v6: str) -> tuple[tuple[Interface, ...], tuple[Interface, ...]]:
    """Both ends of a /30 and a /64, given the two networks: .1 and ::1, .2 and ::2."""
    four, six = ip_network(v4), ip_network(v6)
    near, far = (
        (ip_interface((four[n], four.prefixlen)), ip_interface((six[n], six.prefixlen))) for n in (1, 2)
    )
    return near, far


def _wire(
    bridge: str, near: tuple[str, str], far: tuple[str, str], v4: str, v6: str, *, flip: bool = False
) -> Wire:
    """A wire between two (node, device); the lower addresses are at the near end unless flipped."""
    low, high = _pair(v4, v6)
    if flip:
        low, high = high, low
    return Wire(f"{near[0]}-{far[0]}", bridge, (Port(*near, low), Port(*far, high)))


def _link_wire(link: Link) -> Wire:
    up, n = link.upstream, link.upstream.number
    wire = _wire(
        f"{link.edge}-{up.name[:2]}",
        (link.edge, up.name),
        (up.first, link.edge),
        f"198.18.{n}.{4 * (link.number - 1)}/30",
        f"2001:db8:50{n}:{link.number}::/64",
        flip=True,
    )
    return Wire(link.name, wire.bridge, wire.ports)


def _upstream_wires(up: Upstream) -> Iterator[Wire]:
    n, short = up.number, up.name[:2]
    inner = (up.first, up.second), (up.second, up.first)
    outer = (up.second, "internet"), ("internet", up.name)
    yield _wire(f"{short}-in", *inner, f"198.18.{n}.8/30", f"2001:db8:50{n}:8::/64")
    yield _wire(f"{short}-out", *outer, f"198.18.{n}.12/30", f"2001:db8:50{n}:c::/64")


def _shared_wire(name: str, addresses: dict[str, tuple[Interface, ...]]) -> Wire:
    return Wire(name, name, tuple(Port(node, name, own) for node, own in addresses.items()))


ALL_WIRES: tuple[Wire, ...] = (
    _shared_wire("lan", LAN_ADDRESSES),
    _shared_wire("mgmt", MGMT_ADDRESSES),
    *(_link_wire(link) for link in LINKS),
    *(wire for upstream in UPSTREAMS for wire in _upstream_wires(upstream)),
    _wire("stub1", ("internet", "stub1"), ("stub1", "internet"), "198.51.100.248/30", "2001:db8:100:f1::/64"),
    _wire("stub2", ("internet", "stub2"), ("stub2", "internet"), "198.51.100.252/30", "2001:db8:100:f2::/64"),
)
WIRE: dict[str, Wire] = {wire.name: wire for wire in ALL_WIRES}

LINK: dict[str, Link] = {link.name: link for link in LINKS}
UPSTREAM: dict[str, Upstream] = {upstream.name: upstream for upstream in UPSTREAMS}

# Where a fault on wires can be: every link, the inside of every upstream, and the segment two of them share.
PLACES: dict[str, tuple[Wire, ...]] = (
    {link.name: (WIRE[link.name],) for link in LINKS}
    | {up.name: (WIRE[f"{up.first}-{up.second}"],) for up in UPSTREAMS}
    | {"black-sea": (WIRE["azerbaijan2-internet"], WIRE["georgia2-internet"])}
)


def sessions_of(node: str) -> tuple[Session, ...]:
    """Every BGP session of a router: with each other router on its wires, one session a family."""
    return tuple(
        Session(node, port.node, ASN[port.node], address.ip)
        for wire in ALL_WIRES
        if wire.name != "mgmt" and node in [port.node for port in wire.ports]
        for port in wire.ports
        if port.node != node and port.node in ASN
        for address in port.addresses
    )


def address_on(wire: Wire, node: str, family: Family) -> Address:
    """A node's address on a wire. Raises LookupError when it has none there."""
    for address in wire.ports[wire.index_of(node)].addresses:
        if family_of(address.ip) is family:
            return address.ip
    raise LookupError(f"{node} has no {family} address on {wire.name}")
