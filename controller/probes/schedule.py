"""When probes are sent. Pure: an absolute timetable, so that lateness never adds up."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heapreplace
from math import floor, inf
from typing import Final, TypeVar

T = TypeVar("T")

CATCH_UP_S: Final = 0.05  # probes due longer ago than this are skipped: a burst would measure itself
_GOLDEN: Final = (
    0.618  # multiples of it, less their whole part, lie apart: paths paced at once do not coincide
)


class Schedule:
    """Every slot at an interval of its own, the slots evenly spread over theirs from ``start`` on.

    ``slots``: for each its interval, and the floor that no later pace goes below; in seconds.
    """

    def __init__(self, slots: Sequence[tuple[float, float]], start: float) -> None:
        self._interval_s = [interval_s for interval_s, _ in slots]
        self._floor_s = [floor_s for _, floor_s in slots]
        self._anchor = [start + each * place / len(slots) for place, each in enumerate(self._interval_s)]
        self._last = [-inf] * len(slots)
        self._next = [(at, slot) for slot, at in enumerate(self._anchor)]
        heapify(self._next)

    def due(self, now: float) -> list[int]:
        """The slots whose time has come since the last call, oldest first; none twice.

        Of those that are due for longer than ``CATCH_UP_S`` only the last, and only if there is no other.
        """
        found = []
        while self._next and self._next[0][0] <= now:
            slot = self._next[0][1]
            anchor, interval_s = self._anchor[slot], self._interval_s[slot]
            turn = floor((now - anchor) / interval_s)
            while anchor + (turn + 1) * interval_s <= now:  # the division was rounded down
                turn += 1
            found.append((anchor + turn * interval_s, slot))
            heapreplace(self._next, (anchor + (turn + 1) * interval_s, slot))
        found.sort()
        in_time = [each for each in found if each[0] > now - CATCH_UP_S] or found[-1:]
        for at, slot in in_time:
            self._last[slot] = at
        return [slot for _, slot in in_time]

    def pace(self, slots: Sequence[int], interval_s: float, now: float) -> None:
        """These slots at this interval from ``now`` on, or at their floor where that is slower."""
        wanted = {slot: max(interval_s, self._floor_s[slot]) for slot in slots}
        if all(self._interval_s[slot] == each for slot, each in wanted.items()):
            return
        offset = slots[0] * _GOLDEN % 1
        for place, (slot, every_s) in enumerate(wanted.items()):
            self._interval_s[slot] = every_s
            earliest = self._last[slot] + self._floor_s[slot]
            at = now + every_s * (place + offset) / len(wanted)
            self._anchor[slot] = at if at >= earliest else at + every_s
        self._next = [(self._anchor[s] if s in wanted else at, s) for at, s in self._next]
        heapify(self._next)


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
