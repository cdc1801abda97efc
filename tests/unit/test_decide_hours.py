"""What the hour changes, and what people want to be asked: windows, maintenance, freezes, fail-back, a block."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from controller.core.model import Block, Maintenance, Preference, StabilityPolicy, TrafficClass, Window
from tests.decide_world import (
    AZ,
    B1,
    CALM,
    DEGRADED,
    DOWN,
    GE1,
    IR,
    ON_GEORGIA,
    STABILITY,
    UP,
    D,
    P,
    World,
    world,
)
from tests.unit.test_decide_people import order

NIGHT = "night"
CLASS = TrafficClass(
    "residential", (ip_network("203.0.113.0/24"),), Preference(("azerbaijan", "georgia", "iran"))
)


def opens(w: World, lasts_s: float | None = 3600.0) -> None:
    w.windows[NIGHT] = Window(is_open=True, until=None if lasts_s is None else w.now + lasts_s)


def closes(w: World, for_s: float | None = None) -> None:
    w.windows[NIGHT] = Window(is_open=False, until=None if for_s is None else w.now + for_s)


def back_and_clean(stability: StabilityPolicy) -> World:
    """Azerbaijan failed, was left, and has been well for long enough to be returned to."""
    w = world(stability=stability)
    closes(w)
    w.turn({AZ: DOWN})
    w.step(1)
    w.now += 700
    w.turn({AZ: UP})
    w.step(1)
    return w


# --- maintenance and freezes -----------------------------------------------------------------------


def test_in_its_window_maintenance_drains_and_after_it_traffic_returns() -> None:
    w = world()
    w.policy = replace(w.policy, maintenance=(Maintenance(NIGHT, "azerbaijan"),))
    closes(w, for_s=100.0)
    assert w.step(1).decide_again_at == w.now + 99
    opens(w)
    decision = w.step(1)
    assert w.current == ON_GEORGIA
    assert not decision.escape
    assert decision.sentence == (
        "residential moved from azerbaijan to georgia: azerbaijan drained by policy (window night)"
    )
    closes(w)
    w.step(601)
    assert w.current == CALM


def test_in_a_freeze_nothing_routine_is_changed_and_a_dead_path_is_left_all_the_same() -> None:
    w = world()
    w.policy = replace(w.policy, freezes=(NIGHT,))
    opens(w)
    w.turn({AZ: DEGRADED})
    decision = w.step(1)
    assert w.of()[AZ] == P
    assert "policy freezes routine changes in the window night" in decision.sentence
    assert decision.held[0].until == w.windows[NIGHT].until
    w.turn({AZ: DOWN})
    assert w.step(1).escape
    assert w.of()[GE1] == P


def test_what_people_order_is_done_in_a_freeze() -> None:
    w = world()
    w.policy = replace(w.policy, freezes=(NIGHT,))
    opens(w)
    order(w, "drain", "azerbaijan")
    w.step(1)
    assert w.of()[AZ] == D


def test_once_a_freeze_ends_what_waited_is_done() -> None:
    w = world()
    w.policy = replace(w.policy, freezes=(NIGHT,))
    opens(w)
    w.turn({AZ: DEGRADED})
    w.step(1)
    closes(w)
    w.step(1)
    assert w.of()[GE1] == P


# --- what is preferred at this hour ----------------------------------------------------------------


def test_in_a_window_a_class_prefers_others_and_goes_back_after_it() -> None:
    w = world(replace(CLASS, prefer_in=((NIGHT, Preference(("iran", "azerbaijan"))),)))
    closes(w)
    w.step(1)
    assert w.of()[AZ] == P
    opens(w)
    decision = w.step(1)
    assert w.of()[IR] == P
    assert w.of()[GE1].role == "withdrawn"  # it is not among them at this hour
    assert decision.sentence.startswith("residential moved from azerbaijan to iran: iran is preferred")
    closes(w)
    w.step(601)
    assert w.of()[AZ] == P


def test_the_end_of_a_window_waits_for_hold_down_like_any_routine_move() -> None:
    w = world(replace(CLASS, prefer_in=((NIGHT, Preference(("iran", "azerbaijan"))),)))
    opens(w)
    w.step(1)
    closes(w)
    w.step(1)
    assert w.of()[IR] == P
    w.step(600)
    assert w.of()[AZ] == P


# --- fail-back -------------------------------------------------------------------------------------


def test_manual_fail_back_waits_for_a_person() -> None:
    w = back_and_clean(replace(STABILITY, fail_back_manual=True))
    w.step(3600)
    decision = w.step(1)
    assert w.of()[GE1] == P
    assert "`failover acknowledge residential` lets it return" in decision.sentence
    assert decision.held[0].until is None
    order(w, "acknowledge", "residential")
    decision = w.step(1)
    assert w.current == CALM
    assert "moves of residential acknowledged by ann (fibre work)" in decision.sentence


def test_manual_fail_back_does_not_keep_a_class_from_what_it_never_had_to_leave() -> None:
    w = world(
        replace(CLASS, prefer_in=((NIGHT, Preference(("iran", "azerbaijan"))),)),
        stability=replace(STABILITY, fail_back_manual=True),
    )
    opens(w)
    w.step(1)
    assert w.of()[IR] == P
    closes(w)
    w.step(601)
    assert w.of()[AZ] == P


def test_a_dead_path_is_left_for_what_waits_for_a_person() -> None:
    w = back_and_clean(replace(STABILITY, fail_back_manual=True))
    w.step(3600)
    w.turn({GE1: DOWN, "edge2-georgia": DOWN})
    w.step(1)
    assert w.of()[AZ] == P


def test_fail_back_in_a_window_waits_for_it_and_wakes_for_it() -> None:
    w = back_and_clean(replace(STABILITY, fail_back_in=NIGHT))
    closes(w, for_s=5000.0)
    w.step(100)
    assert w.of()[AZ] == B1  # a backup while it waits
    decision = w.step(1)
    assert w.of()[GE1] == P
    assert "residential returns only in the window night" in decision.sentence
    assert decision.held[0].until == w.windows[NIGHT].until == decision.decide_again_at
    w.now += 4900
    opens(w)
    w.step(1)
    assert w.current == CALM


# --- a block ---------------------------------------------------------------------------------------

BLOCKING = replace(STABILITY, hold_down_s=0, fail_back_clean_s=10, block=Block(moves=3, within_s=7200))


def flap(w: World) -> None:
    """One failure and one return."""
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP})
    w.step(1)
    w.step(3700)


def test_after_so_many_moves_a_class_stays_until_somebody_has_looked() -> None:
    w = world(stability=replace(BLOCKING, fail_back_doubles_up_to_s=10.0))
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP})
    w.step(1)
    w.step(20)
    assert w.current == CALM  # two moves
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP})
    w.step(1)
    w.step(20)
    decision = w.step(1)
    assert w.of()[GE1] == P
    assert (
        "residential has moved 3 times within 2 h: `failover acknowledge residential` lets it move again"
        in (decision.sentence)
    )
    w.step(40_000)
    assert w.of()[GE1] == P  # time alone ends no block
    w.turn({GE1: DOWN, "edge2-georgia": DOWN})
    assert w.step(1).escape  # off a dead path all the same
    assert w.of()[AZ] == P


def test_an_acknowledged_class_begins_to_count_anew() -> None:
    w = world(
        stability=replace(BLOCKING, fail_back_doubles_up_to_s=10.0, block=Block(moves=1, within_s=7200))
    )
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP})
    w.step(1)
    w.step(20)
    assert w.of()[GE1] == P
    made = order(w, "acknowledge", "residential", lasts=60)
    w.step(1)
    assert w.current == CALM
    w.step(1)
    w.now = (made.until or 0) + 1
    w.step(1)
    assert w.state.moves.get("residential", ()) == ()


def test_moves_far_apart_block_nothing() -> None:
    w = world(stability=replace(BLOCKING, block=Block(moves=3, within_s=3600)))
    for _ in range(4):
        flap(w)
        assert w.current == CALM


def test_moves_that_people_order_are_no_reason_to_block() -> None:
    w = world(stability=replace(BLOCKING, block=Block(moves=1, within_s=7200)))
    order(w, "pin", "residential", "iran", lasts=100)
    w.step(1)
    assert w.of()[IR] == P
    w.step(200)
    assert w.current == CALM


def test_windows_that_nobody_told_of_are_closed() -> None:
    w = back_and_clean(replace(STABILITY, fail_back_in="unheard-of"))
    w.step(3600)
    assert w.of()[GE1] == P
