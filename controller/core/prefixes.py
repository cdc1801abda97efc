"""How many prefixes a session's neighbor sends, against its own normal: a session can be up and empty.

The normal is the median of hourly maxima, of the last KEPT_HOURS hours that were watched: an hour's trouble
does not move it, slow growth does. It is learned only from tables that are loaded and not short. A table that
has been short for a day is what somebody meant: its normal starts afresh. None at all is never normal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import median_low
from typing import Any, Final

from controller.core.explain import duration
from controller.core.model import PrefixPolicy, SessionSample, SessionSeen, Signal, Verdict

KIND: Final = "prefixes"
HOUR_S: Final = 3600.0
KEPT_HOURS: Final = 72  # a change of the table becomes the normal in a day and a half
LEARNED_S: Final = 60.0  # watched for less than this, a table has no normal yet
ADOPTED_S: Final = 86400.0  # a table short for this long is the new normal
GAP_S: Final = 10.0  # between two words of the router: more was not watched
SHORTEST_HELD_S: Final = 1.0  # two polls
FRESH_S: Final = 10.0  # a signal counts for this long: as the state of the session itself


@dataclass(frozen=True, slots=True)
class Normal:
    """What is usual for one family of one link. Bounded; without moments, so that it outlives the process."""

    hours: tuple[int, ...] = ()  # the largest count of each full hour watched, oldest first
    hour_s: float = 0.0  # watched of the hour under way
    largest: int = 0  # its largest count

    def learn(self, count: int, elapsed_s: float) -> Normal:
        """So many prefixes, and so much more time watched."""
        hour_s, largest = self.hour_s + elapsed_s, max(self.largest, count)
        if hour_s < HOUR_S:
            return replace(self, hour_s=hour_s, largest=largest)
        return Normal((*self.hours, largest)[-KEPT_HOURS:])

    @property
    def count(self) -> int | None:
        """The usual count; None as long as too little is known."""
        if self.hour_s < LEARNED_S:
            return median_low(self.hours) if self.hours else None
        return median_low((*self.hours, self.largest))

    def to_plain(self) -> dict[str, Any]:
        """For the store."""
        return {"hours": list(self.hours), "hour_s": self.hour_s, "largest": self.largest}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Normal:
        """What ``to_plain`` wrote. Raises ``ValueError`` for anything else."""
        hours, hour_s, largest = plain.get("hours"), plain.get("hour_s"), plain.get("largest")
        if not isinstance(hours, Sequence) or not all(type(each) is int and each >= 0 for each in hours):
            raise ValueError(f"normal of prefixes: hours is {hours!r}, not counts")
        if not isinstance(hour_s, int | float) or not 0 <= hour_s < inf:
            raise ValueError(f"normal of prefixes: hour_s is {hour_s!r}, not seconds")
        if type(largest) is not int or largest < 0:
            raise ValueError(f"normal of prefixes: largest is {largest!r}, not a count")
        return cls(tuple(hours)[-KEPT_HOURS:], float(hour_s), largest)


@dataclass(frozen=True, slots=True)
class Table:
    """One session's table as followed so far. ``last`` None: never heard of."""

    normal: Normal = Normal()
    last: SessionSample | None = None
    up_since: float = inf  # when the session came up
    loaded: bool = False
    short_since: float | None = None

    def follow(self, sample: SessionSample, policy: PrefixPolicy) -> Table:
        """The table after the router's next word on its session; older words say nothing new."""
        last = self.last
        if last is not None and sample.at <= last.at:
            return self
        if not sample.established:
            return Table(self.normal, sample)
        began = sample.at if sample.up_s is None else sample.at - sample.up_s
        same = last is not None and last.established and (sample.up_s is None or began < last.at)
        up_since = self.up_since if same else began
        loaded = (same and self.loaded) or sample.at - up_since >= policy.settle_s
        short = self._is_short(sample.accepted_prefixes, policy)
        if self.normal.count and not short:
            loaded = True  # all of the usual table is there: no need to wait any longer
        if not loaded:
            return Table(self.normal, sample, up_since)
        if short:
            since = sample.at if self.short_since is None or not same else self.short_since
            if sample.at - since < ADOPTED_S or not sample.accepted_prefixes:
                return Table(self.normal, sample, up_since, loaded, since)
            return Table(Normal(), sample, up_since, loaded)
        elapsed_s = sample.at - last.at if same and last is not None else 0.0
        normal = self.normal.learn(sample.accepted_prefixes, elapsed_s if elapsed_s <= GAP_S else 0.0)
        return Table(normal, sample, up_since, loaded)

    def _is_short(self, count: int, policy: PrefixPolicy) -> bool:
        usual = self.normal.count
        return bool(usual) and count < (usual or 0) * (1 - policy.missing_percent / 100)

    def signal(self, policy: PrefixPolicy) -> Signal | None:
        """What the table says of its link: degraded when short, down when nothing is left of it."""
        sample = self.last
        if sample is None:
            return None
        verdict, why = Verdict.UNKNOWN, "the session is down, or its table is loading"
        if sample.established and self.loaded and self.normal.count:
            count, usual = sample.accepted_prefixes, self.normal.count
            verdict, why = Verdict.UP, f"{count} prefixes accepted, {usual} are usual"
            short_s = 0.0 if self.short_since is None else sample.at - self.short_since
            if self.short_since is not None and short_s >= policy.held_s:
                verdict = Verdict.DEGRADED if count else Verdict.DOWN
                why = f"{count or 'none'} of the usual {usual} prefixes accepted for {duration(short_s)}"
        return Signal(sample.link, KIND, sample.at, verdict, why, FRESH_S, sample.family)

    def seen(self) -> SessionSeen | None:
        """In figures."""
        sample = self.last
        if sample is None:
            return None
        up_s = sample.up_s if sample.established else None
        return SessionSeen(sample.established, up_s, sample.accepted_prefixes, self.normal.count)
