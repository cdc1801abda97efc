"""A dead path is left at once, for the best there is, within a budget of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import (
    BACKUP,
    ControlState,
    Family,
    FamilyHealth,
    LinkMemory,
    Moment,
    Placement,
    Verdict,
)
from controller.core.policy import decide
from tests.decide_world import (
    AZ,
    B1,
    B2,
    CALM,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    ON_GEORGIA,
    STABILITY,
    UNKNOWN,
    UP,
    D,
    P,
    W,
    World,
    policy,
    see,
    traffic_class,
    world,
)


@pytest.mark.parametrize(
    ("verdicts", "suspect", "expected"),
    [
        ({}, (), {AZ: D, GE1: P, GE2: P, IR: B2}),
        ({GE1: DOWN}, (), {AZ: D, GE1: D, GE2: P, IR: B2}),
        ({GE1: DEGRADED}, (), {AZ: D, GE1: B1, GE2: P, IR: B2}),
        ({GE1: UNKNOWN}, (), {AZ: D, GE1: B1, GE2: P, IR: B2}),
        ({}, (GE1,), {AZ: D, GE1: B1, GE2: P, IR: B2}),
        ({GE1: DOWN, GE2: DOWN}, (), {AZ: D, GE1: D, GE2: D, IR: P}),
        ({GE1: DEGRADED, GE2: DEGRADED}, (), {AZ: D, GE1: B2, GE2: B2, IR: P}),
        ({GE1: DEGRADED, GE2: DEGRADED, IR: DOWN}, (), {AZ: D, GE1: P, GE2: P, IR: D}),
        ({GE1: UNKNOWN, GE2: UNKNOWN}, (), {AZ: D, GE1: B2, GE2: B2, IR: P}),
        ({}, (GE1, GE2), {AZ: D, GE1: B2, GE2: B2, IR: P}),
    ],
)
def test_a_dead_upstream_is_left_for_the_best_known_one(
    verdicts: dict[str, Verdict], suspect: tuple[str, ...], expected: dict[str, Placement]
) -> None:
    decision, _ = decide(
        policy(), Moment(see({AZ: DOWN, **verdicts}, suspect=suspect), ControlState(), 0.0, CALM)
    )
    assert decision.escape
    assert decision.assignment == {"residential": expected}


def test_hold_down_does_not_hold_an_escape() -> None:
    w = world()
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({GE1: DOWN, GE2: DOWN})
    assert w.step(1).escape
    assert w.of() == {AZ: D, GE1: D, GE2: D, IR: P}


def test_one_dead_link_of_several_is_left_at_once_while_its_upstream_stays() -> None:
    w = world(current=ON_GEORGIA)
    w.turn({AZ: DOWN, GE1: DOWN})
    decision = w.step(1)
    assert decision.escape
    assert w.of() == {AZ: D, GE1: D, GE2: P, IR: B2}
    assert decision.sentence == (
        "residential stays on georgia without edge1-georgia: edge1-georgia is down (edge1-georgia looks down)"
    )


def test_a_suspect_path_is_not_left() -> None:
    decision, _ = decide(policy(), Moment(see(suspect=(AZ,)), ControlState(), 0.0, CALM))
    assert decision.assignment == CALM


def test_an_unknown_path_is_not_left() -> None:
    decision, _ = decide(policy(), Moment(see({AZ: UNKNOWN}), ControlState(), 0.0, CALM))
    assert decision.assignment == CALM
    assert decision.sentence == "held: residential stays on azerbaijan, of which there is no fresh data"


def test_an_escape_prefers_a_proven_link_to_one_that_only_just_recovered() -> None:
    w = world()
    w.turn({GE1: DOWN, GE2: DOWN})
    w.step(1)
    w.turn({GE1: UP, GE2: UP})
    w.step(5)
    w.turn({AZ: DOWN})
    w.step(5)
    assert w.of() == {AZ: D, GE1: D, GE2: D, IR: P}


def test_an_escape_takes_a_link_on_probation_where_nothing_else_is_up() -> None:
    w = world()
    w.turn({GE1: DOWN, GE2: DOWN, IR: DEGRADED})
    w.step(1)
    w.turn({GE1: UP})
    w.step(5)
    w.turn({AZ: DOWN})
    w.step(5)
    assert w.of() == {AZ: D, GE1: P, GE2: D, IR: B2}


def test_with_no_link_of_the_class_usable_it_stays_and_the_sentence_is_loud() -> None:
    only = traffic_class("residential", "azerbaijan", "georgia")
    w = world(only)
    before = w.current
    w.turn({AZ: DOWN, GE1: DOWN, GE2: DOWN})
    decision = w.step(1)
    assert w.current == before
    assert not decision.escape
    assert decision.sentence == (
        "STUCK: residential stays on azerbaijan: azerbaijan is down (edge1-azerbaijan looks down), "
        "and no usable link is left to move to"
    )


def test_escapes_end_with_their_budget_and_say_so_loudly() -> None:
    w = world(stability=replace(STABILITY, escapes_per_hour=1))
    w.turn({AZ: DOWN})
    assert w.step(1).escape
    first = w.now
    w.turn({GE1: DOWN, GE2: DOWN})
    decision = w.step(60)
    assert not decision.escape
    assert w.of()[GE1] == P
    assert decision.sentence == (
        "STUCK: residential stays on georgia although georgia is down (edge1-georgia: edge1-georgia looks down; "
        "1 more likewise); all 1 escapes of this hour are used, next in 59 min"
    )
    assert decision.decide_again_at == first + 3600
    assert w.step(first + 3600 - w.now).escape
    assert w.of()[IR] == P


def test_a_spent_routine_budget_does_not_hold_an_escape() -> None:
    w = world(stability=replace(STABILITY, changes_per_hour=0))
    w.turn({AZ: DOWN})
    assert w.step(1).escape
    assert w.current == ON_GEORGIA


def test_an_escape_common_to_many_classes_costs_one_escape() -> None:
    classes = [traffic_class(f"class{n}", "azerbaijan", "georgia", "iran") for n in range(8)]
    w = world(*classes, stability=replace(STABILITY, escapes_per_hour=1))
    w.turn({AZ: DOWN})
    decision = w.step(1)
    assert all(w.of(each.name)[GE1] == P for each in classes)
    assert len(w.state.escapes) == 1
    assert decision.sentence == (
        "class0, class1, class2 and 5 more moved from azerbaijan to georgia: "
        "azerbaijan is down (edge1-azerbaijan looks down)"
    )


def test_an_escape_and_a_routine_change_in_one_push_count_against_both_budgets() -> None:
    w = world(traffic_class("a", "azerbaijan", "iran"), traffic_class("b", "iran", "azerbaijan"))
    w.turn({AZ: DOWN})
    w.step(1)
    assert (w.of("a")[IR], w.of("b")[AZ]) == (P, D)
    assert (len(w.state.escapes), len(w.state.routine)) == (1, 1)


def test_withdrawn_can_be_the_role_of_what_is_down() -> None:
    decision, _ = decide(policy(when_down="withdrawn"), Moment(see({AZ: DOWN}), ControlState(), 0.0, CALM))
    assert decision.assignment["residential"][AZ] == W


def test_links_on_an_unreachable_router_stay_and_others_take_over() -> None:
    seen = {"residential": {GE2: B1, IR: B2}}
    down = see({AZ: DOWN, GE1: DOWN})
    decision, _ = decide(policy(), Moment(down, ControlState(), 0.0, seen, unreachable=frozenset({"edge1"})))
    assert decision.escape
    assert decision.assignment == {"residential": {GE2: P, IR: B2}}


def test_a_destination_on_an_unreachable_router_is_none() -> None:
    decision, _ = decide(
        policy(), Moment(see({AZ: DOWN}), ControlState(), 0.0, CALM, unreachable=frozenset({"edge2"}))
    )
    assert decision.assignment == {"residential": {AZ: D, GE1: P, GE2: B1, IR: B2}}


def test_while_a_router_hides_what_carries_nothing_is_moved() -> None:
    seen = {"residential": {GE2: B1, IR: Placement(BACKUP, 1)}}
    decision, _ = decide(policy(), Moment(see(), ControlState(), 0.0, seen, unreachable=frozenset({"edge1"})))
    assert decision.assignment == seen
    assert decision.sentence == (
        "held: residential stays as it is; what carries it is not seen while edge1 cannot be reached"
    )


def test_a_class_whose_only_other_upstream_is_on_an_unreachable_router_is_stuck() -> None:
    seen = {"residential": {AZ: P, GE1: W}}
    only = policy(traffic_class("residential", "azerbaijan", "iran"))
    decision, _ = decide(
        only, Moment(see({AZ: DOWN}), ControlState(), 0.0, seen, unreachable=frozenset({"edge2"}))
    )
    assert not decision.escape
    assert decision.assignment == seen
    assert decision.sentence.endswith("no usable link is left to move to")


def test_a_link_that_is_not_seen_is_presumed_to_carry_like_its_siblings() -> None:
    seen = {"residential": {GE2: P, IR: B2}}
    health = see({AZ: DOWN, GE2: DOWN})
    decision, _ = decide(
        policy(), Moment(health, ControlState(), 0.0, seen, unreachable=frozenset({"edge1"}))
    )
    assert decision.assignment == {"residential": {GE2: D, IR: B2}}
    assert decision.sentence.startswith("residential stays on georgia without edge2-georgia")


def test_an_escape_announces_what_will_wait_once_it_is_done() -> None:
    served = LinkMemory(clean_since=-20.0, failures=1, last_failure=-20.0)
    state = ControlState(links={GE1: served, GE2: served})
    decision, _ = decide(policy(), Moment(see({AZ: DOWN}), state, 0.0, CALM))
    assert decision.assignment["residential"][IR] == P
    assert decision.held == ()
    assert decision.decide_again_at == 600.0


def stale(w: World, *links: str, is_stale: bool = True) -> None:
    """Nothing has been heard of these links for a moment: neither answers nor silence."""
    for name in links:
        part = FamilyHealth(UP, "4 of 4 targets answer", stale=is_stale)
        w.health[name] = replace(w.health[name], families={Family.IPV4: part})


def test_a_place_that_is_not_proven_alive_at_this_moment_is_none_to_escape_to() -> None:
    """All links may have died together, and the prober been held up before it could see all of that."""
    w = world()
    stale(w, GE1, GE2, IR)
    w.turn({AZ: DOWN})
    decision = w.step(0.1)
    assert w.current == CALM
    assert decision.sentence.endswith("no usable link is left to move to")
    stale(w, GE1, GE2, is_stale=False)
    decision = w.step(0.05)
    assert decision.escape
    assert w.of()[GE1] == P


def test_in_calm_a_moment_without_proof_is_worth_no_word() -> None:
    w = world()
    stale(w, AZ, GE1, GE2, IR)
    decision = w.step(0.1)
    assert w.current == CALM
    assert decision.sentence == "nothing to change: residential on azerbaijan, all 4 links up"
