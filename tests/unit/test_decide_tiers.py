"""Equals: the faster of them is taken, or all of them at once; nothing is moved between them for little."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from controller.core.intent import intents
from controller.core.model import Direction, Preference, TrafficClass
from tests.decide_world import AZ, B1, DOWN, GE1, GE2, IR, UNKNOWN, UP, USUAL, D, P, World, world
from tests.unit.test_decide_people import order, take_back

PREFIX = (ip_network("203.0.113.0/24"),)
EQUALS = TrafficClass("residential", PREFIX, Preference(("azerbaijan", "georgia", "iran"), (0, 1, 1)))
SHARED = TrafficClass("residential", PREFIX, Preference(("azerbaijan", "georgia+iran")))


def slow(w: World, link: str, tail_ms: float) -> None:
    w.delay({link: USUAL}, {link: tail_ms})


# --- equals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("georgia_ms", "chosen"), [(30.0, GE1), (130.0, IR)])
def test_of_equals_the_faster_is_taken(georgia_ms: float, chosen: str) -> None:
    w = world(EQUALS)
    for link in (GE1, GE2):
        slow(w, link, georgia_ms)
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.of()[chosen] == P


def test_a_little_faster_is_not_faster_so_that_the_order_of_the_file_counts() -> None:
    w = world(EQUALS)
    for link in (GE1, GE2):
        slow(w, link, 45.0)
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.of()[GE1] == P


def test_what_works_is_not_left_for_an_equal() -> None:
    w = world(EQUALS)
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.of()[GE1] == P
    for link in (GE1, GE2):
        slow(w, link, 140.0)
    for _ in range(5):
        w.step(1300)
    assert w.of()[GE1] == P


def test_an_earlier_tier_is_returned_to() -> None:
    w = world(EQUALS)
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP})
    w.step(1)
    w.step(1300)
    assert w.of()[AZ] == P


# --- sharing ---------------------------------------------------------------------------------------


def test_those_that_share_carry_together_and_one_that_fails_is_left_to_the_others() -> None:
    w = world(SHARED)
    assert w.of() == {AZ: P, GE1: B1, GE2: B1, IR: B1}
    w.turn({AZ: DOWN})
    decision = w.step(1)
    assert decision.sentence.startswith("residential moved from azerbaijan to georgia+iran: ")
    assert w.of() == {AZ: D, GE1: P, GE2: P, IR: P}
    w.turn({IR: DOWN})
    decision = w.step(1)
    assert decision.escape
    assert decision.sentence.startswith("residential stays on georgia+iran without edge2-iran: ")
    assert w.of()[GE1] == w.of()[GE2] == P
    assert w.of()[IR] == D
    w.turn({IR: UP})
    w.step(1)
    w.step(1300)
    assert w.of()[IR] == P


def test_sharing_as_the_first_choice_is_what_calm_looks_like() -> None:
    w = world(TrafficClass("residential", PREFIX, Preference(("azerbaijan+iran", "georgia"))))
    assert w.of() == {AZ: P, GE1: B1, GE2: B1, IR: P}
    w.turn({AZ: DOWN, IR: DOWN})
    w.step(1)
    assert w.of()[GE1] == P


def test_a_link_that_nothing_is_known_of_is_left_where_it_is_while_others_share() -> None:
    w = world(SHARED)
    w.turn({AZ: DOWN, IR: UNKNOWN})
    w.step(1)
    assert w.of() == {AZ: D, GE1: P, GE2: P, IR: B1}


def test_a_class_pinned_to_one_of_those_that_share_is_carried_by_it_alone() -> None:
    w = world(TrafficClass("residential", PREFIX, Preference(("georgia+iran", "azerbaijan"))))
    assert w.of()[IR] == w.of()[GE1] == P
    made = order(w, "pin", "residential", "iran")
    w.step(1)
    assert w.of()[IR] == P
    assert w.of()[GE1] not in (P, D)
    take_back(w, made)
    w.step(700)
    assert w.of()[GE1] == P


def test_every_placement_of_those_that_share_is_on_the_routers_before_it_is_needed() -> None:
    w = world(SHARED)
    calm = intents(w.policy, w.current)
    w.turn({AZ: DOWN})
    w.step(1)
    after = intents(w.policy, w.current)
    for router in after:
        known = {each.name for each in calm[router].policies}
        assert {each.policy for each in after[router].attachments} <= known


def test_those_that_share_announce_alike_so_that_inbound_traffic_sees_no_first_among_them() -> None:
    w = world(SHARED)
    primary = {
        each.link: each.terms[0].knobs.prepend
        for intent in intents(w.policy, w.current).values()
        for each in intent.policies
        if each.direction is Direction.OUT and each.name.endswith("PRIMARY-OUT")
    }
    assert primary[GE1] == primary[GE2] == primary[IR]


# --- one class's own rules -------------------------------------------------------------------------


def test_a_class_may_be_calmer_than_the_rest() -> None:
    patient = replace(
        EQUALS, name="patient", stability=replace(world().policy.stability, fail_back_clean_s=600.0)
    )
    w = world(replace(EQUALS, name="quick"), patient)
    w.turn({AZ: DOWN})
    w.step(1)
    w.now += 700
    w.turn({AZ: UP})
    w.step(1)
    w.step(100)
    assert w.of("quick")[AZ] == P
    assert w.of("patient")[GE1] == P
    w.step(600)
    assert w.of("patient")[AZ] == P


def test_a_class_may_have_its_own_role_for_links_that_are_down() -> None:
    w = world(replace(EQUALS, name="strict", when_down="withdrawn"), replace(EQUALS, name="loose"))
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.of("strict")[AZ].role == "withdrawn"
    assert w.of("loose")[AZ] == D
