"""A brownout ranks: traffic makes a routine move to what is not in one and faster, or stays; nothing is evacuated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from controller.core.model import ControlState, Delay, Family, FamilyHealth, Moment, Verdict
from controller.core.policy import decide
from tests.decide_world import (
    AZ,
    B1,
    B2,
    BROWNOUT,
    CALM,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    LINKS,
    ON_GEORGIA,
    RESIDENTIAL,
    SLOW,
    STABILITY,
    UNKNOWN,
    UP,
    USUAL,
    D,
    P,
    World,
    policy,
    see,
    traffic_class,
    world,
)

EAGER = replace(STABILITY, hold_down_s=0)
SLOW_AZ = {AZ: B1, GE1: P, GE2: P, IR: B2}  # moved off azerbaijan, which still works


def primaries(w: World) -> set[str]:
    return {link for link, placement in w.of().items() if placement == P}


def test_a_class_in_brownout_makes_a_routine_move_to_the_next_upstream_and_says_why() -> None:
    w = world()
    w.delay({AZ: BROWNOUT})
    decision = w.step(1)
    assert w.of() == SLOW_AZ
    assert not decision.escape
    assert decision.sentence == (
        "residential moved from azerbaijan to georgia: azerbaijan is in brownout (edge1-azerbaijan takes longer)"
    )
    assert (len(w.state.routine), len(w.state.escapes)) == (1, 0)


def test_a_link_that_is_slow_for_not_long_enough_is_not_left() -> None:
    w = world()
    w.delay({AZ: SLOW})
    assert w.step(1).sentence == "nothing to change: residential on azerbaijan, all 4 links up"
    assert w.of() == CALM["residential"]


@pytest.mark.parametrize(
    ("delays", "verdicts", "chosen"),
    [
        ({}, {}, {GE1, GE2}),
        ({GE1: BROWNOUT}, {}, {GE2}),
        ({GE1: SLOW, GE2: BROWNOUT}, {}, {IR}),
        ({GE1: BROWNOUT, GE2: BROWNOUT}, {}, {IR}),
        ({GE1: BROWNOUT, GE2: BROWNOUT, IR: BROWNOUT}, {}, {AZ}),
        ({GE1: BROWNOUT, GE2: BROWNOUT, IR: SLOW}, {}, {AZ}),
        ({}, {GE1: DOWN, GE2: DOWN}, {IR}),
        ({}, {GE1: DEGRADED, GE2: DEGRADED}, {IR}),
        ({}, {GE1: DEGRADED, GE2: DOWN, IR: UNKNOWN}, {AZ}),
    ],
)
def test_the_class_goes_to_the_best_of_its_list_that_is_up_and_as_fast_as_usual(
    delays: Mapping[str, Delay], verdicts: Mapping[str, Verdict], chosen: set[str]
) -> None:
    w = world()
    w.turn(verdicts)
    w.delay({AZ: BROWNOUT, **delays})
    w.step(1)
    assert primaries(w) == chosen


def test_a_suspect_link_is_no_place_to_go_to() -> None:
    w = world()
    w.turn(dict.fromkeys((GE1, GE2), UP), suspect=(GE1, GE2))
    w.delay({AZ: BROWNOUT})
    w.step(1)
    assert primaries(w) == {IR}


def test_with_every_upstream_in_brownout_nothing_moves() -> None:
    w = world()
    w.delay(dict.fromkeys(LINKS, BROWNOUT))
    decision = w.step(1)
    assert w.current == CALM
    assert decision.sentence == (
        "held: residential stays on azerbaijan, which is in brownout (edge1-azerbaijan takes longer); "
        "nothing better is usable"
    )


@pytest.mark.parametrize(
    ("there_ms", "moves"), [(30.0, True), (65.0, True), (66.0, False), (90.0, False), (200.0, False)]
)
def test_a_slow_upstream_is_left_only_for_one_that_is_faster(there_ms: float, *, moves: bool) -> None:
    w = world(traffic_class("residential", "azerbaijan", "iran"))
    w.delay({AZ: BROWNOUT, IR: USUAL}, {AZ: 90.0, IR: there_ms})
    decision = w.step(1)
    assert (primaries(w) == {IR}) is moves
    if not moves:
        assert decision.sentence == (
            "held: residential stays on azerbaijan, which is in brownout (edge1-azerbaijan takes longer); "
            f"iran is no better: it would not be faster (IPv4 {there_ms:.0f} ms there, 90 ms here, "
            "for nine of ten round trips)"
        )


def test_a_slower_next_choice_is_passed_over_for_a_faster_one() -> None:
    w = world()
    w.delay({AZ: BROWNOUT, GE1: USUAL, GE2: USUAL}, {GE1: 30.0, GE2: 120.0})
    w.step(1)
    assert primaries(w) == {IR}


def test_one_family_is_not_healed_at_the_cost_of_the_other() -> None:
    w = world()
    for link, tails in ((AZ, (90.0, 30.0)), (GE1, (30.0, 200.0)), (GE2, (30.0, 200.0)), (IR, (30.0, 70.0))):
        families = {
            Family.IPV4: FamilyHealth(
                UP, "", delay=BROWNOUT if link == AZ else USUAL, delay_why="slow", tail_ms=tails[0]
            ),
            Family.IPV6: FamilyHealth(UP, "", tail_ms=tails[1]),
        }
        delay = BROWNOUT if link == AZ else USUAL
        w.health[link] = replace(w.health[link], delay=delay, families=families)
    w.step(1)
    assert primaries(w) == {IR}


def test_an_upstream_whose_round_trips_nobody_knows_is_no_place_to_go_to() -> None:
    w = world(traffic_class("residential", "azerbaijan", "iran"))
    w.delay({AZ: BROWNOUT})
    w.health[IR] = replace(w.health[IR], families={})
    assert "it is not known how fast IPv4 is there" in w.step(1).sentence
    assert primaries(w) == {AZ}


def test_hold_down_holds_it() -> None:
    w = world()
    w.delay({AZ: BROWNOUT})
    w.step(1)
    w.delay({GE1: BROWNOUT, GE2: BROWNOUT})
    decision = w.step(100)
    assert primaries(w) == {GE1, GE2}
    assert "iran is not, but the last move was 100 s ago and hold-down is 10 min" in decision.sentence
    assert decision.decide_again_at == w.now + 500
    w.step(500)
    assert primaries(w) == {IR}


def test_the_budget_of_routine_moves_holds_it() -> None:
    w = world()
    w.state = replace(w.state, routine=(w.now,) * 6)
    w.delay({AZ: BROWNOUT})
    assert "all 6 routine changes of this hour are used" in w.step(1).sentence
    assert primaries(w) == {AZ}


def test_traffic_returns_after_clean_time_that_doubles() -> None:
    w = world(stability=EAGER)
    for wait_s in (60, 120, 240):
        w.delay({AZ: BROWNOUT})
        w.step(1)
        w.delay({AZ: USUAL})
        decision = w.step(1)
        assert primaries(w) == {GE1, GE2}
        assert decision.decide_again_at == w.now + wait_s
        assert decision.sentence == (
            "held: residential stays on georgia; azerbaijan is as fast as usual again, but for only 0 s of "
            f"{wait_s} s"
        )
        w.step(wait_s - 1)
        assert primaries(w) == {GE1, GE2}
        assert f"azerbaijan is preferred and has been clean for {wait_s} s" in w.step(1).sentence
        assert primaries(w) == {AZ}


def test_brownouts_are_forgotten() -> None:
    w = world(stability=EAGER)
    for _ in range(3):
        w.delay({AZ: BROWNOUT})
        w.step(1)
        w.delay({AZ: USUAL})
        w.step(1)
    w.step(7200)
    assert w.state.links[AZ].brownouts == 0
    w.delay({AZ: BROWNOUT})
    w.step(1)
    assert w.state.links[AZ].brownouts == 1


def test_nothing_returns_to_a_link_that_is_slow() -> None:
    w = world(stability=EAGER)
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP})
    w.delay({AZ: SLOW})
    w.step(1)
    w.step(4000)
    decision = w.step(1)
    assert primaries(w) == {GE1, GE2}
    assert decision.sentence == (
        "held: residential stays on georgia; azerbaijan is slower than usual (edge1-azerbaijan takes longer)"
    )
    w.delay({AZ: USUAL})
    w.step(1)
    assert primaries(w) == {AZ}


def test_silence_in_a_brownout_is_not_its_end() -> None:
    w = world(stability=EAGER)
    w.delay({AZ: BROWNOUT})
    w.step(1)
    w.turn({AZ: DOWN})
    w.delay({AZ: USUAL})
    w.step(1000)
    assert w.state.links[AZ].brownout
    w.turn({AZ: UP})
    w.step(1)
    assert w.state.links[AZ].brownout_ended == w.now


@pytest.mark.parametrize("tail_ms", [60.0, 500.0])
def test_a_lossy_link_is_left_for_one_in_brownout_if_there_is_no_better(tail_ms: float) -> None:
    w = world(traffic_class("residential", "azerbaijan", "iran"))
    w.turn({AZ: DEGRADED})
    w.delay({IR: BROWNOUT}, {IR: tail_ms})
    w.step(1)
    assert primaries(w) == {IR}


def test_a_dead_link_is_left_at_once_whether_or_not_the_rest_is_slow() -> None:
    w = world()
    w.delay({GE1: BROWNOUT, GE2: BROWNOUT})
    w.turn({AZ: DOWN})
    assert w.step(1).escape
    assert primaries(w) == {IR}
    w = world()
    w.delay({GE1: BROWNOUT, GE2: BROWNOUT, IR: BROWNOUT})
    w.turn({AZ: DOWN})
    assert w.step(1).escape
    assert primaries(w) == {GE1, GE2}
    assert w.of()[AZ] == D


def test_a_slow_sibling_carries_on_but_does_not_join() -> None:
    georgia = traffic_class("residential", "georgia", "azerbaijan")
    w = world(georgia)
    w.delay({GE1: BROWNOUT})
    w.step(1)
    assert primaries(w) == {GE1, GE2}
    assert w.of()[AZ] == B1
    w = world(georgia, current={"residential": {**world(georgia).of(), GE1: B1}})
    w.delay({GE1: BROWNOUT})
    decision = w.step(1)
    assert primaries(w) == {GE2}
    assert any("edge1-georgia is slower than usual" in held.why for held in decision.held)
    w.delay({GE1: USUAL})
    w.step(1)
    assert primaries(w) == {GE2}
    w.step(60)
    assert primaries(w) == {GE1, GE2}


def test_a_preferred_upstream_need_not_be_faster_than_one_in_brownout() -> None:
    w = world(stability=EAGER, current=ON_GEORGIA)
    w.delay({GE1: BROWNOUT, GE2: BROWNOUT, AZ: USUAL}, {AZ: 200.0})
    w.step(1)
    assert primaries(w) == {AZ}


def test_what_is_in_brownout_is_named_while_all_is_calm() -> None:
    w = world()
    w.delay({IR: BROWNOUT})
    decision = w.step(1)
    assert decision.sentence == (
        "nothing to change: residential on azerbaijan, 3 of 4 links up (edge2-iran up, but in brownout)"
    )
    assert any(r.subject == IR and "brownout (edge2-iran takes longer)" in r.text for r in decision.reasons)


def test_a_first_installation_prefers_what_is_not_slow() -> None:
    seen = see()
    seen[AZ] = replace(seen[AZ], delay=BROWNOUT, delay_why="slow")
    decision, _ = decide(policy(RESIDENTIAL), Moment(seen, ControlState(), 0.0, None))
    assert decision.assignment["residential"][GE1] == P
    assert decision.assignment["residential"][AZ] == B1


def test_a_family_that_is_not_believed_hides_no_brownout_of_the_other() -> None:
    """IPv6 is silent through every link at once: that is my own path. IPv4 is judged as ever."""
    w = world()
    for link in LINKS:
        slow = link == AZ
        four = FamilyHealth(UP, "", delay=BROWNOUT if slow else USUAL, delay_why="slow" if slow else "")
        four = replace(four, tail_ms=90.0 if slow else 30.0)
        families = {Family.IPV4: four, Family.IPV6: FamilyHealth(DOWN, "silent", silent_s=5.0)}
        w.health[link] = replace(w.health[link], verdict=DOWN, since=w.now, families=families)
    w.step(10)
    w.step(10)
    assert primaries(w) == {GE1, GE2}
