"""What the detector knows of links and families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core import grey
from controller.core.calibration import GREY_SHARE, Fit
from controller.core.evidence import Patience, TargetRecord
from controller.core.judgement import (
    NOTHING_KNOWN,
    Facts,
    Told,
)
from controller.core.latency import LatencyState
from controller.core.model import (
    Family,
    HealthPolicy,
    SessionSample,
    Signal,
    Target,
    Verdict,
)
from controller.core.pacing import Pace
from controller.core.silence import SilenceState

Key = tuple[str, Family]


@dataclass(frozen=True, slots=True)
class FamilyState:
    """One family of one link (or of the user path)."""

    records: dict[Target, TargetRecord]
    told: Told
    silence: SilenceState
    gone: frozenset[Target] = frozenset()  # silent for so long, on a path that is not, that they do not count
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
    def patience(self) -> Patience:
        """For how long its targets may not answer. Suspicion comes when policy has it come."""
        return Patience(self.silence.policy_s / 2, self.silence.ride_out_s)

    @property
    def verdict(self) -> Verdict:
        """What is said of this family now."""
        return Verdict.UNKNOWN if self.facts.verdict is Verdict.UNKNOWN else self.standing

    @property
    def fades(self) -> bool:
        """It looks well already, or has nothing against it but evidence of loss that was stronger before."""
        if self.better is not None:
            return True
        return self.loss is not None and self.loss.fades and self.facts.grey and not self.facts.signals


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

    def ride_outs(self) -> Mapping[Key, SilenceState]:
        """How long each link's family may be silent, and how that is known."""
        return {key: family.silence for key, family in self.families.items() if family.told.is_link}

    def thresholds(self) -> Mapping[Key, Fit]:
        """How much evidence of grey loss each family needs, and since when."""
        return {key: family.fit for key, family in self.families.items() if family.fit is not None}


def silence_budget(health: HealthPolicy, link: LinkState) -> float:
    """False alarms a year that silence of one family may give."""
    return health.false_per_year * (1 - GREY_SHARE) / len(link.families)


def loss_budget(health: HealthPolicy, link: LinkState) -> float:
    """False alarms a year that grey loss of one family may give."""
    return health.false_per_year * GREY_SHARE / len(link.families)
