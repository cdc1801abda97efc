"""The pace of probing: calm and cheap, fast on the first suspicion, and never for long."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest

from controller.core.evidence import Patience, Rhythm, TargetRecord
from controller.core.grey import initial
from controller.core.model import Sample, SampleState
from controller.core.pacing import FASTER, MOST_SLICES, Pace, missing, suspicious
from tests.unit.grey_world import TARGETS, THRESHOLD, TIMEOUT_S, dead, loses
from tests.unit.paced_world import PacedWorld, health

CALM_S = 0.25


def test_a_suspicion_makes_the_pace_fast_for_a_slice_and_no_longer() -> None:
    pace = Pace(CALM_S, 0.0)
    assert pace.interval_s == CALM_S
    fast = pace.after(True, 5.0)
    assert fast.interval_s == CALM_S / FASTER
    assert fast.until == 6.0
    assert fast.after(True, 5.9).until == 6.0
    assert fast.after(False, 5.9).is_fast
    assert not fast.after(False, 6.0).is_fast
    assert fast.after(True, 6.0).until == 7.0


def test_a_lasting_suspicion_uses_up_the_credit_which_grows_back_slowly() -> None:
    pace, stretches = Pace(CALM_S, 0.0), list[float]()
    for second in range(300):
        pace = pace.after(True, float(second))
        if pace.until > second:
            stretches.append(second)
    assert stretches[:MOST_SLICES] == list(range(MOST_SLICES))
    assert MOST_SLICES + 29 <= len(stretches) <= MOST_SLICES + 30  # and a tenth of the time


def test_where_probes_are_rare_a_slice_lasts_longer() -> None:
    assert Pace(2.5, 0.0).slice_s == 10.0


def _records(answered_at: float, lost: list[int], sent_at: float) -> list[TargetRecord]:
    policy = health(5, CALM_S)
    patience = Patience(policy.ride_out_s / 2, policy.ride_out_s)
    records = []
    for index in range(5):
        record = TargetRecord(Rhythm.of(TARGETS[index], policy))
        for seq, (at, state) in enumerate([(answered_at, SampleState.OK), (sent_at, SampleState.LOST)]):
            record.note(Sample("x", TARGETS[index], seq, at, SampleState.SENT), patience, at)
            if state is SampleState.OK or index in lost:
                record.note(Sample("x", TARGETS[index], seq, at, state, 20.0), patience, at + 0.02)
        records.append(record)
    return records


def test_targets_count_as_missing_by_lost_and_by_overdue_replies_while_that_is_news() -> None:
    records = _records(1.0, [0, 3], 1.25)
    assert missing(records, 1.25 + 0.04) == 2
    assert missing(records, 1.25 + 0.046) == 5  # a quarter more than the usual 20 ms, and 20 ms
    assert missing(records, 2.01) == 0
    assert missing([TargetRecord(Rhythm(CALM_S, TIMEOUT_S, 3.0))] * 5, 1.0) == 0


@pytest.mark.parametrize(("news", "evidence", "grey", "expected"), [
    (0, 0.0, False, False),
    (1, 0.0, False, False),
    (2, 0.0, False, True),
    (0, 0.31 * THRESHOLD, False, True),
    (0, 0.29 * THRESHOLD, False, False),
    (5, THRESHOLD, True, False),  # there is nothing more to find out
])  # fmt: skip
def test_what_is_suspicious(news: int, evidence: float, grey: bool, expected: bool) -> None:
    state = initial(TARGETS[:5], CALM_S, TIMEOUT_S, THRESHOLD, 0.0)
    assert suspicious(replace(state, evidence=evidence, grey=grey), news) is expected


def test_ambient_loss_hardly_ever_makes_the_pace_fast() -> None:
    world = PacedWorld(loses(0.005, ambient=0.005))
    world.run(600)
    assert world.fast
    assert len(world.sent) < 1.05 * 600 * 5 / CALM_S


def test_a_silent_path_is_probed_fast_within_a_fifth_of_a_second() -> None:
    world = PacedWorld(loses(1.0, begin=20.0, ambient=0.0))
    world.run(22)
    at, fast = world.fast[0]
    assert fast
    assert 20 < at < 20.2


def test_a_target_that_stays_dead_is_no_lasting_suspicion() -> None:
    world = PacedWorld(dead(loses(0.0, ambient=0.0), 1))
    world.run(120)
    assert not world.fast


def test_once_the_verdict_is_there_the_pace_is_calm_again() -> None:
    world = PacedWorld(loses(0.3, begin=20.0, ambient=0.0))
    world.run(60)
    assert world.grey_at is not None
    assert world.fast[-1][0] < world.grey_at + 1.5
    assert not world.fast[-1][1]


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_lossy_path_turns_grey_in_half_the_time_that_a_steady_pace_takes(share: float) -> None:
    def found_after(adaptive: bool) -> float:
        times = []
        for seed in range(7):
            world = PacedWorld(loses(share, seed, begin=10.0), adaptive=adaptive)
            world.run(50, until_alarm=True)
            assert world.grey_at is not None
            times.append(world.grey_at - 10)
        return median(times)

    assert found_after(adaptive=True) < 0.55 * found_after(adaptive=False)
