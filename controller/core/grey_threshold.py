"""How much evidence makes a link grey: by formula at first, by the link's own quiet history later.

Levels of evidence are nats. A threshold is chosen so that a link that is well crosses it no oftener than
wanted; time inside alarms must be kept out of the history by whoever feeds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf, log
from typing import Any, Final, NamedTuple

YEAR_S: Final = 365.25 * 86400
LOWEST, HIGHEST = 12.0, 60.0  # bounds of any threshold
FORMULA_MARGIN: Final = 4.0
LEVELS: Final = tuple(range(4, 61))  # at which crossings are counted
APART_S: Final = 60.0  # crossings closer than this are one
# Nats: what a likelihood ratio has whose null hypothesis is true. A lighter fit has seen the end of what
# single bursts do, and not yet the rarer tail of their coincidences.
LEAST_EXCESS: Final = 1.0


class Tail(NamedTuple):
    """How a tail is fitted."""

    few: int  # with fewer crossings of the lowest level the history says nothing yet
    enough: int  # crossings of the level from which it is fitted
    margin: float  # mean excesses added, for the error of the fit


TAIL: Final = Tail(few=20, enough=30, margin=2.0)


def _bounded(threshold: float) -> float:
    return min(HIGHEST, max(LOWEST, threshold))


def formula_threshold(probes_per_s: float, false_per_year: float) -> float:
    """A safe threshold without history, in nats, for links whose ambient loss is known.

    The bound for a mixture of six alternatives, ln(6 probes per false alarm), and a margin for bursts the
    null has not foreseen. ``probes_per_s``: of the link and family. Raises ``ValueError`` unless both are
    positive.
    """
    if not (probes_per_s > 0 and false_per_year > 0):
        raise ValueError(f"rates must be positive, not {probes_per_s} probes/s, {false_per_year} a year")
    return _bounded(log(6 * probes_per_s * YEAR_S / false_per_year) + FORMULA_MARGIN)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """How often each level of evidence was crossed upward in quiet time. Constant size, plain values."""

    observed_s: float = 0.0
    crossings: tuple[int, ...] = (0,) * len(LEVELS)
    above_at: tuple[float, ...] = (-inf,) * len(LEVELS)  # when evidence was last above each level

    def quiet(self, elapsed_s: float) -> Calibrator:
        """So much more time was observed, outside alarms."""
        return Calibrator(self.observed_s + max(0.0, elapsed_s), self.crossings, self.above_at)

    def note(self, evidence: float, at: float) -> Calibrator:
        """Evidence at a moment. Only what reaches the lowest level needs telling."""
        reached = min(len(LEVELS), floor(evidence) - LEVELS[0] + 1) if evidence >= LEVELS[0] else 0
        if not reached:
            return self
        crossings = tuple(
            count + (at - self.above_at[index] > APART_S) if index < reached else count
            for index, count in enumerate(self.crossings)
        )
        above_at = (max(at, self.above_at[0]),) * reached + self.above_at[reached:]
        return Calibrator(self.observed_s, crossings, above_at)

    def fit(self, tail: Tail = TAIL) -> tuple[int, float] | None:
        """The exponential tail: the level it starts from and the mean excess above it, in nats.

        None while there are too few crossings. The mean excess is the area under the counts: with counts at
        every whole level, their sum above the start, and half a step. It is never less than ``LEAST_EXCESS``.
        """
        if self.crossings[0] < tail.few:
            return None
        enough = min(tail.enough, self.crossings[0])
        start = max(index for index, count in enumerate(self.crossings) if count >= enough)
        mean = sum(self.crossings[start + 1 :]) / self.crossings[start] + 0.5
        return LEVELS[start], max(LEAST_EXCESS, mean)

    def threshold(self, false_per_year: float) -> float | None:
        """The fitted threshold, with its margin and bounds; None while there is too little history."""
        level = self.level_for(false_per_year)
        return None if level is None else _bounded(level)

    def level_for(self, false_per_year: float, tail: Tail = TAIL) -> float | None:
        """The level crossed so often, by the tail and with its margin; None for want of history."""
        found = self.fit(tail)
        if found is None or self.observed_s <= 0:
            return None
        level, mean = found
        per_year = self.crossings[level - LEVELS[0]] * YEAR_S / self.observed_s
        return level + mean * (log(per_year / false_per_year) + tail.margin)

    def forgotten(self, share: float = 0.5) -> Calibrator:
        """The same history with less weight, so that newer days count more."""
        kept = tuple(int(count * share) for count in self.crossings)
        return Calibrator(self.observed_s * share, kept, self.above_at)

    def to_plain(self) -> dict[str, Any]:
        """For the store. Moments are left out: monotonic time means nothing to another process."""
        return {"observed_s": self.observed_s, "crossings": list(self.crossings)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Calibrator:
        """What ``to_plain`` wrote. Raises ``ValueError`` for anything else."""
        counts, observed_s = plain.get("crossings"), plain.get("observed_s")
        if not isinstance(observed_s, int | float) or not 0 <= observed_s < inf:
            raise ValueError(f"calibration: observed_s is {observed_s!r}, not seconds")
        if not isinstance(counts, Sequence) or len(counts) != len(LEVELS):
            raise ValueError(f"calibration: not {len(LEVELS)} counts of crossings")
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise ValueError("calibration: a count of crossings is not a whole number of 0 or more")
        return cls(float(observed_s), tuple(counts))
