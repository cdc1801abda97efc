"""Everything but an escape waits for clean time, hold-down and budget, and says what it waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import (
    ControlState,
    Family,
    FamilyHealth,
    Moment,
    Placement,
    StabilityPolicy,
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
    World,
    policy,
    see,
    traffic_class,
    world,
)

EAGER = replace(STABILITY, hold_down_s=0)


def failed_over(stability: StabilityPolicy = STABILITY) -> World:
    """Azerbaijan died a minute ago and is up again now."""
    w = world(stability=stability)
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.current == ON_GEORGIA
    w.now += 60
    w.turn({AZ: UP})
    w.step()
    return w


def test_fail_back_waits_for_clean_time() -> None:
    w = failed_over(EAGER)
    decision = w.step(12)
    assert w.current == ON_GEORGIA
    assert decision.sentence == (
        "held: residential stays on georgia; azerbaijan is up again but clean for only 12 s of 60 s"
    )
    assert decision.decide_again_at == w.now + 48
    assert (decision.held[0].move, decision.held[0].until) == ("georgia -> azerbaijan", w.now + 48)
    w.step(47.9)
    assert w.current == ON_GEORGIA
    decision = w.step(0.1)
    assert w.current == CALM
    assert not decision.escape
    assert decision.sentence == (
        "residential moved from georgia to azerbaijan: azerbaijan is preferred and has been clean for 60 s"
    )


def test_fail_back_waits_for_hold_down() -> None:
    w = failed_over()
    decision = w.step(100)
    assert w.current == ON_GEORGIA
    assert decision.sentence == (
        "held: residential stays on georgia; azerbaijan is preferred and clean, "
        "but the last move was 160 s ago and hold-down is 10 min"
    )
    assert decision.decide_again_at == w.now + 440
    w.step(440)
    assert w.current == CALM


def test_fail_back_waits_for_the_budget() -> None:
    w = failed_over()
    w.state = replace(w.state, routine=tuple(w.now - n for n in range(6)))
    decision = w.step(1000)
    assert decision.sentence == (
        "held: residential stays on georgia; azerbaijan is preferred and clean, "
        "but all 6 routine changes of this hour are used, next in 43 min"
    )
    w.step(2594.9)
    assert w.current == ON_GEORGIA
    w.step(0.1)
    assert w.current == CALM


def test_a_link_on_its_way_back_is_changed_once() -> None:
    w = failed_over()
    before = len(w.state.routine)
    for _ in range(100):
        w.step(10)
    assert w.current == CALM
    assert len(w.state.routine) == before + 1


def test_suspicion_starts_the_clean_time_anew() -> None:
    w = failed_over(EAGER)
    w.turn({AZ: UP}, suspect=(AZ,))
    w.step(50)
    w.turn({AZ: UP})
    w.step(59)
    assert w.current == ON_GEORGIA
    w.step(1)
    assert w.current == CALM


def test_each_failure_doubles_the_clean_time_up_to_the_cap() -> None:
    w = world(stability=replace(EAGER, escapes_per_hour=100, changes_per_hour=100))
    waits = []
    for _ in range(9):
        w.turn({AZ: DOWN})
        w.step(1)
        w.turn({AZ: UP})
        at = w.step(1).decide_again_at
        assert at is not None
        waits.append(at - w.now)
        w.step(at - w.now)
        assert w.current == CALM
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_failures_are_forgotten_after_a_long_time_without_one() -> None:
    w = world(stability=EAGER)
    for _ in range(3):
        w.turn({AZ: DOWN})
        w.step(1)
        w.turn({AZ: UP})
        w.step(1)
    assert w.state.links[AZ].failures == 3
    w.step(7199)
    assert w.state.links[AZ].failures == 3
    w.step(1)
    assert w.state.links[AZ].failures == 0


def test_outages_every_ten_minutes_for_six_hours_cause_a_dozen_moves_at_most() -> None:
    w = world(stability=replace(STABILITY, changes_per_hour=1000, escapes_per_hour=1000))
    moves = 0
    for second in range(6 * 3600):
        phase = second % 600
        w.turn({AZ: DOWN if phase < 20 else UP})
        before = w.current
        w.step(1)
        moves += w.current != before
    assert moves <= 12


@pytest.mark.parametrize("verdict", [DOWN, DEGRADED, UNKNOWN])
def test_nothing_fails_back_to_a_link_that_is_not_up(verdict: Verdict) -> None:
    w = failed_over(EAGER)
    w.turn({AZ: verdict})
    w.step(10_000)
    assert w.current == ON_GEORGIA


def test_fail_back_to_a_link_that_never_failed_wants_it_known_for_the_clean_time() -> None:
    decision, _ = decide(policy(), Moment(see(since=-20.0), ControlState(), 0.0, ON_GEORGIA))
    assert decision.assignment["residential"][GE1] == P
    assert decision.sentence == (
        "held: residential stays on georgia; azerbaijan is up but known for only 20 s of 60 s"
    )


def test_links_that_recover_together_return_in_one_change() -> None:
    w = world(traffic_class("residential", "georgia", "iran", "azerbaijan"), stability=EAGER)
    w.turn({GE1: DOWN, GE2: DOWN})
    w.step(1)
    w.turn({GE1: UP})
    w.step(1)
    w.turn({GE2: UP})
    w.step(3)
    before = len(w.state.routine)
    w.step(58)
    assert w.of()[IR] == P
    w.step(2)
    assert (w.of()[GE1], w.of()[GE2], w.of()[IR]) == (P, P, B1)
    assert len(w.state.routine) == before + 1


def test_a_link_rejoins_the_primaries_after_clean_time_and_hold_down() -> None:
    w = world(current=ON_GEORGIA)
    w.turn({AZ: DOWN, GE1: DOWN})
    w.step(1)
    w.turn({GE1: UP})
    assert w.step(1).sentence.endswith("edge1-georgia is up again but clean for only 0 s of 60 s")
    decision = w.step(100)
    assert decision.sentence == (
        "held: residential stays on georgia; edge1-georgia is to be primary, "
        "but the last move was 101 s ago and hold-down is 10 min"
    )
    decision = w.step(499)
    assert decision.sentence == "residential stays on georgia, now also over edge1-georgia"
    assert w.of() == {AZ: D, GE1: P, GE2: P, IR: B2}


@pytest.mark.parametrize(
    ("verdicts", "suspect", "expected"),
    [
        ({}, (), {AZ: B1, GE1: P, GE2: P, IR: B2}),
        ({GE1: DEGRADED}, (), {AZ: B1, GE1: B1, GE2: P, IR: B2}),
        ({GE1: DEGRADED, GE2: DEGRADED}, (), {AZ: B1, GE1: B2, GE2: B2, IR: P}),
        ({GE1: DEGRADED, GE2: DEGRADED, IR: DEGRADED}, (), CALM["residential"]),
        ({GE1: UNKNOWN, GE2: UNKNOWN, IR: UNKNOWN}, (), None),
        ({}, (GE1, GE2, IR), None),
    ],
)
def test_a_lossy_upstream_is_left_only_for_one_that_is_up(
    verdicts: dict[str, Verdict], suspect: tuple[str, ...], expected: dict[str, Placement] | None
) -> None:
    decision, _ = decide(
        policy(), Moment(see({AZ: DEGRADED, **verdicts}, suspect=suspect), ControlState(), 0.0, CALM)
    )
    assert not decision.escape
    assert decision.assignment == {"residential": expected or CALM["residential"]}


def fading(w: World, name: str, *, fades: bool) -> None:
    part = FamilyHealth(DEGRADED, "lost 9 %", fades=fades)
    w.health[name] = replace(w.health[name], families={Family.IPV4: part})


def test_a_lossy_upstream_is_not_left_while_it_seems_to_get_over_it() -> None:
    w = world()
    w.turn({AZ: DEGRADED})
    fading(w, AZ, fades=True)
    decision = w.step(1)
    assert w.current == CALM
    (held,) = decision.held
    assert (held.move, held.until) == ("azerbaijan -> georgia", None)
    assert decision.sentence.startswith(
        "held: residential stays on azerbaijan, which is degraded (edge1-azerbaijan looks degraded); "
        "azerbaijan seems to be getting over it"
    )
    fading(w, AZ, fades=False)
    w.step(1)
    assert w.of()[GE1] == P


def test_leaving_a_lossy_upstream_respects_hold_down_and_budget() -> None:
    health = see({AZ: DEGRADED})
    moved = ControlState(moved_at={"residential": -100.0})
    spent = ControlState(routine=(-5.0,) * 6)
    for state, until in ((moved, 500.0), (spent, 3595.0)):
        decision, _ = decide(policy(), Moment(health, state, 0.0, CALM))
        assert decision.assignment == CALM
        assert decision.decide_again_at == until
        assert decision.sentence.startswith(
            "held: residential stays on azerbaijan, which is degraded (edge1-azerbaijan looks degraded); georgia is up, but"
        )


def test_a_lossy_upstream_is_not_left_for_one_that_recovered_less_than_a_minute_ago() -> None:
    w = world()
    w.turn({GE1: DOWN, GE2: DOWN, IR: DOWN})
    w.step(1)
    w.turn({GE1: UP, GE2: UP, IR: UP})
    w.turn({AZ: DEGRADED})
    w.step(1)
    w.step(59)
    assert w.of()[AZ] == P
    w.step(1)
    assert w.of()[GE1] == P


def test_a_lossy_link_is_joined_by_its_healthy_sibling_before_the_upstream_is_left() -> None:
    current = {"residential": {AZ: D, GE1: P, GE2: B1, IR: B2}}
    decision, _ = decide(policy(), Moment(see({AZ: DOWN, GE1: DEGRADED}), ControlState(), 0.0, current))
    assert decision.assignment == {"residential": {AZ: D, GE1: P, GE2: P, IR: B2}}


def test_a_dead_backup_is_drained_within_the_budget_and_without_hold_down() -> None:
    moved = ControlState(moved_at={"residential": -1.0})
    decision, _ = decide(policy(), Moment(see({IR: DOWN}), moved, 0.0, CALM))
    assert decision.assignment["residential"][IR] == D
    assert not decision.escape
    assert decision.sentence == (
        "residential stays on azerbaijan; edge2-iran backup-2 -> drained (edge2-iran looks down)"
    )
    spent = ControlState(routine=(-5.0,) * 6)
    decision, _ = decide(policy(), Moment(see({IR: DOWN}), spent, 0.0, CALM))
    assert decision.assignment == CALM
    assert decision.decide_again_at == 3595.0


def test_a_flapping_backup_costs_no_more_than_the_budget_and_no_escape() -> None:
    w = world(stability=replace(STABILITY, fail_back_clean_s=1, fail_back_doubles_up_to_s=1))
    changes = []
    for n in range(3600):
        w.turn({IR: DOWN if n % 10 < 5 else UP})
        before = w.current
        w.step(1)
        if w.current != before:
            changes.append(w.now)
    assert len(changes) == 6
    assert w.state.escapes == ()
    assert w.of()[AZ] == P


def test_two_upstreams_left_primary_by_half_a_push_are_put_right_without_hold_down() -> None:
    both = {"residential": {AZ: P, GE1: P, GE2: P, IR: B2}}
    decision, _ = decide(policy(), Moment(see(), ControlState(moved_at={"residential": -1.0}), 0.0, both))
    assert decision.assignment == CALM
    assert not decision.escape


def test_backups_are_not_tidied_while_the_link_that_carries_has_gone_quiet() -> None:
    w = world(stability=EAGER)
    calm = dict(w.of())
    w.turn({AZ: UP, GE1: DOWN, GE2: DOWN}, suspect=(AZ,))  # one cut, judged a moment apart
    decision = w.step(1)
    assert w.of() == calm
    assert "edge1-azerbaijan has gone quiet: that comes first" in decision.sentence
    w.turn({AZ: DOWN})
    decision = w.step(0.02)
    assert decision.escape
    assert w.of()[IR] == P, "straight to the one that shares nothing"


def test_backups_are_tidied_once_the_link_that_carries_is_heard_again() -> None:
    w = world(stability=EAGER)
    w.turn({AZ: UP, GE1: DOWN, GE2: DOWN}, suspect=(AZ,))
    w.step(1)
    w.turn({AZ: UP})
    w.step(0.2)
    assert (w.of()[GE1], w.of()[GE2]) == (D, D)
    assert w.of()[AZ] == P
