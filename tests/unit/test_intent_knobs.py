"""What roles and classes can say in BGP: MED, communities, more-specifics, a class's own roles, destinations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network

import pytest

from controller.core.intent import LARGEST_MED, current_assignment, intents, knobs, name_clashes
from controller.core.model import AsPathList, CommunityList, Placement, Policy, PrefixList, Role, Term
from tests.role_samples import (
    AZERBAIJAN_DOWN,
    BANKS,
    CALM,
    PARTNERS,
    RESIDENTIAL,
    SPOKEN_ROLES,
    assignment,
    policy,
    spoken,
)

BOTH = assignment(partners=CALM, residential=CALM)


def terms(network: Policy, name: str, of: str = "edge1") -> tuple[Term, ...]:
    placed = assignment(**dict.fromkeys(network.classes, CALM))
    return {each.name: each.terms for each in intents(network, placed)[of].policies}[name]


def told(network: Policy, name: str, traffic_class: str = "residential") -> Term:
    """The term by which own prefixes of a class leave."""
    found = (each for each in terms(network, name) if each.match is not None)
    return next(each for each in found if each.match and each.match.name == f"FO-{traffic_class.upper()}")


@pytest.mark.parametrize(
    ("role", "placement", "med"),
    [
        (Role("backup", 200), Placement("backup", 3), None),  # nothing said: nothing set
        (Role("backup", 200, med=0), Placement("backup"), 0),
        (Role("backup", 200, med=100, further_med=10), Placement("backup", 3), 120),
        (Role("primary", 300, med=50, further_med=-20), Placement("primary", 2), 30),
        (Role("primary", 300, med=50, further_med=-20), Placement("primary", 9), 0),
        (Role("backup", 200, med=LARGEST_MED, further_med=1), Placement("backup", 2), LARGEST_MED),
    ],
)
def test_med_is_the_role_s_with_the_further_steps_inside_what_bgp_can_carry(
    role: Role, placement: Placement, med: int | None
) -> None:
    assert knobs(role, placement, "georgia").med == med


def test_med_is_set_on_announcements_and_never_on_what_is_heard() -> None:
    assert told(spoken(), "FO-EDGE1-AZERBAIJAN-BACKUP-OUT").knobs.med == 100
    assert {each.knobs.med for each in terms(spoken(), "FO-EDGE1-AZERBAIJAN-BACKUP-IN")} == {None}


def test_communities_for_one_upstream_are_heard_by_no_other() -> None:
    heard = {
        upstream: knobs(SPOKEN_ROLES["primary"], Placement("primary"), upstream).communities
        for upstream in ("azerbaijan", "georgia", "iran")
    }
    assert heard == {"azerbaijan": ("64501:90", "64501:1:90"), "georgia": ("64502:5",), "iran": ()}


def test_communities_for_one_upstream_stand_beside_those_for_all() -> None:
    role = Role("backup", 200, communities=("64500:20",), upstream_communities={"georgia": ("64502:5",)})
    assert knobs(role, Placement("backup"), "georgia").communities == ("64500:20", "64502:5")


def test_what_a_class_says_of_a_role_holds_for_that_class_only() -> None:
    network = spoken()
    assert told(network, "FO-EDGE1-AZERBAIJAN-BACKUP-OUT", "partners").knobs.prepend == 4
    assert told(network, "FO-EDGE1-AZERBAIJAN-BACKUP-OUT", "residential").knobs.prepend == 2
    assert told(network, "FO-EDGE1-AZERBAIJAN-PRIMARY-OUT", "partners").knobs.med == 30  # everybody's primary


def test_a_class_s_own_local_preference_steers_what_the_class_steers_outbound() -> None:
    partners = replace(PARTNERS, roles={"backup": Role("backup", 222)})
    network = policy(partners, RESIDENTIAL)
    found = terms(network, "FO-EDGE1-AZERBAIJAN-BACKUP-IN")
    assert {each.knobs.local_preference for each in found if each.match} == {222}
    assert found[-1].knobs.local_preference == 200


def test_links_in_a_role_that_says_so_announce_the_class_s_more_specifics_too() -> None:
    def leaves(name: str) -> list[str]:
        return [each.match.name for each in terms(spoken(), name) if each.match]

    own = ["FO-PARTNERS", "FO-RESIDENTIAL"]
    assert leaves("FO-EDGE1-GEORGIA-PRIMARY-OUT") == ["FO-PARTNERS", "FO-PARTNERS-MORE", "FO-RESIDENTIAL"]
    assert leaves("FO-EDGE1-GEORGIA-BACKUP-OUT") == own
    assert leaves("FO-EDGE1-GEORGIA-WITHDRAWN-OUT") == own  # and these are denied: it announces nothing


def test_classes_and_roles_are_still_what_answers_can_be_kept_by() -> None:
    assert {PARTNERS: 1, BANKS: 2}[replace(PARTNERS)] == 1
    assert {SPOKEN_ROLES["primary"]: 1}[replace(SPOKEN_ROLES["primary"])] == 1


def test_more_specifics_are_announced_as_the_role_announces_everything_and_exactly_as_listed() -> None:
    found = terms(spoken(), "FO-EDGE1-GEORGIA-PRIMARY-OUT")
    more = found[1].match
    assert isinstance(more, PrefixList)
    assert (more.prefixes, more.orlonger) == (PARTNERS.more_specifics, False)
    assert found[1].knobs == found[0].knobs


def test_without_a_role_that_announces_them_more_specifics_stay_at_home() -> None:
    for name in ("PRIMARY", "BACKUP", "DRAINED"):
        found = terms(policy(PARTNERS), f"FO-EDGE1-GEORGIA-{name}-OUT")
        assert [each.match and each.match.name for each in found] == ["FO-PARTNERS"]


def test_routes_are_a_class_s_own_by_prefix_by_origin_or_by_community() -> None:
    matched = [each.match for each in terms(spoken(), "FO-EDGE1-GEORGIA-PRIMARY-IN")]
    assert matched == [
        PrefixList("FO-PARTNERS-DEST", PARTNERS.destinations, orlonger=True),
        AsPathList("FO-PARTNERS-DEST-AS", (64510, 65551)),
        CommunityList("FO-PARTNERS-DEST-COMMUNITY", ("64501:70", "65535:666"), "community"),
        CommunityList("FO-PARTNERS-DEST-LARGE", ("64501:1:70",), "large-community"),
        None,
    ]


def test_a_route_that_several_classes_name_is_the_first_one_s_whatever_names_it() -> None:
    by_as = replace(PARTNERS, destinations=(), destination_communities=(), more_specifics=())
    matched = [each.match for each in terms(policy(by_as, BANKS), "FO-EDGE1-GEORGIA-PRIMARY-IN")]
    assert [each and each.name for each in matched] == ["FO-PARTNERS-DEST-AS", "FO-BANKS-DEST", None]


@pytest.mark.parametrize(
    "named",
    [{"destination_as": (64510,)}, {"destination_communities": ("64501:70",)}],
    ids=["by AS", "by community"],
)
def test_a_class_with_destinations_of_any_kind_does_not_carry_the_rest(
    named: Mapping[str, tuple[int | str, ...]],
) -> None:
    first = replace(RESIDENTIAL, name="first", **named)  # type: ignore[arg-type]
    network = policy(first, RESIDENTIAL)
    mixed = terms_of_mixed(network)
    assert [(each.match is None, each.knobs.local_preference) for each in mixed] == [
        (False, 200),
        (True, 300),
    ]


def terms_of_mixed(network: Policy) -> tuple[Term, ...]:
    """Of a link that is a backup to the first class and primary to the rest."""
    placed = assignment(first={**CALM, "edge1-azerbaijan": "backup"}, residential=CALM)
    found = intents(network, placed)["edge1"].policies
    return next(each.terms for each in found if each.name == "FO-EDGE1-AZERBAIJAN-BACKUP+PRIMARY-IN")


def test_every_list_that_is_matched_is_on_the_router_and_no_other() -> None:
    for intent in intents(spoken(), BOTH).values():
        carried = {each.name for each in intent.prefix_lists}
        carried |= {each.name for each in intent.as_path_lists} | {
            each.name for each in intent.community_lists
        }
        matched = {each.match.name for policy in intent.policies for each in policy.terms if each.match}
        assert carried == matched


def test_a_failover_still_changes_attachments_and_nothing_else() -> None:
    calm = intents(spoken(), BOTH)
    down = intents(spoken(), assignment(partners=AZERBAIJAN_DOWN, residential=AZERBAIJAN_DOWN))
    for router, wanted in calm.items():
        assert replace(down[router], attachments=()) == replace(wanted, attachments=())
        assert down[router].attachments != wanted.attachments


def test_what_the_routers_run_tells_the_assignment_back_whatever_the_roles_say() -> None:
    attached = {name: each.attachments for name, each in intents(spoken(), BOTH).items()}
    assert current_assignment(spoken(), attached) == BOTH


@pytest.mark.parametrize(
    "name",
    ["partners-dest", "partners-dest-as", "partners-dest-community", "partners-dest-large", "partners-more"],
)
def test_a_class_named_as_another_s_list_is_told(name: str) -> None:
    other = replace(RESIDENTIAL, name=name, prefixes=(ip_network("192.0.2.0/24"),))
    listed = f"FO-{name.upper()}"
    assert name_clashes(policy(PARTNERS, other)) == (
        f"classes partners and {name} would share the list {listed}: rename one of them",
    )
