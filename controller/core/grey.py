"""Grey loss: whether a path loses more than it always does, though it is not silent.

A sequential test (CUSUM) of one link and family. Its null hypothesis is bursty and scaled to the link's own
ambient loss (``grey_model``). Every set that leaves out one target (beyond five, one group) is tested on its
own, and the least convinced set speaks (``grey_jury``): one target, however bad, convicts no path.

Total loss is for silence to judge, and an outage shorter than ``ride_out_s`` is nobody's business: nothing
convicts before the next answer, and a spell in which every target lost a probe and none answered is then
struck from the evidence. Short spells that add up to more than ``ride_out_s`` within seconds do count.

Results are taken in the order in which probes were sent, whatever order they come in: one waits until all
probes sent before it have theirs, which is no later than the next loss is told. Constant work per sample, a
few additions while all is answered; bounded memory; no clock. ``step`` never changes a state it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, NamedTuple

from controller.core.grey_ambient import Ambient
from controller.core.grey_jury import NOTABLE, Jury, empanelled
from controller.core.grey_model import Model, Watch, model
from controller.core.grey_threshold import Calibrator
from controller.core.model import Sample, SampleState, Target, target_order

SUSPECT, CLEAN = 1 / 2, 1 / 4  # of the threshold
FADES: Final = 9 / 10  # of it: while the loss goes on, evidence stays above, for it rises to HEADROOM more
HEADROOM: Final = 8.0  # scores end so far above the threshold, or recovery would take as long as the fault
REFRESH: Final = 8  # answers between two looks at evidence that can only fall
FLUSH_S: Final = 60.0  # without any loss, history is still told of the time that passed
STALE_S: Final = 30.0  # after so long without a result the test starts anew
GIVE_UP: Final = 2.0  # timeouts until a probe without any result counts as invalid
MOST_PENDING: Final = 1024  # probes without a result, all targets together
SPELLS_S: Final = 10.0  # spells of total loss are added up over this long
MOST_SPELLS: Final = 64  # remembered; more of them would long be grey
MODEL_STEP: Final = 0.1  # relative change of ambient loss worth a new model

_NO_HISTORY: Final = Calibrator()
_ORDER: Final = {SampleState.SENT: 0, SampleState.INVALID: 1, SampleState.LOST: 2, SampleState.OK: 3}
_Pending = dict[tuple[int, int], tuple[float, SampleState]]  # target, seq -> sent at, result or SENT


class Spell(NamedTuple):
    """Results that were all losses, whatever their targets: as of the last, and what was known before."""

    began: float
    losses: int
    watches: tuple[Watch, ...]
    trial: Calibrator


@dataclass(frozen=True, slots=True)
class GreyState:
    """All that is known of one link and family. Treat as a value."""

    targets: dict[Target, int]
    interval_s: float
    timeout_s: float
    threshold: float
    ride_out_s: float
    ambient: Ambient
    model: Model
    watches: tuple[Watch, ...]  # one per group left out
    answered: tuple[int, ...]  # per target, ever
    calm: tuple[int, ...]  # per target: results while nothing was suspected
    calm_lost: tuple[int, ...]  # how many of these were losses
    done_at: tuple[float, ...]  # per target: send time of the last probe whose result was taken
    at: float  # send time of the last result taken
    pending: _Pending
    spell: Spell | None = None  # under way
    spells: tuple[tuple[float, float], ...] = ()  # of the last SPELLS_S: end, length in seconds
    evidence: float = 0.0  # nats
    ceiling: float = 0.0  # as of the last look: no run of answers lifts evidence above this
    grey: bool = False  # evidence reached the threshold, and has not been clean since
    loud_at: float = -inf  # evidence was last above a quarter of the threshold
    quiet_s: float = 0.0  # time that the calibrator has not been told of yet
    calibrator: Calibrator = _NO_HISTORY  # without what led to alarms
    trial: Calibrator = _NO_HISTORY  # with the excursion under way, if any

    @property
    def suspect(self) -> bool:
        """Half-way to grey, or past it."""
        return self.evidence >= SUSPECT * self.threshold

    @property
    def fades(self) -> bool:
        """Grey still, but the loss seems to be over: there is much less evidence than convicted it."""
        return self.grey and self.evidence < FADES * self.threshold

    @property
    def clean_s(self) -> float:
        """For how long there has been next to no evidence, as far as probes had results."""
        return max(0.0, self.at - self.loud_at)


def initial(
    targets: Sequence[Target],
    interval_s: float,
    timeout_s: float,
    threshold: float,
    now: float,
    calibrator: Calibrator | None = None,
    ambient: Ambient | None = None,
    ride_out_s: float = 0.0,
) -> GreyState:
    """Nothing heard yet. A single target never gives evidence.

    ``interval_s`` is between two probes of one target in calm, ``threshold`` in nats. ``calibrator`` and
    ``ambient``: what is remembered of the link. ``ride_out_s``: shorter spells of total loss are forgiven; 0:
    none is.
    """
    indices = {target: index for index, target in enumerate(dict.fromkeys(targets))}
    count = len(indices)
    nothing = (0,) * count
    known = Ambient(((0, 0),) * count, now, looked=now) if ambient is None else ambient.resumed(count, now)
    history = Calibrator() if calibrator is None else calibrator
    return GreyState(
        targets=indices,
        interval_s=interval_s,
        timeout_s=timeout_s,
        threshold=threshold,
        ride_out_s=ride_out_s,
        ambient=known,
        model=model(known.value, interval_s),
        watches=empanelled(count, now),
        answered=nothing,
        calm=nothing,
        calm_lost=nothing,
        done_at=(-inf,) * count,
        at=now,
        pending={},
        loud_at=now,
        calibrator=history,
        trial=history,
    )


def step(state: GreyState, samples: Sequence[Sample], now: float) -> GreyState:
    """The state after these samples of the state's link, at ``now`` (monotonic seconds).

    Order and duplicates do not matter; samples of unknown targets are ignored, as are results that come after
    a probe's fate was decided.
    """
    if not samples and not state.pending:
        return state
    pending = _noted(state, samples)
    ready = _ready(pending, now - GIVE_UP * state.timeout_s)
    if not ready:
        return replace(state, pending=pending)
    work = _Work(state)
    for (target, _), (sent_at, result) in ready:
        work.take(target, sent_at, result)
    return _looked_after(work.result(pending))


def evidence(state: GreyState) -> float:
    """Evidence of grey loss in nats, to be held against the threshold; 0 when not worth mention."""
    return state.evidence


def with_threshold(state: GreyState, threshold: float, interval_s: float | None = None) -> GreyState:
    """The same state, judged by another threshold, and probed at another interval in calm from now on.

    A fast stretch (see ``pacing``) is no reason to call this: the model's bursts stay as long as they are.
    """
    every = state.interval_s if interval_s is None else interval_s
    known = state.model if every == state.interval_s else model(state.ambient.value, every)
    return replace(state, threshold=threshold, interval_s=every, model=known)


def after_silence(state: GreyState, now: float) -> GreyState:
    """The path answers again after a silence that was told for what it is: no loss of it counts here as well.

    Neither what was lost before the silence was known, nor what was sent before it ended and is told lost
    after. What was held against the path before stands.
    """
    struck = state if state.spell is None else _struck(state, state.spell)
    return replace(struck, done_at=tuple(max(at, now) for at in state.done_at), pending={}, spell=None)


def _struck(state: GreyState, spell: Spell) -> GreyState:
    work = _Work(state)
    work.strike(spell)
    return work.result(state.pending)


def _noted(state: GreyState, samples: Iterable[Sample]) -> _Pending:
    """Pending probes in the order of sending, with the results that have come."""
    pending = state.pending.copy()
    latest = next(reversed(pending.values()))[0] if pending else -inf
    in_order = True
    for sample in sorted(samples, key=_order):
        target = state.targets.get(sample.target)
        if target is None:
            continue
        key = (target, sample.seq)
        known = pending.get(key)
        if known is None:
            if sample.sent_at <= state.done_at[target]:
                continue  # a duplicate, or too late
            pending[key] = (sample.sent_at, sample.state)
            in_order = in_order and sample.sent_at >= latest
            latest = max(latest, sample.sent_at)
        elif known[1] is SampleState.SENT:
            pending[key] = (known[0], sample.state)
    if in_order:
        return pending
    return dict(sorted(pending.items(), key=lambda each: (each[1][0], each[0])))


def _order(sample: Sample) -> tuple[float, tuple[int, int, str], int, int]:
    return sample.sent_at, target_order(sample.target), sample.seq, _ORDER[sample.state]


def _ready(pending: _Pending, too_old: float) -> list[tuple[tuple[int, int], tuple[float, SampleState]]]:
    """Take out what has a result and nothing older pending, what is given up, and what is too much."""
    ready: list[tuple[tuple[int, int], tuple[float, SampleState]]] = []
    spare = len(pending) - MOST_PENDING
    for probe in pending.items():
        if probe[1][1] is SampleState.SENT and probe[1][0] > too_old and len(ready) >= spare:
            break
        ready.append(probe)
    for key, _ in ready:
        del pending[key]
    return ready


class _Work:
    """One step's work on counts and watches."""

    def __init__(self, state: GreyState) -> None:
        self._was = state
        self._answered = list(state.answered)
        self._jury = Jury(state.model, state.watches, self._answered, state.threshold + HEADROOM)
        self._calm, self._calm_lost = list(state.calm), list(state.calm_lost)
        self._suspect = state.threshold * SUSPECT
        self._done_at = list(state.done_at)
        self._at = state.at
        self._evidence, self._ceiling = state.evidence, state.ceiling
        self._grey = state.grey
        self._loud_at = state.loud_at
        self._quiet_s = state.quiet_s
        self._spell, self._spells = state.spell, state.spells
        self._calibrator, self._trial = state.calibrator, state.trial

    def take(self, target: int, sent_at: float, result: SampleState) -> None:
        """The next result in the order of sending."""
        self._done_at[target] = max(self._done_at[target], sent_at)
        if result is SampleState.OK or result is SampleState.LOST:
            elapsed_s = sent_at - self._at
            if elapsed_s > STALE_S:
                self._start_anew(sent_at)
            elif elapsed_s > 0:
                self._quiet_s += elapsed_s
            self._at = max(self._at, sent_at)
            calm = not self._grey and self._evidence < self._suspect
            self._calm[target] += calm
            if result is SampleState.OK:
                self._answered[target] += 1
                if self._spell is not None:
                    self._end_of_spell(self._spell)
                if self._ceiling >= NOTABLE and self._worth_a_look(target):
                    self._judge()
            else:
                self._calm_lost[target] += calm
                self._note_spell()
                self._jury.lose(target, self._at)
                self._judge()

    def result(self, pending: _Pending) -> GreyState:
        """The state after all that."""
        if not self._evidence and self._quiet_s > FLUSH_S:
            self._calibrator = self._trial = self._calibrator.quiet(self._quiet_s)
            self._quiet_s = 0.0
        return replace(
            self._was,
            watches=tuple(self._jury.watches),
            answered=tuple(self._answered),
            calm=tuple(self._calm),
            calm_lost=tuple(self._calm_lost),
            done_at=tuple(self._done_at),
            at=self._at,
            pending=pending,
            spell=self._spell,
            spells=self._spells,
            evidence=self._evidence,
            ceiling=self._ceiling,
            grey=self._grey,
            loud_at=self._loud_at,
            quiet_s=self._quiet_s,
            calibrator=self._calibrator,
            trial=self._trial,
        )

    def _note_spell(self) -> None:
        if not self._was.ride_out_s:
            return
        if self._spell is None:
            self._spell = Spell(self._at, 1, tuple(self._jury.watches), self._trial)
        else:
            self._spell = self._spell._replace(losses=self._spell.losses + 1)

    def _end_of_spell(self, spell: Spell) -> None:
        """An answer: strike a spell of total loss from the evidence, unless many short ones came together."""
        self._spell = None
        if spell.losses < len(self._was.targets):
            return
        length_s, ride_out_s = self._at - spell.began, self._was.ride_out_s
        recent = [each for each in self._spells if each[0] > self._at - SPELLS_S]
        self._spells = (*recent, (self._at, length_s))[-MOST_SPELLS:]
        told_by_silence = length_s > ride_out_s
        if told_by_silence or sum(length for _, length in self._spells) <= ride_out_s:
            self.strike(spell)

    def strike(self, spell: Spell) -> None:
        """What is known is what was known before the spell."""
        self._jury.watches = list(spell.watches)
        self._trial = spell.trial
        self._judge()

    def _start_anew(self, at: float) -> None:
        self._jury.start_anew(at)
        self._spell, self._spells = None, ()
        self._evidence, self._ceiling, self._grey, self._loud_at = 0.0, 0.0, False, at
        self._trial = self._calibrator

    def _worth_a_look(self, target: int) -> bool:
        """An answer can make a path grey only where the ceiling says so; otherwise evidence only fades."""
        if self._answered[target] % REFRESH == 0:
            return True
        return not self._grey and self._ceiling >= self._was.threshold

    def _judge(self) -> None:
        threshold, quiet_s, self._quiet_s = self._was.threshold, self._quiet_s, 0.0
        self._evidence = self._jury.evidence(self._at)
        self._ceiling = self._jury.ceiling
        if self._evidence >= CLEAN * threshold:
            self._loud_at = self._at
        elif self._grey:
            self._grey = False  # the history that follows begins here
            return
        if self._grey:
            return
        self._trial = self._trial.quiet(quiet_s)
        if self._evidence >= threshold and self._spell is None:
            self._grey = True
            self._trial = self._calibrator  # what led here is no history of a link that is well
        elif self._evidence:
            self._trial = self._trial.note(self._evidence, self._at)
        else:
            self._calibrator = self._trial


def _looked_after(state: GreyState) -> GreyState:
    """Ambient loss follows the link, slowly, and never while anything is suspected."""
    if state.evidence or not state.ambient.is_due(state.at):
        return state
    tally = tuple(zip(state.calm, state.calm_lost, strict=True))
    ambient = state.ambient.closed(tally, state.at)
    state = replace(state, ambient=ambient)
    if abs(ambient.value - state.model.ambient) > MODEL_STEP * state.model.ambient:
        return replace(state, model=model(ambient.value, state.interval_s))
    return state
