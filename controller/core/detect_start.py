"""How the detector begins, and what of what it knows is worth keeping for another life."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from controller.core import grey, latency, silence
from controller.core.calibration import fit, from_plain, to_plain
from controller.core.detect_state import (
    DetectorState,
    FamilyState,
    Key,
    LinkState,
    loss_budget,
    silence_budget,
)
from controller.core.evidence import Rhythm, TargetRecord
from controller.core.grey_jury import FEWEST
from controller.core.grey_threshold import Calibrator
from controller.core.judgement import Told
from controller.core.model import (
    ANCHORS,
    USER_PATH,
    Family,
    HealthPolicy,
    Policy,
    Target,
    Verdict,
    family_of,
)
from controller.core.pacing import Pace

T = TypeVar("T")
Memory = Mapping[str, Mapping[str, Any]]  # JSON values by name, of links' histories


def initial(policy: Policy, now: float, memory: Memory | None = None) -> DetectorState:
    """Nothing known yet of any link that has neighbors, nor of user path and anchors where policy has them.

    ``memory``: what ``remembered`` gave in an earlier life. What of it cannot be read is named in the state.
    """
    health = policy.health
    targets = health.targets
    families: dict[Key, FamilyState] = {}
    links: dict[str, LinkState] = {}
    for link in policy.links.values():
        judged = tuple(family for family in Family if family in link.neighbors)
        links[link.name] = LinkState(judged, Verdict.UNKNOWN, now)
        for family in judged:
            probed = link.pinged_by_router or link.probe_device is not None or family in link.probe_source
            aims = policy.probed_through(link) if probed else ()
            rhythm = Rhythm.of_router(health) if link.pinged_by_router else None
            families[link.name, family] = _unseen(health, aims, family, now, is_link=True, rhythm=rhythm)
    own = tuple(f for f in Family if f in policy.user_path and any(family_of(t) is f for t in targets))
    if own:
        links[USER_PATH] = LinkState(own, Verdict.UNKNOWN, now)
        families |= {
            (USER_PATH, family): _unseen(health, targets, family, now, is_link=False) for family in own
        }
    near = tuple(f for f in Family if any(family_of(anchor) is f for anchor in health.anchors))
    if near:
        links[ANCHORS] = LinkState(near, Verdict.UNKNOWN, now)
        families |= {(ANCHORS, f): _unseen(health, health.anchors, f, now, is_link=False) for f in near}
    unreadable: dict[str, str] = {}
    for number, (key, unseen) in enumerate(families.items()):
        recall = _Recall(health, links[key[0]], key, memory or {}, unreadable, now)
        known = recall.loss(recall.silence(unseen))
        families[key] = recall.latency(known, number / len(families))
    return DetectorState(health, now, families, links, unreadable=unreadable)


def remembered(state: DetectorState) -> dict[str, dict[str, Any]]:
    """What is worth keeping for another life: JSON values by name."""
    kept: dict[str, dict[str, Any]] = {}
    for key, part in state.families.items():
        if part.told.is_link and part.records:
            kept[_name("silence", key)] = silence.to_plain(part.silence)
        if part.loss is not None:
            kept[_name("loss", key)] = to_plain(part.loss)
        if part.latency is not None:
            kept[_name("latency", key)] = part.latency.to_plain()
    return kept


def _name(what: str, key: Key) -> str:
    return f"{what}/{key[0]}/{key[1]}"


@dataclass(frozen=True, slots=True)
class _Recall:
    """What was learnt of one link and family in an earlier life. What cannot be read is learnt afresh."""

    policy: HealthPolicy
    link: LinkState
    key: Key
    memory: Memory
    unreadable: dict[str, str]
    now: float

    def _kept(self, what: str, read: Callable[[Mapping[str, Any]], T]) -> T | None:
        name = _name(what, self.key)
        kept = self.memory.get(name)
        if kept is None:
            return None
        try:
            return read(kept)
        except ValueError as error:
            self.unreadable[name] = str(error)
            return None

    def silence(self, family: FamilyState) -> FamilyState:
        """With how long it may be silent, which only links learn."""
        if not family.told.is_link:
            return family
        unit_s = family.silence.unit_s
        known = self._kept("silence", lambda kept: silence.from_plain(kept, unit_s))
        often = silence_budget(self.policy, self.link)
        return replace(
            family, silence=silence.initial(self.policy.ride_out_s, unit_s, often, self.now, known)
        )

    def loss(self, family: FamilyState) -> FamilyState:
        """With a judge of loss, if there are targets enough."""
        records = family.records
        if len(records) < FEWEST:
            return family
        known = self._kept("loss", lambda kept: from_plain(kept, self.now))
        calibrator, ambient = known or (Calibrator(), None)
        probes_per_s = sum(1 / record.rhythm.interval_s for record in records.values())
        limit = fit(calibrator, probes_per_s, loss_budget(self.policy, self.link), self.now)
        judge = grey.initial(
            tuple(records),
            min(record.rhythm for record in records.values()).interval_s,
            max(record.rhythm.timeout_s for record in records.values()),
            limit.threshold,
            self.now,
            calibrator,
            ambient,
            ride_out_s=family.silence.ride_out_s,
        )
        return replace(family, loss=judge, fit=limit)

    def latency(self, family: FamilyState, phase: float) -> FamilyState:
        """With what is usual of its round trips; ``phase`` of all families' work, 0 to 1."""
        if self.policy.latency is None or not family.told.is_link:
            return family
        usual = latency.initial(family.records, self.policy.interval_s, phase)
        return replace(family, latency=self._kept("latency", usual.remembering) or usual.remembering({}))


def _unseen(
    health: HealthPolicy,
    targets: Iterable[Target],
    family: Family,
    now: float,
    *,
    is_link: bool,
    rhythm: Rhythm | None = None,
) -> FamilyState:
    """``rhythm``: of targets that others probe for us, at no other pace."""
    records = {
        target: TargetRecord(rhythm or Rhythm.of(target, health))
        for target in targets
        if family_of(target) is family
    }
    pace = Pace(health.interval_s, 0.0) if records and rhythm is None else None
    every_s = min((record.rhythm.interval_s for record in records.values()), default=health.interval_s)
    patience = silence.initial(health.ride_out_s, silence.unit_s(every_s), health.false_per_year, now)
    return FamilyState(records, Told(is_link), patience, pace=pace)
