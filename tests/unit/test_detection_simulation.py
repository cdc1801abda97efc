"""The simulation behind the detection benchmark: does it tell what the real detectors would do?"""

from __future__ import annotations

import random
from math import inf
from statistics import mean, median

import numpy as np
import pytest

from tests.benchmarks.detection_bounds import _passage, bound_s
from tests.benchmarks.detection_links import Fault, FaultyTime, GoodTime, Link
from tests.benchmarks.detection_ours import Ours, interesting
from tests.benchmarks.detection_rules import PooledCusum, Streaks, Window
from tests.unit.grey_world import loses
from tests.unit.paced_world import RIDE_OUT_S, PacedWorld

BEGINS_S = 10.0
THRESHOLD = 16.0
SPAN_S = 20_000.0


@pytest.mark.parametrize("kind", ["iid", "ge3", "ge20"])
@pytest.mark.parametrize("loss", [0.005, 0.01])
def test_a_link_loses_as_much_as_it_says(kind: str, loss: float) -> None:
    link = Link(kind, loss)
    lost = GoodTime(link, SPAN_S, 1).lost
    assert len(lost) / (SPAN_S * link.rate) == pytest.approx(loss, rel=0.2)


def test_bursts_meet_three_probes_on_average() -> None:
    link = Link("ge3", 0.001)
    world = GoodTime(link, 20 * SPAN_S, 1)
    runs = np.diff(np.flatnonzero(np.diff(world.local[0].probes(0, link.targets, link.rate)) > link.targets))
    assert runs.mean() == pytest.approx(3, rel=0.1)
    runs = np.diff(np.flatnonzero(np.diff(world.shared.probes(0, 1, link.rate)) > 1))
    assert runs.mean() == pytest.approx(3, rel=0.1)


def _simulated(loss: float, runs: int) -> float:
    found = []
    for seed in range(runs):
        world = FaultyTime(Link("iid", 0.005), Fault("", loss), BEGINS_S, 100.0, seed)
        ours = Ours(Link("iid", 0.005), THRESHOLD, RIDE_OUT_S)
        number = 0
        alarm = inf
        while alarm == inf and number < 2000:
            number = ours.run(world, number, until_s=100.0, stops=True)
            alarm = min(ours.grey_at, ours.silent_at)
        found.append(alarm - BEGINS_S)
    return median(found)


def _real(loss: float, runs: int) -> float:
    found = []
    for seed in range(runs):
        world = PacedWorld(loses(loss, seed, begin=BEGINS_S), threshold=THRESHOLD)
        world.run(40, until_alarm=True)
        alarms = [at for at in (world.grey_at, world.silent_at) if at is not None]
        found.append(min(alarms) - BEGINS_S)
    return median(found)


@pytest.mark.parametrize(("loss", "tolerance"), [(1.0, 0.05), (0.3, 0.3), (0.1, 0.3)])
def test_faults_are_found_as_soon_as_by_the_real_detectors(loss: float, tolerance: float) -> None:
    assert _simulated(loss, 61) == pytest.approx(_real(loss, 11), rel=tolerance, abs=0.05)


def test_what_is_left_out_of_good_time_would_come_to_nothing() -> None:
    link, span_s = Link("ge3", 0.005), 25_000.0
    world = GoodTime(link, span_s, 3)
    looked_at = interesting(link, world)
    assert len(looked_at) < len(world.lost) / 10
    everything, some = Ours(link, THRESHOLD, 2.0), Ours(link, THRESHOLD, 2.0)
    for ours, firsts in ((everything, world.lost.tolist()), (some, looked_at)):
        number = 0
        for first in firsts:
            if first >= number:
                number = ours.run(GoodTime(link, span_s, 3), first)
    assert everything.calibrator.crossings[4:] == some.calibrator.crossings[4:]
    silences = sum(
        everything.silences.crossings[6:]
    )  # beyond 0.6 s, and as often as they are longer by a step
    assert silences == pytest.approx(sum(some.silences.crossings[6:]), rel=0.1)
    assert silences > 0


def test_the_mean_passage_is_that_of_a_simulated_score() -> None:
    chance, times = random.Random(1), []
    for _ in range(2000):
        score, probes = 0, 0
        while score < 20:
            score = score + 7 if chance.random() < 0.1 else max(0, score - 1)
            probes += 1
        times.append(probes)
    assert _passage(0.1, 7, 1, 20) == pytest.approx(mean(times), rel=0.08)


def test_no_rule_beats_the_bound_and_the_textbook_comes_close_where_it_fits() -> None:
    link = Link("iid", 0.005)
    for loss in (0.05, 0.1, 0.3):
        bound = bound_s(link, loss)
        assert bound_s(link, loss, faster=4) < bound
        times = []
        for seed in range(40):
            world, rule = FaultyTime(link, Fault("", loss), 0.0, 200.0, seed), PooledCusum(link)
            alarms = (rule.lost(number) for number in range(4000) if world.lost_in_calm(number))
            times.append(next(alarm for alarm in alarms if alarm is not None))
        assert bound < mean(times) < 1.6 * bound + 0.3


def test_the_usual_rules_are_told_apart_by_what_they_count() -> None:
    link = Link("iid", 0.005)
    dead = [number for number in range(4000) if number % link.targets == 0]
    window, streaks = Window(link), Streaks.in_a_row(link, 3)
    assert next(at for number in dead if (at := window.lost(number)) is not None) == pytest.approx(
        12, abs=0.5
    )
    assert all(streaks.lost(number) is None for number in dead)
    silent = Streaks.phi(link, 8.0)
    assert next(at for number in range(200) if (at := silent.lost(number)) is not None) == pytest.approx(
        0.7, abs=0.2
    )
