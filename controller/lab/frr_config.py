"""What each router runs: /etc/frr/frr.conf from the topology.

BGP timers stay at FRR's defaults (keepalive 60 s, hold 180 s), for the lab compares against them; only the
connect retry is short, so that sessions come up fast. Choice among equal paths is by router id, so that two
runs of the lab choose alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from controller.core.model import Family, Network, family_of
from controller.lab.topology import (
    ASN,
    EDGES,
    LAN_ADDRESSES,
    LINKS,
    ORIGINATES,
    OUR_ASN,
    OUR_PREFIXES,
    UPSTREAMS,
    WIRE,
    Session,
    address_on,
    sessions_of,
)

BACKUP_COMMUNITY_VALUE = (
    90  # a customer's route with <upstream asn>:90 is used only when nothing else is left
)
CUSTOMER_PREFERENCE = 200
WITHDRAWN_LIST = "FAULT-WITHDRAWN"  # prefix-list of what a withdraw fault hides; undefined: nothing

_IP = {Family.IPV4: "ip", Family.IPV6: "ipv6"}
_ROUTER_IDS = {router: f"198.51.100.{20 + n}" for n, router in enumerate(ASN)} | {
    edge: str(LAN_ADDRESSES[edge][0].ip) for edge in EDGES
}


def frr_config(router: str) -> str:
    """The integrated configuration of a router."""
    lines = [
        "frr defaults traditional",
        f"hostname {router}",
        "log file /var/log/frr/frr.log informational",
        "service integrated-vtysh-config",
        *_statics(router),
        "!",
        *_bgp(router),
        "!",
        *_policies(router),
    ]
    return "\n".join(lines) + "\n"


def _statics(router: str) -> Iterator[str]:
    for prefix in ORIGINATES[router]:
        if prefix != LAN_ADDRESSES["edge1"][0].network:  # connected: announced without
            yield _route(prefix, "Null0")
    for link in LINKS:
        wire = WIRE[link.name]
        for source in link.probe_sources:
            family = family_of(source)
            host = ip_network(source)
            everything = ip_network("0.0.0.0/0" if family is Family.IPV4 else "::/0")
            if router == link.edge:
                yield _route(host, address_on(WIRE["lan"], "noc", family))
                next_hop = address_on(wire, link.upstream.first, family)
                yield f"{_route(everything, next_hop)} table {link.table}"
            elif router == link.upstream.first:
                yield _route(host, address_on(wire, link.edge, family))
            elif router == link.upstream.second:
                inner = WIRE[f"{link.upstream.first}-{link.upstream.second}"]
                next_hop = address_on(inner, link.upstream.first, family)
                yield _route(host, next_hop)
                index = 0 if family is Family.IPV4 else 1
                yield _route(wire.ports[0].addresses[index].network, next_hop)


def _route(prefix: Network, via: object) -> str:
    return f"{_IP[family_of(prefix)]} route {prefix} {via}"


def _bgp(router: str) -> Iterator[str]:
    sessions = sessions_of(router)
    yield f"router bgp {ASN[router]}"
    yield f" bgp router-id {_ROUTER_IDS[router]}"
    yield " no bgp default ipv4-unicast"
    yield " bgp bestpath compare-routerid"
    for session in sessions:
        peer = f" neighbor {session.peer_address}"
        yield f"{peer} remote-as {session.peer_asn}"
        yield f"{peer} description {session.peer}"
        yield f"{peer} timers connect 1"
    for family in Family:
        yield " !"
        yield f" address-family {family} unicast"
        yield from (f"  network {p}" for p in ORIGINATES[router] if family_of(p) is family)
        if router not in EDGES:
            yield "  maximum-paths 1"
        for session in sessions:
            if session.family is family:
                yield from _neighbor(router, session)
        yield " exit-address-family"
    yield "exit"


def _neighbor(router: str, session: Session) -> Iterator[str]:
    peer = f"  neighbor {session.peer_address}"
    yield f"{peer} activate"
    if session.peer_asn == ASN[router]:
        yield f"{peer} next-hop-self"
        return
    if OUR_ASN in (session.peer_asn, ASN[router]):
        # Kept as received: changes of policy act at once, and the upstreams can tell what we really sent.
        yield f"{peer} soft-reconfiguration inbound"
    inward, outward = _policy_names(router, session)
    yield f"{peer} route-map {inward} in"
    yield f"{peer} route-map {outward} out"


def _policy_names(router: str, session: Session) -> tuple[str, str]:
    if router in EDGES:
        upstream = session.peer.rstrip("12").upper()
        return f"{upstream}-IN", f"{upstream}-OUT"
    if session.peer_asn == OUR_ASN:
        return "CUSTOMER-IN", "CUSTOMER-OUT"
    return "ANY", "ANY"


def _policies(router: str) -> Iterator[str]:
    if router in EDGES:
        yield from _edge_policies(router)
        return
    yield from ("route-map ANY permit 10", "exit")
    for upstream in UPSTREAMS:
        if router == upstream.first:
            yield from _customer_policies(upstream.asn)


def _edge_policies(edge: str) -> Iterator[str]:
    """The operator's own base policies, there before any controller: nothing but our prefixes leaves."""
    for prefix in OUR_PREFIXES:
        yield f"{_IP[family_of(prefix)]} prefix-list OWN seq 5 permit {prefix}"
    for link in LINKS:
        if link.edge == edge:
            name = link.upstream.name.upper()
            yield from _map(f"{name}-IN deny 10", "match ip address prefix-list OWN")
            yield from _map(f"{name}-IN deny 20", "match ipv6 address prefix-list OWN")
            yield from _map(f"{name}-IN permit 30")
            yield from _map(f"{name}-OUT permit 10", "match ip address prefix-list OWN")
            yield from _map(f"{name}-OUT permit 20", "match ipv6 address prefix-list OWN")


def _customer_policies(asn: int) -> Iterator[str]:
    """How an upstream treats us: it takes all that we send, so that a leak of ours would show."""
    yield f"bgp community-list standard BACKUP seq 5 permit {asn}:{BACKUP_COMMUNITY_VALUE}"
    backup = ("match community BACKUP", f"set local-preference {BACKUP_COMMUNITY_VALUE}")
    yield from _map("CUSTOMER-IN permit 10", *backup)
    yield from _map("CUSTOMER-IN permit 20", f"set local-preference {CUSTOMER_PREFERENCE}")
    yield from _map("CUSTOMER-OUT deny 10", f"match ip address prefix-list {WITHDRAWN_LIST}")
    yield from _map("CUSTOMER-OUT deny 20", f"match ipv6 address prefix-list {WITHDRAWN_LIST}")
    yield from _map("CUSTOMER-OUT permit 30")


def _map(head: str, *body: str) -> Iterator[str]:
    yield f"route-map {head}"
    yield from (f" {line}" for line in body)
    yield "exit"
