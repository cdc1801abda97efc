"""When probes are sent. Pure: an absolute timetable, so that lateness never adds up."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Final, TypeVar

T = TypeVar("T")

CATCH_UP_S: Final = 0.05  # probes due longer ago than this are skipped: a burst would measure itself


class Schedule:
    """``slots`` probes every ``interval_s``, evenly spaced from ``start`` on."""

    def __init__(self, slots: int, interval_s: float, start: float) -> None:
        self._slots = slots
        self._spacing_s = interval_s / slots
        self._start = start
        self._next = 0  # counts slots since the start
        self._catch_up = max(1, round(CATCH_UP_S / self._spacing_s))

    def due(self, now: float) -> list[int]:
        """The slots whose time has come since the last call, oldest first; at most ``CATCH_UP_S`` of them."""
        end = floor((now - self._start) / self._spacing_s) + 1
        first = max(self._next, end - self._catch_up)
        if first >= end:
            return []
        self._next = end
        return [number % self._slots for number in range(first, end)]


def spread(paths: Sequence[Sequence[T]]) -> list[T]:
    """One order of sending for all paths, in which each path's own probes are evenly spaced too."""
    phased = [
        (place / len(path) + offset / (len(paths) * len(path)), probe)
        for offset, path in enumerate(paths)
        for place, probe in enumerate(path)
    ]
    return [probe for _, probe in sorted(phased, key=lambda pair: pair[0])]


def alternate(groups: Sequence[Sequence[T]]) -> list[T]:
    """One of each group in turn, while there are any."""
    turns = range(max(map(len, groups), default=0))
    return [item for turn in turns for group in groups for item in group[turn : turn + 1]]
