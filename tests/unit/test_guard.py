"""What may be changed on a router, and what is refused."""

import pytest

from controller.core.guard import ownership, review
from controller.core.model import Change
from tests.role_samples import BANKS, RESIDENTIAL, policy, without_bases

NETWORK = policy(RESIDENTIAL, BANKS)
EDGE1 = ownership(NETWORK, "edge1")
V4 = ("router bgp 64500", "address-family ipv4 unicast")
V6 = ("router bgp 64500", "address-family ipv6 unicast")
OUT_ENTRY = "route-map FO-EDGE1-GEORGIA-BACKUP-OUT permit 20"
IN_ENTRY = "route-map FO-EDGE1-GEORGIA-BACKUP-IN permit 20"
OWN_MATCH = "match ip address prefix-list FO-RESIDENTIAL"


def add(line: str, *context: str) -> Change:
    return Change(added=True, context=context, line=line)


def remove(line: str, *context: str) -> Change:
    return Change(added=False, context=context, line=line)


def neighbor(name: str, direction: str = "in", address: str = "198.18.2.1") -> str:
    return f"neighbor {address} route-map {name} {direction}"


ROLE_IN, ROLE_OUT = "FO-EDGE1-GEORGIA-BACKUP-IN", "FO-EDGE1-GEORGIA-BACKUP-OUT"

ALLOWED = {
    "own prefixes exactly as listed": [
        add("ip prefix-list FO-RESIDENTIAL seq 5 permit 203.0.113.0/24"),
        add("ipv6 prefix-list FO-RESIDENTIAL seq 5 permit 2001:db8:500::/48"),
    ],
    "destinations and what is inside them": [
        add("ip prefix-list FO-BANKS-DEST seq 5 permit 192.0.2.0/25 le 32")
    ],
    "a deny in an owned list": [add("ip prefix-list FO-RESIDENTIAL seq 1 deny any")],
    "owned objects going": [
        remove("ip prefix-list FO-OLD seq 5 permit 0.0.0.0/0 le 32"),
        remove("route-map FO-OLD-OUT permit 10"),
        remove("match ip address prefix-list FO-OLD", "route-map FO-OLD-OUT permit 10"),
    ],
    "an export entry that matches own prefixes": [
        add(OUT_ENTRY),
        add("call GEORGIA-OUT", OUT_ENTRY),
        add(OWN_MATCH, OUT_ENTRY),
        add("set as-path prepend 64500 64500", OUT_ENTRY),
        add("set community graceful-shutdown additive", OUT_ENTRY),
        add("on-match next", OUT_ENTRY),
    ],
    "an export entry that matches other own prefixes than before": [
        remove(OWN_MATCH, OUT_ENTRY),
        add("match ip address prefix-list FO-BANKS", OUT_ENTRY),
    ],
    "an export entry that denies": [add("route-map FO-EDGE1-GEORGIA-BACKUP-OUT deny 65535")],
    "an import entry that matches everything": [add(IN_ENTRY), add("set local-preference 200", IN_ENTRY)],
    "a base policy replaced by a role policy that calls it": [
        remove(neighbor("GEORGIA-IN"), *V4),
        add(neighbor(ROLE_IN), *V4),
    ],
    "a role policy replaced by another": [
        remove(neighbor("FO-EDGE1-GEORGIA-PRIMARY-OUT", "out", "2001:db8:502:1::1"), *V6),
        add(neighbor(ROLE_OUT, "out", "2001:db8:502:1::1"), *V6),
    ],
    "a policy where there was none": [add(neighbor(ROLE_OUT, "out"), *V4)],
    "an address family shown for the first time": [
        add("address-family ipv4 unicast", "router bgp 64500"),
        add(neighbor(ROLE_OUT, "out"), *V4),
    ],
}

REFUSED = {
    "a line of somebody else": ([add("ip route 0.0.0.0/0 198.18.1.1")], "does not own this line"),
    "an owned-looking line in a wrong place": (
        [add(OWN_MATCH, "route-map GEORGIA-OUT permit 10")],
        "does not own",
    ),
    "a description that goes": ([remove("neighbor 198.18.2.1 description x", V4[0])], "does not own"),
    "a session shut": ([add("neighbor 198.18.2.1 shutdown", V4[0])], "does not own"),
    "a prefix announced": ([add("network 198.51.100.0/24", *V4)], "does not own"),
    "the address family going": ([remove("address-family ipv4 unicast", V4[0])], "does not own"),
    "another AS's BGP": ([add(neighbor(ROLE_OUT, "out"), "router bgp 64999", V4[1])], "does not own"),
    "another family of routes": (
        [add(neighbor(ROLE_OUT, "out"), V4[0], "address-family ipv4 vpn")],
        "does not own",
    ),
    "two lines in one": ([add("route-map FO-A-IN permit 10\nno router bgp 64500")], "does not own"),
    "a stranger's prefix": (
        [add("ip prefix-list FO-RESIDENTIAL seq 5 permit 198.51.100.0/24")],
        "does not list",
    ),
    "everything": ([add("ip prefix-list FO-RESIDENTIAL seq 5 permit any")], "not a prefix"),
    "a default route": ([add("ip prefix-list FO-RESIDENTIAL seq 5 permit 0.0.0.0/0")], "does not list"),
    "longer prefixes": (
        [add("ip prefix-list FO-RESIDENTIAL seq 5 permit 203.0.113.0/24 le 32")],
        "never longer",
    ),
    "another class's prefix": ([add("ip prefix-list FO-BANKS seq 5 permit 203.0.113.0/24")], "does not list"),
    "a prefix of the other family": (
        [add("ip prefix-list FO-RESIDENTIAL seq 5 permit 2001:db8:500::/48")],
        "does not list",
    ),
    "a list that no class has": ([add("ip prefix-list FO-X seq 5 permit 203.0.113.0/24")], "no class"),
    "an entry that cannot be read": (
        [add("ip prefix-list FO-RESIDENTIAL seq 5 allow 203.0.113.0/24")],
        "can read",
    ),
    "an export entry without a match": ([add(OUT_ENTRY)], "anything could leak"),
    "an export entry for base only": (
        [add(OUT_ENTRY), add("call GEORGIA-OUT", OUT_ENTRY), add("on-match next", OUT_ENTRY)],
        "anything could leak",
    ),
    "an export entry that loses its match": ([remove(OWN_MATCH, OUT_ENTRY)], "anything could leak"),
    "an export entry that matches destinations": (
        [add(OUT_ENTRY), add("match ip address prefix-list FO-BANKS-DEST", OUT_ENTRY)],
        "not a list of own prefixes",
    ),
    "an export entry that matches an operator's list": (
        [add(OUT_ENTRY), add("match ip address prefix-list OWN", OUT_ENTRY)],
        "not a list of own prefixes",
    ),
    "a policy of unknown direction without a match": (
        [add("route-map FO-ANY permit 10")],
        "anything could leak",
    ),
    "another AS prepended": ([add("set as-path prepend 64500 64501", OUT_ENTRY)], "only AS 64500"),
    "a path cleaned": ([add("set as-path exclude 64501", OUT_ENTRY)], "only AS 64500"),
    "somebody's policy called": ([add("call IRAN-OUT", OUT_ENTRY)], "not the base policy"),
    "the wrong direction's base called": ([add("call GEORGIA-IN", OUT_ENTRY)], "not the base policy"),
    "no line of a route-map": ([add("router bgp 64500", OUT_ENTRY)], "not a line of a route-map"),
    "an unknown neighbor": ([add(neighbor(ROLE_IN, "in", "198.18.9.1"), *V4)], "no neighbor of any link"),
    "a peer-group": ([add(neighbor(ROLE_IN, "in", "UPSTREAMS"), *V4)], "no neighbor of any link"),
    "a neighbor of another router": (
        [add(neighbor(ROLE_IN, "in", "198.18.3.1"), *V4)],
        "no neighbor of any link",
    ),
    "a neighbor in the wrong family": ([add(neighbor(ROLE_IN), *V6)], "no neighbor of any link"),
    "another link's policy": ([add(neighbor("FO-EDGE1-AZERBAIJAN-BACKUP-IN"), *V4)], "no policy of link"),
    "an import policy outward": ([add(neighbor(ROLE_IN, "out"), *V4)], "no policy of link"),
    "an operator's policy attached": ([add(neighbor("GEORGIA-IN"), *V4)], "no policy of link"),
    "a policy taken away": ([remove(neighbor(ROLE_IN), *V4)], "without a policy"),
    "a base policy taken away": ([remove(neighbor("GEORGIA-IN"), *V4)], "without a policy"),
    "a policy taken away in one direction, set in the other": (
        [remove(neighbor("GEORGIA-IN"), *V4), add(neighbor(ROLE_OUT, "out"), *V4)],
        "without a policy",
    ),
    "two policies in one direction": (
        [add(neighbor(ROLE_IN), *V4), add(neighbor("FO-EDGE1-GEORGIA-PRIMARY-IN"), *V4)],
        "two policies",
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_the_guard_allows(case: str) -> None:
    assert review(ALLOWED[case], EDGE1) == ()


@pytest.mark.parametrize("case", REFUSED)
def test_the_guard_refuses(case: str) -> None:
    changes, why = REFUSED[case]
    objections = review(changes, EDGE1)
    assert objections
    assert all(text.startswith("edge1: ") for text in objections)
    assert why in objections[0]


def test_an_unknown_policy_on_a_neighbor_is_refused_with_what_to_write_where() -> None:
    changes = [remove(neighbor("CUSTOM-IN"), *V4), add(neighbor(ROLE_IN), *V4)]
    (objection,) = review(changes, EDGE1)
    assert objection == (
        "edge1: neighbor 198.18.2.1 (link edge1-georgia) uses route-map CUSTOM-IN in for ipv4, but the inventory "
        "names GEORGIA-IN as its base policy: write base_policy: {in: CUSTOM-IN} for edge1-georgia in hosts.yaml, "
        "so that role policies call it"
    )


def test_where_the_inventory_names_no_base_policy_any_policy_found_is_unknown() -> None:
    changes = [remove(neighbor("GEORGIA-IN"), *V4), add(neighbor(ROLE_IN), *V4)]
    (objection,) = review(changes, ownership(without_bases(NETWORK), "edge1"))
    assert "names none as its base policy" in objection


def test_every_objection_is_told_once_in_the_order_of_the_changes() -> None:
    changes = [add("hostname b"), add("hostname a"), add("hostname b")]
    assert [text.split("'")[1] for text in review(changes, EDGE1)] == ["hostname b", "hostname a"]
