"""Samples to health: is each link up, degraded, down or unknown, and how is that known.

A link's family is *down* when a quorum of its targets has been silent for ``ride_out_s``, counted from the
send time of each one's last answered probe, or when its BGP session is not established. A quorum leaves out
one bad target of 3 or 4, two of 5 and more. It is *degraded* when it loses more than it always does
(``grey``); a target that is silent there has no part in that, being told already. Signals of other witnesses
make it *degraded* or *down* for as long as they are fresh.
Bad news count at once; good news only after ``recover_s`` without a setback. No data is no evidence.

Everything is a value: ``step`` returns a new state and leaves the old one as it was. The work is constant per
sample and per target of the families concerned; only finding the next deadline looks at all families.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import floor, inf
from typing import Final

from controller.core import grey, latency
from controller.core.blame import to_blame
from controller.core.calibration import refitted
from controller.core.delay import of_link, with_delay
from controller.core.detect_learn import gone, with_silence
from controller.core.detect_start import Memory, initial, remembered
from controller.core.detect_state import (
    DetectorState,
    FamilyState,
    Key,
    LinkState,
    loss_budget,
    silence_budget,
)
from controller.core.evidence import BUCKETS, LOSS_WINDOW_S, Assessment, TargetRecord, voice
from controller.core.judgement import (
    SEVERITY,
    Facts,
    Witnesses,
    dead_everywhere,
    judge,
    stands,
    tell,
    worst,
)
from controller.core.judgement_text import LABEL, of_the_link, why
from controller.core.model import (
    Family,
    FamilyHealth,
    Health,
    HealthPolicy,
    Sample,
    SampleState,
    SessionSample,
    Signal,
    Target,
    Verdict,
)
from controller.core.pacing import missing, suspicious

__all__ = ["DetectorState", "Key", "Memory", "health", "initial", "remembered", "step"]

# Within one probe: sent, then its result; the rest only makes every order of a batch the same order.
_STATE_ORDER: Final = {
    SampleState.SENT: 0,
    SampleState.INVALID: 1,
    SampleState.LOST: 2,
    SampleState.OK: 3,
}


def step(
    state: DetectorState,
    samples: Sequence[Sample],
    sessions: Sequence[SessionSample],
    now: float,
    signals: Sequence[Signal] = (),
) -> DetectorState:
    """The state after these samples and signals, at ``now`` (monotonic seconds).

    The order within a batch does not matter, nor do duplicates. Samples of unknown paths or targets are
    ignored. Time does not run backwards: an earlier ``now`` counts as the latest time known.
    """
    now = max([now, state.at, *(sample.sent_at for sample in samples)])
    scratch = _Scratch(state, now)
    scratch.take_samples(samples)
    scratch.take_sessions(sessions)
    scratch.take_signals(signals)
    scratch.take_time()
    scratch.single_out()
    scratch.single_out_lossy()
    return scratch.result()


class _Scratch:
    """The work of one step: copies what it changes, and nothing else."""

    def __init__(self, state: DetectorState, now: float) -> None:
        self._state = state
        self._policy = state.policy
        self._now = now
        self._families = dict(state.families)
        self._dead = state.dead
        self._blamed = state.blamed
        self._owned: dict[tuple[str, Target], TargetRecord] = {}
        self._due: dict[Key, dict[Target, Assessment]] = {}  # families to judge, with what is said there
        self._touched: set[Key] = set()
        self._copied: set[Key] = set()

    def take_samples(self, samples: Sequence[Sample]) -> None:
        """Note every sample with its target, and weigh what is lost."""
        known: dict[Key, list[Sample]] = {}
        trips: dict[Key, list[tuple[Target, float]]] = {}
        for sample in sorted(samples, key=_order):
            key = (sample.path, sample.family)
            record = self._own(key, sample.target)
            if record is None:
                continue
            known.setdefault(key, []).append(sample)
            told = trips.setdefault(key, [])
            if sample.state is SampleState.OK and sample.rtt_ms is not None and sample.seq in record.waiting:
                told.append((sample.target, sample.rtt_ms))
            record.note(sample, self._families[key].patience, self._now)
        for key, group in known.items():
            self._weigh(key, group)
            self._compare(key, trips[key])

    def take_sessions(self, sessions: Sequence[SessionSample]) -> None:
        """Keep the newest word on every session."""
        for session in sorted(sessions, key=lambda each: (each.at, each.established, each.detail)):
            key = (session.link, session.family)
            family = self._families.get(key)
            if family is None or (family.session is not None and session.at < family.session.at):
                continue
            self._families[key] = replace(family, session=session)
            self._touched.add(key)

    def take_signals(self, signals: Sequence[Signal]) -> None:
        """Keep the newest word of every kind on every family; what is stale is forgotten."""
        for signal in sorted(signals, key=_order_of_signals):
            for key in [key for key in self._of_link(signal.link) if signal.family in (None, key[1])]:
                family = self._families[key]
                if any(known.kind == signal.kind and known.at > signal.at for known in family.signals):
                    continue
                others = (each for each in family.signals if each.kind != signal.kind)
                fresh = tuple(each for each in others if each.speaks_until > self._now)
                self._families[key] = replace(family, signals=(*fresh, signal))
                self._touched.add(key)

    def _of_link(self, name: str) -> list[Key]:
        link = self._state.links.get(name)
        return [(name, family) for family in link.families] if link else []

    def take_time(self) -> None:
        """Hear every family for which samples came, or time has come."""
        deadline = self._state.next_deadline
        if deadline is not None and self._now >= deadline:
            recover_s = self._policy.recover_s
            self._touched.update(k for k, f in self._families.items() if _deadline(f, recover_s) <= self._now)
        for key in self._touched:
            self._hear(key)

    def single_out(self) -> None:
        """Find targets that are dead everywhere; give those that are back the benefit of the doubt."""
        before = self._state.families
        for family in {key[1] for key in self._due if self._families[key].told != before[key].told}:
            keys = [key for key in self._families if key[1] is family]
            known = self._dead.get(family, frozenset())
            dead = dead_everywhere([self._families[key].told for key in keys], known)
            if dead == known:
                continue
            self._dead = {**self._dead, family: dead}
            for key in keys:
                self._pardon(key, known - dead)
                self._hear(key)

    def single_out_lossy(self) -> None:
        """Find targets that lose through every link alike. Once a second: it looks at all there is."""
        if floor(self._now) == floor(self._state.at):
            return
        epoch = int(self._now * BUCKETS / LOSS_WINDOW_S)
        for family in Family:
            dead = self._dead.get(family, frozenset())
            links = [
                {t: each.window.at(epoch) for t, each in part.records.items() if t not in dead}
                for (_, which), part in self._families.items()
                if which is family and part.told.is_link and part.told.answering
            ]
            found = to_blame(links, self._blamed.get(family, {}))
            if found != self._blamed.get(family, {}):
                self._blamed = {**self._blamed, family: found}

    def _left_out(self, family: Family) -> frozenset[Target]:
        return self._dead.get(family, frozenset()) | self._blamed.get(family, {}).keys()

    def result(self) -> DetectorState:
        """Judge what is to be judged."""
        state, now = self._state, self._now
        for key in self._due:
            facts = self._judge(key)
            self._families[key] = _paced(_after(self._families[key], facts, self._policy, now), now)
            self._learn(key)
        links, hurried = dict(state.links), state.hurried
        changed = self._dead != state.dead
        for name in {name for name, _ in self._due}:
            old = links[name]
            new = links[name] = _link_after(name, old, self._families, now)
            changed |= (new.verdict, new.suspect) != (old.verdict, old.suspect)
            if new.interval_s != old.interval_s:
                hurried = {link: every_s for link, every_s in hurried.items() if link != name}
                hurried |= {} if new.interval_s is None else {name: new.interval_s}
        changed |= any(self._families[key].verdict is not state.families[key].verdict for key in self._due)
        deadline = min((_deadline(f, self._policy.recover_s) for f in self._families.values()), default=inf)
        return replace(
            state,
            at=now,
            families=self._families,
            links=links,
            dead=self._dead,
            blamed=self._blamed,
            next_deadline=None if deadline == inf else deadline,
            changes=state.changes + changed,
            hurried=hurried,
        )

    def _learn(self, key: Key) -> None:
        """What this moment says of the link in the long run."""
        family = self._families[key]
        if not (family.told.is_link and family.records):
            return
        out = gone(family, self._due[key], self._left_out(key[1]))
        if out != family.gone:
            family = replace(family, gone=out)
        often = silence_budget(self._policy, self._state.links[key[0]])
        others = (
            part
            for (name, which), part in self._families.items()
            if which is key[1] and name != key[0] and part.told.is_link and part.records
        )
        self._families[key] = with_silence(family, others, often, self._now)

    def _weigh(self, key: Key, samples: list[Sample]) -> None:
        """Whether the path loses more than it always does. Silence, of one or of all, is told already."""
        family = self._families[key]
        if family.loss is None or family.fit is None or family.facts.is_silent:
            return
        told = family.told.silent | self._left_out(key[1])
        counted = [sample for sample in samples if sample.target not in told] if told else samples
        loss = grey.step(family.loss, counted, self._now)
        budget = loss_budget(self._policy, self._state.links[key[0]])
        loss, limit = refitted(loss, family.fit, budget, self._now)
        self._families[key] = replace(family, loss=loss, fit=limit)

    def _compare(self, key: Key, trips: list[tuple[Target, float]]) -> None:
        """Whether round trips take longer than they use to."""
        family, rule = self._families[key], self._policy.latency
        if family.latency is None or rule is None:
            return
        after = latency.step(family.latency, trips, rule, self._now)
        if after is not family.latency:
            self._families[key] = replace(family, latency=after)

    def _judge(self, key: Key) -> Facts:
        family, said = self._families[key], self._due[key]
        dead = self._left_out(key[1]) | family.gone
        heard = Witnesses(family.session, family.signals, family.loss)
        facts = judge(family.records, said, dead, heard, self._now)
        if not family.facts.is_silent or facts.is_silent:
            return facts
        # The path is back. What the outage lost has been told; loss is counted afresh.
        for target in family.records:
            record = self._own(key, target)
            if record is not None:
                record.forget_loss(self._now)
        family = self._families[key]
        if family.loss is not None:
            family = self._families[key] = replace(family, loss=grey.after_silence(family.loss, self._now))
        heard = heard._replace(loss=family.loss)
        return judge(family.records, said, dead, heard, self._now)

    def _own(self, key: Key, target: Target) -> TargetRecord | None:
        """A copy of the record for this step to change; None where nothing is known of such a target."""
        record = self._owned.get((key[0], target))
        if record is not None:
            return record
        family = self._families.get(key)
        if family is None or target not in family.records:
            return None
        if key not in self._copied:
            family = self._families[key] = replace(family, records=family.records.copy())
            self._copied.add(key)
            self._touched.add(key)
        record = self._owned[key[0], target] = family.records[target].twin()
        family.records[target] = record
        return record

    def _hear(self, key: Key) -> None:
        family = self._families[key]
        said = self._due[key] = {
            target: voice(record, family.patience, self._now) for target, record in family.records.items()
        }
        told = tell(family.told.is_link, said)
        if told != family.told:
            self._families[key] = replace(family, told=told)

    def _pardon(self, key: Key, back: Iterable[Target]) -> None:
        told = self._families[key].told
        if not told.answering:
            return  # nothing answers here: it is the path that is silent, not the target
        for target in back:
            record = self._own(key, target)
            if record is not None and target in told.quiet:
                record.pardon(self._now)


def _order(sample: Sample) -> tuple[float, int, int, float]:
    return sample.sent_at, sample.seq, _STATE_ORDER[sample.state], sample.rtt_ms or 0.0


def _order_of_signals(signal: Signal) -> tuple[float, int, str, float, str]:
    return signal.at, SEVERITY[signal.verdict], signal.why, signal.fresh_s, signal.family or ""


def _after(family: FamilyState, facts: Facts, health: HealthPolicy, now: float) -> FamilyState:
    """What stands, given how it looks."""
    standing, better = stands(
        facts.verdict, family.standing, family.better, health.recover_s, now, suspect=facts.suspect
    )
    return replace(family, facts=facts, standing=standing, better=better)


def _deadline(family: FamilyState, recover_s: float) -> float:
    if family.better is None:
        return family.facts.changes_at
    return min(family.facts.changes_at, family.better[1] + recover_s)


def _link_after(name: str, old: LinkState, families: Mapping[Key, FamilyState], now: float) -> LinkState:
    parts = [families[name, family] for family in old.families]
    verdict = worst(part.verdict for part in parts)
    suspect = verdict is not Verdict.DOWN and any(part.facts.suspect for part in parts)
    fast = [part.pace.interval_s for part in parts if part.pace is not None and part.pace.is_fast]
    since = old.since if verdict is old.verdict else now
    return LinkState(old.families, verdict, since, suspect, min(fast, default=None))


def _paced(family: FamilyState, now: float) -> FamilyState:
    """A first suspicion is looked at more closely, for a moment."""
    if family.pace is None:
        return family
    suspected = suspicious(family.loss, missing(family.records.values(), now))
    if not suspected and not family.pace.is_fast:
        return family
    return replace(family, pace=family.pace.after(suspected, now))


def health(state: DetectorState, now: float) -> Mapping[str, Health]:
    """The verdict on every link, and on the user path where there is one, with the evidence in words.

    A link's words are those of the families that share its verdict; each family has its own besides.
    """
    return {name: _health(state, name, link, now) for name, link in state.links.items()}


def _health(state: DetectorState, name: str, link: LinkState, now: float) -> Health:
    families = {
        family: _family_health(state, state.families[name, family], family, now) for family in link.families
    }
    telling = {f: each for f, each in families.items() if each.verdict is link.verdict} or families
    wide = dict.fromkeys(word for f in telling for word in of_the_link(state.families[name, f].facts))
    said = [*wide, *(f"{LABEL[family]}: {each.why}" for family, each in telling.items())]
    delay, delay_why = of_link(link.verdict, families)
    return Health(
        name,
        link.verdict,
        link.since,
        "; ".join(said) or "no neighbors",
        link.suspect,
        families,
        delay=delay,
        delay_why=delay_why,
    )


def _family_health(state: DetectorState, part: FamilyState, family: Family, now: float) -> FamilyHealth:
    facts = part.facts
    later_s = max(0.0, now - state.at)
    if facts.silent_s is not None:
        facts = facts._replace(silent_s=facts.silent_s + later_s)
    clean_s = None if part.better is None else max(0.0, now - part.better[1])
    found = FamilyHealth(
        verdict=part.verdict,
        why=why(facts, part.verdict, clean_s, state.dead.get(family, ()), state.policy),
        silent_s=facts.silent_s,
        ride_out_s=part.silence.ride_out_s,
        loss_percent=facts.loss_percent,
        rtt_ms=facts.rtt_ms,
        answering=facts.answering,
        targets=facts.targets,
        suspect=facts.suspect,
        evidence=facts.evidence,
        threshold=facts.threshold,
        stale=bool(part.records) and all(r.is_stale(part.patience, state.at) for r in part.records.values()),
        fades=part.verdict in (Verdict.DEGRADED, Verdict.DOWN) and part.fades,
    )
    rule = state.policy.latency
    return found if part.latency is None or rule is None else with_delay(found, part.latency, rule)
