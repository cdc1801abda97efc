"""``plan`` and ``apply``: what would happen, and doing exactly that.

A plan is made from the same health, decision and rendering as the loop's; only the push is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.core import detect
from controller.core.intent import current_assignment, intents
from controller.core.model import (
    NOTHING_KNOWN,
    USER_PATH,
    ControlState,
    Decision,
    Health,
    LinkMemory,
    Moment,
    Override,
    Policy,
    RouterPlan,
    Sample,
    Signal,
    Traffic,
    Verdict,
)
from controller.core.policy import decide
from controller.core.readiness import LONG_CLEAN_S, calm
from controller.delivery import served
from controller.ports import (
    Clock,
    Fleet,
    ProbePath,
    Prober,
    RouterState,
    SignalSource,
    Snapshot,
    SourceError,
)
from controller.windows import Windows

FRESH_S = 5.0  # a snapshot of a running loop older than this says nothing about now
LOOK_S = 3.0  # longest look through the links when no loop is running
FIRST_LOOK_S = 1.0  # for users' path to answer before an apply
APPLY_WATCH_S = 3.0  # and after


class PlanError(Exception):
    """The plan cannot be made or applied; the message says what to do."""


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A reviewed plan: what ``plan --out`` writes and ``apply`` takes."""

    utc: float
    policy_fingerprint: str
    seen_by: str  # where the health came from
    decision: Decision
    health: tuple[Health, ...]
    routers: Mapping[str, RouterPlan] = field(default_factory=dict)
    format: int = 1

    @property
    def changes(self) -> bool:
        """Whether any router would be changed."""
        return any(plan.diff for plan in self.routers.values())

    @property
    def troubles(self) -> bool:
        """Whether a router could not be read, or the guard refused its plan."""
        return any(plan.error or plan.refused for plan in self.routers.values())


@dataclass(frozen=True, slots=True)
class View:
    """What a plan is made from."""

    states: Mapping[str, RouterState]
    health: Mapping[str, Health]
    memory: ControlState
    seen_by: str
    overrides: Sequence[Override] = ()
    traffic: Traffic = NOTHING_KNOWN


def assumed(
    policy: Policy,
    health: Mapping[str, Health],
    memory: ControlState,
    assumptions: Mapping[str, Verdict],
    now: float,
) -> tuple[dict[str, Health], ControlState]:
    """Health and memory as if the named links, or all links of the named upstreams, were so.

    Raises PlanError for a name that is neither.
    """
    health, links = dict(health), dict(memory.links)
    for name, verdict in assumptions.items():
        named = policy.links_of(name) if name in policy.upstreams else ()
        if name in policy.links:
            named = (policy.links[name],)
        if not named:
            known = ", ".join([*policy.upstreams, *policy.links])
            raise PlanError(f"--assume {name}={verdict}: no such link or upstream; there are {known}")
        since = now - LONG_CLEAN_S if verdict is Verdict.UP else now  # no fail-back wait is left then
        for link in named:
            health[link.name] = Health(link.name, verdict, since, f"assumed {verdict}")
            if verdict is Verdict.UP:
                links[link.name] = LinkMemory(clean_since=since)
    return health, replace(memory, links=links)


async def look(
    policy: Policy,
    prober: Prober,
    paths: Sequence[ProbePath],
    clock: Clock,
    sources: Sequence[SignalSource] = (),
) -> dict[str, Health]:
    """Probe through every link, and ask other witnesses, until each has a verdict, LOOK_S at most."""
    state = detect.initial(policy, clock.now())
    until = clock.now() + LOOK_S
    heard: list[Signal | Sample] = []
    await prober.start(paths, policy.health.interval_s, policy.health.timeout_s)
    asked = [asyncio.create_task(_ask(source, heard)) for source in sources]
    try:
        while True:
            samples = [*await prober.samples(0.05), *(each for each in heard if isinstance(each, Sample))]
            signals = [each for each in heard if isinstance(each, Signal)]
            heard.clear()
            now = clock.now()
            state = detect.step(state, samples, (), min(now, prober.heard_until), signals)
            health = dict(detect.health(state, now))
            known = [h.verdict is not Verdict.UNKNOWN and not h.suspect for h in health.values()]
            if now >= until or (all(known) and all(task.done() for task in asked)):
                return health
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await prober.stop()


async def _ask(source: SignalSource, heard: list[Signal | Sample]) -> None:
    """One reading; a source that says nothing leaves its links to the others."""
    with contextlib.suppress(SourceError):
        heard += await source.read()


async def make(
    policy: Policy,
    fingerprint: str,
    view: View,
    fleet: Fleet,
    clock: Clock,
    *,
    assumptions: Mapping[str, Verdict],
    routers: Sequence[str] = (),
) -> PlanReport:
    """Decide, render and ask every router for the real difference."""
    now = clock.now()
    health, memory = assumed(policy, view.health, view.memory, assumptions, now)
    states = view.states
    current = current_assignment(policy, {n: s.attachments for n, s in states.items() if not s.error})
    unreachable = frozenset(name for name, state in states.items() if state.error)
    decision, _ = decide(
        policy,
        Moment(
            health,
            memory,
            now,
            current,
            unreachable=unreachable,
            overrides=view.overrides,
            windows=Windows(policy.windows).at(clock.utc(), now),
            traffic=view.traffic,
        ),
    )
    plans: dict[str, RouterPlan] = {
        name: RouterPlan(name, "", "", error=state.error)
        for name, state in states.items()
        if state.error and (not routers or name in routers)
    }
    if not decision.frozen:
        wanted = {
            name: intent
            for name, intent in intents(policy, decision.assignment).items()
            if name not in unreachable and (not routers or name in routers)
        }
        plans.update(await fleet.plan(wanted))
    return PlanReport(
        utc=clock.utc(),
        policy_fingerprint=fingerprint,
        seen_by=view.seen_by,
        decision=decision,
        health=tuple(health.values()),
        routers=dict(sorted(plans.items())),
    )


def fresh(snapshot: Snapshot | None, fingerprint: str, utc: float) -> Snapshot | None:
    """The snapshot, if a loop with this very policy wrote it just now."""
    if snapshot is None or snapshot.policy_fingerprint != fingerprint:
        return None
    return snapshot if 0 <= utc - snapshot.utc <= FRESH_S else None


def applicable(report: PlanReport, fingerprint: str, policy: Policy) -> list[RouterPlan]:
    """The plans of a report that may be sent. Raises PlanError where the report cannot be applied."""
    if report.policy_fingerprint != fingerprint:
        raise PlanError("inventory or policy changed since this plan was made: plan again")
    placed = [each for links in report.decision.assignment.values() for each in links.items()]
    known = (
        report.decision.assignment.keys() <= policy.classes.keys()
        and {link for link, _ in placed} <= policy.links.keys()
        and {placement.role for _, placement in placed} <= policy.roles.keys()
        and {plan.router for plan in report.routers.values()} <= policy.routers.keys()
    )
    if not known:
        raise PlanError("this plan names what is not in the policy, so it was edited: plan again")
    refused = [plan for plan in report.routers.values() if plan.refused or plan.error]
    if refused:
        names = ", ".join(plan.router for plan in refused)
        raise PlanError(f"this plan has routers that were refused or not read ({names}): plan again")
    return [plan for plan in report.routers.values() if plan.diff]


def moment(policy: Policy, seen: Snapshot | None, now: float, utc: float) -> tuple[Moment, str]:
    """The moment to think failures through from, and who sees it: a running loop.

    Without one every link is taken to be well, and the routers to run what is wanted then.
    """
    if seen is not None:
        health = {each.link: each for each in seen.health}
        absent = frozenset(seen.router_errors)
        windows = Windows(policy.windows).at(seen.utc, seen.now)
        told = Moment(
            health,
            seen.memory,
            seen.now,
            seen.current,
            unreachable=absent,
            overrides=seen.overrides,
            windows=windows,
            traffic=seen.traffic,
        )
        return told, f"the running loop (pid {seen.pid})"
    windows = Windows(policy.windows).at(utc, now)
    return calm(policy, now, windows), "nobody: every link is taken to be well"


def offline(policy: Policy, assumptions: Mapping[str, Verdict], now: float) -> Decision:
    """The decision when every link is well but for the assumptions, and no router runs anything yet."""
    well: dict[str, Health] = {}
    memory = ControlState()
    for verdicts in (dict.fromkeys(policy.links, Verdict.UP), assumptions):
        well, memory = assumed(policy, well, memory, verdicts, now)
    return decide(policy, Moment(well, memory, now, {}))[0]


class UserPathWatch:
    """Watches users' own path while ``apply`` pushes: a change that cuts users off is not kept."""

    def __init__(self, policy: Policy, prober: Prober, clock: Clock) -> None:
        self._policy, self._prober, self._clock = policy, prober, clock
        self._detector = detect.initial(policy, clock.now())
        self._probing = self._was_up = False

    async def start(self) -> None:
        """Begin probing, if the policy names addresses for it. Raises ProbeError."""
        if self._policy.user_path:
            path = ProbePath(USER_PATH, self._policy.user_path, self._policy.health.targets)
            health = self._policy.health
            await self._prober.start([path], health.interval_s, health.timeout_s)
            self._probing = True
            self._was_up = await self._served(self._clock.now(), FIRST_LOOK_S + health.ride_out_s)

    async def check(self, since: float) -> str | None:
        """Delivery's user-path check: None, or what is wrong."""
        within_s = APPLY_WATCH_S + self._policy.health.ride_out_s  # it is not known any sooner
        if not self._was_up or await self._served(since, within_s):
            return None
        return f"the user path answered before, and did not within {within_s:g} s after"

    async def stop(self) -> None:
        """Stop probing."""
        if self._probing:
            await self._prober.stop()

    async def _served(self, since: float, within_s: float) -> bool:
        until = self._clock.now() + within_s
        while self._clock.now() < until:
            samples = await self._prober.samples(0.05)
            now = self._clock.now()
            self._detector = detect.step(self._detector, samples, (), min(now, self._prober.heard_until))
            health = detect.health(self._detector, now).get(USER_PATH)
            if served(health, since, now, self._policy.health.ride_out_s):
                return True
        return False
