"""What is usual: a slow median over about a day, of bounded size. And many values in few places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

KEPT: Final = 64  # values kept of many
HOURS: Final = 24  # medians of hours; their median is what is usual
YOUNG: Final = 12  # with fewer values than this, nothing is usual yet
TAIL: Final = 0.9  # jitter is from the median to this quantile: one stray reply in ten does not count


@dataclass(frozen=True, slots=True)
class Thinned:
    """Evenly spread few of many values: when full, every other one goes, and half as many are kept from then.

    Constant work per value on average, and no chance in it.
    """

    values: tuple[float, ...] = ()
    stride: int = 1
    count: int = 0  # of all that were added

    def add(self, value: float) -> Thinned:
        """One more value."""
        if self.count % self.stride:
            return Thinned(self.values, self.stride, self.count + 1)
        values = (*self.values, value)
        if len(values) < KEPT:
            return Thinned(values, self.stride, self.count + 1)
        return Thinned(values[::2], self.stride * 2, self.count + 1)

    @property
    def median(self) -> float:
        """The median of what is kept; there must be some."""
        return quantile(self.values, 0.5)

    @property
    def tail(self) -> float:
        """How far the tail lies above the median."""
        return quantile(self.values, TAIL) - self.median


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the others lies; the lower one where two are as good."""
    return sorted(values)[int((len(values) - 1) * share)]


@dataclass(frozen=True, slots=True)
class Usual:
    """The median of the last day's hours, counted in values learned, not by the clock."""

    hours: tuple[float, ...] = ()
    hour: Thinned = Thinned()  # the one that is not full yet
    value: float | None = None  # what is usual; None while too young

    def learn(self, value: float, an_hour: int) -> Usual:
        """One more value, of which ``an_hour`` make an hour."""
        hour = self.hour.add(value)
        if hour.count < an_hour:
            return _usual(self.hours, hour)
        return _usual((*self.hours, hour.median)[-HOURS:], Thinned())

    def to_plain(self) -> dict[str, Any]:
        """For the store."""
        hour = self.hour
        return {
            "hours": list(self.hours),
            "hour": list(hour.values),
            "stride": hour.stride,
            "count": hour.count,
        }

    @classmethod
    def from_plain(cls, plain: object) -> Usual:
        """What ``to_plain`` wrote. Raises ``ValueError`` for anything else."""
        hours, values, stride, count = fields(plain, "hours", "hour", "stride", "count")
        if type(stride) is not int or type(count) is not int or stride < 1 or count < 0:
            raise ValueError(f"latency: {count!r} values, of which one in {stride!r} is kept")
        return _usual(_numbers(hours, HOURS), Thinned(_numbers(values, KEPT - 1, count), stride, count))


def _usual(hours: tuple[float, ...], hour: Thinned) -> Usual:
    known = (*hours, hour.median) if hour.count >= YOUNG else hours
    return Usual(hours, hour, quantile(known, 0.5) if known else None)


def fields(plain: object, *names: str) -> list[Any]:
    """The values of these keys, which must be there. Raises ``ValueError`` otherwise."""
    found = plain if isinstance(plain, Mapping) else {}
    if any(name not in found for name in names):
        raise ValueError(f"latency: what is kept lacks {' or '.join(names)}")
    return [found[name] for name in names]


def _numbers(plain: object, most: int, count: int | None = None) -> tuple[float, ...]:
    if not isinstance(plain, list) or len(plain) > most or (count is not None and bool(count) != bool(plain)):
        raise ValueError(f"latency: not a list of {most} numbers at most")
    if not all(type(each) in (int, float) and isfinite(each) and each >= 0 for each in plain):
        raise ValueError("latency: a value is not a number of 0 or more")
    return tuple(float(each) for each in plain)
