"""The one place that knows every adapter and wires them together. One method a command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller import looking, planning, sim
from controller.config import Loaded, load
from controller.core import detect
from controller.core.calibration import Fit
from controller.core.intent import current_assignment, intents
from controller.core.model import (
    ControlState,
    Family,
    OrderKind,
    Outcome,
    Override,
    Reason,
    Verdict,
)
from controller.core.policy import record_move
from controller.core.promise import Promise, promised
from controller.core.readiness import Answer, answer, failures
from controller.core.readiness import pairs as failures_of_two
from controller.core.rollup import STEPS, Row
from controller.core.sight import Sight
from controller.delivery import Delivery
from controller.fleet.connect import SshOptions
from controller.fleet.fleet import NornirFleet
from controller.fleet.pings import RouterPinger
from controller.fleet.results import RouterTestReader
from controller.loop import Loop
from controller.ports import (
    ProbeError,
    Record,
    RouterState,
    SignalSource,
    Snapshot,
    StoreError,
)
from controller.probes.prober import NetworkProber
from controller.probes.router_ping import RouterPingSource
from controller.probes.router_tests import RouterTestSource
from controller.probes.ways import check_ways
from controller.render.jinja import JinjaRenderer
from controller.sim.recorded import Recorded, lines
from controller.store.samples import SampleReader, SampleWriter
from controller.store.sqlite import SqliteStore
from controller.watch import QUIET_TIME, World, probe_paths

STORE_FILE = "failover.db"
SAMPLES_FILE = "samples.db"
SCENARIOS = "scenarios"  # the folder of the inventory that has the library


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def utc(self) -> float:
        """Seconds since the epoch."""
        return time.time()


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about where things are."""

    inventory: Path
    templates: Path
    state: Path
    ssh: SshOptions = field(default_factory=SshOptions)


class App:
    """Everything wired for one inventory. Raises ConfigError when the inventory or policy is wrong."""

    def __init__(self, options: Options, log: Any) -> None:
        self._options, self._log, self._clock = options, log, SystemClock()
        self.loaded: Loaded = load(options.inventory)

    @property
    def _path(self) -> Path:
        return self._options.state / STORE_FILE

    @asynccontextmanager
    async def _fleet(self) -> AsyncIterator[NornirFleet]:
        renderer = JinjaRenderer(self._options.templates)
        fleet = NornirFleet(
            self._options.inventory, self.loaded.policy, renderer, self._log, self._options.ssh
        )
        try:
            yield fleet
        finally:
            await fleet.close()

    @asynccontextmanager
    async def _sources(self, fleet: NornirFleet) -> AsyncIterator[Sequence[SignalSource]]:
        """The other witnesses that policy names."""
        policy = self.loaded.policy
        pinger = RouterPinger(fleet, policy)
        sources: list[SignalSource] = [
            RouterPingSource(link, policy, pinger) for link in policy.links.values() if link.pinged_by_router
        ]
        if policy.router_tests is not None:
            reader, every_s = RouterTestReader(fleet), policy.router_tests.every_s
            for router in dict.fromkeys(test.router for test in policy.router_tests.tests):
                tests = [test for test in policy.router_tests.tests if test.router == router]
                sources.append(RouterTestSource(router, tests, every_s, reader, self._clock, self._log))
        if policy.prometheus is None:
            yield sources
            return
        from controller.probes.prometheus import PrometheusSource  # noqa: PLC0415 - httpx is slow to import

        prometheus = PrometheusSource(policy.prometheus, policy, self._clock, self._log)
        try:
            yield [*sources, prometheus]
        finally:
            await prometheus.close()

    def promises(self) -> dict[tuple[str, Family], tuple[Promise, Fit]]:
        """How soon loss is found on each link and family, by what is known of them so far."""
        learned: detect.Memory = {}
        with suppress(StoreError):  # nothing recorded yet: by formula
            store = SqliteStore(self._path, read_only=True)
            with closing(store):
                learned = store.load_learned(QUIET_TIME)
        policy = self.loaded.policy
        state = detect.initial(policy, self._clock.now(), learned)
        return {
            key: (promised(part.loss, part.fit, part.silence, policy.health), part.fit)
            for key, part in state.families.items()
            if part.loss is not None and part.fit is not None
        }

    # --- commands ------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, *, dry_run: bool) -> None:
        """The unattended loop, until ``stop``. Raises ProbeError."""
        policy = self.loaded.policy
        for warning in self.loaded.warnings:
            self._log.warning(str(warning))
        wrong = await check_ways(
            probe_paths(policy), {link.name: link.router for link in policy.links.values()}
        )
        store = SqliteStore(self._path)
        samples = SampleWriter(self._options.state / SAMPLES_FILE)
        try:
            async with self._fleet() as fleet, self._sources(fleet) as sources:
                loop = Loop(
                    policy,
                    World(NetworkProber(), fleet, store, samples, self._clock, self._log, sources),
                    dry_run=dry_run,
                    fingerprint=self.loaded.fingerprint,
                    standing=[Reason("ways", str(number), text) for number, text in enumerate(wrong)],
                )
                await loop.run(stop)
        finally:
            store.close()
            samples.close()

    async def plan(self, assumptions: Mapping[str, Verdict], routers: Sequence[str]) -> planning.PlanReport:
        """Decision and real per-router diff; changes nothing."""
        policy = self.loaded.policy
        for name in routers:
            if name not in policy.routers:
                raise planning.PlanError(f"--router {name}: there are {', '.join(policy.routers)}")
        planning.assumed(policy, {}, ControlState(), assumptions, 0.0)  # a wrong name fails before any probe
        async with self._fleet() as fleet:
            states = await fleet.read(sorted(policy.routers))
            view = await self._look(states, fleet)
            return await planning.make(
                policy,
                self.loaded.fingerprint,
                view,
                fleet,
                self._clock,
                assumptions=assumptions,
                routers=routers,
            )

    async def _look(self, states: Mapping[str, RouterState], fleet: NornirFleet) -> planning.View:
        """Health as a running loop sees it right now, or by a look of our own."""
        now, utc = self._clock.now(), self._clock.utc()
        try:
            store = SqliteStore(self._path, read_only=True)
        except StoreError:
            snapshot, memory, ordered = None, ControlState(), []
        else:
            snapshot = planning.fresh(store.snapshot(), self.loaded.fingerprint, utc)
            memory, ordered = store.load_state(now, utc), store.overrides(now, utc)
            store.close()
        if snapshot:
            health = {each.link: each for each in snapshot.health}
            seen_by = f"the running loop (pid {snapshot.pid})"
            return planning.View(states, health, snapshot.memory, seen_by, ordered, snapshot.traffic)
        paths = probe_paths(self.loaded.policy)
        try:
            async with self._sources(fleet) as sources:
                health = await planning.look(self.loaded.policy, NetworkProber(), paths, self._clock, sources)
        except ProbeError as error:
            self._log.warning("cannot probe from here, so no link's health is known", error=str(error))
            return planning.View(states, {}, memory, f"nobody: {error}", ordered)
        return planning.View(states, health, memory, "a look of its own", ordered)

    async def readiness(
        self, *, pairs: bool, diff: bool
    ) -> tuple[str, list[Answer], dict[str, dict[str, str]]]:
        """Who saw, what each failure would lead to, and, if asked, failure -> router -> real diff."""
        policy, now, utc = self.loaded.policy, self._clock.now(), self._clock.utc()
        seen: Snapshot | None = None
        with suppress(StoreError):
            store = SqliteStore(self._path, read_only=True)
            with closing(store):
                seen = planning.fresh(store.snapshot(), self.loaded.fingerprint, utc)
        moment, seen_by = planning.moment(policy, seen, now, utc)
        chosen = [*failures(policy), *(failures_of_two(policy) if pairs else [])]
        answers = [answer(each, policy, moment) for each in chosen]
        diffs: dict[str, dict[str, str]] = {}
        if diff:
            async with self._fleet() as fleet:
                for each in answers:
                    plans = await fleet.plan(intents(policy, each.decision.assignment))
                    said = {name: plan.error or plan.diff for name, plan in plans.items()}
                    diffs[each.failure.name] = {name: text for name, text in said.items() if text}
        return seen_by, answers, diffs

    def look(self, names: Sequence[str], window_s: float, every_s: float) -> AsyncGenerator[Sight, None]:
        """What is seen through these links, or through all, with a prober of our own. Raises ProbeError."""
        policy = self.loaded.policy
        paths = probe_paths(policy)
        for name in names:
            if name not in {path.name for path in paths}:
                if name in policy.links:
                    raise ProbeError(
                        f"--link {name}: its router pings, for the loop alone: see it beside a loop"
                    )
                known = ", ".join(path.name for path in paths)
                raise ProbeError(f"--link {name}: no such link; there are {known}")
        chosen = [path for path in paths if not names or path.name in names]
        return looking.sights(policy, NetworkProber(), chosen, self._clock, window_s, every_s)

    def offline(self, assumptions: Mapping[str, Verdict]) -> dict[str, str]:
        """What each router's templates render, every link being well but for the assumptions."""
        decision = planning.offline(self.loaded.policy, assumptions, self._clock.now())
        renderer = JinjaRenderer(self._options.templates)
        wanted = intents(self.loaded.policy, decision.assignment)
        return {name: renderer.render(intent) for name, intent in wanted.items()}

    async def apply(self, report: planning.PlanReport) -> tuple[dict[str, Outcome], dict[str, float]]:
        """Exactly the reviewed plan: push, verify, confirm, record. Raises PlanError."""
        policy = self.loaded.policy
        plans = planning.applicable(report, self.loaded.fingerprint, policy)
        timings: dict[str, float] = {}
        wanted = {
            name: intent.attachments for name, intent in intents(policy, report.decision.assignment).items()
        }
        users = planning.UserPathWatch(policy, NetworkProber(), self._clock)
        async with self._fleet() as fleet:
            before = await fleet.read([plan.router for plan in plans])
            try:
                await users.start()
            except ProbeError as error:
                self._log.warning("users' path cannot be probed from here", error=str(error))
            try:
                began = self._clock.now()
                results = await fleet.push(plans, report.decision.sentence)
                timings["push"] = (self._clock.now() - began) * 1000
                delivery = Delivery(fleet, self._clock, self._log)
                outcomes = await delivery.settle(results, wanted, before, users.check, timings)
            finally:
                await users.stop()
        self._record(report, before, list(outcomes.values()), timings)
        return outcomes, timings

    def _record(
        self,
        report: planning.PlanReport,
        before: Mapping[str, RouterState],
        outcomes: list[Outcome],
        timings: Mapping[str, float],
    ) -> None:
        now, utc = self._clock.now(), self._clock.utc()
        store = SqliteStore(self._path)
        store.append(report.decision, outcomes, report.health, timings, now, utc)
        if planning.fresh(store.snapshot(), self.loaded.fingerprint, utc) is None:
            ran = current_assignment(self.loaded.policy, {n: s.attachments for n, s in before.items()})
            memory = record_move(store.load_state(now, utc), report.decision, ran, now)
            store.save_state(memory, now, utc)
        store.close()


def snapshot(state: Path) -> Snapshot | None:
    """What the loop saw last. Raises StoreError."""
    store = SqliteStore(state / STORE_FILE, read_only=True)
    try:
        return store.snapshot()
    finally:
        store.close()


def history(state: Path, limit: int) -> list[Record]:
    """The newest records, newest first. Raises StoreError."""
    store = SqliteStore(state / STORE_FILE, read_only=True)
    try:
        return store.history(limit)
    finally:
        store.close()


def record(state: Path, number: int | None) -> Record | None:
    """One record, the newest if no number is given; None if there is none. Raises StoreError."""
    store = SqliteStore(state / STORE_FILE, read_only=True)
    try:
        if number is not None:
            return store.record(number)
        return next(iter(store.history(1)), None)
    finally:
        store.close()


def overrides(state: Path) -> list[Override]:
    """What people ordered and is in force, with UTC times. Raises StoreError."""
    store, utc = SqliteStore(state / STORE_FILE, read_only=True), time.time()
    with closing(store):
        return store.overrides(utc, utc)


def order(
    state: Path, kind: OrderKind, subject: str, upstream: str, owner: str, reason: str, until: float | None
) -> Override:
    """Keep an order for the loop to find; ``until`` and the answer's times are UTC. Raises StoreError."""
    store, utc = SqliteStore(state / STORE_FILE), time.time()
    with closing(store):
        number = store.order(kind, subject, upstream, owner, reason, utc, until)
    return Override(number, kind, subject, upstream, owner, reason, utc, until)


def take_back(state: Path, kind: OrderKind, subject: str, owner: str) -> int:
    """End the orders of this kind about this; how many were in force. Raises StoreError."""
    store = SqliteStore(state / STORE_FILE)
    with closing(store):
        return store.take_back(kind, subject, owner, time.time())


def samples(state: Path, path: str, step: str, since_s: float, utc: float) -> list[Row]:
    """What is kept of a link's samples of the last ``since_s`` seconds. Raises StoreError."""
    reader = SampleReader(state / SAMPLES_FILE)
    try:
        rows = reader.rows(path, step, utc - since_s, utc)
        known = reader.paths()
    finally:
        reader.close()
    if path not in known:
        raise StoreError(f"no samples of {path} are kept; there are {', '.join(known) or 'none at all'}")
    return rows


def export(
    inventory: Path, state: Path, since: float, until: float, utc: float, step: str | None
) -> tuple[str, Iterator[tuple[str, ...]]]:
    """The step taken, and what was recorded of the policy's links in that time (UTC) as rows of a trace.

    ``step`` None: the finest that is kept for so long. Raises ConfigError and StoreError.
    """
    policy = load(inventory).policy
    taken = step or next((name for name, each in STEPS.items() if since >= utc - each.kept_s), "1h")
    reader = SampleReader(state / SAMPLES_FILE)
    with closing(reader):
        rows = {link: reader.rows(link, taken, since, until) for link in policy.links}
        minutes = {link: reader.rows(link, "1min", since - 60, until) for link in policy.links}
    if not any(rows.values()):
        raise StoreError(f"{state / SAMPLES_FILE}: nothing is kept of that time by {taken}")
    store = SqliteStore(state / STORE_FILE, read_only=True)
    with closing(store):
        turns, orders = store.turns(since, until), store.ordered(since, until)
    width_s, recover_s = STEPS[taken].seconds, policy.health.recover_s
    end = min(until, width_s + max(row.start for each in rows.values() for row in each))
    return taken, lines(Recorded(since, end, width_s, rows, minutes, turns, orders, recover_s))


def sight(state: Path) -> Sight | None:
    """What the loop shows of its links, however long ago; None if none ever did. Raises StoreError."""
    if not (state / SAMPLES_FILE).exists():
        return None
    reader = SampleReader(state / SAMPLES_FILE)
    try:
        return reader.sight()
    finally:
        reader.close()


def simulate(inventory: Path, scenario: Path, policies: Sequence[Path]) -> list[sim.Run]:
    """What each policy, or the inventory's own, makes of a scenario, by file or by name in the library.

    Raises ConfigError for what is wrong with inventory, policies or scenario.
    """
    path = sim.find(scenario, inventory / SCENARIOS)
    runs = []
    for file in policies or (None,):
        policy = load(inventory, policy_file=file).policy
        runs.append(sim.simulate(policy, sim.load(path, policy), str(file or inventory / "policy.yaml")))
    return runs
