"""What a link's family looks like at one moment, from what its targets, its BGP session and signals say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import inf
from typing import Final, NamedTuple

from controller.core.evidence import (
    BUCKETS,
    LOSS_WINDOW_S,
    MIN_RESULTS,
    Assessment,
    TargetRecord,
    Voice,
)
from controller.core.grey import GreyState
from controller.core.model import SessionSample, Signal, Target, Verdict

SESSION_FRESH_S: Final = 10.0  # older session states are ignored: their router tells nothing any more

SEVERITY: Final = {Verdict.UP: 0, Verdict.UNKNOWN: 1, Verdict.DEGRADED: 2, Verdict.DOWN: 3}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that decides; of none, unknown."""
    return max(verdicts, key=SEVERITY.__getitem__, default=Verdict.UNKNOWN)


def quorum(targets: int) -> int:
    """How many of so many targets must agree before a path is blamed: all but the f that may be bad."""
    if targets <= 2:
        return targets
    return targets - (1 if targets <= 4 else 2)


class Facts(NamedTuple):
    """How a family of a link looks at one moment, before any memory of how it looked earlier."""

    verdict: Verdict
    suspect: bool = False
    targets: int = 0  # that count: those configured, less those dead everywhere
    quorum: int = 0
    answering: int = 0
    silent: int = 0
    silent_s: float | None = None  # a quorum has been silent, or quiet, for at least this long
    sparse: bool = False  # some answers came in that time, too few to end it
    loss_percent: float | None = None  # a quorum loses at least this much; None: too few results
    grey: bool = False  # it loses more than it always does
    evidence: float = 0.0  # of that, in nats
    threshold: float | None = None
    ambient: float = 0.0  # share of probes that it always loses
    rtt_ms: float | None = None
    session: SessionSample | None = None  # as far as it is fresh
    signals: tuple[Signal, ...] = ()  # fresh and bad, worst first
    changes_at: float = inf  # with nothing more heard, the facts stay as they are until then

    @property
    def is_silent(self) -> bool:
        """A quorum of targets is silent."""
        return self.silent >= self.quorum > 0

    @property
    def session_down(self) -> bool:
        """The router says that the session is not established."""
        return self.session is not None and not self.session.established


NOTHING_KNOWN: Final = Facts(Verdict.UNKNOWN)


class Witnesses(NamedTuple):
    """What is heard of a family besides what each target says."""

    session: SessionSample | None = None
    signals: Collection[Signal] = ()
    loss: GreyState | None = None


def judge(
    records: Mapping[Target, TargetRecord],
    said: Mapping[Target, Assessment],
    dead: Collection[Target],
    heard: Witnesses,
    now: float,
) -> Facts:
    """Put together what all witnesses say. ``dead`` targets, gone through every link, are left out."""
    signals = [signal for signal in heard.signals if now < signal.speaks_until]
    session = heard.session
    if session is not None and now >= session.at + SESSION_FRESH_S:
        session = None
    ends = (each.changes_at for each in said.values())
    changes_at = min((*ends, *(signal.speaks_until for signal in signals)), default=inf)
    if session is not None:
        changes_at = min(changes_at, session.at + SESSION_FRESH_S)
    counted = [target for target in records if target not in dead]
    facts = _from_targets([(records[target], said[target]) for target in counted], heard.loss)
    if not records and (session is not None or any(each.verdict is Verdict.UP for each in signals)):
        # Nothing is probed in this family: the other witnesses are all there is.
        facts = facts._replace(verdict=Verdict.UP)
    bad = sorted(
        (signal for signal in signals if signal.verdict in (Verdict.DEGRADED, Verdict.DOWN)),
        key=lambda each: (-SEVERITY[each.verdict], each.kind),
    )
    facts = facts._replace(session=session, signals=tuple(bad), changes_at=changes_at)
    if facts.session_down or (bad and bad[0].verdict is Verdict.DOWN):
        facts = facts._replace(verdict=Verdict.DOWN)
    elif bad and facts.verdict is Verdict.UP:  # nobody knows whether an unknown link would be usable
        facts = facts._replace(verdict=Verdict.DEGRADED)
    return facts._replace(suspect=facts.suspect and facts.verdict is not Verdict.DOWN)


def _from_targets(targets: list[tuple[TargetRecord, Assessment]], grey: GreyState | None) -> Facts:
    needed = quorum(len(targets))
    if not needed:
        return NOTHING_KNOWN
    voices = [said.voice for _, said in targets]
    silent = voices.count(Voice.SILENT)
    quiet = silent + voices.count(Voice.QUIET)
    answering = voices.count(Voice.ANSWERING) + sum(
        said.voice is Voice.QUIET and record.heard for record, said in targets
    )
    silences = sorted((said.silent_s for _, said in targets if said.voice.is_quiet), reverse=True)
    losses = _losses([record for record, said in targets if said.voice is not Voice.ABSENT])
    is_grey = grey is not None and grey.grey
    rtts = sorted(record.rtt_s for record, _ in targets if record.rtt_s is not None)
    verdict = Verdict.UP
    if silent >= needed:
        verdict = Verdict.DOWN
    elif answering + silent < needed or answering <= len(targets) - needed:
        verdict = Verdict.UNKNOWN  # those without a say could make it a quorum of silent ones, or not
    elif is_grey:
        verdict = Verdict.DEGRADED
    return Facts(
        verdict=verdict,
        suspect=quiet >= needed or (grey is not None and grey.suspect and not is_grey),
        targets=len(targets),
        quorum=needed,
        answering=answering,
        silent=silent,
        silent_s=silences[needed - 1] if quiet >= needed else None,
        sparse=any(said.voice.is_quiet and record.answered_at > record.since for record, said in targets),
        loss_percent=losses[needed - 1] if len(losses) >= needed else None,
        grey=is_grey,
        evidence=grey.evidence if grey is not None else 0.0,
        threshold=grey.threshold if grey is not None else None,
        ambient=grey.ambient.value if grey is not None else 0.0,
        rtt_ms=rtts[len(rtts) // 2] * 1000 if rtts else None,
    )


def _losses(records: Iterable[TargetRecord]) -> list[float]:
    """Loss in percent of every target with enough results, worst first.

    In percent of a whole window's probes, even while the window is filling: a short outage soon after a start
    must not look like heavy loss.
    """
    counted_s = LOSS_WINDOW_S * (BUCKETS - 1) / BUCKETS
    windows = [
        (record.window.results, record.window.losses, int(counted_s / record.rhythm.interval_s))
        for record in records
    ]
    return sorted(
        (100 * losses / max(results, full) for results, losses, full in windows if results >= MIN_RESULTS),
        reverse=True,
    )


class Told(NamedTuple):
    """Which targets a path hears, and which have gone quiet on it."""

    is_link: bool  # the user path is not
    quiet: frozenset[Target] = frozenset()
    silent: frozenset[Target] = frozenset()  # of the quiet ones
    answering: frozenset[Target] = frozenset()


def tell(is_link: bool, said: Mapping[Target, Assessment]) -> Told:
    """Sort targets by what they say."""
    return Told(
        is_link,
        frozenset(target for target, each in said.items() if each.voice.is_quiet),
        frozenset(target for target, each in said.items() if each.voice is Voice.SILENT),
        frozenset(target for target, each in said.items() if each.voice is Voice.ANSWERING),
    )


def dead_everywhere(paths: Collection[Told], before: frozenset[Target]) -> frozenset[Target]:
    """Targets that are to blame themselves: quiet through every path, while others answer there.

    A path through which nothing answers says nothing of any one target; where no path has answers, no
    target is singled out. Two links at least must agree. Quiet is enough, so that no link is judged down in
    the moment between two paths' losing the same target. Once dead, a target stays so until it answers
    somewhere: that one link less can tell the difference does not revive it.
    """
    speaking = [path for path in paths if path.answering]
    if not speaking:
        return frozenset()
    answered = frozenset[Target]().union(*(path.answering for path in speaking))
    seen: set[Target] = set()
    twice: set[Target] = set()
    for path in speaking:
        if path.is_link:
            twice |= seen & path.quiet
            seen |= path.quiet
    return (before | twice) - answered


def stands(
    looks: Verdict,
    standing: Verdict,
    better: tuple[Verdict, float] | None,
    recover_s: float,
    now: float,
    *,
    suspect: bool,
) -> tuple[Verdict, tuple[Verdict, float] | None]:
    """What stands, given how it looks: worse at once, better after ``recover_s`` without a setback.

    ``standing``: what stood, the last verdict that was not unknown. ``better``: what it has looked like
    instead, and since when. Both come back as they are from now on.
    """
    if looks is Verdict.UNKNOWN:
        return standing, None
    if standing is Verdict.UNKNOWN or SEVERITY[looks] >= SEVERITY[standing]:
        return looks, None
    if suspect:
        return standing, None
    if better is None or better[0] is not looks:
        better = (looks, now)
    return (looks, None) if now - better[1] >= recover_s else (standing, better)
