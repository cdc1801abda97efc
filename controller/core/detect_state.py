"""What the detector knows of links and families, how it begins, and what of it is worth keeping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.core import grey, latency
from controller.core.calibration import GREY_SHARE, Fit, fit, from_plain, to_plain
from controller.core.evidence import Rhythm, TargetRecord
from controller.core.grey_jury import FEWEST
from controller.core.grey_threshold import Calibrator
from controller.core.judgement import (
    NOTHING_KNOWN,
    Facts,
    Told,
)
from controller.core.latency import LatencyState
from controller.core.model import (
    ANCHORS,
    USER_PATH,
    Family,
    HealthPolicy,
    Policy,
    SessionSample,
    Signal,
    Target,
    Verdict,
    family_of,
)
from controller.core.pacing import Pace

Key = tuple[str, Family]


@dataclass(frozen=True, slots=True)
class FamilyState:
    """One family of one link (or of the user path)."""

    records: dict[Target, TargetRecord]
    told: Told
    session: SessionSample | None = None
    signals: tuple[Signal, ...] = ()  # the latest of each kind
    facts: Facts = NOTHING_KNOWN
    standing: Verdict = Verdict.UNKNOWN  # the last verdict that was not unknown
    better: tuple[Verdict, float] | None = None  # what it has looked like instead, and since when
    loss: grey.GreyState | None = None  # None: too few targets to judge loss by
    fit: Fit | None = None  # of its threshold
    pace: Pace | None = None  # None: not probed
    latency: LatencyState | None = None  # None: round trips move nothing

    @property
    def verdict(self) -> Verdict:
        """What is said of this family now."""
        return Verdict.UNKNOWN if self.facts.verdict is Verdict.UNKNOWN else self.standing


@dataclass(frozen=True, slots=True)
class LinkState:
    """A link's verdict, and since when."""

    families: tuple[Family, ...]
    verdict: Verdict
    since: float
    suspect: bool = False
    interval_s: float | None = None  # how often to probe each target now; None: as in calm


@dataclass(frozen=True, slots=True)
class DetectorState:
    """All that the detector knows. Treat as a value: ``step`` never changes one it was given."""

    policy: HealthPolicy
    at: float
    families: Mapping[Key, FamilyState]
    links: Mapping[str, LinkState]
    dead: Mapping[Family, frozenset[Target]] = field(default_factory=dict)
    blamed: Mapping[Family, Mapping[Target, str]] = field(default_factory=dict)  # lossy themselves -> how
    next_deadline: float | None = None  # without any new sample, no verdict changes before
    changes: int = 0  # grows whenever a verdict, a suspicion or a dead target changes
    hurried: Mapping[str, float] = field(default_factory=dict)  # link -> seconds between probes of a target
    unreadable: Mapping[str, str] = field(default_factory=dict)  # what was remembered in vain: key -> why

    def thresholds(self) -> Mapping[Key, Fit]:
        """How much evidence of grey loss each family needs, and since when."""
        return {key: family.fit for key, family in self.families.items() if family.fit is not None}


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
            families[link.name, family] = _unseen(health, aims, family, is_link=True, rhythm=rhythm)
    own = tuple(f for f in Family if f in policy.user_path and any(family_of(t) is f for t in targets))
    if own:
        links[USER_PATH] = LinkState(own, Verdict.UNKNOWN, now)
        families |= {(USER_PATH, family): _unseen(health, targets, family, is_link=False) for family in own}
    near = tuple(f for f in Family if any(family_of(anchor) is f for anchor in health.anchors))
    if near:
        links[ANCHORS] = LinkState(near, Verdict.UNKNOWN, now)
        families |= {(ANCHORS, f): _unseen(health, health.anchors, f, is_link=False) for f in near}
    unreadable: dict[str, str] = {}
    for number, (key, unseen) in enumerate(families.items()):
        budget = loss_budget(health, links[key[0]])
        kept = (memory or {}).get(_name("loss", key))
        try:
            families[key] = _with_history(unseen, health, budget, kept, now)
        except ValueError as error:
            unreadable[_name("loss", key)] = str(error)
            families[key] = _with_history(unseen, health, budget, None, now)
        if health.latency is None or not unseen.told.is_link:
            continue
        usual = latency.initial(unseen.records, health.interval_s, number / len(families))
        try:
            usual = usual.remembering((memory or {}).get(_name("latency", key), {}))
        except ValueError as error:
            unreadable[_name("latency", key)] = str(error)
        families[key] = replace(families[key], latency=usual)
    return DetectorState(health, now, families, links, unreadable=unreadable)


def remembered(state: DetectorState) -> dict[str, dict[str, Any]]:
    """What is worth keeping for another life: JSON values by name."""
    kept: dict[str, dict[str, Any]] = {}
    for key, part in state.families.items():
        if part.loss is not None:
            kept[_name("loss", key)] = to_plain(part.loss)
        if part.latency is not None:
            kept[_name("latency", key)] = part.latency.to_plain()
    return kept


def _name(what: str, key: Key) -> str:
    return f"{what}/{key[0]}/{key[1]}"


def loss_budget(health: HealthPolicy, link: LinkState) -> float:
    """False alarms a year that grey loss of one family may give."""
    return health.false_per_year * GREY_SHARE / len(link.families)


def _with_history(
    family: FamilyState, health: HealthPolicy, budget: float, kept: Mapping[str, Any] | None, now: float
) -> FamilyState:
    """With a judge of loss, if there are targets enough. Raises ``ValueError`` for a history out of shape."""
    targets = tuple(family.records)
    if len(targets) < FEWEST:
        return family
    calibrator, ambient = (Calibrator(), None) if kept is None else from_plain(kept, now)
    probes_per_s = sum(1 / record.rhythm.interval_s for record in family.records.values())
    limit = fit(calibrator, probes_per_s, budget, now)
    most_often = min(record.rhythm for record in family.records.values())
    loss = grey.initial(
        targets,
        most_often.interval_s,
        max(record.rhythm.timeout_s for record in family.records.values()),
        limit.threshold,
        now,
        calibrator,
        ambient,
        ride_out_s=health.ride_out_s,
    )
    return replace(family, loss=loss, fit=limit)


def _unseen(
    health: HealthPolicy,
    targets: Iterable[Target],
    family: Family,
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
    paced = records and rhythm is None
    return FamilyState(records, Told(is_link), pace=Pace(health.interval_s, 0.0) if paced else None)
