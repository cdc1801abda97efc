"""What is remembered of links and moves, and the rule of safety by itself."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from controller.core.model import (
    Assignment,
    ControlState,
    Decision,
    Health,
    LinkMemory,
    Moment,
    Placement,
    Reason,
    Verdict,
)
from controller.core.rules import safety, snapshot
from controller.core.stability import ESCAPE, clean_needed_s, ready_at, record_move, remember, room_at
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
    LINKS,
    ON_GEORGIA,
    RESIDENTIAL,
    STABILITY,
    UNKNOWN,
    D,
    P,
    policy,
    see,
)


@pytest.mark.parametrize(
    ("failures", "needed_s"), [(0, 60), (1, 60), (2, 120), (6, 1920), (7, 3600), (10_000, 3600)]
)
def test_clean_time_doubles_with_failures(failures: int, needed_s: float) -> None:
    assert clean_needed_s(STABILITY, failures) == needed_s


def test_a_cap_below_the_clean_time_does_not_shorten_it() -> None:
    assert clean_needed_s(replace(STABILITY, fail_back_doubles_up_to_s=10), 5) == 60


def test_a_failing_link_is_never_ready() -> None:
    assert ready_at(STABILITY, LinkMemory(None, 1, 5.0)) == math.inf


def test_forgetting_ends_a_long_wait() -> None:
    rule = replace(STABILITY, fail_back_doubles_up_to_s=100_000)
    assert ready_at(rule, LinkMemory(clean_since=0.0, failures=20, last_failure=0.0)) == 7200


@pytest.mark.parametrize(
    ("times", "per_hour", "at"),
    [
        ((), 1, 5000.0),
        ((4000.0,), 1, 7600.0),
        ((1400.0,), 1, 5000.0),
        ((1400.1,), 1, 5000.1),
        ((4000.0, 2000.0, 3000.0), 3, 5600.0),
        ((4000.0, 2000.0, 3000.0), 2, 6600.0),
        ((), 0, math.inf),
        ((9999.0,), 1, 8600.0),
    ],
)
def test_a_budget_has_room_an_hour_after_its_oldest_change(
    times: tuple[float, ...], per_hour: int, at: float
) -> None:
    assert room_at(times, per_hour, 5000.0) == pytest.approx(at)


@pytest.mark.parametrize(
    ("memory", "health", "expected"),
    [
        (None, see(since=3.0), LinkMemory(3.0)),
        (None, see(suspect=(AZ,)), LinkMemory(10.0)),
        (None, see({AZ: UNKNOWN}), None),
        (None, see({AZ: DOWN}, since=9.0), LinkMemory(None, 1, 9.0)),
        (LinkMemory(3.0), see({AZ: DEGRADED}, since=9.0), LinkMemory(None, 1, 9.0)),
        (LinkMemory(3.0), see({AZ: UNKNOWN}, since=9.0), LinkMemory(9.0)),
        (LinkMemory(3.0), see(suspect=(AZ,)), LinkMemory(10.0)),
        (LinkMemory(3.0), see(since=8.0), LinkMemory(8.0)),
        (LinkMemory(None, 2, 5.0), see({AZ: DOWN}), LinkMemory(None, 2, 5.0)),
        (LinkMemory(None, 2, 5.0), see({AZ: DEGRADED}), LinkMemory(None, 2, 5.0)),
        (LinkMemory(None, 2, 5.0), see({AZ: UNKNOWN}), LinkMemory(None, 2, 5.0)),
        (LinkMemory(None, 2, 5.0), see(since=9.0), LinkMemory(10.0, 2, 10.0)),
        (LinkMemory(-9000.0, 2, -9000.0), see({AZ: DOWN}, since=9.0), LinkMemory(None, 1, 9.0)),
        (LinkMemory(99.0, 1, 99.0), see(), LinkMemory(10.0, 1, 99.0)),
    ],
)
def test_what_is_remembered_of_a_link(
    memory: LinkMemory | None, health: dict[str, Health], expected: LinkMemory | None
) -> None:
    before = ControlState(links={AZ: memory} if memory else {})
    after = remember(policy(), health, before, 10.0, count_failures=True)
    assert after.links.get(AZ) == expected


def test_memory_is_bounded() -> None:
    old = ControlState({"gone": LinkMemory(1.0)}, {"gone": 1.0}, (1.0, 9000.0), (2.0, 9000.0))
    new = remember(policy(), see(), old, 9500.0, count_failures=True)
    assert (set(new.links), new.moved_at, new.routine, new.escapes) == (set(LINKS), {}, (9000.0,), (9000.0,))


def decision(assignment: Assignment, *escaping: str, frozen: bool = False) -> Decision:
    reasons = tuple(Reason(ESCAPE, name, "dead") for name in escaping)
    return Decision(assignment, "said", reasons, escape=bool(escaping), frozen=frozen)


@pytest.mark.parametrize(
    ("made", "before", "moved", "routine", "escapes"),
    [
        (decision(ON_GEORGIA, "residential"), CALM, True, 0, 1),
        (decision(ON_GEORGIA), CALM, True, 1, 0),
        (decision({"residential": {**CALM["residential"], IR: D}}), CALM, False, 1, 0),
        (decision(CALM), CALM, False, 0, 0),
        (decision(CALM), None, False, 0, 0),
        (decision(CALM), {"residential": {GE1: B1}}, False, 0, 0),
        (decision(ON_GEORGIA, frozen=True), CALM, False, 0, 0),
    ],
)
def test_what_a_push_costs(
    made: Decision,
    before: Assignment | None,
    moved: bool,
    routine: int,
    escapes: int,
) -> None:
    state = record_move(ControlState(), made, before, 7.0)
    assert state.moved_at == ({"residential": 7.0} if moved else {})
    assert (state.routine, state.escapes) == ((7.0,) * routine, (7.0,) * escapes)


@pytest.mark.parametrize(
    ("verdicts", "wanted", "objects"),
    [
        ({}, CALM["residential"], False),
        ({AZ: DOWN}, ON_GEORGIA["residential"], False),
        ({}, dict.fromkeys(LINKS, D), True),
        ({AZ: DOWN, GE1: DOWN, GE2: DOWN}, {AZ: P, GE1: D, GE2: D, IR: D}, True),
        ({}, dict.fromkeys(LINKS, B1), True),
        ({GE1: DOWN, GE2: DOWN}, {AZ: B1, GE1: P, GE2: P, IR: B2}, True),
        ({AZ: UNKNOWN, IR: DOWN}, {AZ: P, GE1: B1, GE2: B1, IR: D}, False),
        (dict.fromkeys(LINKS, DOWN), dict.fromkeys(LINKS, D), False),
        ({AZ: UNKNOWN, GE1: DOWN, GE2: DOWN, IR: DOWN}, dict.fromkeys(LINKS, D), True),
    ],
)
def test_safety_refuses_to_drain_the_last_usable_path(
    verdicts: dict[str, Verdict], wanted: dict[str, Placement], objects: bool
) -> None:
    view = snapshot.take(policy(), Moment(see(verdicts), ControlState(), 0.0, CALM))
    assert (safety.objection(view, RESIDENTIAL, wanted) is not None) == objects


def test_safety_lets_pass_what_is_no_worse_than_what_runs() -> None:
    drained = {"residential": dict.fromkeys(LINKS, D)}
    view = snapshot.take(policy(), Moment(see(), ControlState(), 0.0, drained))
    assert safety.objection(view, RESIDENTIAL, drained["residential"]) is None
