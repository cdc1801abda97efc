"""How long a link may be silent, learnt from its own bursts."""

from __future__ import annotations

import random
from math import exp
from statistics import median

import pytest

from controller.core.grey_threshold import LEVELS, YEAR_S
from controller.core.silence import (
    LONGEST,
    UNIT_S,
    SilenceState,
    follow,
    from_plain,
    initial,
    timed,
    to_plain,
    unit_s,
)

DAY_S = 86400.0
POLICY_S = 0.4
OFTEN = 0.5  # a year
LONGEST_S = LONGEST * UNIT_S


def lived(
    bursts: list[tuple[float, float]],
    days: float = 15.0,
    *,
    everywhere: bool = False,
    policy_s: float = POLICY_S,
) -> SilenceState:
    """A link through so many days, silent at these times for so long; looked at once a minute besides."""
    state, now = initial(policy_s, UNIT_S, OFTEN, 0.0), 0.0
    for at, length_s in sorted(bursts):
        while now + 60.0 < at:
            now += 60.0
            state = timed(state, OFTEN, now)
        state = follow(state, 0.3, at + 0.3, everywhere=everywhere)
        state = follow(state, None, at + length_s, everywhere=False)
        now = at + length_s
    while now < days * DAY_S:
        now += 60.0
        state = timed(state, OFTEN, now)
    return state


def bursts(count: int, mean_s: float, days: float = 15.0, seed: int = 1) -> list[tuple[float, float]]:
    chance = random.Random(seed)
    return [(chance.uniform(0, days * DAY_S), 0.3 + chance.expovariate(1 / mean_s)) for _ in range(count)]


def test_without_a_history_ride_out_is_as_written() -> None:
    assert initial(POLICY_S, UNIT_S, OFTEN, 0.0).ride_out_s == POLICY_S
    assert lived(bursts(200, 0.2, days=10), days=10).ride_out_s == POLICY_S


def test_a_link_without_bursts_keeps_ride_out_as_written() -> None:
    state = lived([])
    assert (state.ride_out_s, state.stretched) == (POLICY_S, False)
    assert state.calibrator.observed_s == pytest.approx(15 * DAY_S, rel=0.01)


def test_bursts_that_ride_out_outlasts_change_nothing() -> None:
    short = [(3600.0 * n, 0.25) for n in range(300)]
    assert lived(short, policy_s=2.0).ride_out_s == 2.0


@pytest.mark.parametrize("mean_s", [0.05, 0.1, 0.15])
def test_ride_out_is_stretched_to_what_the_links_bursts_exceed_once_in_two_years_at_most(
    mean_s: float,
) -> None:
    """Half of all fortnights may well show a tail too light, but for the margin."""
    exceeded = []
    for seed in range(7):
        state = lived(bursts(400, mean_s, seed=seed))
        assert state.stretched
        a_year = 400 / (15 * DAY_S) * YEAR_S
        exceeded.append(a_year * exp((0.3 - state.ride_out_s) / mean_s))
    assert median(exceeded) <= OFTEN
    assert max(exceeded) <= 10 * OFTEN


def test_a_few_long_bursts_count_though_there_are_few() -> None:
    state = lived([(DAY_S * n, 1.0) for n in range(1, 9)])
    assert 1.0 < state.ride_out_s < 2.0


def test_outages_are_no_bursts() -> None:
    assert lived([(DAY_S * n / 2, 20.0) for n in range(1, 29)]).ride_out_s == POLICY_S


def test_a_silence_counts_at_its_longest_though_a_few_answers_shortened_it_before_they_ended_it() -> None:
    state = initial(POLICY_S, UNIT_S, OFTEN, 0.0)
    for silent_s, at in ((0.2, 100.2), (0.5, 100.5), (0.3, 100.7), (0.35, 100.75), (None, 101.0)):
        state = follow(state, silent_s, at, everywhere=False)
    lengths = [length for length in range(1, LONGEST + 1) if state.calibrator.crossings[length - LEVELS[0]]]
    assert max(lengths) == round(0.7 / UNIT_S)  # 0.5 s at 100.5, and until the answers came just before 100.7
    assert state.silent is None


def test_what_befell_every_link_at_once_is_no_burst_of_this_one() -> None:
    assert lived(bursts(300, 0.2), everywhere=True).ride_out_s == POLICY_S


def test_ride_out_is_never_stretched_beyond_its_bound_nor_shortened() -> None:
    assert lived(bursts(2000, 1.0, days=18), days=18).ride_out_s == pytest.approx(LONGEST_S)
    assert lived(bursts(2000, 1.0), policy_s=5.0).ride_out_s == 5.0


def test_time_when_nobody_looked_is_no_quiet_time() -> None:
    state = initial(POLICY_S, UNIT_S, OFTEN, 0.0)
    state = timed(state, OFTEN, 20 * DAY_S)
    assert state.calibrator.observed_s == 0.0


def test_a_history_that_was_kept_holds_from_the_start() -> None:
    first = lived(bursts(600, 0.2))
    kept = from_plain(to_plain(first), UNIT_S)
    assert initial(POLICY_S, UNIT_S, OFTEN, 0.0, kept).ride_out_s == pytest.approx(first.ride_out_s, rel=0.05)


def test_lengths_are_counted_in_units_that_slow_probing_can_tell_apart() -> None:
    assert [unit_s(each) for each in (0.1, 0.5, 1.0, 2.5)] == [0.05, 0.05, 0.1, 0.25]
    first = lived(bursts(600, 0.2))
    assert (
        from_plain(to_plain(first), 0.1).observed_s == 0.0
    )  # probed at another interval since: learnt afresh


def test_a_link_that_has_become_well_is_trusted_again_in_time() -> None:
    state, now = lived(bursts(600, 0.3)), 15 * DAY_S
    assert state.ride_out_s > 1.0
    for _ in range(120 * 24 * 60):
        now += 60.0
        state = timed(state, OFTEN, now)
    assert state.ride_out_s < 1.0
