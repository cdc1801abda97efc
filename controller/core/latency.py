"""Round trips and their jitter against what is usual for the same target over the same link: brownouts.

Round trips are gathered in blocks of five seconds or more, because their noise is correlated over seconds.
Of each target's block only the median counts, and how far the tail lies above it: the jitter. A CUSUM scores
how much worse than usual a block is (or above an absolute limit), bounded per block, so that it takes two.
A link's family is *slow* while at least two of its targets, and half of those with a say, are worse. It is in
*brownout* once it has been slow for ``held_s``, and until it has been clean for as long. Time counts in
blocks heard: with nothing heard, nothing is known.

What is usual is learned outside suspicion only. What has been slow for a day is like that now.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Final, NamedTuple

from controller.core.latency_usual import Thinned, Usual, fields, quantile
from controller.core.model import LatencyPolicy

BLOCK_S: Final = 5.0
BLOCK_INTERVALS: Final = 10  # a block has room for this many probes of a target
ENOUGH: Final = 3  # round trips of a target in a block, before their median counts
ENOUGH_TAIL: Final = 10  # before their tail counts
ALLOWED: Final = 0.75  # of `worse_by`: a block no worse than this is evidence of health
STEP_UP, STEP_DOWN = 0.25, 0.5  # of `worse_by`: the most that one block adds, or takes away
WORSE: Final = 0.5  # score from which a target is worse, until it is back at 0
HIGHEST: Final = 1.0  # of any score, so that health is seen as soon as illness
RECENT: Final = 6  # blocks that tell how round trips are now
LEAST: Final = 2  # targets: one may be bad by itself
MISSED: Final = 2  # blocks without a result, beyond which a target has no say
GAP: Final = 12  # likewise, beyond which what was suspected of it is forgotten
ACCEPTED_S: Final = 86400.0  # a link that has been slow for so long is like that now

_NOTHING: Final = Thinned()
_NO_USUAL: Final = Usual()


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one target, block by block, in ms."""

    usual: Usual = _NO_USUAL
    recent: tuple[float, ...] = ()
    score: float = 0.0  # evidence of being worse, in units of `worse_by`
    run: int = 0  # blocks since the score left 0
    worse: bool = False
    judged: bool = False  # there is something to compare with

    def heard(self, value: float, worse_by: float, limit: float | None) -> Series:
        """The series with one more block."""
        recent = (*self.recent, value)[-RECENT:]
        excess = _excess(value, self.usual.value, worse_by, limit)
        if excess is None:
            return Series(self.usual, recent)
        step = min(STEP_UP, max(-STEP_DOWN, excess / worse_by - ALLOWED))
        score = min(HIGHEST, max(0.0, self.score + step))
        worse = score >= WORSE or (self.worse and score > 0)
        return Series(self.usual, recent, score, self.run + 1 if score else 0, worse, judged=True)

    @property
    def now(self) -> float | None:
        """How it is now; where it has just changed, since the change."""
        return quantile(self.recent[-self.run :] if self.run else self.recent, 0.5) if self.recent else None

    def unsuspected(self) -> Series:
        """What is usual, and nothing else."""
        return Series(self.usual, self.recent, judged=self.judged)


def _excess(value: float, usual: float | None, worse_by: float, limit: float | None) -> float | None:
    """How much worse than it may be; None where nothing tells."""
    if limit is not None and value >= limit:
        return worse_by
    if usual is not None:
        return value - usual
    return None if limit is None else 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """What is known of one target."""

    block: Thinned = _NOTHING  # round trips of the block that is not over yet
    trip: Series = Series()
    jitter: Series = Series()
    missed: int = 0  # blocks in a row without a result


class Slowness(NamedTuple):
    """One measure of a family: how it is, and against what."""

    worse: int = 0  # targets
    say: int = 0  # targets with a say
    now_ms: float | None = None  # median over the targets that are worse, else over all
    usual_ms: float | None = None  # likewise; None where there is none
    run: int = 0  # for how many blocks as many targets as are needed have been worse
    suspects: int = 0  # targets with any evidence

    @property
    def needed(self) -> int:
        """How many targets must be worse: two, and half of those with a say."""
        return max(LEAST, (self.say + 1) // 2)

    @property
    def is_suspect(self) -> bool:
        """There is some evidence against as many as are needed."""
        return self.suspects >= self.needed

    @property
    def is_slow(self) -> bool:
        """As many as are needed are worse."""
        return self.worse >= self.needed


_NO_SLOWNESS: Final = Slowness()


@dataclass(frozen=True, slots=True)
class LatencyState:
    """One family of one link. A value: ``step`` returns another."""

    targets: Mapping[Hashable, Target]
    block_s: float = BLOCK_S
    phase_s: float = 0.0  # blocks begin so much earlier: not those of all links at once
    epoch: int | None = None  # number of the block that is not over yet
    trip: Slowness = _NO_SLOWNESS
    jitter: Slowness = _NO_SLOWNESS
    slow_s: float = 0.0  # slow for this long
    clean_s: float = 0.0  # in brownout, but not slow for this long
    brownout: bool = False

    @property
    def is_slow(self) -> bool:
        """Worse than usual now, whether for long enough or not."""
        return self.trip.is_slow or self.jitter.is_slow

    @property
    def tail_ms(self) -> float | None:
        """What nine of ten round trips keep within now: by this, links are compared."""
        if self.trip.now_ms is None:
            return None
        return self.trip.now_ms + (self.jitter.now_ms or 0.0)

    def to_plain(self) -> dict[str, Any]:
        """What is usual, for the store, by the targets' names."""
        return {
            str(name): {"trip": target.trip.usual.to_plain(), "jitter": target.jitter.usual.to_plain()}
            for name, target in self.targets.items()
        }

    def remembering(self, plain: Mapping[str, Any]) -> LatencyState:
        """The state with what ``to_plain`` wrote of targets that there still are.

        Raises ``ValueError`` for anything that ``to_plain`` does not write.
        """
        targets = dict(self.targets)
        for name in self.targets:
            if str(name) in plain:
                trip, jitter = (
                    Series(Usual.from_plain(measure))
                    for measure in fields(plain[str(name)], "trip", "jitter")
                )
                targets[name] = Target(trip=trip, jitter=jitter)
        return replace(self, targets=targets)


def initial(targets: Iterable[Hashable], interval_s: float, phase: float = 0.0) -> LatencyState:
    """Nothing known yet. ``interval_s``: between probes of one target; ``phase``: part of a block."""
    length_s = block_s(interval_s)
    return LatencyState(dict.fromkeys(targets, Target()), length_s, length_s * phase)


def block_s(interval_s: float) -> float:
    """How long a block is when a target is probed this often. A shift is seen in two to four of them."""
    return max(BLOCK_S, BLOCK_INTERVALS * interval_s)


def step(
    state: LatencyState, trips: Iterable[tuple[Hashable, float]], policy: LatencyPolicy, now: float
) -> LatencyState:
    """The state after these round trips (target, ms), which were told at ``now``.

    Their order does not matter. Whoever calls leaves out duplicates and replies that came too late.
    """
    heard = [(target, rtt_ms) for target, rtt_ms in trips if target in state.targets and 0 <= rtt_ms < inf]
    epoch = int((now + state.phase_s) // state.block_s)
    if state.epoch is None:
        state = replace(state, epoch=epoch)
    elif epoch > state.epoch:
        state = _close(state, policy, epoch)
    if not heard:
        return state
    targets = dict(state.targets)
    for name, rtt_ms in sorted(heard, key=lambda each: each[1]):
        target = targets[name]
        targets[name] = Target(target.block.add(rtt_ms), target.trip, target.jitter, target.missed)
    return replace(state, targets=targets)


def _close(state: LatencyState, policy: LatencyPolicy, epoch: int) -> LatencyState:
    """The state with its open block judged, and that of ``epoch`` opened."""
    skipped = epoch - (state.epoch or 0) - 1
    targets = {name: _judged(target, policy, skipped) for name, target in state.targets.items()}
    state = _timed(replace(state, targets=targets, epoch=epoch), policy)
    if state.slow_s >= ACCEPTED_S:
        targets = {name: _forgetting(target, policy) for name, target in targets.items()}
        state = _measured(replace(state, targets=targets))
        state = replace(state, brownout=state.is_slow, slow_s=state.slow_s if state.is_slow else 0.0)
    elif not (state.brownout or state.trip.is_suspect or state.jitter.is_suspect):
        an_hour = round(3600 / state.block_s)
        targets = {name: _learning(target, an_hour) for name, target in targets.items()}
    return replace(state, targets={name: replace(each, block=_NOTHING) for name, each in targets.items()})


def _measured(state: LatencyState) -> LatencyState:
    present = [target for target in state.targets.values() if target.missed <= MISSED]
    trip, jitter = [target.trip for target in present], [target.jitter for target in present]
    return replace(state, trip=_slowness(trip), jitter=_slowness(jitter))


def _timed(state: LatencyState, policy: LatencyPolicy) -> LatencyState:
    """For how long it has been slow, or clean, and what follows."""
    state = _measured(state)
    if state.is_slow:
        run = max(each.run for each in (state.trip, state.jitter) if each.is_slow)
        slow_s = max(state.slow_s + state.block_s, run * state.block_s)
        brownout = state.brownout or slow_s >= policy.held_s
        return replace(state, slow_s=slow_s, clean_s=0.0, brownout=brownout)
    if not state.brownout:
        return replace(state, slow_s=0.0, clean_s=0.0)
    if max(state.trip.say, state.jitter.say) < LEAST:
        return state  # too few say anything: neither slow nor clean
    clean_s = state.clean_s + state.block_s
    if clean_s < policy.held_s:
        return replace(state, clean_s=clean_s)
    return replace(state, slow_s=0.0, clean_s=0.0, brownout=False)


def _judged(target: Target, policy: LatencyPolicy, skipped: int) -> Target:
    block, trip, jitter = target.block, target.trip, target.jitter
    enough = block.count >= ENOUGH
    missed = target.missed + skipped + (not enough)
    if missed > GAP:
        trip, jitter = trip.unsuspected(), jitter.unsuspected()
    if not enough:
        return Target(block, trip, jitter, missed)
    trip = trip.heard(block.median, policy.worse_by_ms, policy.limit_ms)
    if policy.jitter_worse_by_ms is not None and block.count >= ENOUGH_TAIL:
        jitter = jitter.heard(block.tail, policy.jitter_worse_by_ms, policy.jitter_limit_ms)
    return Target(block, trip, jitter)


def _learning(target: Target, an_hour: int) -> Target:
    """With the block just judged among what is usual."""

    def learned(series: Series) -> Series:
        return replace(series, usual=series.usual.learn(series.recent[-1], an_hour))

    block, trip, jitter = target.block, target.trip, target.jitter
    if block.count >= ENOUGH:
        trip = learned(trip)
    if block.count >= ENOUGH_TAIL and jitter.recent:
        jitter = learned(jitter)
    return Target(block, trip, jitter, target.missed)


def _forgetting(target: Target, policy: LatencyPolicy) -> Target:
    """Where it is worse than usual, and not just above a limit, nothing is usual any more."""

    def forgotten(series: Series, limit: float | None) -> Series:
        above = limit is not None and bool(series.recent) and series.recent[-1] >= limit
        return Series(recent=series.recent) if series.worse and not above else series

    trip = forgotten(target.trip, policy.limit_ms)
    return Target(target.block, trip, forgotten(target.jitter, policy.jitter_limit_ms), target.missed)


def _slowness(present: list[Series]) -> Slowness:
    say = [series for series in present if series.judged]
    worse = [series for series in say if series.worse]
    found = Slowness(len(worse), len(say), suspects=sum(series.score > 0 for series in say))
    told = worse if found.is_slow else present
    now = [series.now for series in told if series.now is not None]
    usual = [series.usual.value for series in told if series.usual.value is not None]
    runs = sorted((series.run for series in worse), reverse=True)
    return found._replace(
        now_ms=quantile(now, 0.5) if now else None,
        usual_ms=quantile(usual, 0.5) if usual else None,
        run=runs[found.needed - 1] if found.is_slow else 0,
    )
