"""What is known of one target through one path. Bounded, and constant work per sample.

Silence is dead time: it grows while probes go unanswered, and an answer takes back as much as it stands for,
which is the time since the probe before it. So a path that loses most falls silent too, only later; probing
it more often gives it more answers, but no more time. A path that answers more than half never gets far.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import ceil, inf
from typing import Final, NamedTuple

from controller.core.model import HealthPolicy, Sample, SampleState, Target

NEEDED: Final = 3  # unanswered probes before a target counts as silent; one or two are ordinary loss
NEEDED_QUIET: Final = 2  # before it counts as quiet, which only makes suspect
SPARE_WAITING: Final = 16  # probes remembered without a result, beyond twice those of a timeout
LOSS_WINDOW_S: Final = 10.0  # loss is told over this long; ``grey`` judges it, over as long as it takes
BUCKETS: Final = 10  # the window slides in this many steps
MIN_RESULTS: Final = 20  # a target's results in the window, before its loss means anything
TAKES_BACK: Final = 1.0  # of silence, by an answer: in times of what it stands for
ASKED_INTERVALS: Final = 1.5  # after a probe: the next should have been sent by then
GAP_INTERVALS: Final = 3.5  # between two probes: longer, and silence is not known to have been continuous
RTTS: Final = 9  # round trips whose median is the usual one
PATIENCE: Final = 1.25  # a reply is missing after this many of the target's usual round trips
READING_S: Final = 0.02  # a reply may be under way from the kernel to here for this long


class Voice(Enum):
    """What a target says of its path."""

    ABSENT = "absent"  # not probed of late, or all its probes invalid: no say
    UNDECIDED = "undecided"  # probed, never answered, not silent for long enough
    ANSWERING = "answering"
    QUIET = "quiet"  # half-way to silent
    SILENT = "silent"

    @property
    def is_quiet(self) -> bool:
        """Quiet or worse."""
        return self in (Voice.QUIET, Voice.SILENT)


class LossWindow(NamedTuple):
    """Results of the last ``LOSS_WINDOW_S``, counted when they come, in a ring of time buckets.

    Counted by arrival, not by send time: losses are told a timeout later than answers, and would lag behind.
    """

    epoch: int = 0
    answered: int = 0
    lost: int = 0
    past: tuple[tuple[int, int], ...] = ()  # (answered, lost) of earlier buckets, oldest first
    past_answered: int = 0  # their sums, read far more often than they change
    past_lost: int = 0

    def add(self, epoch: int, *, lost: bool) -> LossWindow:
        """One more result."""
        now = self.at(epoch)
        return now._replace(lost=now.lost + 1) if lost else now._replace(answered=now.answered + 1)

    def at(self, epoch: int) -> LossWindow:
        """The window as of a later bucket."""
        steps = epoch - self.epoch
        if steps <= 0:
            return self
        gap = ((0, 0),) * min(steps - 1, BUCKETS)
        past = (*self.past, (self.answered, self.lost), *gap)[1 - BUCKETS :]
        return LossWindow(epoch, 0, 0, past, sum(each[0] for each in past), sum(each[1] for each in past))

    @property
    def results(self) -> int:
        """How many probes of the window have a result."""
        return self.answered + self.lost + self.past_answered + self.past_lost

    @property
    def losses(self) -> int:
        """How many of them were lost."""
        return self.lost + self.past_lost


_NO_RESULTS: Final = LossWindow()


class Rhythm(NamedTuple):
    """How one target is probed, in seconds."""

    interval_s: float
    timeout_s: float
    fresh_s: float

    @classmethod
    def of(cls, target: Target, health: HealthPolicy) -> Rhythm:
        """As policy says for this target."""
        return cls(health.interval_of(target), health.timeout_of(target), health.fresh_of(target))

    @classmethod
    def of_router(cls, health: HealthPolicy) -> Rhythm:
        """Of targets that a router pings: it waits whole seconds, and one round for the end of another."""
        timeout_s, every_s = float(ceil(health.timeout_s)), health.router_ping_s
        rarer = max(1.0, every_s / health.interval_s)
        return cls(every_s, timeout_s, health.fresh_s * rarer + timeout_s)


class Patience(NamedTuple):
    """For how long a target may not answer before that means something, in seconds."""

    quiet_s: float
    silent_s: float


@dataclass(slots=True)
class TargetRecord:
    """One target through one path. Mutable only while a step owns its copy."""

    rhythm: Rhythm
    since: float = -inf  # silence counts from here; never later than the last answered probe, or a new start
    answered_at: float = -inf  # send time of the last answered probe
    unsure: bool = False  # silence counts anew, for nobody asked; but replies were missing by then
    heard: bool = False  # has answered, or is given the benefit of the doubt
    sent_at: float = -inf  # of the latest probe
    valid_at: float = -inf  # send time of the latest probe that came to something
    waiting: dict[int, float] = field(default_factory=dict)  # seq -> send time, no result yet
    lost: tuple[float, ...] = ()  # send times of the latest NEEDED lost since
    window: LossWindow = _NO_RESULTS
    counted_from: float = -inf  # the window counts probes sent since
    rtts: tuple[float, ...] = ()  # the latest, at most RTTS
    rtt_s: float | None = None  # their median

    def twin(self) -> TargetRecord:
        """A record to change, this one staying as it is."""
        return TargetRecord(
            self.rhythm,
            since=self.since,
            answered_at=self.answered_at,
            unsure=self.unsure,
            heard=self.heard,
            sent_at=self.sent_at,
            valid_at=self.valid_at,
            waiting=self.waiting.copy(),
            lost=self.lost,
            window=self.window,
            counted_from=self.counted_from,
            rtts=self.rtts,
            rtt_s=self.rtt_s,
        )

    def note(self, sample: Sample, patience: Patience, now: float) -> None:
        """Take in a sample. Duplicates and replies that come too late say nothing new."""
        if sample.state is SampleState.SENT:
            self._note_sent(sample, patience, now)
            return
        at = self.waiting.pop(sample.seq, None)
        if at is None:
            return
        if sample.state is SampleState.INVALID:
            self._restart(at, patience, now)
            return
        lost = sample.state is SampleState.LOST
        self.valid_at = max(self.valid_at, at)
        if not lost:
            self._note_answer(at, sample.rtt_ms, patience)
        elif at >= self.since:
            self.lost = (*self.lost, at)[-NEEDED:]
        if at >= self.counted_from:
            self.window = self.window.add(int(now * BUCKETS / LOSS_WINDOW_S), lost=lost)

    def pardon(self, now: float) -> None:
        """The target was dead everywhere and is back: its silence here is no evidence on this path."""
        self.since = max(self.since, now)
        self.lost = ()
        self.heard, self.unsure = True, False

    def is_stale(self, patience: Patience, now: float) -> bool:
        """Whether its last answer is too old to prove that the path lives at this moment."""
        lately_s = max(patience.quiet_s, ASKED_INTERVALS * self.rhythm.interval_s) + self.overdue_after_s()
        return now - self.answered_at > lately_s

    def forget_loss(self, now: float) -> None:
        """What was lost up to now is told already."""
        self.window = _NO_RESULTS
        self.counted_from = now

    def overdue_after_s(self) -> float:
        """How long a probe must be out before its reply is missing."""
        if self.rtt_s is None:
            return self.rhythm.timeout_s
        return min(self.rhythm.timeout_s, self.rtt_s * PATIENCE + READING_S)

    def _note_sent(self, sample: Sample, patience: Patience, now: float) -> None:
        at = sample.sent_at
        if at <= self.sent_at:
            return  # a duplicate, or out of order
        gap = at - self.sent_at
        if gap > self.rhythm.fresh_s:
            self.since, self.lost, self.heard, self.valid_at = at, (), False, at
        elif gap > GAP_INTERVALS * self.rhythm.interval_s:
            self._restart(at - self.rhythm.interval_s, patience, now)
        self.sent_at = at
        self.waiting[sample.seq] = at
        if len(self.waiting) > 2 * self.rhythm.timeout_s / self.rhythm.interval_s + SPARE_WAITING:
            del self.waiting[next(iter(self.waiting))]

    def _note_answer(self, at: float, rtt_ms: float | None, patience: Patience) -> None:
        if at < self.since:
            return
        self.since = at - self._still_silent_s(at, patience)
        self.answered_at = max(self.answered_at, at)
        self.heard, self.unsure = True, False
        self.lost = tuple(lost for lost in self.lost if lost > self.since)
        if rtt_ms is not None:
            self._note_rtt(rtt_ms / 1000)

    def _still_silent_s(self, at: float, patience: Patience) -> float:
        """What an answered probe leaves of the silence before it, of no more than it takes to be silent.

        Before the first answer nobody knows since when the target has been there.
        """
        unanswered = [each for each in (*self.lost, *self.waiting.values()) if self.since <= each < at]
        if not unanswered or not self.heard:
            return 0.0
        before = max(self.answered_at, *unanswered) if self.answered_at < at else at
        most_s = max(patience.silent_s, NEEDED * self.rhythm.interval_s)
        return max(0.0, min(at - self.since, most_s) - (1 + TAKES_BACK) * (at - before))

    def _note_rtt(self, rtt_s: float) -> None:
        """A median: replies that waited for neighbor discovery or in some queue must not move it."""
        self.rtts = (*self.rtts, rtt_s)[-RTTS:]
        self.rtt_s = sorted(self.rtts)[(len(self.rtts) - 1) // 2]

    def _restart(self, at: float, patience: Patience, now: float) -> None:
        """Silence not yet established counts anew from here: nobody listened before."""
        if at > self.since and voice(self, patience, now).voice is not Voice.SILENT:
            self.unsure = self.unsure or _missing_from(self)[0] <= now
            self.since = at
            self.lost = tuple(lost for lost in self.lost if lost > at)


class Assessment(NamedTuple):
    """What a target says at one moment, and when it will say something else if nothing more is heard."""

    voice: Voice
    silent_s: float
    changes_at: float


def voice(record: TargetRecord, patience: Patience, now: float) -> Assessment:
    """Judge one target. Silence grows no longer than somebody asks: a prober held up proves nothing."""
    silent_s = now - record.since
    interval_s, timeout_s, fresh_s = record.rhythm
    goes_absent = min(record.sent_at + fresh_s, record.valid_at + fresh_s + timeout_s)
    if now >= goes_absent:
        return Assessment(Voice.ABSENT, 0.0, inf)
    missing = _missing_from(record)
    quiet_at = max(record.since + patience.quiet_s, missing[NEEDED_QUIET - 1])
    silent_at = max(record.since + patience.silent_s, missing[NEEDED - 1])
    asked_until = record.sent_at + ASKED_INTERVALS * interval_s
    quiet_at = quiet_at if quiet_at <= asked_until else inf
    silent_at = silent_at if silent_at <= asked_until else inf
    if now >= silent_at:
        return Assessment(Voice.SILENT, silent_s, goes_absent)
    if now >= quiet_at:
        return Assessment(Voice.QUIET, silent_s, min(silent_at, goes_absent))
    said = Voice.ANSWERING if record.heard else Voice.UNDECIDED
    if record.unsure:
        return Assessment(Voice.QUIET, silent_s, min(silent_at, goes_absent))
    return Assessment(said, silent_s, min(quiet_at, goes_absent))


def _missing_from(record: TargetRecord) -> list[float]:
    """When the first NEEDED replies since the last answer turn out to be missing; inf for want of probes."""
    missing = [-inf] * len(record.lost)
    overdue_s = record.overdue_after_s()
    for at in record.waiting.values():
        if len(missing) >= NEEDED:
            break
        if at >= record.since:
            missing.append(at + overdue_s)
    return missing + [inf] * (NEEDED - len(missing))
