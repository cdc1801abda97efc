"""What must hold of the grey-loss detector whatever the network does."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.grey import GIVE_UP, GreyState, initial, step
from controller.core.grey_threshold import HIGHEST
from controller.core.model import Sample, SampleState
from tests.unit.grey_world import (
    INTERVAL_S,
    TARGETS,
    THRESHOLD,
    TIMEOUT_S,
    GreyWorld,
    loses,
    told,
)

FEW = settings(max_examples=25, deadline=None)
HANDFUL = settings(max_examples=10, deadline=None)

samples = st.builds(
    Sample,
    path=st.just("edge1-azerbaijan"),
    target=st.sampled_from(TARGETS[:7]),  # two more than are known
    seq=st.integers(0, 20),
    sent_at=st.floats(-5, 90, allow_nan=False),
    state=st.sampled_from(SampleState),
)
batches = st.lists(st.tuples(st.lists(samples, max_size=15), st.floats(0, 30)), max_size=15)
counts = st.integers(2, 8)


def start(targets: int = 5) -> GreyState:
    return initial(TARGETS[:targets], INTERVAL_S, TIMEOUT_S, THRESHOLD, 0.0)


@FEW
@given(batches, st.randoms(use_true_random=False))
def test_any_samples_in_any_order_give_the_same_state_and_never_crash(
    history: list[tuple[list[Sample], float]], chance: random.Random
) -> None:
    one = other = start()
    now = 0.0
    for batch, later in history:
        now += later
        one = step(one, batch, now)
        other = step(other, chance.sample(batch + batch, 2 * len(batch)), now)
        assert one == other
        assert 0 <= one.evidence <= HIGHEST


@FEW
@given(st.integers(0, 10**6), st.sampled_from([0.02, 0.1, 0.5]))
def test_when_results_come_does_not_matter_as_long_as_they_come(seed: int, share: float) -> None:
    chance = random.Random(seed)
    punctual = late = start()
    events = list(told(loses(share, seed), 20, 5))
    for at, sample in sorted(events, key=lambda each: each[0]):
        punctual = step(punctual, [sample], at)
    sent_at_once = [
        (
            at if sample.state is SampleState.SENT else at + chance.uniform(0, (GIVE_UP - 1.1) * TIMEOUT_S),
            sample,
        )
        for at, sample in events
    ]
    for at, sample in sorted(sent_at_once, key=lambda each: each[0]):
        late = step(late, [sample], at)
    assert (late.watches, late.evidence, late.grey) == (punctual.watches, punctual.evidence, punctual.grey)
    assert (late.answered, late.calm_lost) == (punctual.answered, punctual.calm_lost)


@FEW
@given(st.lists(st.booleans(), min_size=1, max_size=40), counts, st.integers(0, 7))
def test_one_target_however_bad_never_convicts(pattern: list[bool], targets: int, bad: int) -> None:
    ambient = loses(0.003, seed=len(pattern), ambient=0.003)

    def fate(at: float, target: int) -> SampleState:
        if target == bad % targets:
            return SampleState.LOST if pattern[int(at / INTERVAL_S) % len(pattern)] else SampleState.OK
        return ambient(at, target)

    world = GreyWorld(fate, targets)
    world.run(60)
    assert world.peak < THRESHOLD / 2


@HANDFUL
@given(st.integers(0, 10**6), st.floats(0.1, 1.0), counts)
def test_a_seeded_fault_is_always_found(seed: int, share: float, targets: int) -> None:
    world = GreyWorld(loses(share, seed, begin=10.0), targets)
    world.run(70)
    assert any(grey and at > 10 for at, grey in world.turned)


@FEW
@given(st.lists(st.floats(0, 100), max_size=10), counts)
def test_there_is_no_evidence_in_no_samples_nor_in_answers(waits: list[float], targets: int) -> None:
    empty = answered = start(targets)
    now = 0.0
    for number, wait in enumerate(waits):
        now += wait
        empty = step(empty, [], now)
        answers = [Sample("x", target, number, now, SampleState.OK) for target in TARGETS[:targets]]
        answered = step(answered, answers, now)
    assert (empty.evidence, empty.grey, empty.clean_s) == (0.0, False, 0.0)
    assert (answered.evidence, answered.grey) == (0.0, False)
