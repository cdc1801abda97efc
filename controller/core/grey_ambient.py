"""The loss a link always has: what the null hypothesis of ``grey`` is scaled to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

DAY_S: Final = 86400.0
DAYS: Final = 14  # remembered
FIRST_LOOK_S: Final = 3600.0  # before the first day is over, look this often
LEAST, MOST = 0.001, 0.01  # bounds of the estimate: below, one burst is half a year's loss; above, say so
PRIOR, PRIOR_PROBES = 0.005, 20_000  # the guess before there is a day, and its weight


@dataclass(frozen=True, slots=True)
class Ambient:
    """Daily means of the last days, and the day under way. ``tally``: (results, lost) of every target."""

    tally: tuple[tuple[int, int], ...]
    begun: float
    days: tuple[float, ...] = ()
    value: float = PRIOR
    looked: float = 0.0  # when the estimate was last made

    def is_due(self, now: float) -> bool:
        """Time to look."""
        return now - self.looked >= FIRST_LOOK_S

    def resumed(self, targets: int, now: float) -> Ambient:
        """What is remembered, for counts and a clock that start anew."""
        return Ambient(((0, 0),) * targets, now, self.days, self.value, now)

    def closed(self, tally: Sequence[tuple[int, int]], now: float) -> Ambient:
        """With the counts so far, cumulative since ever: a day that is over becomes a mean.

        The median over targets makes a bad target count for nothing, the median over days a bad day.
        """
        each = [
            (results - before, lost - lost_before)
            for (results, lost), (before, lost_before) in zip(tally, self.tally, strict=True)
        ]
        if now - self.begun < DAY_S:
            if self.days:
                return Ambient(self.tally, self.begun, self.days, self.value, now)
            share = median((lost + PRIOR * PRIOR_PROBES) / (results + PRIOR_PROBES) for results, lost in each)
            return Ambient(self.tally, self.begun, (), bounded(share), now)
        means = [lost / results for results, lost in each if results >= PRIOR_PROBES]
        days = (*self.days, median(means))[-DAYS:] if means else self.days
        value = bounded(median(days)) if days else self.value
        return Ambient(tuple(tally), now, days, value, now)


def bounded(loss: float) -> float:
    """An estimate within what the null hypothesis can stand for."""
    return min(MOST, max(LEAST, loss))
