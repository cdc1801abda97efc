"""Rules that are told of lost probes and say when they raise an alarm: ours, and the usual ones.

All times are seconds since probe 0. A reply takes ``REPLY_S``; a probe is told lost ``TIMEOUT_S`` after it left.
"""

from __future__ import annotations

from collections import deque
from math import log
from typing import Protocol

from controller.core.evidence import NEEDED, PATIENCE, READING_S
from controller.core.grey_jury import Jury, empanelled
from controller.core.grey_model import model
from controller.core.grey_threshold import HIGHEST, YEAR_S, Calibrator
from controller.core.judgement import quorum
from tests.benchmarks.detection_links import Link

TEXTBOOK = (0.05, 0.15, 0.4, 0.97)  # extra loss, the alternatives of the usual CUSUM
REPLY_S = 0.02
TIMEOUT_S = 0.3


class Rule(Protocol):
    """Told of every lost probe, in order of sending."""

    def lost(self, number: int) -> float | None:
        """When there is, or was, an alarm, as far as the losses up to this probe tell."""


class Streaks:
    """A quorum of targets that have each lost their last probes. N in a row, or our silence rule."""

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
    def silence(cls, link: Link, ride_out_s: float) -> Streaks:
        """As ``evidence.voice`` has it: since the last answer, and three replies overdue."""
        return cls(link, NEEDED, ride_out_s, REPLY_S * PATIENCE + READING_S, REPLY_S)

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

    def __init__(self, link: Link) -> None:
        self._rate = link.rate
        self._threshold = log(link.rate * YEAR_S)
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


class Grey:
    """Our grey-loss test: the jury of ``controller.core.grey``, told of runs of answers at once."""

    def __init__(self, link: Link, threshold: float = HIGHEST) -> None:
        self._link = link
        self._threshold = threshold
        self._answered = [0] * link.targets
        self._lost = [0] * link.targets
        self._last = -1
        known = model(link.loss, link.targets / link.rate)
        self._jury = Jury(known, empanelled(link.targets, 0.0), self._answered, HIGHEST + 8)
        self.calibrator = Calibrator()

    def lost(self, number: int) -> float | None:
        link = self._link
        alarm = self._answers(number)
        self._count_up_to(number)
        target, at = number % link.targets, number / link.rate
        self._jury.lose(target, at)
        self._lost[target] += 1
        self._last = number
        evidence = self._jury.evidence(at)
        if evidence:
            self.calibrator = self.calibrator.note(evidence, at)
        return at + TIMEOUT_S if alarm is None and evidence >= self._threshold else alarm

    def _answers(self, until: int) -> float | None:
        """The answers since the last loss, one by one as long as they may raise an alarm."""
        number = self._last + 1
        while number < until and self._jury.ceiling >= self._threshold:
            self._count_up_to(number + 1)
            at = number / self._link.rate
            evidence = self._jury.evidence(at)
            if evidence:
                self.calibrator = self.calibrator.note(evidence, at)
            if evidence >= self._threshold:
                return at + TIMEOUT_S
            number += 1
        return None

    def _count_up_to(self, number: int) -> None:
        targets = self._link.targets
        for target in range(targets):
            sent = (number - target + targets - 1) // targets
            self._answered[target] = sent - self._lost[target]
