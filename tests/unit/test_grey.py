"""The grey-loss detector, told what happens probe by probe in virtual time."""

from __future__ import annotations

import random
from dataclasses import replace
from math import exp, isfinite

import pytest

from controller.core.grey import (
    GIVE_UP,
    MOST_PENDING,
    STALE_S,
    evidence,
    initial,
    step,
    with_threshold,
)
from controller.core.grey_model import (
    NONE,
    Beliefs,
    Chain,
    Watch,
    _coming_and_going,
    _lose,
    _passing,
    _run,
    after_answers,
    after_loss,
    model,
)
from controller.core.model import Sample, SampleState
from tests.unit.grey_world import INTERVAL_S, TARGETS, THRESHOLD, TIMEOUT_S, Fate, GreyWorld, dead, loses

CALM = loses(0.0)


@pytest.mark.parametrize(
    ("share", "within_s"), [(0.05, 40), (0.1, 15), (0.3, 6), (0.5, 9), (0.65, 15), (0.9, 15), (1.0, 15)]
)
@pytest.mark.parametrize("targets", [3, 5, 8])
def test_a_path_that_loses_more_than_ever_turns_grey_soon(
    share: float, within_s: float, targets: int
) -> None:
    world = GreyWorld(loses(share, begin=20.0), targets)
    state = world.run(20 + 2 * within_s)
    assert state.grey
    begun, grey = world.turned[0]
    assert grey
    assert 20 < begun < 20 + within_s * (2 if targets == 3 else 1)


@pytest.mark.parametrize("ambient", [0.001, 0.005, 0.01])
def test_ambient_loss_is_no_evidence_worth_suspicion(ambient: float) -> None:
    world = GreyWorld(loses(ambient, ambient=ambient, seed=3))
    state = world.run(1800)
    assert world.peak < THRESHOLD / 2
    assert not world.turned
    assert state.clean_s > 60


@pytest.mark.parametrize("targets", [2, 3, 4, 5, 6, 10])
def test_one_dead_target_convicts_no_path(targets: int) -> None:
    world = GreyWorld(dead(loses(0.005, ambient=0.005), 1), targets)
    world.run(600)
    assert world.peak < THRESHOLD / 2


@pytest.mark.parametrize("targets", [3, 5])
def test_a_dead_target_does_not_hide_a_path_that_loses_10_percent(targets: int) -> None:
    world = GreyWorld(dead(loses(0.1, begin=20.0), 1), targets)
    world.run(70)
    assert world.turned[0][1]
    assert 20 < world.turned[0][0] < 60


@pytest.mark.parametrize("percent", [10, 30])
def test_two_targets_convict_a_path_when_both_of_them_lose(percent: int) -> None:
    world = GreyWorld(loses(percent / 100, begin=20.0), 2)
    world.run(80)
    assert world.turned[0][1]
    assert 20 < world.turned[0][0] < 60


@pytest.mark.parametrize("targets", [0, 1])
def test_a_single_target_says_nothing(targets: int) -> None:
    state = initial(TARGETS[:targets], INTERVAL_S, TIMEOUT_S, THRESHOLD, 0.0)
    for number in range(200 * targets):
        at = 0.1 * number
        lost = Sample("x", TARGETS[number % targets], number, at, SampleState.LOST)
        state = step(state, [lost], at + 0.3)
    assert evidence(state) == 0.0
    assert not state.grey


def test_a_path_that_is_well_again_is_clean_soon_however_long_it_was_not() -> None:
    world = GreyWorld(loses(0.1, begin=20.0, end=320.0, ambient=0.002))
    state = world.run(400)
    assert [grey for _, grey in world.turned] == [True, False]
    assert 320 < world.turned[1][0] < 350
    assert 40 < state.clean_s < 80


def test_short_bursts_are_not_grey_where_long_ones_are() -> None:
    def bursts(length_s: float) -> float:
        def fate(at: float, _target: int) -> SampleState:
            return SampleState.LOST if at > 30 and at % 60 < length_s else SampleState.OK

        world = GreyWorld(fate)
        world.run(200)
        return world.peak

    assert bursts(0.25) < THRESHOLD / 2 < THRESHOLD <= bursts(15.0)


def test_an_invalid_probe_says_nothing() -> None:
    world = GreyWorld(lambda _at, _target: SampleState.INVALID)
    state = world.run(60)
    assert (state.evidence, state.clean_s, sum(state.answered), state.pending) == (0.0, 0.0, 0, {})


def test_evidence_is_not_kept_over_a_gap_without_results() -> None:
    state = GreyWorld(loses(0.3)).run(30)
    assert state.grey
    later = state.at + STALE_S + 1
    state = step(state, [Sample("x", TARGETS[0], 1, later, SampleState.OK)], later)
    assert not state.grey
    assert state.evidence == 0.0
    assert state.clean_s == 0.0


def test_a_probe_whose_fate_is_never_told_holds_nothing_up_for_long() -> None:
    state = initial(TARGETS[:3], INTERVAL_S, TIMEOUT_S, THRESHOLD, 0.0)
    state = step(state, [Sample("x", TARGETS[0], 0, 0.0, SampleState.SENT)], 0.0)
    state = step(state, [Sample("x", TARGETS[1], 0, 0.1, SampleState.OK)], 0.1)
    assert sum(state.answered) == 0
    state = step(state, [], 0.01 + GIVE_UP * TIMEOUT_S)
    assert sum(state.answered) == 1
    assert not state.pending


def test_memory_is_bounded_whatever_is_left_without_a_result() -> None:
    state = initial(TARGETS[:3], INTERVAL_S, TIMEOUT_S, THRESHOLD, 0.0)
    for number in range(0, 5000, 100):
        samples = [
            Sample("x", TARGETS[n % 3], n, n * 1e-6, SampleState.SENT) for n in range(number, number + 100)
        ]
        state = step(state, samples, 0.01)
        assert len(state.pending) <= MOST_PENDING


def test_a_late_reply_does_not_undo_a_loss() -> None:
    state = initial(TARGETS[:3], INTERVAL_S, TIMEOUT_S, THRESHOLD, 0.0)
    for result in (SampleState.SENT, SampleState.LOST, SampleState.OK):
        state = step(state, [Sample("x", TARGETS[0], 0, 0.0, result)], 0.5)
    assert (sum(state.answered), state.calm_lost) == (0, (1, 0, 0))


def test_what_leads_to_an_alarm_is_no_history_of_a_link_that_is_well() -> None:
    state = GreyWorld(loses(0.3, begin=100.0, end=160.0, ambient=0.0)).run(300)
    assert not any(state.calibrator.crossings[2:])  # a faint beginning may have passed by itself
    assert 150 < state.calibrator.observed_s + state.quiet_s < 245


def test_step_leaves_the_state_it_was_given_as_it_was() -> None:
    state = GreyWorld(loses(0.1)).run(20)
    before = replace(state, pending=dict(state.pending))
    lost = [Sample("x", TARGETS[0], 9999, state.at + 1, SampleState.LOST)]
    assert step(state, lost, state.at + 2) != state
    assert state == before


def test_a_threshold_may_change_while_evidence_stays() -> None:
    state = GreyWorld(loses(0.3)).run(3)
    other = with_threshold(state, 40.0, 0.05)
    assert (other.threshold, other.evidence, other.watches) == (40.0, state.evidence, state.watches)
    assert other.model != state.model
    assert with_threshold(other, 40.0) == other


# --- the likelihoods -----------------------------------------------------------------------------

M = model(0.005, INTERVAL_S)
BELIEFS = [NONE, Beliefs(0.6, ()), Beliefs(0.1, ((0, 0.5, 0), (1, 0.9, 0))), Beliefs(0.99, ((0, 0.99, 0),))]


@pytest.mark.parametrize("was", BELIEFS)
@pytest.mark.parametrize("index", range(-1, len(M.alternatives)))
def test_an_answer_and_a_loss_are_all_that_can_happen(was: Beliefs, index: int) -> None:
    hypothesis = M.null if index < 0 else M.alternatives[index]
    _, answer = _run(M, hypothesis, was, (0.0, 1), [1, 0])
    _, loss = _lose(M, hypothesis, was, 0, 0)
    if not any(each[0] == 0 for each in was.local):  # else the run has the target's rest besides
        assert exp(answer) + exp(loss) == pytest.approx(1, abs=1e-9)
    assert exp(answer) + exp(loss) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("belief", [0.0, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("answers", [1, 2, 7, 300])
def test_a_run_of_answers_at_once_is_the_same_as_one_by_one(belief: float, answers: int) -> None:
    chain = Chain(0.4, 3.0)
    for run, rates in ((_passing, (0.3, 2.5)), (_coming_and_going, (chain,))):
        at_once, likely = (
            _passing(belief, 0.3, 2.5, answers, 0.1 * answers)
            if rates != (chain,)
            else _coming_and_going(chain, belief, answers, 0.1 * answers)
        )
        each, total = belief, 0.0
        for _ in range(answers):
            each, one = (
                _passing(each, 0.3, 2.5, 1, 0.1)
                if run is _passing
                else _coming_and_going(chain, each, 1, 0.1)
            )
            total += one
        assert at_once == pytest.approx(each, rel=1e-6, abs=1e-9)
        assert likely == pytest.approx(total, rel=1e-6, abs=1e-9)


def test_rounding_makes_nothing_impossible() -> None:
    for belief, likely in (
        _passing(1.0, 0.3, 2.5, 5000, 0.0),
        _coming_and_going(Chain(0.4, 3.0), 1.0, 5000, 0.0),
    ):
        assert 0 <= belief <= 1
        assert isfinite(likely)


def test_no_run_of_answers_lifts_a_score_above_the_ceiling() -> None:
    chance = random.Random(7)
    for _ in range(200):
        watch, answered, at = Watch(), [0, 0, 0], 0.0
        for _ in range(chance.randrange(1, 20)):
            target, run = chance.randrange(3), chance.randrange(4)
            answered[target] += run
            at += 0.07 * (run + 1)
            watch = after_answers(M, watch, at, sum(answered), answered)
            watch = after_loss(M, watch, target, answered[target], 60.0)
        for _ in range(40):
            answered[chance.randrange(3)] += 1
            at += 0.07
            assert after_answers(M, watch, at, sum(answered), answered).score <= watch.ceiling + 1e-9


def outages(*spans: tuple[float, float]) -> Fate:
    """Nothing answers from a second for so long; all is well otherwise."""
    return lambda at, target: (
        SampleState.LOST if any(begin <= at < begin + lasts for begin, lasts in spans) else SampleState.OK
    )


def test_one_outage_shorter_than_ride_out_is_no_grey_loss() -> None:
    outage = outages((20.0, 3.9))
    patient, stern = (GreyWorld(outage, threshold=12.0, ride_out_s=ride_out_s) for ride_out_s in (4.0, 0.0))
    assert patient.run(60).evidence == 0
    assert patient.turned == []
    stern.run(60)
    assert stern.turned


def test_a_longer_outage_is_left_to_silence() -> None:
    world = GreyWorld(outages((20.0, 6.0)), threshold=12.0, ride_out_s=1.0)
    assert world.run(60).evidence == 0
    assert world.turned == []


def test_short_outages_that_come_together_are_grey_loss() -> None:
    world = GreyWorld(outages(*((20.0 + 2.5 * n, 1.9) for n in range(10))), threshold=15.0, ride_out_s=2.0)
    world.run(80)
    assert world.turned
    assert 25 < world.turned[0][0] < 42


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_forgiving_total_loss_hardly_delays_grey_loss(share: float) -> None:
    world = GreyWorld(loses(share, begin=10.0), ride_out_s=1.0)
    world.run(60)
    stern = GreyWorld(loses(share, begin=10.0))
    stern.run(60)
    assert world.turned[0][0] <= stern.turned[0][0] + 2.0
