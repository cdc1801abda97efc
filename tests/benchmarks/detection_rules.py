"""The usual rules: told of lost probes, at a steady pace, they say when they raise an alarm.

All times are seconds since probe 0. A reply takes ``REPLY_S``; a probe is told lost ``TIMEOUT_S`` after it left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from math import erfc, log, log10, sqrt
from typing import Protocol

from controller.core.grey_threshold import YEAR_S
from controller.core.judgement import quorum
from tests.benchmarks.detection_links import Link
from tests.benchmarks.detection_ours import REPLY_S, TIMEOUT_S

TEXTBOOK = (0.05, 0.15, 0.4, 0.97)  # extra loss, the alternatives of the usual CUSUM
PHI_LEAST_S = 0.1  # phi-accrual takes no standard deviation below this


class Rule(Protocol):
    """Told of every lost probe, in order of sending."""

    def lost(self, number: int) -> float | None:
        """When there is, or was, an alarm, as far as the losses up to this probe tell."""


class Streaks:
    """A quorum of targets that have each lost their last probes: N in a row, or silent for too long."""

    def __init__(self, link: Link, needed: int, ride_out_s: float, missing_s: float, answer_s: float) -> None:
        self._link = link
        self._quorum = quorum(link.targets)
        self._needed, self._ride_out_s = needed, ride_out_s
        self._missing_s, self._answer_s = missing_s, answer_s
        self._first = [0] * link.targets
        self._last = [-link.targets - 1] * link.targets
        self._spans = [(0.0, 0.0)] * link.targets  # during which a target was silent

    @classmethod
    def in_a_row(cls, link: Link, count: int) -> Streaks:
        """N probes in a row, counted in the order of sending."""
        return cls(link, count, 0.0, TIMEOUT_S, TIMEOUT_S)

    @classmethod
    def phi(cls, link: Link, level: float) -> Streaks:
        """Phi-accrual (Hayashibara 2004): the time since the last reply, against what is usual there."""
        usual_s = link.interval_s / (1 - link.loss)
        deviation_s = max(PHI_LEAST_S, link.interval_s * sqrt(link.loss) / (1 - link.loss))
        late_s = usual_s + _deviations(level) * deviation_s
        return cls(link, 1, REPLY_S + late_s, 0.0, REPLY_S)

    def lost(self, number: int) -> float | None:
        targets, rate = self._link.targets, self._link.rate
        target = number % targets
        if self._last[target] != number - targets:
            self._first[target] = number
        first = self._first[target]
        self._last[target] = number
        begins = max(
            (first - targets) / rate + self._ride_out_s,
            (first + (self._needed - 1) * targets) / rate + self._missing_s,
        )
        ends = (number + targets) / rate + self._answer_s
        if ends <= begins:
            return None
        self._spans[target] = (begins, ends)
        for moment, _ in sorted(self._spans):
            if sum(begin <= moment < end for begin, end in self._spans) >= self._quorum:
                return moment
        return None


class Window:
    """dpinger's rule: one target loses ``share`` of the last ``seconds``."""

    def __init__(self, link: Link, seconds: float = 60.0, share: float = 0.2) -> None:
        self._link = link
        self._span = int(seconds * link.rate)
        self._most = share * seconds * link.rate / link.targets
        self._losses: list[deque[int]] = [deque() for _ in range(link.targets)]

    def lost(self, number: int) -> float | None:
        losses = self._losses[number % self._link.targets]
        losses.append(number)
        while losses[0] <= number - self._span:
            losses.popleft()
        return number / self._link.rate + TIMEOUT_S if len(losses) >= self._most else None


class PooledCusum:
    """The textbook: all probes pooled, independent loss, a threshold that promises one alarm a year."""

    def __init__(self, link: Link, threshold: float | None = None) -> None:
        self._rate = link.rate
        self._threshold = log(link.rate * YEAR_S) if threshold is None else threshold
        losses = [link.loss + extra * (1 - link.loss) for extra in TEXTBOOK]
        self._steps = [(log(loss / link.loss), log((1 - loss) / (1 - link.loss))) for loss in losses]
        self._scores = [0.0] * len(losses)
        self._last = -1

    def lost(self, number: int) -> float | None:
        run = number - self._last - 1
        self._last = number
        self._scores = [
            max(0.0, score + run * answer) + loss
            for score, (loss, answer) in zip(self._scores, self._steps, strict=True)
        ]
        return number / self._rate + TIMEOUT_S if max(self._scores) >= self._threshold else None


def _deviations(level: float) -> float:
    """How many standard deviations beyond the mean phi reaches this level, for normal intervals."""
    low, high = 0.0, 40.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        tail = max(1e-300, erfc(middle / sqrt(2)) / 2)
        low, high = (low, middle) if -log10(tail) > level else (middle, high)
    return low


Rules = dict[str, Callable[[Link], Rule]]
USUAL: Rules = {
    "3 in a row": lambda link: Streaks.in_a_row(link, 3),
    "5 in a row": lambda link: Streaks.in_a_row(link, 5),
    "dpinger 20 % of 60 s": Window,
    "phi >= 8": lambda link: Streaks.phi(link, 8.0),
    "CUSUM, iid null": PooledCusum,
}


def variants() -> Rules:
    """The usual rules at several settings, by family."""
    rules: Rules = {
        f"in a row: {count}": partial(Streaks.in_a_row, count=count) for count in (2, 3, 5, 8, 13)
    }
    rules |= {f"60 s window: {share:.0%}": partial(Window, share=share) for share in (0.05, 0.1, 0.2)}
    rules |= {f"phi: {level:g}": partial(Streaks.phi, level=level) for level in (2.0, 8.0, 32.0)}
    rules |= {
        f"CUSUM: {level:g}": partial(PooledCusum, threshold=level) for level in (10.0, 15.0, 20.0, 30.0, 40.0)
    }
    return rules
