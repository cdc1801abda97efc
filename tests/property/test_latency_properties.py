"""What must hold of brownouts whatever the network does."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.latency import LatencyState, initial, step
from controller.core.latency_usual import HOURS, KEPT
from controller.core.model import LatencyPolicy
from tests.unit.latency_world import POLICY, TARGETS, World, shift

FEW = settings(max_examples=25, deadline=None)

trips = st.tuples(st.sampled_from([*TARGETS, "x"]), st.floats(0, 2000) | st.just(float("nan")))
batches = st.lists(st.tuples(st.lists(trips, max_size=30), st.floats(0, 40)), max_size=40)
policies = st.builds(
    LatencyPolicy,
    worse_by_ms=st.floats(1, 200),
    held_s=st.floats(5, 100),
    limit_ms=st.none() | st.floats(1, 500),
    jitter_worse_by_ms=st.none() | st.floats(1, 200),
    jitter_limit_ms=st.none() | st.floats(1, 500),
)


def lived(history: list[tuple[list[tuple[str, float]], float]], policy: LatencyPolicy) -> list[LatencyState]:
    state, now, states = initial(TARGETS, 0.1), 0.0, []
    for told, later in history:
        now += later
        state = step(state, told, policy, now)
        states.append(state)
    return states


@FEW
@given(batches, policies, st.randoms(use_true_random=False))
def test_the_order_of_arrival_within_a_batch_does_not_matter(
    history: list[tuple[list[tuple[str, float]], float]], policy: LatencyPolicy, chance: random.Random
) -> None:
    shuffled = [(chance.sample(told, len(told)), later) for told, later in history]
    assert lived(history, policy) == lived(shuffled, policy)


@FEW
@given(batches, policies)
def test_whatever_comes_memory_is_bounded_and_nothing_crashes(
    history: list[tuple[list[tuple[str, float]], float]], policy: LatencyPolicy
) -> None:
    for state in lived(history, policy):
        assert set(state.targets) == set(TARGETS)
        for target in state.targets.values():
            assert len(target.block.values) < KEPT
            for series in (target.trip, target.jitter):
                assert len(series.usual.hours) <= HOURS
                assert 0 <= series.score <= 1
        assert not (state.brownout and policy.held_s > state.slow_s)
        kept = initial(TARGETS, 0.1).remembering(state.to_plain())
        assert kept.to_plain() == state.to_plain()


@FEW
@given(
    st.integers(),
    st.sampled_from(TARGETS),
    st.floats(-30, 2000),
    st.integers(3, 5),
    st.sampled_from([0.1, 0.5, 1.0]),
)
def test_one_bad_target_is_never_a_brownout_however_bad(
    seed: int, bad: str, ms: float, targets: int, interval_s: float
) -> None:
    policy = replace(POLICY, jitter_worse_by_ms=20, limit_ms=200)
    world = World(policy=policy, targets=TARGETS[:targets], seed=seed, interval_s=interval_s)
    chance = random.Random(seed)
    world.extra = lambda target, at: chance.choice([0.0, ms]) if target == bad and at > 100 else 0.0
    assert not world.run(400).seen


@FEW
@given(st.integers(), st.floats(100, 200), st.floats(1.0, 10.0), st.floats(10, 100), st.integers(3, 5))
def test_a_seeded_shift_is_always_found_and_always_over_in_the_end(
    seed: int, begin: float, times: float, worse_by: float, targets: int
) -> None:
    policy = LatencyPolicy(worse_by, 30.0)
    fault = shift(worse_by * times + 1, begin, begin + 120)
    world = World(fault, policy, TARGETS[:targets], seed=seed).run(begin + 200)
    assert world.seen[0] - begin <= 25
    assert world.began[0] - begin <= 45
    assert world.ended
    assert world.ended[0] - (begin + 120) <= 50


@FEW
@given(st.integers(), st.floats(0, 1), st.floats(0, 10))
def test_duplicates_and_gaps_raise_no_alarm(seed: int, doubled: float, stalls_s: float) -> None:
    chance = random.Random(seed)
    state, now = initial(TARGETS, 0.2), 0.0
    for _ in range(1500):
        now += 0.2 + (stalls_s if chance.random() < 0.01 else 0.0)
        told = [(target, 30 + chance.expovariate(0.5)) for target in TARGETS]
        told += [each for each in told if chance.random() < doubled]
        state = step(state, told, POLICY, now)
        assert not state.is_slow
