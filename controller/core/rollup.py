"""Samples rolled up: how many answered, were lost, said nothing, and how the round trips were spread.

Tallies merge exactly: seconds merged into a minute are that minute's tally, in whatever order they come.
Round trips are counted in bins that grow by a constant factor (the sketch of Masson, Rim and Lee, DDSketch,
VLDB 2019): a quantile read from them is within ``ERROR`` of a round trip that was measured at that rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, floor, log
from typing import Final, NamedTuple

from controller.core.model import Family

ERROR: Final = 0.02  # of any quantile, relative
_GROWTH: Final = log((1 + ERROR) / (1 - ERROR))
SHORTEST_MS, LONGEST_MS = 0.001, 60_000.0  # beyond these, round trips count as these: at most 450 bins


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the probes of some stretch of time."""

    ok: int = 0
    lost: int = 0
    invalid: int = 0
    rtt_min_ms: float | None = None
    rtt_max_ms: float | None = None
    bins: Mapping[int, int] = field(default_factory=dict)  # of round trips: bin -> how many

    @property
    def sent(self) -> int:
        """Probes that came to something, be it nothing."""
        return self.ok + self.lost + self.invalid

    @property
    def loss_percent(self) -> float | None:
        """Of the probes that were answered or lost; None without any."""
        told = self.ok + self.lost
        return 100 * self.lost / told if told else None

    def rtt_ms(self, share: float) -> float | None:
        """The round trip that this share (0 to 1) of the answers did not exceed, within ``ERROR``."""
        if self.rtt_min_ms is None or self.rtt_max_ms is None:
            return None
        rank = floor(share * (sum(self.bins.values()) - 1))
        for place in sorted(self.bins):
            rank -= self.bins[place]
            if rank < 0:
                break
        return min(max(_middle(place), self.rtt_min_ms), self.rtt_max_ms)


NOTHING: Final = Tally()


def tally(rtts_ms: Iterable[float], lost: int = 0, invalid: int = 0) -> Tally:
    """One stretch of time: the round trips of the answers, and how many probes had none."""
    bins: dict[int, int] = {}
    found = sorted(rtts_ms)
    for rtt_ms in found:
        place = _bin(rtt_ms)
        bins[place] = bins.get(place, 0) + 1
    if not found:
        return Tally(0, lost, invalid)
    return Tally(len(found), lost, invalid, found[0], found[-1], bins)


def merged(tallies: Iterable[Tally]) -> Tally:
    """Several stretches of time, or several targets, as one."""
    ok = lost = invalid = 0
    bins: dict[int, int] = {}
    lows: list[float] = []
    highs: list[float] = []
    for each in tallies:
        ok, lost, invalid = ok + each.ok, lost + each.lost, invalid + each.invalid
        for place, count in each.bins.items():
            bins[place] = bins.get(place, 0) + count
        if each.rtt_min_ms is not None and each.rtt_max_ms is not None:
            lows.append(each.rtt_min_ms)
            highs.append(each.rtt_max_ms)
    return Tally(ok, lost, invalid, min(lows, default=None), max(highs, default=None), bins)


def _bin(rtt_ms: float) -> int:
    return ceil(log(min(max(rtt_ms, SHORTEST_MS), LONGEST_MS)) / _GROWTH)


def _middle(place: int) -> float:
    """The value that is within ``ERROR`` of all that a bin counts."""
    return float((1 - ERROR) * ((1 + ERROR) / (1 - ERROR)) ** place)


# --- steps and series ---------------------------------------------------------------------------


class Step(NamedTuple):
    """A width of roll-up, and how long it is kept."""

    seconds: int
    kept_s: int
    by_target: bool  # a row for each target; otherwise one for each family of a link


HOUR_S, DAY_S = 3600, 86400

STEPS: Final = {
    # What just happened, at the grain at which failovers happen. Targets together: this is written most.
    "1s": Step(1, 2 * HOUR_S, by_target=False),
    # Last week's incident beside this week's, and the same hour of the same weekday.
    "1min": Step(60, 8 * DAY_S, by_target=True),
    # A year's trend, and the same month of the year before.
    "1h": Step(HOUR_S, 400 * DAY_S, by_target=True),
}


class Series(NamedTuple):
    """Whose probes are counted. ``target`` is empty where all targets of the family are."""

    path: str
    family: Family
    target: str = ""


class Row(NamedTuple):
    """One tally of one series."""

    series: Series
    step: str  # of STEPS
    start: int  # UTC seconds, a multiple of the step
    tally: Tally


def roll_up(seconds: Iterable[tuple[Series, int, Tally]]) -> list[Row]:
    """The rows of every step that these UTC seconds of single targets add to, oldest first."""
    parts: dict[tuple[str, int, Series], list[Tally]] = {}
    for series, second, each in seconds:
        for name, step in STEPS.items():
            whose = series if step.by_target else series._replace(target="")
            parts.setdefault((name, second - second % step.seconds, whose), []).append(each)
    return [
        Row(series, step, start, merged(tallies))
        for (step, start, series), tallies in sorted(parts.items(), key=lambda each: each[0])
    ]
