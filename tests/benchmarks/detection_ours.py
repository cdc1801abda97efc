"""Ours on a simulated link: silence and grey loss side by side, and the pace that both call for.

``controller.core``'s own ``Jury``, ``Pace`` and thresholds; only what is between a probe and the detectors is
simulated, event by event. A reply takes ``REPLY_S``. A probe is overdue after ``OVERDUE_S``, which counts for
silence and for the pace, and lost after ``TIMEOUT_S``, which counts for grey loss. A new pace reaches the wire
``REACTION_S`` after it was decided. Spells of total loss are struck from the evidence as ``grey`` does.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from math import floor, inf

import numpy as np
from numpy.typing import NDArray

from controller.core.detect_learn import gone_after_s
from controller.core.evidence import NEEDED, PATIENCE, READING_S, TAKES_BACK
from controller.core.grey import SPELLS_S
from controller.core.grey_jury import NOTABLE, Jury, empanelled
from controller.core.grey_model import Watch, model
from controller.core.grey_threshold import APART_S, Calibrator
from controller.core.judgement import quorum
from controller.core.pacing import COINCIDENCE, FIRST_SIGN, LATELY_INTERVALS, Pace
from controller.core.silence import unit_s
from tests.benchmarks.detection_links import GoodTime, Link, Seconds, World

REPLY_S = 0.02
OVERDUE_S = REPLY_S * PATIENCE + READING_S
TIMEOUT_S = 0.3
REACTION_S = 0.02
CAP = 68.0  # scores stop here
AT_REST = 60  # answers in calm between two looks whether all is forgotten
FADED = 100  # calm probes after which one loss is forgotten
LONG = 8  # calm probes; a burst shorter than that is of no interest by itself
BORING = 8  # nats
ANSWER, OVERDUE, KNOWN, PACE, SILENT = range(5)  # events; at one moment, good news first
Answers = list[tuple[float, int] | range]  # sent at, target; or numbers of calm probes


class Silences:
    """How long a quorum was silent, in good time: what each ``ride_out`` would have made of it."""

    FIRST = 6  # units

    def __init__(self, link: Link) -> None:
        self.levels = tuple(round((self.FIRST + index) * unit_s(link.interval_s), 2) for index in range(75))
        self.crossings = [0] * len(self.levels)
        self._above_at = [-inf] * len(self.levels)

    def note(self, silent_s: float, at: float) -> None:
        """A quorum was silent for so long."""
        for index, level in enumerate(self.levels):
            if level > silent_s:
                break
            self.crossings[index] += at - self._above_at[index] > APART_S
            self._above_at[index] = at


@dataclass
class _Spell:
    """Results that were all losses; what was known before."""

    began: float
    watches: tuple[Watch, ...]
    calibrator: Calibrator
    peak: float
    losses: int = 0


class Ours:
    """One link and family, watched from rest. ``run`` goes on until all is at rest again, or an alarm."""

    def __init__(self, link: Link, threshold: float, ride_out_s: float, ambient: float | None = None) -> None:
        self.link = link
        self._model = model(link.loss if ambient is None else ambient, link.interval_s)
        self._threshold, self._ride_out_s = threshold, ride_out_s
        self._gone_after_s = gone_after_s(link.interval_s, ride_out_s)
        self.calibrator = Calibrator()
        self.silences = Silences(link)
        self.fast_s = 0.0
        self.pace = Pace(link.interval_s, 0.0)

    def run(
        self, world: World, number: int, offset_s: float = 0.0, until_s: float = inf, *, stops: bool = False
    ) -> int:
        """Probe from this calm probe on; the number of the first that was not looked at.

        ``offset_s``: what to add to the world's time. ``stops``: at the first alarm.
        """
        link = self.link
        self._world, self._offset_s, self._stops = world, offset_s, stops
        begun = (number - link.targets) / link.rate
        self._answered = [0] * link.targets
        self._jury = Jury(self._model, empanelled(link.targets, begun), self._answered, CAP)
        self._since = [begun + (index + 1) / link.rate for index in range(link.targets)]
        self._answered_at = [-inf] * link.targets  # where there were losses since
        self._lost: list[list[float]] = [[] for _ in range(link.targets)]
        self._silent: set[int] = set()
        self._events: list[tuple[float, int, int, Answers | float | None]] = []
        self._trail: Answers = []
        self._evidence, self._ceiling, self._peak, self._known_at = 0.0, 0.0, 0.0, -inf
        self._spell: _Spell | None = None
        self._spells: list[tuple[float, float]] = []
        self.grey_at = self.silent_at = inf
        self._fast = False
        return self._loop(number, until_s)

    def _loop(self, number: int, until_s: float) -> int:
        world, events, targets = self._world, self._events, self.link.targets
        rate, finer = self.link.rate, self.link.rate * self.pace.faster
        fine = 0
        while True:
            if not events and not self._fast:
                upcoming = world.next_loss(number)
                while upcoming - number > AT_REST:
                    number = self._answered_up_to(number, number + AT_REST)
                    if self._rested(number):
                        return number
                number = self._answered_up_to(number, upcoming)
            at = fine / finer if self._fast else number / rate
            if events and events[0][0] <= at:
                now, kind, target, what = heapq.heappop(events)
                if kind == PACE:
                    self._fast = now - REACTION_S + self._offset_s < self.pace.until - 1e-6
                    fine, number = int(now * finer) + 1, int(now * rate) + 1
                elif self._happens(now, kind, target, what):
                    return number
            elif at > until_s:
                return number
            elif self._fast:
                self._sent(at, fine % targets, lost=world.lost_at(at, fine % targets))
                fine += 1
            else:
                self._sent(at, number % targets, lost=world.lost_in_calm(number))
                number += 1

    def _answered_up_to(self, number: int, end: int) -> int:
        """All calm probes from this one up to that were answered."""
        if end > number:
            self._trail.append(range(number, end))
            targets, rate = self.link.targets, self.link.rate
            for target in range(targets):
                upcoming, latest = (
                    number + (target - number) % targets,
                    end - 1 - (end - 1 - target) % targets,
                )
                while self._lost[target] and upcoming < end:
                    self._hears(target, upcoming / rate)
                    upcoming += targets
                if not self._lost[target]:
                    self._since[target] = max(self._since[target], latest / rate)
        return end

    def _sent(self, at: float, target: int, lost: bool) -> None:
        if not lost:
            self._trail.append((at, target))
            if self._lost[target]:
                heapq.heappush(self._events, (at + REPLY_S, ANSWER, target, at))
            else:
                self._since[target] = at
            return
        missing = self._lost[target]
        missing.append(at)
        if len(missing) == 1 or missing[-2] < self._answered_at[target]:
            heapq.heappush(self._events, (at + OVERDUE_S, OVERDUE, target, None))
        if len(missing) >= NEEDED and self._stops:
            begins = max(missing[NEEDED - 1] + OVERDUE_S, self._since[target] + self._ride_out_s)
            heapq.heappush(self._events, (begins, SILENT, target, self._since[target]))
        heapq.heappush(self._events, (at + TIMEOUT_S, KNOWN, target, self._trail))
        self._trail = []

    def _happens(self, now: float, kind: int, target: int, what: Answers | float | None) -> bool:
        """True for an alarm that ends the run."""
        if kind == ANSWER and isinstance(what, float):
            self._answer(now, target, what)
            return False
        if kind == SILENT:
            if self._since[target] == what:
                self._silent.add(target)
            if len(self._silent) < self._needed(now):
                return False
            self.silent_at = now
            return True
        if kind == KNOWN and isinstance(what, list):
            self._known(now - TIMEOUT_S, target, what)
            if self.grey_at < inf and self._stops:
                return True
        self._look(now)
        return False

    def _answer(self, now: float, target: int, sent_at: float) -> None:
        """A target that had not answered does: its silence is over."""
        if not self._lost[target]:
            self._since[target] = max(self._since[target], sent_at)
            return
        silences = sorted(
            now - self._since[each]
            for each, lost in enumerate(self._lost)
            if len(lost) >= NEEDED and lost[NEEDED - 1] + OVERDUE_S <= now
        )
        needed = self._needed(now)
        if len(silences) >= needed:
            self.silences.note(silences[-needed], now + self._offset_s)
        self._hears(target, sent_at)
        self._silent.discard(target)

    def _hears(self, target: int, at: float) -> None:
        """An answer takes back some of the silence, as ``evidence`` has it."""
        since, answered_at = self._since[target], self._answered_at[target]
        unanswered, left_s = [each for each in self._lost[target] if since <= each < at], 0.0
        if unanswered:
            before = max(answered_at, unanswered[-1]) if answered_at < at else at
            most_s = max(self._ride_out_s, NEEDED * self.link.interval_s)
            left_s = max(0.0, min(at - since, most_s) - (1 + TAKES_BACK) * (at - before))
        self._since[target] = since = max(since, at - left_s)
        self._answered_at[target] = max(answered_at, at)
        self._lost[target] = [each for each in self._lost[target] if each > since]

    def _needed(self, now: float) -> int:
        """Silent targets that convict, those included that are gone. Look while the link is not convicted."""
        gone = sum(
            bool(lost) and now - since >= self._gone_after_s
            for since, lost in zip(self._since, self._lost, strict=True)
        )
        gone = gone if gone <= self.link.targets - quorum(self.link.targets) else 0
        return gone + quorum(self.link.targets - gone)

    def _known(self, sent_at: float, target: int, answers: Answers) -> None:
        self._count(answers)
        self._known_at = sent_at + TIMEOUT_S
        if self._spell is None:
            self._spell = _Spell(sent_at, tuple(self._jury.watches), self.calibrator, self._peak)
        self._spell.losses += 1
        self._jury.lose(target, sent_at)
        self._judge(sent_at)

    def _count(self, answers: Answers) -> None:
        """Answers since the last loss: one by one as long as they may lift evidence to where it never was."""
        targets, rate = self.link.targets, self.link.rate
        for each in answers:
            if isinstance(each, tuple):
                self._answer_counts(each[1], each[0])
                continue
            rest = each
            while rest and (self._spell is not None or self._may_rise()):
                self._answer_counts(rest[0] % targets, rest[0] / rate)
                rest = rest[1:]
            for target in range(targets):
                first = rest.start + (target - rest.start) % targets
                self._answered[target] += len(range(first, rest.stop, targets))

    def _answer_counts(self, target: int, at: float) -> None:
        self._answered[target] += 1
        spell, self._spell = self._spell, None
        if spell is not None:
            self._end_of(spell, at)
        if spell is not None or self._may_rise():
            self._judge(at)

    def _end_of(self, spell: _Spell, at: float) -> None:
        """As ``grey`` has it."""
        if spell.losses < self.link.targets:
            return
        length_s = at - spell.began
        self._spells = [each for each in self._spells if each[0] > at - SPELLS_S]
        self._spells.append((at, length_s))
        if length_s > self._ride_out_s or sum(each for _, each in self._spells) <= self._ride_out_s:
            self._jury.watches = list(spell.watches)
            self.calibrator, self._peak = spell.calibrator, spell.peak

    def _may_rise(self) -> bool:
        """By answers alone, to a level not counted yet."""
        return self._ceiling >= max(NOTABLE, min(floor(self._peak) + 1, self._threshold))

    def _judge(self, at: float) -> None:
        self._evidence = self._jury.evidence(at)
        self._ceiling = self._jury.ceiling
        if not self._evidence:
            return
        self._peak = max(self._peak, self._evidence)
        self.calibrator = self.calibrator.note(self._evidence, at + self._offset_s)
        if self._evidence >= self._threshold and self._spell is None:
            self.grey_at = min(self.grey_at, max(self._known_at, at + REPLY_S))

    def _look(self, now: float) -> None:
        """Is it worth looking closer?"""
        interval_s = self.link.interval_s
        news = 0
        for since, answered_at, lost in zip(self._since, self._answered_at, self._lost, strict=True):
            heard_at = max(since, answered_at)
            first = next((each for each in lost if each > heard_at), inf)
            news += first + OVERDUE_S <= now and now - heard_at <= LATELY_INTERVALS * interval_s
        suspected = news >= COINCIDENCE or self._evidence >= FIRST_SIGN * self._threshold
        before = self.pace.until
        self.pace = self.pace.after(suspected, now + self._offset_s)
        if self.pace.until > before:
            self.fast_s += self.pace.slice_s
            ends = self.pace.until - self._offset_s
            if not self._fast:
                heapq.heappush(self._events, (now + REACTION_S, PACE, 0, None))
            heapq.heappush(self._events, (ends, OVERDUE, 0, None))
        elif not self.pace.is_fast and self._fast:
            heapq.heappush(self._events, (now + REACTION_S, PACE, 0, None))

    def _rested(self, number: int) -> bool:
        """Has every watch forgotten?"""
        trail, self._trail = self._trail, []
        self._count(trail)
        at = number / self.link.rate
        self._jury.watches = [self._jury._brought_up(each, at) for each in range(len(self._jury.watches))]
        self._evidence = self._jury.evidence(at)
        self._ceiling = self._jury.ceiling
        return not any(watch.ceiling for watch in self._jury.watches)


def interesting(link: Link, world: GoodTime) -> list[int]:
    """The losses at which to begin to look: what comes between them fades before much comes of it.

    Losses with long gaps before and after belong together. Of interest are those that leave three when the worst
    target is left out, or fall so close together that the pace may change; but not what a single short burst
    did, for that is no more than ``BORING`` nats. Evidence below that is not counted right.
    """
    lost = world.lost
    if not len(lost):
        return []
    target = lost % link.targets
    fresh = np.concatenate(([True], np.diff(lost) > FADED))
    group = np.cumsum(fresh) - 1
    each = np.stack(
        [np.bincount(group[target == one], minlength=group[-1] + 1) for one in range(link.targets)]
    )
    others = each.sum(0) - each.max(0)
    close = np.zeros(group[-1] + 1, bool)
    pairs = (np.diff(lost) <= 2 * link.targets) & (np.diff(target) != 0)
    close[group[1:][pairs]] = True
    wanted = (others >= 3) | close
    firsts = lost[fresh][wanted]
    return [int(first) for first in firsts[_eventful(link, world, firsts / link.rate)]]


def _eventful(link: Link, world: GoodTime, at: Seconds) -> NDArray[np.bool_]:
    """Is this a time of more than one burst, or of a long one?"""
    parts = [world.shared, *world.local]
    begins = np.concatenate([part.begins for part in parts])
    if not len(begins):
        return np.ones(len(at), bool)
    order = np.argsort(begins)
    begins, ends = begins[order], np.concatenate([part.ends for part in parts])[order]
    fresh = np.concatenate(([True], begins[1:] - np.maximum.accumulate(ends)[:-1] > FADED / link.rate))
    starts = np.flatnonzero(fresh)
    many = np.diff(np.append(starts, len(begins))) > 1
    long = np.maximum.reduceat(ends - begins, starts) > LONG / link.rate
    group = np.searchsorted(begins[fresh], at, "right") - 1
    return (many | long)[np.maximum(group, 0)]
