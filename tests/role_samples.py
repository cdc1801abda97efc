"""A small network for tests of intents, templates, guard and splicing: one edge, two upstreams of three."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network

from controller.core.model import (
    Assignment,
    Family,
    HealthPolicy,
    Link,
    Placement,
    Policy,
    Preference,
    Role,
    Router,
    StabilityPolicy,
    TrafficClass,
    Upstream,
)

ASN = 64500


def link(router: str, upstream: str, ipv4: str, ipv6: str) -> Link:
    return Link(
        name=f"{router}-{upstream}",
        router=router,
        upstream=upstream,
        interface=upstream,
        neighbors={Family.IPV4: ip_address(ipv4), Family.IPV6: ip_address(ipv6)},
        probe_source={},
        base_policy_in=f"{upstream.upper()}-IN",
        base_policy_out=f"{upstream.upper()}-OUT",
    )


RESIDENTIAL = TrafficClass(
    "residential",
    (ip_network("203.0.113.0/24"), ip_network("2001:db8:500::/48")),
    Preference(("azerbaijan", "georgia", "iran")),
)
BANKS = TrafficClass(
    "banks",
    (ip_network("203.0.113.128/25"),),
    Preference(("georgia", "azerbaijan")),
    destinations=(ip_network("192.0.2.0/25"), ip_network("192.0.2.129/32"), ip_network("2001:db8:200::/48")),
)
ROLES = {
    "primary": Role("primary", 300, prepend=1, further_prepend=-1),
    "backup": Role("backup", 200, prepend=2, further_local_preference=-10, further_prepend=1),
    "drained": Role("drained", 50, prepend=5, communities=("64500:50",), graceful_shutdown=True),
    "withdrawn": Role("withdrawn", 10, announce=False),
}

PARTNERS = TrafficClass(
    "partners",
    (ip_network("203.0.113.0/25"), ip_network("2001:db8:501::/48")),
    Preference(("georgia", "azerbaijan")),
    destinations=(ip_network("198.51.100.0/24"),),
    destination_as=(64510, 65551),
    destination_communities=("64501:70", "65535:666", "64501:1:70"),
    more_specifics=(ip_network("203.0.113.0/26"), ip_network("2001:db8:501:8000::/49")),
    roles={"backup": Role("backup", 200, prepend=4, further_local_preference=-10)},
)
SPOKEN_ROLES = {
    "primary": replace(
        ROLES["primary"],
        med=50,
        further_med=-20,
        upstream_communities={"azerbaijan": ("64501:90", "64501:1:90"), "georgia": ("64502:5",)},
        more_specifics=True,
    ),
    "backup": replace(ROLES["backup"], med=100, further_med=10, communities=("64500:20",)),
    "drained": replace(ROLES["drained"], med=200),
    "withdrawn": replace(ROLES["withdrawn"], more_specifics=True),
}


def policy(*classes: TrafficClass) -> Policy:
    """The network with these classes; one, `residential`, by default."""
    links = (
        link("edge1", "azerbaijan", "198.18.1.1", "2001:db8:501:1::1"),
        link("edge1", "georgia", "198.18.2.1", "2001:db8:502:1::1"),
        link("edge2", "georgia", "198.18.2.5", "2001:db8:502:2::1"),
        link("edge2", "iran", "198.18.3.1", "2001:db8:503:1::1"),
    )
    return Policy(
        upstreams={
            name: Upstream(name, asn)
            for name, asn in (("azerbaijan", 64501), ("georgia", 64502), ("iran", 64503))
        },
        routers={name: Router(name, "frr", ASN) for name in ("edge1", "edge2")},
        links={each.name: each for each in links},
        classes={each.name: each for each in classes or (RESIDENTIAL,)},
        roles=ROLES,
        health=HealthPolicy((), 0.1, 0.3, 0.4, 1, 5, 1),
        stability=StabilityPolicy(600, 60, 3600, 7200, 6, 12),
    )


def spoken() -> Policy:
    """A network that says all that can be said: every knob, every kind of destination, a class's own role."""
    return replace(policy(PARTNERS, RESIDENTIAL), roles=SPOKEN_ROLES)


CALM: Mapping[str, str] = {
    "edge1-azerbaijan": "primary",
    "edge1-georgia": "backup",
    "edge2-georgia": "backup",
    "edge2-iran": "backup-2",
}
AZERBAIJAN_DOWN: Mapping[str, str] = {
    "edge1-azerbaijan": "drained",
    "edge1-georgia": "primary",
    "edge2-georgia": "primary",
    "edge2-iran": "backup",
}


def placement(text: str) -> Placement:
    role, _, rank = text.partition("-")
    return Placement(role, int(rank or 1))


def assignment(**classes: Mapping[str, str]) -> Assignment:
    return {name: {at: placement(text) for at, text in links.items()} for name, links in classes.items()}


def without_bases(of: Policy) -> Policy:
    """The same network, whose operators have no policies of their own."""
    bare = {n: replace(each, base_policy_in=None, base_policy_out=None) for n, each in of.links.items()}
    return replace(of, links=bare)
