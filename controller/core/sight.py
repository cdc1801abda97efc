"""What a look through every link shows: figures of the last seconds, verdicts, evidence against limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor
from typing import Final, NamedTuple

from controller.core.model import Family, FamilyHealth, Health, SampleState, Verdict
from controller.core.samples import Latest, Probe, marks

SLICES: Final = 20  # of the window, for sparklines
RECENT: Final = 20  # probes shown one by one


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of some probes. Jitter: the mean difference between successive answers of a target."""

    sent: int
    ok: int
    lost: int
    invalid: int
    loss_percent: float | None  # of those answered or lost
    rtt_p50_ms: float | None
    rtt_p95_ms: float | None
    jitter_ms: float | None


class Slice(NamedTuple):
    """A twentieth of the window."""

    sent: int
    lost: int
    jitter_ms: float | None  # None: too few answers


@dataclass(frozen=True, slots=True)
class Gauge:
    """Evidence against what it takes for a verdict; at a share of 1 the verdict falls."""

    value: float
    limit: float
    unit: str
    share: float


@dataclass(frozen=True, slots=True)
class TargetSight:
    """One target through one path."""

    target: str
    figures: Figures
    heard_s: float | None  # since the last answer that is remembered
    recent: str  # the latest probes, oldest first: . answered, x lost, - invalid, ? under way
    note: str  # what the detector thinks of it, where that is worth a word


@dataclass(frozen=True, slots=True)
class FamilySight:
    """One family of one path."""

    verdict: Verdict
    why: str
    figures: Figures
    slices: tuple[Slice, ...]  # oldest first
    silence: Gauge  # until it is down
    loss: Gauge | None  # until it is degraded; None: too few targets to judge loss by
    targets: tuple[TargetSight, ...]


@dataclass(frozen=True, slots=True)
class LinkSight:
    """One link, or the user path."""

    link: str
    verdict: Verdict
    for_s: float
    suspect: bool
    why: str
    families: Mapping[Family, FamilySight]


@dataclass(frozen=True, slots=True)
class Sight:
    """Every link at one moment."""

    utc: float
    window_s: float  # the figures are of the probes sent in the last so many seconds
    seen_by: str
    links: tuple[LinkSight, ...] = ()

    @property
    def all_up(self) -> bool:
        """Nothing is down, degraded or unknown."""
        return all(link.verdict is Verdict.UP for link in self.links)


@dataclass(frozen=True, slots=True)
class View:
    """What a sight is made of."""

    health: Mapping[str, Health]
    latest: Mapping[str, Latest]  # by path
    notes: Mapping[tuple[str, str], str] = field(
        default_factory=dict
    )  # path, target -> what is thought of it


def look(view: View, now: float, utc: float, window_s: float, seen_by: str) -> Sight:
    """Every link and its targets as of ``now``."""
    links = []
    for name, health in view.health.items():
        probes: dict[Family, dict[str, Sequence[Probe]]] = {family: {} for family in health.families}
        for series, latest in view.latest.get(name, {}).items():
            probes.setdefault(series.family, {})[series.target] = latest
        families = {
            family: _family(each, probes[family], now, window_s, _noted(view.notes, name))
            for family, each in health.families.items()
        }
        for_s = max(0.0, now - health.since)
        links.append(LinkSight(name, health.verdict, for_s, health.suspect, health.why, families))
    return Sight(utc, window_s, seen_by, tuple(links))


def _noted(notes: Mapping[tuple[str, str], str], path: str) -> dict[str, str]:
    return {target: note for (name, target), note in notes.items() if name == path}


def _family(
    health: FamilyHealth,
    probes: Mapping[str, Sequence[Probe]],
    now: float,
    window_s: float,
    notes: Mapping[str, str],
) -> FamilySight:
    within = {
        target: [probe for probe in each if probe.sent_at > now - window_s] for target, each in probes.items()
    }
    silent_s, ride_out_s = health.silent_s or 0.0, health.ride_out_s
    loss = None
    if health.threshold is not None:
        loss = Gauge(health.evidence, health.threshold, "nats", health.evidence / health.threshold)
    return FamilySight(
        verdict=health.verdict,
        why=health.why,
        figures=figures(within.values()),
        slices=_slices(within.values(), now, window_s),
        silence=Gauge(silent_s, ride_out_s, "s", silent_s / ride_out_s if silent_s else 0.0),
        loss=loss,
        targets=tuple(
            TargetSight(target, figures([within[target]]), _heard_s(each, now), marks(each[-RECENT:]), note)
            for target, each in probes.items()
            for note in [notes.get(target, "")]
        ),
    )


def figures(targets: Iterable[Sequence[Probe]]) -> Figures:
    """Of the probes of some targets, each target's in the order of sending."""
    each = [list(probes) for probes in targets]
    states = [probe.state for probes in each for probe in probes]
    ok, lost = states.count(SampleState.OK), states.count(SampleState.LOST)
    rtts = sorted(rtt for probes in each for rtt in _rtts(probes))
    steps = [abs(after - before) for probes in each for before, after in pairwise(_rtts(probes))]
    return Figures(
        sent=len(states),
        ok=ok,
        lost=lost,
        invalid=states.count(SampleState.INVALID),
        loss_percent=100 * lost / (ok + lost) if ok + lost else None,
        rtt_p50_ms=_quantile(rtts, 0.5),
        rtt_p95_ms=_quantile(rtts, 0.95),
        jitter_ms=sum(steps) / len(steps) if steps else None,
    )


def _rtts(probes: Iterable[Probe]) -> list[float]:
    return [probe.rtt_ms for probe in probes if probe.rtt_ms is not None]


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[floor(share * (len(ordered) - 1))] if ordered else None


def _slices(targets: Iterable[Sequence[Probe]], now: float, window_s: float) -> tuple[Slice, ...]:
    """A step counts where its later answer was sent: one probe a slice is enough for jitter."""
    sent, lost = [0] * SLICES, [0] * SLICES
    steps: list[list[float]] = [[] for _ in range(SLICES)]
    for probes in targets:
        before: float | None = None
        for probe in probes:
            place = min(SLICES - 1, max(0, floor((probe.sent_at - now + window_s) / window_s * SLICES)))
            sent[place] += 1
            lost[place] += probe.state is SampleState.LOST
            if probe.rtt_ms is not None:
                if before is not None:
                    steps[place].append(abs(probe.rtt_ms - before))
                before = probe.rtt_ms
    means = [sum(each) / len(each) if each else None for each in steps]
    return tuple(Slice(*each) for each in zip(sent, lost, means, strict=True))


def _heard_s(probes: Sequence[Probe], now: float) -> float | None:
    answered = [
        probe.sent_at + (probe.rtt_ms or 0.0) / 1000 for probe in probes if probe.state is SampleState.OK
    ]
    return max(0.0, now - max(answered)) if answered else None
