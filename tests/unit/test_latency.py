"""Brownouts: round trips and jitter against what is usual, by targets that agree, held for long enough."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from controller.core.latency import initial, step
from controller.core.latency_usual import HOURS, KEPT, Thinned, Usual, quantile
from controller.core.model import LatencyPolicy
from tests.unit.latency_world import POLICY, TARGETS, World, shift

FAULT = 300.0
DAY = 86400.0


@pytest.mark.parametrize("worse_ms", [50, 60, 100, 300])
@pytest.mark.parametrize("into_block_s", [0.0, 1.0, 2.4, 2.6, 4.9])
def test_a_shift_is_seen_within_20_s_and_a_brownout_once_it_has_been_held(
    worse_ms: float, into_block_s: float
) -> None:
    begin = FAULT + into_block_s
    world = World(shift(worse_ms, begin)).run(begin + 90)
    assert 5 <= world.seen[0] - begin <= 20
    assert 55 <= world.began[0] - begin <= 70
    assert world.state.trip.worse == 5
    excess = (world.state.trip.now_ms or 0) - (world.state.trip.usual_ms or 0)
    assert excess == pytest.approx(worse_ms, abs=3)


@pytest.mark.parametrize("worse_ms", [5, 20, 30])
def test_a_shift_of_well_below_worse_by_is_nobodys_business(worse_ms: float) -> None:
    world = World(shift(worse_ms, FAULT)).run(FAULT + 1800)
    assert not world.seen


@pytest.mark.parametrize(
    ("targets", "bad", "found"),
    [
        ("abc", "a", False),
        ("abc", "ab", True),
        ("abcd", "ab", True),
        ("abcde", "a", False),
        ("abcde", "ab", False),
        ("abcde", "abc", True),
        ("a", "a", False),
        ("ab", "a", False),
        ("ab", "ab", True),
    ],
)
def test_two_targets_and_half_of_them_must_agree(targets: str, bad: str, *, found: bool) -> None:
    world = World(shift(80, FAULT, targets=bad), targets=tuple(targets)).run(FAULT + 120)
    assert bool(world.began) is found


def test_targets_that_answer_no_more_have_no_say() -> None:
    def extra(target: str, at: float) -> float | None:
        if at < FAULT:
            return 0.0
        return None if target in "ab" else 80.0 if target in "cd" else 0.0

    world = World(extra).run(FAULT + 120)
    assert world.began
    assert (world.state.trip.worse, world.state.trip.say) == (2, 3)


@pytest.mark.parametrize("lasts_s", [2.0, 10.0, 30.0, 50.0])
def test_what_passes_before_the_hold_is_over_is_no_brownout(lasts_s: float) -> None:
    world = World(shift(80, FAULT, FAULT + lasts_s)).run(FAULT + 300)
    assert not world.began
    assert not world.state.is_slow


def test_a_brownout_ends_once_it_has_been_clean_for_as_long_as_it_was_held() -> None:
    world = World(shift(80, FAULT, FAULT + 200)).run(FAULT + 400)
    assert len(world.began) == len(world.ended) == 1
    assert 60 <= world.ended[0] - (FAULT + 200) <= 80


def test_a_relapse_starts_the_clean_time_anew() -> None:
    def extra(target: str, at: float) -> float:
        return 80.0 if FAULT <= at < FAULT + 200 or FAULT + 240 <= at < FAULT + 260 else 0.0

    world = World(extra).run(FAULT + 500)
    assert len(world.ended) == 1
    assert world.ended[0] >= FAULT + 260 + 60


def test_one_clean_block_does_not_interrupt_a_hold() -> None:
    def extra(target: str, at: float) -> float:
        return 0.0 if at < FAULT or FAULT + 30 <= at < FAULT + 34 else 80.0

    world = World(extra).run(FAULT + 100)
    assert world.began
    assert world.began[0] - FAULT <= 70


def test_a_young_baseline_is_no_evidence() -> None:
    world = World(shift(80, 20.0)).run(300)
    assert not world.seen


def test_an_absolute_limit_needs_no_baseline() -> None:
    policy = replace(POLICY, limit_ms=100)
    world = World(shift(80, 0.0), policy=policy).run(120)
    assert world.began
    assert world.state.trip.usual_ms is None
    under = World(shift(40, 0.0), policy=policy).run(300)
    assert not under.seen


def test_worse_by_holds_below_the_limit_too() -> None:
    world = World(shift(60, FAULT), policy=replace(POLICY, limit_ms=1000)).run(FAULT + 100)
    assert world.began


def jittery(begin: float, ms: float, targets: str = "abcde") -> World:
    world = World(policy=replace(POLICY, worse_by_ms=500, jitter_worse_by_ms=20))
    chance = world._chance
    world.extra = lambda target, at: chance.expovariate(1 / ms) if at >= begin and target in targets else 0.0
    return world


def test_jitter_is_found_likewise() -> None:
    world = jittery(FAULT, 30).run(FAULT + 100)
    assert world.began
    assert world.seen[0] - FAULT <= 40
    assert world.state.jitter.is_slow
    assert not world.state.trip.is_slow
    assert not jittery(FAULT, 30, "a").run(FAULT + 100).began
    assert not jittery(FAULT, 3).run(FAULT + 100).began


def test_jitter_is_not_looked_at_unless_the_policy_says_so() -> None:
    world = jittery(FAULT, 30)
    world.policy = replace(POLICY, worse_by_ms=500)
    world.run(FAULT + 100)
    assert not world.seen
    assert world.state.jitter.now_ms is None


def test_a_jitter_limit_needs_no_baseline() -> None:
    world = jittery(0.0, 30)
    assert not world.run(200).seen
    limited = jittery(0.0, 30)
    limited.policy = replace(limited.policy, jitter_limit_ms=15)
    assert limited.run(200).began


def test_one_stray_reply_in_ten_is_no_jitter() -> None:
    world = World(policy=replace(POLICY, jitter_worse_by_ms=20))
    world.extra = lambda target, at: 150.0 if at >= FAULT and round(at * 2) % 12 == 0 else 0.0
    assert not world.run(FAULT + 200).seen


def test_what_is_usual_is_not_learned_from_a_brownout() -> None:
    world = World(shift(80, FAULT, FAULT + 4 * 3600), interval_s=1.0).run(FAULT + 4 * 3600)
    assert world.state.brownout
    assert world.state.trip.usual_ms == pytest.approx(36, abs=3)


def test_a_shift_that_has_lasted_a_day_is_the_new_usual() -> None:
    world = World(shift(80, FAULT), interval_s=1.0).run(FAULT + DAY + 600)
    assert len(world.began) == len(world.ended) == 1
    assert world.ended[0] == pytest.approx(FAULT + DAY, abs=20)
    assert world.state.trip.usual_ms == pytest.approx(116, abs=3)


def test_what_lies_above_the_limit_never_becomes_usual() -> None:
    world = World(shift(80, FAULT), policy=replace(POLICY, limit_ms=100), interval_s=1.0)
    world.run(FAULT + DAY + 600)
    assert world.state.brownout
    assert not world.ended


def test_a_lone_target_that_stays_worse_is_learned_in_time() -> None:
    world = World(shift(80, 13 * 3600.0, targets="a"), interval_s=1.0).run(DAY * 1.6)
    assert not world.seen
    assert world.state.targets["a"].trip.usual.value == pytest.approx(112, abs=5)


def test_what_is_usual_follows_the_day_and_not_the_hour() -> None:
    world = World(lambda target, at: 35.0 * (at % DAY > 20 * 3600), interval_s=2.5).run(DAY * 1.2)
    assert not world.began
    assert world.state.trip.usual_ms == pytest.approx(36, abs=4)


def test_silence_is_no_evidence_either_way() -> None:
    def extra(target: str, at: float) -> float | None:
        return None if at >= FAULT + 100 else 80.0 if at >= FAULT else 0.0

    world = World(extra).run(FAULT + 1000)
    assert world.state.brownout
    assert not world.ended


def test_suspicion_does_not_outlive_a_long_silence() -> None:
    def extra(target: str, at: float) -> float | None:
        return 80.0 if FAULT <= at < FAULT + 40 or at >= FAULT + 400 else None if at >= FAULT + 40 else 0.0

    world = World(extra).run(FAULT + 440)
    assert not world.began
    assert world.run(FAULT + 480).began


def test_slow_probing_makes_longer_blocks() -> None:
    world = World(shift(80, 900.0), interval_s=2.0).run(1000)
    assert world.state.block_s == 20
    assert world.began


def test_a_restart_remembers_what_is_usual_and_nothing_else() -> None:
    world = World(shift(80, 7200.0)).run(7300)
    assert world.state.brownout
    plain = json.loads(json.dumps(world.state.to_plain()))
    after = World(shift(80, 0.0), now=5.0)
    after.state = after.state.remembering(plain)
    assert not after.state.brownout
    after.run(100)
    assert after.seen[0] <= 15
    assert after.began[0] <= 70
    assert after.state.to_plain() == plain


def test_a_target_that_is_new_after_a_restart_is_learned() -> None:
    plain = World(targets=("a", "b")).run(300).state.to_plain()
    state = initial(("b", "c"), 0.5).remembering(plain)
    assert state.targets["b"].trip.usual.value is not None
    assert state.targets["c"].trip.usual.value is None


@pytest.mark.parametrize(
    "damage",
    [
        {"a": None},
        {"a": {"trip": {}}},
        {"a": {"trip": [], "jitter": []}},
        {"a": {"hours": [-1.0]}},
        {"a": {"hours": [float("nan")]}},
        {"a": {"hours": [1.0] * (HOURS + 1)}},
        {"a": {"hour": [1.0] * KEPT}},
        {"a": {"hour": "12"}},
        {"a": {"hour": []}},
        {"a": {"stride": 0}},
        {"a": {"count": -1}},
        {"a": {"count": True}},
    ],
)
def test_damaged_memory_is_refused(damage: dict[str, dict[str, object] | None]) -> None:
    plain = World(targets=("a", "b")).run(300).state.to_plain()
    for name, change in damage.items():
        whole = change is None or "trip" in change
        plain[name] = change if whole else {**plain[name], "trip": {**plain[name]["trip"], **(change or {})}}
    with pytest.raises(ValueError, match="latency: "):
        initial(("a", "b"), 0.5).remembering(plain)


def test_thinned_values_are_few_and_evenly_spread() -> None:
    kept = Thinned()
    for number in range(10_000):
        kept = kept.add(float(number))
        assert len(kept.values) < KEPT
    assert kept.count == 10_000
    assert {b - a for a, b in pairwise(kept.values)} == {float(kept.stride)}
    assert kept.median == pytest.approx(5_000, rel=0.05)
    assert kept.tail == pytest.approx(4_000, rel=0.05)


def test_a_quantile_of_few_leaves_out_the_highest() -> None:
    assert quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 1000], 0.9) == 9
    assert quantile([3, 1], 0.5) == 1


def test_what_is_usual_is_the_median_of_a_days_hours() -> None:
    usual = Usual()
    for hour in range(30):
        for _ in range(20):
            usual = usual.learn(float(hour), 20)
    assert len(usual.hours) == HOURS
    assert usual.value == 17


def test_a_state_is_never_changed_by_a_step() -> None:
    state = World().run(100).state
    before = replace(state)
    step(state, [("a", 30.0)], POLICY, 2000.0)
    assert state == before


def test_nothing_is_said_of_round_trips_that_cannot_be() -> None:
    strange = [("a", float("nan")), ("a", float("inf")), ("a", -1.0), ("unknown", 5.0)]
    state = step(initial(TARGETS, 0.5), strange, LatencyPolicy(50, 60), 1.0)
    assert state.targets["a"].block.count == 0
