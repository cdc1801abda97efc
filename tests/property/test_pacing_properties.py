"""What must hold of the pace whatever is suspected, whenever."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from controller.core.pacing import FASTER, MOST_SLICES, SHARE, Pace

looks = st.lists(st.tuples(st.floats(0, 20), st.booleans()), min_size=1, max_size=300)
intervals = st.floats(0.02, 5)


@given(intervals, looks, st.floats(1, 600))
def test_within_any_time_no_more_than_the_credit_is_fast(
    calm_s: float, history: list[tuple[float, bool]], window_s: float
) -> None:
    pace, now, stretches = Pace(calm_s, 0.0), 0.0, list[float]()
    for later, suspected in history:
        now += later
        before, pace = pace, pace.after(suspected, now)
        if pace.until > before.until:
            assert before.until <= now
            stretches.append(now)
    slice_s = pace.slice_s
    for first in stretches:
        within = sum(
            max(0.0, min(at + slice_s, first + window_s) - at)
            for at in stretches
            if first <= at < first + window_s
        )
        assert within <= (MOST_SLICES + 1) * slice_s + SHARE * window_s + 1e-6
    assert all(other - one >= slice_s - 1e-9 for one, other in pairwise(stretches))


@given(intervals, looks)
def test_the_interval_is_that_of_calm_or_the_fast_one_and_calm_where_nothing_was_suspected(
    calm_s: float, history: list[tuple[float, bool]]
) -> None:
    pace, now = Pace(calm_s, 0.0), 0.0
    for later, suspected in history:
        now += later
        pace = pace.after(suspected, now)
        assert pace.interval_s in (calm_s, calm_s / FASTER)
        assert 0 <= pace.slices <= MOST_SLICES
        assert pace.interval_s == calm_s or any(each for _, each in history)


@given(intervals, looks)
def test_looking_once_more_at_the_same_moment_changes_nothing(
    calm_s: float, history: list[tuple[float, bool]]
) -> None:
    pace, now = Pace(calm_s, 0.0), 0.0
    for later, suspected in history:
        now += later
        pace = pace.after(suspected, now)
        assert pace.after(suspected, now) == pace
        assert pace.after(False, now) == pace
        assert pace.after(False, now - 1) == pace
