"""A world in memory for the loop: links that fail on schedule, routers that remember, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from math import inf
from typing import Any

from controller.core.intent import current_assignment
from controller.core.model import (
    USER_PATH,
    Applied,
    Attachment,
    ControlState,
    Counters,
    Decision,
    Failed,
    Family,
    Health,
    HealthPolicy,
    InterfaceSample,
    Link,
    Outcome,
    Override,
    Policy,
    Preference,
    Refused,
    Role,
    Router,
    RouterIntent,
    RouterPlan,
    Sample,
    SampleState,
    SessionSample,
    StabilityPolicy,
    TrafficClass,
    Unchanged,
    Upstream,
)
from controller.core.percentile import Average
from controller.core.rollup import Series, Tally
from controller.core.samples import Seconds
from controller.core.sight import Sight
from controller.core.turn import Turn
from controller.ports import Polled, ProbePath, RouterState, Snapshot, StoreError

TARGETS = tuple(ip_address(f"192.0.2.{n}") for n in (1, 2, 3, 4))


def policy(**stability: float) -> Policy:
    """Three upstreams on two routers, IPv4 only, short timers."""
    links = {}
    for number, (router, upstream) in enumerate(
        (("edge1", "azerbaijan"), ("edge1", "georgia"), ("edge2", "georgia"), ("edge2", "iran")), 1
    ):
        links[f"{router}-{upstream}"] = Link(
            name=f"{router}-{upstream}",
            router=router,
            upstream=upstream,
            interface=upstream,
            neighbors={Family.IPV4: ip_address(f"198.18.{number}.1")},
            probe_source={Family.IPV4: ip_address(f"198.18.{number}.129")},
        )
    timers = {"hold_down_s": 30.0, "fail_back_clean_s": 20.0} | stability
    return Policy(
        upstreams={n: Upstream(n, 64501 + i) for i, n in enumerate(("azerbaijan", "georgia", "iran"))},
        routers={n: Router(n, "frr", 64500) for n in ("edge1", "edge2")},
        links=links,
        classes={
            "residential": TrafficClass(
                "residential", (ip_network("203.0.113.0/24"),), Preference(("azerbaijan", "georgia", "iran"))
            )
        },
        roles={
            "primary": Role("primary", 300),
            "backup": Role("backup", 200, 2, further_local_preference=-10, further_prepend=1),
            "drained": Role("drained", 50, 5, graceful_shutdown=True),
            "withdrawn": Role("withdrawn", 10, announce=False),
        },
        health=HealthPolicy(TARGETS, 0.1, 0.3, 0.4, 1.0, 5.0, 1.0),
        stability=StabilityPolicy(
            hold_down_s=timers["hold_down_s"],
            fail_back_clean_s=timers["fail_back_clean_s"],
            fail_back_doubles_up_to_s=3600.0,
            fail_back_forgotten_after_s=7200.0,
            changes_per_hour=6,
            escapes_per_hour=12,
        ),
        user_path={Family.IPV4: ip_address("203.0.113.20")},
    )


class LoopClock:
    """The event loop's own time, which looptime makes virtual."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def utc(self) -> float:
        return 1_700_000_000.0 + self.now()


class FakeProber:
    """Every target answers in ``rtt_ms`` where ``alive(path, now)``; nothing answers elsewhere."""

    def __init__(
        self,
        alive: Callable[[str, float], bool],
        rtt_ms: Callable[[str, float], float] = lambda path, now: 10.0,
    ) -> None:
        self._alive, self._rtt_ms = alive, rtt_ms
        self._paths: Sequence[ProbePath] = ()
        self._timeout = 0.0
        self._every: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._seq = 0
        self._lost: list[tuple[float, Sample]] = []
        self.paced: list[tuple[str, float]] = []
        self.heard_until = inf

    async def start(self, paths: Sequence[ProbePath], interval_s: float, timeout_s: float) -> None:
        self._paths, self._timeout = paths, timeout_s
        self._every = {path.name: interval_s for path in paths}
        self._due = dict.fromkeys(self._every, asyncio.get_running_loop().time())

    def pace(self, path: str, interval_s: float) -> None:
        self.paced.append((path, interval_s))
        if path in self._every:
            self._every[path] = interval_s
            self._due[path] = min(self._due[path], asyncio.get_running_loop().time() + interval_s)

    async def samples(self, within_s: float) -> Sequence[Sample]:
        await asyncio.sleep(within_s)
        now = asyncio.get_running_loop().time()
        found: list[Sample] = []
        for path in self._paths:
            while (at := self._due[path.name]) <= now:
                for target in path.targets:
                    self._seq += 1
                    sent = Sample(path.name, target, self._seq, at, SampleState.SENT)
                    found.append(sent)
                    if self._alive(path.name, at):
                        found.append(replace(sent, state=SampleState.OK, rtt_ms=self._rtt_ms(path.name, at)))
                    else:
                        self._lost.append((at + self._timeout, replace(sent, state=SampleState.LOST)))
                self._due[path.name] = at + self._every[path.name]
        found += [sample for at, sample in self._lost if at <= now]
        self._lost = [(at, sample) for at, sample in self._lost if at > now]
        return found

    async def stop(self) -> None:
        self._paths = ()


@dataclass
class FakeFleet:
    """Routers that hold attachments; each operation takes ``delay_s``."""

    policy: Policy
    delay_s: float = 0.2
    dead_s: float = 0.2  # how long it takes to find out that a router does not answer
    running: dict[str, tuple[Attachment, ...]] = field(default_factory=dict)
    confirmed: dict[str, tuple[Attachment, ...]] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    unplugged: set[str] = field(default_factory=set)  # links whose interface is down
    without_interface: set[str] = field(default_factory=set)  # links whose interface is not there
    carried_bps: Callable[[str], float] | None = None  # link -> what it carries now; None: 100 Mbit/s each
    accepted: dict[str, int] = field(default_factory=dict)  # link -> prefixes, where not 100
    refusing: set[str] = field(default_factory=set)
    pushes: list[tuple[float, str]] = field(default_factory=list)
    rehearsals: list[dict[str, RouterIntent]] = field(default_factory=list)
    on_push: Callable[[], None] = lambda: None
    _counted: dict[str, tuple[float, float]] = field(default_factory=dict)  # link -> as of when, octets

    @property
    def roles(self) -> dict[str, str]:
        """Link -> role of the only class, as the routers run it."""
        seen = current_assignment(self.policy, self.running)
        return {link: str(placement) for link, placement in seen["residential"].items()}

    async def read(self, routers: Sequence[str]) -> Mapping[str, RouterState]:
        await asyncio.sleep(self.dead_s if self.dead & set(routers) else self.delay_s)
        return {
            name: RouterState(name, error="no answer")
            if name in self.dead
            else RouterState(
                name,
                config="!",
                attachments=self.running.get(name, ()),
                sessions=self._sessions(name),
                pending_commit=name in self.pending,
            )
            for name in routers
        }

    def _sessions(self, router: str) -> tuple[SessionSample, ...]:
        now = asyncio.get_running_loop().time()
        return tuple(
            SessionSample(link.name, family, now, True, self.accepted.get(link.name, 100), up_s=now + 3600)
            for link in self.policy.links.values()
            if link.router == router
            for family in link.neighbors
        )

    async def poll(self, routers: Sequence[str], *, counters: bool = False) -> Mapping[str, Polled | None]:
        return {name: None if name in self.dead else self._polled(name, counters) for name in routers}

    def _polled(self, router: str, counters: bool) -> Polled:
        now = asyncio.get_running_loop().time()
        for name in self.policy.links:
            bps = self.carried_bps(name) if self.carried_bps else 100e6  # of a gigabit
            at, octets = self._counted.get(name, (0.0, 0.0))
            self._counted[name] = now, octets + bps / 8 * (now - at)
        interfaces = tuple(
            InterfaceSample(
                link=link.name,
                at=now,
                is_up=link.name not in self.unplugged,
                is_enabled=True,
                speed_mbps=1000.0,
                counters=self._counters(link.name) if counters else None,
            )
            for link in self.policy.links.values()
            if link.router == router and link.name not in self.without_interface
        )
        return Polled(self._sessions(router), interfaces)

    def _counters(self, link: str) -> Counters:
        octets = int(self._counted[link][1])
        return Counters(octets, octets, octets, octets, 0, 0, 0, 0)

    async def plan(self, wanted: Mapping[str, RouterIntent]) -> Mapping[str, RouterPlan]:
        return {name: self._plan(name, intent) for name, intent in wanted.items()}

    def _plan(self, name: str, intent: RouterIntent) -> RouterPlan:
        same = set(intent.attachments) == set(self.running.get(name, ()))
        return RouterPlan(name, "" if same else "+changed", "candidate")

    async def rehearse(self, wanted: Mapping[str, RouterIntent]) -> None:
        self.rehearsals.append(dict(wanted))

    async def change(
        self, wanted: Mapping[str, RouterIntent], message: str
    ) -> Mapping[str, tuple[RouterPlan, Outcome]]:
        await asyncio.sleep(self.delay_s)
        results: dict[str, tuple[RouterPlan, Outcome]] = {}
        for name, intent in wanted.items():
            plan = self._plan(name, intent)
            results[name] = plan, self._commit(name, intent, plan, message)
        return results

    def _commit(self, name: str, intent: RouterIntent, plan: RouterPlan, message: str) -> Outcome:
        if name in self.dead:
            return Failed(name, "no answer")
        if name in self.refusing:
            return Refused(name, plan.diff, "not ours")
        if not plan.diff:
            return Unchanged(name)
        self.confirmed[name] = self.running.get(name, ())
        self.running[name] = intent.attachments
        self.pending.add(name)
        self.pushes.append((asyncio.get_running_loop().time(), message))
        self.on_push()
        return Applied(name, plan.diff, self.delay_s * 1000)

    async def push(self, plans: Sequence[RouterPlan], message: str) -> Mapping[str, Outcome]:
        raise AssertionError("the loop never pushes from a file")

    async def confirm(self, routers: Sequence[str]) -> Mapping[str, str | None]:
        self.pending -= set(routers)
        return dict.fromkeys(routers)

    async def rollback(self, routers: Sequence[str]) -> Mapping[str, str | None]:
        for name in routers:
            self.running[name] = self.confirmed.get(name, ())
        self.pending -= set(routers)
        return dict.fromkeys(routers)

    async def close(self) -> None:
        pass


@dataclass
class FakeStore:
    """Keeps everything in memory; ``broken`` raises on every write."""

    records: list[tuple[Decision, tuple[Outcome, ...]]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    state: ControlState = field(default_factory=ControlState)
    snapshot: Snapshot | None = None
    ordered: tuple[Override, ...] = ()
    learned: dict[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    usage: list[Average] = field(default_factory=list)
    broken: bool = False

    def _check(self) -> None:
        if self.broken:
            raise StoreError("failover.db: disk full")

    def save_state(self, state: ControlState, now: float, utc: float) -> None:
        self._check()
        self.state = state

    def load_state(self, now: float, utc: float) -> ControlState:
        self._check()
        return self.state

    def overrides(self, now: float, utc: float) -> Sequence[Override]:
        self._check()
        return self.ordered

    def append(
        self,
        decision: Decision,
        outcomes: Sequence[Outcome],
        health: Sequence[Health],
        timings_ms: Mapping[str, float],
        now: float,
        utc: float,
        turns: Sequence[Turn] = (),
    ) -> int:
        self._check()
        self.records.append((decision, tuple(outcomes)))
        self.turns += turns
        return len(self.records)

    def put_snapshot(self, snapshot: Snapshot) -> None:
        self._check()
        self.snapshot = snapshot

    def save_learned(self, what: str, learned: Mapping[str, Mapping[str, Any]]) -> None:
        self._check()
        self.learned[what] = learned

    def load_learned(self, what: str) -> Mapping[str, Mapping[str, Any]]:
        self._check()
        return self.learned.get(what, {})

    def keep_usage(self, averages: Sequence[Average], first_slot: int) -> None:
        self._check()
        self.usage = [each for each in (*self.usage, *averages) if each.slot >= first_slot]

    def load_usage(self, first_slot: int) -> Sequence[Average]:
        self._check()
        return [each for each in self.usage if each.slot >= first_slot]


@dataclass
class FakeSamples:
    """Keeps rolled-up samples in memory; ``broken`` raises on every write."""

    kept: list[tuple[Series, int, Tally]] = field(default_factory=list)
    sight: Sight | None = None
    broken: bool = False

    async def keep(self, seconds: Sequence[Seconds], utc: float) -> None:
        if self.broken:
            raise StoreError("samples.db: disk full")
        self.kept += [each for batch in seconds for each in batch.tallies()]

    async def show(self, look: Callable[[], Sight]) -> None:
        if self.broken:
            raise StoreError("samples.db: disk full")
        self.sight = look()


class FakeLog:
    """Collects (level, sentence)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda sentence, **_: self.lines.append((level, sentence))

    def said(self, part: str) -> bool:
        return any(part in sentence for _, sentence in self.lines)


__all__ = [
    "USER_PATH",
    "FakeFleet",
    "FakeLog",
    "FakeProber",
    "FakeSamples",
    "FakeStore",
    "LoopClock",
    "policy",
]
