"""Lists of destinations and more-specifics: what the guard lets pass, and attacks that it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.config.starter import default_templates
from controller.core.guard import owned_object, ownership, review
from controller.core.intent import intents
from controller.core.model import Change
from controller.fleet.frr_config import changes
from controller.render import JinjaRenderer
from tests.role_samples import CALM, PARTNERS, RESIDENTIAL, SPOKEN_ROLES, assignment, policy, spoken

EDGE1 = ownership(spoken(), "edge1")
IN = "route-map FO-EDGE1-GEORGIA-BACKUP-IN permit 20"
PRIMARY_OUT = "route-map FO-EDGE1-GEORGIA-PRIMARY-OUT permit 60"
BACKUP_OUT = "route-map FO-EDGE1-GEORGIA-BACKUP-OUT permit 60"
MIXED_OUT = "route-map FO-EDGE1-GEORGIA-BACKUP+PRIMARY-OUT permit 60"
MORE = "match ip address prefix-list FO-PARTNERS-MORE"


def add(line: str, *context: str) -> Change:
    return Change(added=True, context=context, line=line)


def remove(line: str, *context: str) -> Change:
    return Change(added=False, context=context, line=line)


AS, COMMUNITY, LARGE = (
    "bgp as-path access-list FO-PARTNERS-DEST-AS",
    "bgp community-list standard FO-PARTNERS-DEST-COMMUNITY",
    "bgp large-community-list standard FO-PARTNERS-DEST-LARGE",
)

ALLOWED = {
    "routes of a listed AS": [add(f"{AS} seq 5 permit _64510$"), add(f"{AS} seq 10 permit _65551$")],
    "listed communities": [
        add(f"{COMMUNITY} seq 5 permit 64501:70"),
        add(f"{LARGE} seq 5 permit 64501:1:70"),
    ],
    "a listed community as FRR calls it": [add(f"{COMMUNITY} seq 10 permit blackhole")],
    "entries that take out of a list": [
        add(f"{AS} seq 1 deny _64510_"),
        add(f"{COMMUNITY} seq 1 deny 64501:71"),
    ],
    "lists of ours going, whatever they hold": [
        remove("bgp as-path access-list FO-OLD seq 5 permit .*"),
        remove("bgp community-list expanded FO-OLD seq 5 permit .*"),
    ],
    "an import policy that matches them": [
        add(IN),
        add("match as-path FO-PARTNERS-DEST-AS", IN),
        add("match community FO-PARTNERS-DEST-COMMUNITY", IN),
        add("match large-community FO-PARTNERS-DEST-LARGE", IN),
    ],
    "exactly the more-specifics of the policy": [
        add("ip prefix-list FO-PARTNERS-MORE seq 5 permit 203.0.113.0/26"),
        add("ipv6 prefix-list FO-PARTNERS-MORE seq 5 permit 2001:db8:501:8000::/49"),
    ],
    "more-specifics in a role that announces them": [add(PRIMARY_OUT), add(MORE, PRIMARY_OUT)],
    "MED": [add("set metric 100", PRIMARY_OUT)],
}

REFUSED = {
    "everybody's routes": ([add(f"{AS} seq 5 permit .*")], "no pattern of an AS"),
    "routes of another AS": ([add(f"{AS} seq 5 permit _64511$")], "no pattern of an AS"),
    "an AS whose number ends alike": ([add(f"{AS} seq 5 permit 64510$")], "no pattern of an AS"),
    "routes that only pass through": ([add(f"{AS} seq 5 permit _64510_")], "no pattern of an AS"),
    "one of two": ([add(f"{AS} seq 5 permit _64510$|.*")], "no pattern of an AS"),
    "an AS path list that no class has": (
        [add("bgp as-path access-list FO-EVIL seq 5 permit _64510$")],
        "has a list FO-EVIL",
    ),
    "an AS path list for a class without one": (
        [add("bgp as-path access-list FO-RESIDENTIAL-DEST-AS seq 5 permit _64510$")],
        "has a list",
    ),
    "an operator's AS path list": ([add("bgp as-path access-list PEERS seq 5 permit .*")], "does not own"),
    "an operator's community list": (
        [add("bgp community-list standard PEERS permit 64501:70")],
        "does not own",
    ),
    "another community": ([add(f"{COMMUNITY} seq 5 permit 64501:71")], "does not list community 64501:71"),
    "no community at all": ([add(f"{COMMUNITY} seq 5 permit")], "can read"),
    "a word that means every route": (
        [add(f"{COMMUNITY} seq 5 permit internet")],
        "does not list community internet",
    ),
    "two at once": ([add(f"{COMMUNITY} seq 5 permit 64501:70 64501:71")], "does not list"),
    "a large community in the other list": ([add(f"{COMMUNITY} seq 5 permit 64501:1:70")], "does not list"),
    "another large community": ([add(f"{LARGE} seq 5 permit 64501:1:71")], "does not list"),
    "a regular expression": (
        [add("bgp community-list expanded FO-PARTNERS-DEST-COMMUNITY seq 5 permit 64501:70")],
        "can read",
    ),
    "one kind of list under the name of another": (
        [add("bgp community-list standard FO-PARTNERS-DEST-AS seq 5 permit 64501:70")],
        "of this kind",
    ),
    "a prefix list under the name of a community list": (
        [add("ip prefix-list FO-PARTNERS-DEST-COMMUNITY seq 5 permit 203.0.113.0/25")],
        "of this kind",
    ),
    "a prefix as a pattern of paths": (
        [add("bgp as-path access-list FO-PARTNERS-MORE seq 5 permit 2001:db8:501:8000::/49")],
        "of this kind",
    ),
    "an operator's AS path list matched": ([add("match as-path PEERS", IN)], "has a list PEERS"),
    "an operator's community list matched": ([add("match community PEERS", IN)], "has a list PEERS"),
    "a kind of community that policy knows nothing of": ([add("match extcommunity RT", IN)], "has a list RT"),
    "the wrong kind of list matched": ([add("match as-path FO-PARTNERS-DEST-COMMUNITY", IN)], "of this kind"),
    "two lists in one line": (
        [add("match community FO-PARTNERS-DEST-COMMUNITY or PEERS", IN)],
        "can read",
    ),
    "an export entry that matches paths only": (
        [add(PRIMARY_OUT), add("match as-path FO-PARTNERS-DEST-AS", PRIMARY_OUT)],
        "anything could leak",
    ),
    "an export entry that matches communities only": (
        [add(PRIMARY_OUT), add("match community FO-PARTNERS-DEST-COMMUNITY", PRIMARY_OUT)],
        "anything could leak",
    ),
    "a more-specific that the policy does not list": (
        [add("ip prefix-list FO-PARTNERS-MORE seq 5 permit 203.0.113.64/26")],
        "does not list 203.0.113.64/26",
    ),
    "whatever is inside a more-specific": (
        [add("ip prefix-list FO-PARTNERS-MORE seq 5 permit 203.0.113.0/26 le 32")],
        "never longer",
    ),
    "a more-specific among own prefixes": (
        [add("ip prefix-list FO-PARTNERS seq 5 permit 203.0.113.0/26")],
        "does not list",
    ),
    "more-specifics of a class that has none": (
        [add("ip prefix-list FO-RESIDENTIAL-MORE seq 5 permit 203.0.113.0/25")],
        "has a list",
    ),
    "more-specifics in a role that is silent about them": (
        [add(BACKUP_OUT), add(MORE, BACKUP_OUT)],
        "no role of FO-EDGE1-GEORGIA-BACKUP-OUT announces more-specifics of partners",
    ),
    "more-specifics where another class has the role that announces them": (
        [add(MIXED_OUT), add(MORE, MIXED_OUT)],
        "announces more-specifics of partners",
    ),
    "more-specifics over a link that is nobody's": (
        [add(MORE, "route-map FO-ANY-PRIMARY-OUT permit 10")],
        "announces more-specifics",
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_the_guard_allows(case: str) -> None:
    assert review(ALLOWED[case], EDGE1) == ()


@pytest.mark.parametrize("case", REFUSED)
def test_the_guard_refuses(case: str) -> None:
    found, why = REFUSED[case]
    objections = review(found, EDGE1)
    assert objections
    assert why in objections[0]


@pytest.mark.parametrize(
    ("entry", "passes"),
    [
        ("route-map FO-EDGE1-GEORGIA-BACKUP+PRIMARY-OUT permit 60", True),
        ("route-map FO-EDGE1-GEORGIA-PRIMARY+BACKUP-OUT permit 60", False),
    ],
)
def test_whose_role_announces_more_specifics_is_told_by_the_class_s_place_in_the_policy(
    entry: str, *, passes: bool
) -> None:
    second = replace(policy(RESIDENTIAL, PARTNERS), roles=SPOKEN_ROLES)
    found = review([add(entry), add(MORE, entry)], ownership(second, "edge1"))
    assert (found == ()) == passes


@pytest.mark.parametrize(
    "line",
    ["bgp as-path access-list FO-X seq 5 permit _64510$", "bgp community-list expanded FO-X permit .*"],
)
def test_lists_of_our_name_are_ours_whatever_their_style(line: str) -> None:
    assert (
        owned_object((), line)
        == " ".join(line.split(" FO-X", maxsplit=1)[0].replace(" expanded", "").split()) + " FO-X"
    )
    assert owned_object((), line.replace("FO-X", "X")) is None


def test_what_one_policy_renders_another_policy_s_guard_refuses() -> None:
    """A plan made for a policy that has changed since announces and matches nothing that is not listed now."""
    intent = intents(spoken(), assignment(partners=CALM, residential=CALM))["edge1"]
    rendered = JinjaRenderer(default_templates()).render(intent)
    objections = " ".join(review(changes("", rendered), ownership(policy(), "edge1")))
    for name in ("MORE", "DEST-AS", "DEST-COMMUNITY", "DEST-LARGE"):
        assert f"no class of the policy has a list FO-PARTNERS-{name}" in objections
