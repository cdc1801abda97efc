"""Thresholds of grey loss: by formula, fitted to history, kept; and the ambient loss they go with."""

from __future__ import annotations

import random
from math import exp, inf, log
from typing import Any

import pytest

from controller.core.grey_ambient import DAY_S, DAYS, FIRST_LOOK_S, LEAST, MOST, PRIOR, Ambient
from controller.core.grey_threshold import (
    APART_S,
    HIGHEST,
    LEAST_EXCESS,
    LEVELS,
    LOWEST,
    TAIL,
    YEAR_S,
    Calibrator,
    formula_threshold,
)


@pytest.mark.parametrize(
    ("probes_per_s", "false_per_year", "threshold"),
    [(30, 1, 26.46), (30, 0.5, 27.15), (2, 1, 23.75), (1e-9, 1, LOWEST), (1e20, 1e-6, HIGHEST)],
)
def test_the_formula(probes_per_s: float, false_per_year: float, threshold: float) -> None:
    assert formula_threshold(probes_per_s, false_per_year) == pytest.approx(threshold, abs=0.01)


@pytest.mark.parametrize(("probes_per_s", "false_per_year"), [(0, 1), (30, 0), (-1, 1), (30, -1)])
def test_rates_that_are_none_are_refused(probes_per_s: float, false_per_year: float) -> None:
    with pytest.raises(ValueError, match="rates must be positive"):
        formula_threshold(probes_per_s, false_per_year)


def history(mean: float, per_day: float, days: float, seed: int = 1) -> Calibrator:
    """Excursions of evidence with an exponential tail above 4 nats."""
    chance, at, calibrator = random.Random(seed), 0.0, Calibrator()
    while at < days * DAY_S:
        at += APART_S + chance.expovariate(per_day / DAY_S)
        calibrator = calibrator.note(LEVELS[0] + chance.expovariate(1 / mean), at)
    return calibrator.quiet(at)


@pytest.mark.parametrize("mean", [1.0, 2.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fitted_threshold_keeps_the_promise_with_some_margin(mean: float, seed: int) -> None:
    threshold = history(mean, 200, 14, seed).threshold(1.0)
    exact = LEVELS[0] + mean * log(200 * YEAR_S / DAY_S)
    assert threshold is not None
    assert exact < threshold < exact + 5 * mean
    promised_per_year = 200 * YEAR_S / DAY_S * exp(-(threshold - LEVELS[0]) / mean)
    assert promised_per_year < 1


def test_thresholds_are_bounded() -> None:
    quiet = history(0.05, 2, 14).threshold(1e4)
    loud = history(12.0, 200, 14).threshold(1.0)
    assert (quiet, loud) == (LOWEST, HIGHEST)


def test_a_light_tail_is_not_trusted_beyond_what_a_likelihood_ratio_has_by_nature() -> None:
    light = history(0.3, 200, 14)
    tail = light.fit()
    assert tail is not None
    level, mean = tail
    assert mean == LEAST_EXCESS
    crossed = light.crossings[level - LEVELS[0]]
    by_nature = level + log(crossed * YEAR_S / light.observed_s) + TAIL.margin
    assert light.threshold(1.0) == pytest.approx(by_nature)


def test_without_history_there_is_no_fit() -> None:
    assert Calibrator().threshold(1.0) is None
    assert Calibrator().quiet(YEAR_S).threshold(1.0) is None
    assert history(1.0, 1, 10).threshold(1.0) is None


def test_crossings_close_together_are_one() -> None:
    calibrator = Calibrator()
    for at in (0.0, 10.0, 65.0, 126.0):  # the third is near the second
        calibrator = calibrator.note(5.5, at)
    assert calibrator.crossings[:3] == (2, 2, 0)
    assert calibrator.note(3.9, 1000.0) == calibrator
    assert calibrator.note(1000.0, 2000.0).crossings == (3, 3) + (1,) * (len(LEVELS) - 2)


def test_a_calibrator_survives_the_store() -> None:
    calibrator = history(1.0, 200, 14)
    kept = Calibrator.from_plain(calibrator.to_plain())
    assert kept.threshold(1.0) == calibrator.threshold(1.0)
    assert set(kept.above_at) == {-inf}


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"observed_s": -1.0, "crossings": [0] * len(LEVELS)},
        {"observed_s": inf, "crossings": [0] * len(LEVELS)},
        {"observed_s": 1.0, "crossings": [0]},
        {"observed_s": 1.0, "crossings": [-1] * len(LEVELS)},
        {"observed_s": 1.0, "crossings": ["1"] * len(LEVELS)},
        {"observed_s": "1", "crossings": [0] * len(LEVELS)},
    ],
)
def test_what_was_not_written_by_a_calibrator_is_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="calibration"):
        Calibrator.from_plain(plain)


def test_history_can_be_given_less_weight() -> None:
    calibrator = history(1.0, 400, 14)
    less = calibrator.forgotten()
    assert less.observed_s == pytest.approx(calibrator.observed_s / 2)
    assert less.threshold(1.0) == pytest.approx(calibrator.threshold(1.0) or 0.0, abs=1.0)


# --- ambient loss --------------------------------------------------------------------------------

PER_DAY = 400_000


def days(*losses: tuple[float, ...]) -> Ambient:
    """Whole days, each with the loss of every target."""
    count = len(losses[0])
    ambient, sums = Ambient(((0, 0),) * count, 0.0), [(0, 0)] * count
    for day, each in enumerate(losses, 1):
        sums = [
            (seen + PER_DAY, lost + int(PER_DAY * loss))
            for (seen, lost), loss in zip(sums, each, strict=True)
        ]
        ambient = ambient.closed(sums, day * DAY_S)
    return ambient


@pytest.mark.parametrize(
    ("losses", "value"),
    [
        ([(0.002, 0.002, 0.002)], 0.002),
        ([(0.002, 0.003, 1.0)], 0.003),  # a dead target counts for nothing
        ([(0.002,) * 3, (0.3,) * 3, (0.002,) * 3], 0.002),  # nor does a bad day
        ([(0.0,) * 3], LEAST),
        ([(0.2,) * 3], MOST),
    ],
)
def test_ambient_loss_is_the_median_day_of_the_median_target(
    losses: list[tuple[float, ...]], value: float
) -> None:
    assert days(*losses).value == pytest.approx(value, rel=1e-3)


def test_only_so_many_days_are_remembered() -> None:
    ambient = days(*[(0.009,) * 3] * DAYS, *[(0.002,) * 3] * DAYS)
    assert (len(ambient.days), set(ambient.days)) == (DAYS, {0.002})


def test_within_the_first_day_a_guess_gives_way_to_what_is_seen() -> None:
    ambient = Ambient(((0, 0),) * 3, 0.0)
    assert not ambient.is_due(FIRST_LOOK_S - 1)
    assert ambient.is_due(FIRST_LOOK_S)
    assert ambient.closed([(0, 0)] * 3, FIRST_LOOK_S).value == pytest.approx(PRIOR)
    assert ambient.closed([(20_000, 20)] * 3, FIRST_LOOK_S).value == pytest.approx(0.003)


def test_ambient_loss_is_remembered_beyond_a_restart() -> None:
    known = days((0.002,) * 3).resumed(5, 7.0)
    assert (known.value, known.begun, len(known.tally)) == (0.002, 7.0, 5)
