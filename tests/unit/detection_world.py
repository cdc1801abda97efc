"""A small world in virtual time for tests of the detector: links, targets, and what dies when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapreplace
from ipaddress import ip_address

from controller.core.detect import DetectorState, health, initial, step
from controller.core.model import (
    Address,
    Family,
    Health,
    HealthPolicy,
    Link,
    Policy,
    Sample,
    SampleState,
    SessionSample,
    Signal,
    StabilityPolicy,
    Target,
    Verdict,
)

V4 = tuple(ip_address(f"198.51.100.{n}") for n in range(1, 7))
V6 = tuple(ip_address(f"2001:db8:100::{n}") for n in range(1, 7))
START = 1000.0
LINKS = ("edge1-azerbaijan", "edge1-georgia")
AZ, GE = LINKS

HEALTH = HealthPolicy(
    targets=V4[:4],
    interval_s=0.1,
    timeout_s=0.5,
    ride_out_s=0.4,
    false_per_year=1.0,
    recover_s=3.0,
    fresh_s=2.0,
)

Fate = Callable[[str, Target, float], SampleState]


def answers(path: str, target: Target, at: float) -> SampleState:
    """Nothing is wrong anywhere."""
    return SampleState.OK


def policy(
    health_policy: HealthPolicy = HEALTH,
    links: Sequence[str] = LINKS,
    families: Sequence[Family] = (Family.IPV4,),
    user_path: Mapping[Family, Address] | None = None,
) -> Policy:
    """A policy of which the detector reads only health, links and the user path."""
    neighbor = {Family.IPV4: ip_address("198.18.1.1"), Family.IPV6: ip_address("2001:db8:501:1::1")}
    source = {Family.IPV4: ip_address("198.18.1.129"), Family.IPV6: ip_address("2001:db8:501:ff::129")}
    return Policy(
        upstreams={},
        routers={},
        links={
            name: Link(
                name=name,
                router=name.split("-")[0],
                upstream=name.split("-")[1],
                interface="wan",
                neighbors={family: neighbor[family] for family in families},
                probe_source={family: source[family] for family in families},
            )
            for name in links
        },
        classes={},
        roles={},
        health=health_policy,
        stability=StabilityPolicy(600, 60, 3600, 7200, 6, 12),
        user_path=user_path or {},
    )


@dataclass
class World:
    """Probes every target through every path, and hands the samples to the detector as they come."""

    policy: Policy
    fate: Fate = answers
    paths: Sequence[str] = LINKS
    rtt_s: float | Callable[[float], float] = 0.02
    extra_s: Callable[[str, Target, float], float] = lambda path, target, at: 0.0  # besides
    tick_s: float = 0.02
    shuffle: Callable[[list[Sample]], Sequence[Sample]] = list
    sessions: Callable[[float], Sequence[SessionSample]] = lambda at: ()
    signals: Callable[[float], Sequence[Signal]] = lambda at: ()
    now: float = START
    state: DetectorState = field(init=False)
    verdicts: list[tuple[float, str, Verdict]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = initial(self.policy, self.now)
        self._pending: list[tuple[float, Sample]] = []
        self._slots = [(path, target) for target in self.policy.health.targets for path in self.paths]
        spacing = self.policy.health.interval_s / len(self._slots)
        self._timetable = [(slot * spacing, slot) for slot in range(len(self._slots))]
        self._sent = 0
        self._begun = self.now
        self._last = dict.fromkeys(self.state.links, Verdict.UNKNOWN)

    def run(self, until: float) -> World:
        """Live until then (seconds since the start)."""
        while self.now < START + until - 1e-9:
            self.tick()
        return self

    def tick(self) -> None:
        """One batch: what was sent and what came to an end since the last."""
        self.now += self.tick_s
        due = sorted(self._due(), key=lambda pair: pair[0])
        batch = self.shuffle([sample for _, sample in due])
        changes = self.state.changes
        self.state = step(self.state, batch, self.sessions(self.now), self.now, self.signals(self.now))
        if self.state.changes == changes:
            return
        for name, each in self.healths().items():
            if each.verdict is not self._last[name]:
                self._last[name] = each.verdict
                self.verdicts.append((round(self.now - START, 3), name, each.verdict))

    def stall(self, for_s: float, end: SampleState, *, forgets: bool = False) -> None:
        """The prober stops for a while; what was in flight ends so afterwards, or is forgotten."""
        self.now += for_s
        self._begun += for_s
        ended = [(self.now, replace(sample, state=end, rtt_ms=None)) for _, sample in self._pending]
        self._pending = [] if forgets else ended

    def _due(self) -> Iterator[tuple[float, Sample]]:
        health_policy = self.policy.health
        while self._begun + self._timetable[0][0] <= self.now:
            after, slot = self._timetable[0]
            path, target = self._slots[slot]
            heapreplace(self._timetable, (after + health_policy.interval_of(target), slot))
            at = self._begun + after
            self._sent += 1
            yield at, Sample(path, target, self._sent, at, SampleState.SENT)
            end = self.fate(path, target, at - START)
            rtt_s = self.rtt_s if isinstance(self.rtt_s, float) else self.rtt_s(at - START)
            rtt_s += self.extra_s(path, target, at - START)
            rtt_ms = rtt_s * 1000 if end is SampleState.OK else None
            ended = at + (rtt_s if end is SampleState.OK else health_policy.timeout_of(target))
            self._pending.append((ended, Sample(path, target, self._sent, at, end, rtt_ms)))
        yield from (each for each in self._pending if each[0] <= self.now)
        self._pending = [each for each in self._pending if each[0] > self.now]

    def healths(self) -> Mapping[str, Health]:
        """What the detector says now."""
        return health(self.state, self.now)

    def verdict(self, link: str = AZ) -> Verdict:
        """Its verdict on one link."""
        return self.healths()[link].verdict

    def went(self, link: str = AZ) -> list[Verdict]:
        """The verdicts that a link has had, in order, less the unknown at the start."""
        return [verdict for _, name, verdict in self.verdicts if name == link]

    def when(self, verdict: Verdict, link: str = AZ) -> float:
        """When a link was first given a verdict, in seconds since the start."""
        return next(at for at, name, each in self.verdicts if (name, each) == (link, verdict))


def silence(link: str | None, targets: Sequence[Target] | None, begin: float, end: float = 1e9) -> Fate:
    """These targets (None: all) do not answer through this link (None: any) between begin and end."""

    def fate(path: str, target: Target, at: float) -> SampleState:
        hit = link in (None, path) and (targets is None or target in targets) and begin <= at < end
        return SampleState.LOST if hit else SampleState.OK

    return fate


def session(established: bool, at: float, link: str = AZ, family: Family = Family.IPV4) -> SessionSample:
    """A BGP session's state."""
    return SessionSample(link, family, at, established, 10, "Established" if established else "Idle")
