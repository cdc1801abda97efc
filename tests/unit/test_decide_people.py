"""Pins, drains and pauses: what people order is done at once, told, and never the end of a class."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import OrderKind, Override, Verdict
from tests.decide_world import (
    AZ,
    B2,
    CALM,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    UNKNOWN,
    UP,
    D,
    P,
    World,
    traffic_class,
    world,
)

HOUR = 3600.0


def order(w: World, kind: str, subject: str = "", upstream: str = "", lasts: float | None = HOUR) -> Override:
    number = 1 + max((each.number for each in w.overrides), default=0)
    until = None if lasts is None else w.now + lasts
    made = Override(number, OrderKind(kind), subject, upstream, "ann", "fibre work", w.now, until)
    w.overrides = (*w.overrides, made)
    return made


def take_back(w: World, order: Override) -> None:
    w.overrides = tuple(each for each in w.overrides if each is not order)


# --- drain -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["edge1-azerbaijan", "azerbaijan"])
def test_a_drained_path_is_left_at_once_whatever_hold_down_says(subject: str) -> None:
    w = world()
    w.state = w.state.__class__(moved_at={"residential": w.now - 1}, routine=(w.now,) * 99)
    order(w, "drain", subject)
    decision = w.step(0.1)
    assert w.of() == {AZ: D, GE1: P, GE2: P, IR: B2}
    assert not decision.escape  # two steps: promoted and verified first, then drained
    assert decision.sentence == (
        f"residential moved from azerbaijan to georgia: {subject} drained by ann (fibre work)"
    )


def test_a_drained_backup_is_no_place_to_go_to() -> None:
    w = world()
    order(w, "drain", "georgia")
    w.step(0.1)
    assert w.of() == {AZ: P, GE1: D, GE2: D, IR: B2}
    w.turn({AZ: DOWN})
    w.step(0.1)
    assert w.of()[IR] == P


def test_one_link_of_two_is_drained_while_the_other_carries() -> None:
    w = world(traffic_class("residential", "georgia", "azerbaijan"))
    assert w.of()[GE1] == w.of()[GE2] == P
    order(w, "drain", "edge2-georgia")
    w.step(0.1)
    assert (w.of()[GE1], w.of()[GE2]) == (P, D)


def test_a_whole_router_can_be_drained() -> None:
    w = world()
    order(w, "drain", "edge1")
    w.step(0.1)
    assert w.of() == {AZ: D, GE1: D, GE2: P, IR: B2}


def test_a_shared_risk_can_be_drained() -> None:
    w = world(shared=True)
    order(w, "drain", "black-sea")
    w.step(0.1)
    assert w.of() == {AZ: D, GE1: D, GE2: D, IR: P}


@pytest.mark.parametrize("rest", [DOWN, DEGRADED])
def test_the_last_path_that_carries_well_is_kept_though_it_is_drained_until_another_is_there(
    rest: Verdict,
) -> None:
    w = world()
    w.turn(dict.fromkeys((GE1, GE2, IR), rest))
    w.step(1)
    order(w, "drain", "azerbaijan")
    decision = w.step(0.1)
    assert w.of()[AZ] == P
    assert "azerbaijan, drained by ann (fibre work); nothing else can carry it" in decision.sentence
    w.turn(dict.fromkeys((GE1, GE2, IR), UP))
    for _ in range(3):
        w.step(600)
    assert w.of()[AZ] == D


def test_a_drained_link_is_not_made_to_carry_beside_one_that_nothing_is_known_of() -> None:
    w = world(traffic_class("business", "iran", "georgia"), traffic_class("residential", "azerbaijan"))
    w.unreachable = frozenset({"edge1"})
    w.turn({IR: DOWN})
    w.step(1)
    w.unreachable = frozenset()
    assert w.of("business")[GE2] == P
    w.turn({IR: UP, GE2: UNKNOWN})
    order(w, "drain", GE1)
    w.step(0)
    assert w.of("business")[GE1] != P
    assert w.look().assignment == w.visible()


def test_a_link_of_the_same_upstream_takes_over_from_one_that_is_drained() -> None:
    w = world(traffic_class("residential", "azerbaijan", "georgia", "iran"))
    order(w, "pin", "residential", "georgia")
    w.turn({}, suspect=())
    w.health[GE1] = replace(w.health[GE1], suspect=True)
    w.step(1)
    assert (w.of()[GE1], w.of()[GE2]) != (P, P)
    w.health[GE1] = replace(w.health[GE1], suspect=False)
    order(w, "drain", GE2)
    decision = w.step(1)
    assert (
        "residential moved within georgia to edge1-georgia: edge2-georgia drained by ann" in decision.sentence
    )
    assert (w.of()[GE1], w.of()[GE2]) == (P, D)
    assert w.look().assignment == w.visible()


def test_a_drained_path_that_carries_as_the_last_is_left_like_any_other_once_it_dies() -> None:
    w = world()
    w.turn(dict.fromkeys((GE1, GE2, IR), DOWN))
    order(w, "drain", "azerbaijan")
    w.step(1)
    w.turn({AZ: DOWN})
    assert w.step(1).frozen
    w.turn({IR: UP})
    w.step(1)
    decision = w.step(5)
    assert decision.escape
    assert w.of()[IR] == P


def test_what_was_drained_is_returned_to_in_its_time() -> None:
    w = world()
    made = order(w, "drain", "azerbaijan")
    w.step(0.1)
    take_back(w, made)
    decision = w.step(1)
    assert w.of()[GE1] == P
    assert "the last move was 1 s ago and hold-down is 10 min" in decision.sentence
    w.step(600)
    assert w.current == CALM


def test_a_drain_ends_by_itself_and_the_decision_wakes_for_it() -> None:
    w = world()
    made = order(w, "drain", "azerbaijan")
    decision = w.step(0.1)
    assert decision.decide_again_at is not None
    assert decision.decide_again_at <= (made.until or 0)
    w.step(HOUR)
    assert w.current == CALM


# --- pin -------------------------------------------------------------------------------------------


def test_a_pinned_class_is_moved_at_once_and_stays() -> None:
    w = world()
    made = order(w, "pin", "residential", "iran")
    decision = w.step(0.1)
    assert w.of()[IR] == P
    assert (
        decision.sentence
        == "residential moved from azerbaijan to iran: residential pinned to iran by ann (fibre work)"
    )
    for _ in range(5):
        w.step(HOUR / 6)
        assert w.of()[IR] == P
    w.turn({IR: DEGRADED})
    w.step(60)
    assert w.of()[IR] == P  # loss is for people to judge: they have pinned it
    take_back(w, made)
    w.step(60)
    assert w.of()[AZ] == P


def test_a_pin_is_no_order_to_die_there_and_is_returned_to_once_it_has_been_clean() -> None:
    w = world()
    order(w, "pin", "residential", "iran", lasts=None)
    w.step(0.1)
    w.turn({IR: DOWN})
    decision = w.step(0.1)
    assert decision.escape
    assert w.of()[AZ] == P
    w.turn({IR: UP})
    w.step(10)
    assert w.of()[AZ] == P
    w.step(60)
    assert w.of()[IR] == P


def test_a_pin_to_what_cannot_carry_waits_and_moves_nothing() -> None:
    w = world()
    w.turn({IR: DOWN})
    w.step(1)
    order(w, "pin", "residential", "iran")
    w.step(0.1)
    assert w.of()[AZ] == P


def test_a_pin_made_after_a_failure_is_followed_at_once() -> None:
    """Whoever pins knows what was."""
    w = world()
    w.turn({IR: DOWN})
    w.step(1)
    w.turn({IR: UP})
    w.step(1)
    order(w, "pin", "residential", "iran")
    w.step(0.1)
    assert w.of()[IR] == P


def test_only_the_class_that_is_pinned_is() -> None:
    w = world(traffic_class("residential", "azerbaijan", "iran"), traffic_class("b", "azerbaijan", "iran"))
    order(w, "pin", "b", "iran")
    w.step(0.1)
    assert w.of("residential")[AZ] == P
    assert w.of("b")[IR] == P


def test_of_two_pins_the_later_counts_and_of_a_drain_and_a_pin_the_drain() -> None:
    w = world()
    order(w, "pin", "residential", "iran")
    order(w, "pin", "residential", "georgia")
    w.step(0.1)
    assert w.of()[GE1] == P
    order(w, "drain", "georgia")
    w.step(0.1)
    assert w.of()[AZ] == P


def test_what_was_fled_from_is_not_returned_to_by_its_other_link_because_of_an_older_pin() -> None:
    w = world(traffic_class("residential", "azerbaijan", "georgia"))
    w.turn({GE2: DOWN})
    w.step(60)
    w.turn({GE2: UP})
    w.step(1)
    order(w, "pin", "residential", "georgia")
    w.step(1)
    assert (w.of()[GE1], w.of()[GE2]) == (P, D)
    w.turn({GE1: DOWN})
    assert w.step(1).escape
    assert w.of()[AZ] == P
    w.step(1)
    assert w.of()[AZ] == P
    w.step(60)
    assert w.of()[GE2] == P


# --- pause -----------------------------------------------------------------------------------------


def test_while_paused_nothing_is_pushed_and_what_would_be_is_said() -> None:
    w = world()
    made = order(w, "pause")
    decision = w.step(0.1)
    assert decision.sentence.startswith("paused by ann (fibre work); nothing to change: ")
    w.turn({AZ: DOWN})
    decision = w.step(0.1)
    assert decision.frozen
    assert w.current == CALM
    assert decision.sentence.startswith(
        "paused by ann (fibre work); would have: residential moved from azerbaijan to georgia"
    )
    assert any("edge1-georgia backup -> primary" in held.move for held in decision.held)
    assert decision.decide_again_at is not None
    take_back(w, made)
    w.step(0.1)
    assert w.of()[GE1] == P


def test_a_pause_ends_by_itself() -> None:
    w = world()
    order(w, "pause", lasts=60)
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.current == CALM
    w.step(60)
    assert w.of()[GE1] == P


# --- words -----------------------------------------------------------------------------------------


def test_every_order_in_force_is_among_the_reasons_and_one_that_names_nothing_is_noticed() -> None:
    w = world()
    order(w, "drain", "georgia")
    order(w, "drain", "gone-since")
    order(w, "pin", "residential", "gone-since")
    decision = w.step(0.1)
    assert [each.text for each in decision.reasons if each.rule == "people"] == [
        "georgia drained by ann (fibre work)"
    ]
    assert [each.text for each in decision.notices] == [
        f"order {number} ({what} by ann (fibre work)) names nothing that the policy has: it does nothing"
        for number, what in ((2, "gone-since drained"), (3, "residential pinned to gone-since"))
    ]
