"""From an assignment to role policies, and back."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network

import pytest

from controller.core import names
from controller.core.intent import current_assignment, intents, knobs, name_clashes
from controller.core.model import (
    Attachment,
    Direction,
    Family,
    Knobs,
    Placement,
    Policy,
    Preference,
    PrefixList,
    RolePolicy,
    TrafficClass,
)
from tests.role_samples import AZERBAIJAN_DOWN, BANKS, CALM, RESIDENTIAL, ROLES, assignment, policy

ONE = policy()
TWO = policy(RESIDENTIAL, BANKS)


def role_policy(name: str, of: str = "edge1", **classes: Mapping[str, str]) -> RolePolicy:
    network = TWO if "banks" in classes else ONE
    found = {each.name: each for each in intents(network, assignment(**classes))[of].policies}
    return found[name]


@pytest.mark.parametrize(
    ("placement", "local_preference", "prepend"),
    [
        (Placement("backup"), 200, 2),
        (Placement("backup", 2), 190, 3),
        (Placement("backup", 4), 170, 5),
        (Placement("backup", 99), 0, 100),
    ],
)
def test_each_further_backup_gets_the_further_steps(
    placement: Placement, local_preference: int, prepend: int
) -> None:
    assert knobs(ROLES["backup"], placement, "georgia") == Knobs(local_preference, prepend, (), False, True)


def prepends(network: Policy, name: str, of: str) -> list[int]:
    wanted = intents(network, assignment(**dict.fromkeys(network.classes, CALM)))[of].policies
    return [term.knobs.prepend for each in wanted if each.name == name for term in each.terms]


def test_a_further_choice_once_primary_announces_a_shorter_path_than_the_first_left_behind() -> None:
    first = prepends(ONE, "FO-EDGE1-AZERBAIJAN-PRIMARY-OUT", "edge1")
    second = prepends(ONE, "FO-EDGE1-GEORGIA-PRIMARY-OUT", "edge1")
    third = prepends(ONE, "FO-EDGE2-IRAN-PRIMARY-OUT", "edge2")
    assert (first, second, third) == ([1], [0], [0])  # nothing is shorter than no prepend


def test_what_is_held_in_reserve_follows_each_class_s_own_preference() -> None:
    assert prepends(TWO, "FO-EDGE1-AZERBAIJAN-PRIMARY-OUT", "edge1") == [1, 0]
    assert prepends(TWO, "FO-EDGE1-GEORGIA-PRIMARY-OUT", "edge1") == [0, 1]  # banks prefer georgia


def test_every_uniform_placement_of_a_link_is_installed_ahead_of_time() -> None:
    wanted = {each.name for each in intents(ONE, assignment(residential=CALM))["edge1"].policies}
    placements = ("PRIMARY", "BACKUP", "BACKUP-2", "DRAINED", "WITHDRAWN")
    assert wanted == {
        f"FO-EDGE1-{upstream}-{placement}-{direction}"
        for upstream in ("AZERBAIJAN", "GEORGIA")
        for placement in placements
        for direction in ("IN", "OUT")
    }


def test_a_failover_changes_attachments_and_nothing_else() -> None:
    calm = intents(TWO, assignment(residential=CALM, banks=CALM))
    down = intents(TWO, assignment(residential=AZERBAIJAN_DOWN, banks=AZERBAIJAN_DOWN))
    for router in TWO.routers:
        assert calm[router].policies == down[router].policies
        assert calm[router].prefix_lists == down[router].prefix_lists
        assert calm[router].attachments != down[router].attachments


def test_mixed_placements_of_calm_and_of_each_single_failure_are_installed_ahead_of_time() -> None:
    installed = {
        each.name for each in intents(TWO, assignment(residential=CALM, banks=CALM))["edge1"].policies
    }
    assert "FO-EDGE1-AZERBAIJAN-PRIMARY+BACKUP-OUT" in installed  # calm, by preference
    assert "FO-EDGE1-GEORGIA-BACKUP+PRIMARY-IN" in installed
    drained = {each for each in installed if "GEORGIA-DRAINED" in each}  # georgia fails: the same for both
    assert drained == {"FO-EDGE1-GEORGIA-DRAINED-IN", "FO-EDGE1-GEORGIA-DRAINED-OUT"}


def test_both_families_of_a_link_use_its_role_policies_in_both_directions() -> None:
    attached = intents(ONE, assignment(residential=CALM))["edge1"].attachments
    georgia = ONE.links["edge1-georgia"].neighbors
    assert [each for each in attached if each.neighbor in georgia.values()] == [
        Attachment(georgia[family], family, direction, f"FO-EDGE1-GEORGIA-BACKUP-{direction.upper()}")
        for family in Family
        for direction in Direction
    ]


def test_a_link_that_the_assignment_does_not_mention_keeps_what_it_has() -> None:
    calm = {at: role for at, role in CALM.items() if at != "edge1-georgia"}
    wanted = intents(ONE, assignment(residential=calm))["edge1"]
    assert {str(each.neighbor) for each in wanted.attachments} == {"198.18.1.1", "2001:db8:501:1::1"}
    assert "FO-EDGE1-GEORGIA-PRIMARY-OUT" in {each.name for each in wanted.policies}


def test_an_export_policy_matches_the_own_prefixes_of_each_class_and_nothing_else() -> None:
    terms = role_policy("FO-EDGE1-AZERBAIJAN-BACKUP-OUT", residential=CALM, banks=CALM).terms
    assert [(each.match and each.match.name) for each in terms] == ["FO-RESIDENTIAL", "FO-BANKS"]
    assert all(isinstance(each.match, PrefixList) and not each.match.orlonger for each in terms)


def test_an_import_policy_steers_by_local_preference_alone_and_ends_by_matching_everything() -> None:
    mixed = role_policy("FO-EDGE1-AZERBAIJAN-PRIMARY+BACKUP-IN", residential=CALM, banks=CALM)
    assert [(each.match and each.match.name, each.knobs) for each in mixed.terms] == [
        ("FO-BANKS-DEST", Knobs(200, 0, (), False, True)),
        (None, Knobs(300, 0, (), False, True)),
    ]


def test_where_every_class_names_destinations_the_rest_follows_the_first() -> None:
    network = policy(BANKS)
    wanted = intents(network, assignment(banks=CALM))["edge1"]
    terms = next(each.terms for each in wanted.policies if each.name.endswith("AZERBAIJAN-BACKUP-IN"))
    assert [each.match is None for each in terms] == [False, True]
    assert {each.knobs.local_preference for each in terms} == {200}


def test_a_router_without_links_owns_nothing() -> None:
    network = replace(ONE, links={n: each for n, each in ONE.links.items() if each.router == "edge1"})
    wanted = intents(network, {})["edge2"]
    assert (wanted.prefix_lists, wanted.policies, wanted.attachments) == ((), (), ())


def test_attached_policies_tell_the_assignment_back() -> None:
    wanted = assignment(residential=CALM, banks=AZERBAIJAN_DOWN)
    attached = {name: each.attachments for name, each in intents(TWO, wanted).items()}
    assert current_assignment(TWO, attached) == wanted


def test_a_link_half_changed_or_foreign_or_unread_is_missing_from_what_is_told_back() -> None:
    attached = {
        name: list(each.attachments)
        for name, each in intents(ONE, assignment(residential=CALM)).items()
        if name != "edge2"
    }
    first, second = attached["edge1"][0], attached["edge1"][4]
    attached["edge1"][0] = replace(first, policy="FO-EDGE1-AZERBAIJAN-DRAINED-IN")
    attached["edge1"][4] = replace(second, policy="GEORGIA-IN")
    assert current_assignment(ONE, attached) == {"residential": {}}


def test_a_policy_of_another_link_or_direction_is_not_taken_for_a_link_s_own() -> None:
    name = names.policy_name("edge1-iran", (Placement("primary"),), Direction.IN)
    assert names.placements_of(name, "edge1-iran", Direction.IN, 1) == (Placement("primary"),)
    assert names.placements_of(name, "edge1-iran", Direction.OUT, 1) is None
    assert names.placements_of(name, "edge1", Direction.IN, 1) is None
    assert names.placements_of("FO-EDGE1-IRAN-IN", "edge1-iran", Direction.IN, 1) is None


def test_many_classes_in_different_roles_still_get_a_name_that_routers_take() -> None:
    mixed = tuple(Placement("backup", 2 + n % 2) for n in range(16))
    name = names.policy_name("edge1-azerbaijan", mixed, Direction.OUT)
    assert name == f"FO-EDGE1-AZERBAIJAN-{'.'.join(['B2', 'B3'] * 8)}-OUT"
    assert len(name) <= names.MAX_LENGTH
    assert names.placements_of(name, "edge1-azerbaijan", Direction.OUT, 16) == mixed


def test_names_that_would_clash_on_a_router_are_told_with_what_to_do() -> None:
    impostor = TrafficClass("banks-dest", (ip_network("203.0.113.0/25"),), Preference(("iran",)))
    assert name_clashes(policy(RESIDENTIAL, BANKS)) == ()
    assert name_clashes(policy(BANKS, impostor)) == (
        "classes banks and banks-dest would share the list FO-BANKS-DEST: rename one of them",
    )


def test_more_classes_than_a_name_can_hold_are_told() -> None:
    many = [TrafficClass(f"c{n}", (), Preference(("iran", "georgia"))) for n in range(40)]
    assert "use a shorter name or fewer classes" in name_clashes(policy(*many))[0]
