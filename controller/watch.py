"""What the loop sees: health of every link, and what every router runs. Wakes the loop when either changes.

One task turns samples into health. One task a router reads it, and one task a source of signals, so that a
router or a source that hangs keeps nobody waiting: the others are read, judged and served meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Final

from controller.core import detect
from controller.core.calibration import Fit
from controller.core.cycle import signature
from controller.core.detect import DetectorState
from controller.core.intent import current_assignment
from controller.core.judgement_text import LABEL
from controller.core.model import (
    ANCHORS,
    USER_PATH,
    Assignment,
    Delay,
    Health,
    LinkSeen,
    Policy,
    Sample,
    SessionSample,
    Signal,
    Vantage,
    Verdict,
)
from controller.core.prober import ProberState
from controller.core.sight import View
from controller.core.target_notes import notes, notices
from controller.core.turn import Change
from controller.hearing import Hearing
from controller.metering import Metering
from controller.ports import (
    Clock,
    Fleet,
    ProbePath,
    Prober,
    RouterState,
    SampleStore,
    SignalSource,
    Store,
    StoreError,
)
from controller.sampling import Sampling

KEPT_CHANGES = 64  # of verdicts, that no record tells of yet
QUIET_TIME = "quiet time"  # the name under which the store has what the detector learned


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Rhythm of the loop, in seconds. None of these delays a failover: verdicts wake the loop."""

    observe_s: float = 0.02  # longest wait for samples before the detector looks at the clock again
    poll_s: float = 0.5  # BGP sessions and interfaces, the second witness
    counters_s: float = 5.0  # how often their counters are read along
    source_s: float = 10.0  # longest wait for a source of signals to be read
    reconcile_s: float = 15.0  # full read of every router, intent against running
    first_read_s: float = 5.0  # at the start: routers that have not answered by then are served later
    first_look_s: float = 1.0  # at the start: for the user path to answer before anything is pushed
    verify_s: float = 3.0  # how long the user path may take to answer after a push, on top of ride_out
    verify_poll_s: float = 0.05
    retry_first_s: float = 5.0  # after a push that failed or was rolled back, doubled up to retry_last_s
    retry_last_s: float = 600.0
    histories_s: float = 600.0  # what the detector has learnt of each link is kept this often, and at the end
    snapshot_s: float = 1.0  # how often ``status`` is refreshed
    stop_s: float = 20.0  # a push under way at SIGTERM may take this long to be verified and confirmed


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that the loop talks to."""

    prober: Prober
    fleet: Fleet
    store: Store
    samples: SampleStore  # of what is sampled, rolled up
    clock: Clock
    log: Any
    sources: Sequence[SignalSource] = ()


USABLE: Final = (Verdict.UP, Verdict.DEGRADED)


class Watch:
    """Sees; decides nothing. ``on_verdict`` and ``on_router`` are called when something changed."""

    def __init__(
        self,
        policy: Policy,
        world: World,
        settings: LoopSettings,
        *,
        on_verdict: Callable[[], None],
        on_router: Callable[[], None],
    ) -> None:
        self._policy, self._set = policy, settings
        self._prober, self._fleet, self._sources = world.prober, world.fleet, world.sources
        self._store, self._clock, self._log = world.store, world.clock, world.log
        self._on_verdict, self._on_router = on_verdict, on_router
        self._detector = self._recall()
        self._hearing = Hearing(policy, world.store, world.log)
        self.metering = Metering(policy, world.clock, world.store, world.log)
        self._counters_at: dict[str, float] = {}  # router -> when its counters were last read
        self._paced: Mapping[str, float] = self._detector.hurried
        self._sampling = Sampling(world.samples, world.clock, world.log, self.view)
        self._sessions: list[SessionSample] = []
        self._signals: list[Signal] = []
        self._samples: list[Sample] = []  # those that came from sources
        self._changes: deque[Change] = deque(maxlen=KEPT_CHANGES)
        self._believe_since: dict[str, float] = {}  # router -> reads begun before this are out of date
        self._read = {name: asyncio.Event() for name in policy.routers}
        self._again: set[str] = set()  # routers to be read at the next chance
        self._tasks: list[asyncio.Task[None]] = []
        self._fares = ProberState.fresh(policy.health, world.clock.now())
        self.vantage = Vantage()  # how well it sees
        self.health: Mapping[str, Health] = {}
        self.routers: dict[str, RouterState] = {
            name: RouterState(name, error="has not answered yet") for name in policy.routers
        }

    async def start(self, *, may_settle: bool) -> list[asyncio.Task[None]]:
        """Begin. The tasks run until ``stop``; one that ends by itself has failed. Raises ProbeError."""
        self._hearing.recall()
        self.metering.recall()
        for name in self._policy.routers:
            self._tasks.append(asyncio.create_task(self._follow(name, may_settle), name=f"router {name}"))
        reads = [asyncio.create_task(event.wait()) for event in self._read.values()]
        _, late = await asyncio.wait(reads, timeout=self._set.first_read_s)
        for task in late:
            task.cancel()
        health = self._policy.health
        await self._prober.start(probe_paths(self._policy), health.interval_s, health.timeout_s)
        self._fares = ProberState.fresh(health, self._clock.now())
        self._tasks.append(asyncio.create_task(self._observe(), name="observe"))
        self._tasks.append(asyncio.create_task(self._sampling.run(), name="sampling"))
        self._tasks.append(asyncio.create_task(self._remember(), name="remember"))
        for source in self._sources:
            self._tasks.append(asyncio.create_task(self._listen(source), name=f"source {source.name}"))
        return self._tasks

    async def stop(self) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._prober.stop()
        self._keep_histories()
        await self._sampling.finish()

    def current(self) -> Assignment:
        """The assignment that the readable routers run."""
        seen = {name: state.attachments for name, state in self.routers.items() if state.error is None}
        return current_assignment(self._policy, seen)

    def unreachable(self) -> frozenset[str]:
        """The routers that cannot be read now."""
        return frozenset(name for name, state in self.routers.items() if state.error is not None)

    def seen(self) -> Mapping[str, LinkSeen]:
        """What routers say of their links, in figures."""
        return self._hearing.seen()

    def failing(self) -> frozenset[str]:
        """The links that do not forward now, or perhaps not."""
        return frozenset(
            name
            for name, health in self.health.items()
            if health.suspect or health.verdict in (Verdict.DOWN, Verdict.UNKNOWN)
        )

    def view(self) -> View:
        """Verdicts, the samples behind them, and what is thought of each target."""
        return self._view(self.health)

    def _view(self, health: Mapping[str, Health]) -> View:
        latest = {name: self._sampling.samples.latest(name) for name in health}
        return View(health, latest, notes(self._detector, self._clock.now()))

    def take_changes(self) -> list[Change]:
        """The verdicts that changed since the last call, with what was at hand then."""
        changes = list(self._changes)
        self._changes.clear()
        return changes

    async def reread(self, routers: Sequence[str]) -> None:
        """Read these routers again, after a push; polls that began before are not believed."""
        began = self._clock.now()
        for name in routers:
            self._believe_since[name] = began
        for name, state in (await self._fleet.read(routers)).items():
            self._note(name, state, began)

    def look_again(self, routers: Sequence[str]) -> None:
        """Have these routers read soon, without waiting for it: they may be the ones that hang."""
        self._again.update(routers)

    # --- links ---------------------------------------------------------------------------------

    async def _observe(self) -> None:
        while True:
            probed = await self._prober.samples(self._set.observe_s)
            samples = [*probed, *self._samples]
            self._sampling.note(samples)
            now = self._clock.now()
            self._fares = self._fares.after(probed, now)
            doubted, fares = self.vantage.trouble, self._fares.vantage(now)
            sessions, signals = self._sessions, self._signals
            self._sessions, self._signals, self._samples = [], [], []
            heard = min(now, self._prober.heard_until)
            self._detector = detect.step(self._detector, samples, sessions, heard, signals)
            self._set_pace()
            self.vantage = replace(fares, notices=(*fares.notices, *notices(self._detector)))
            before, self.health = self.health, detect.health(self._detector, now)
            if signature(self.health) != signature(before):
                self._say(before)
                self._on_verdict()
            elif (doubted is None) != (self.vantage.trouble is None):
                self._on_verdict()

    def _set_pace(self) -> None:
        """Probe suspects faster for a moment, and others as in calm again."""
        hurried, told = self._detector.hurried, self._paced
        if hurried is told:
            return
        for path in told.keys() | hurried.keys():
            every_s = hurried.get(path, self._policy.health.interval_s)
            if every_s != told.get(path):
                self._prober.pace(path, every_s)
        self._paced = hurried

    def _say(self, before: Mapping[str, Health]) -> None:
        for name, health in self.health.items():
            was = before[name].verdict if name in before else Verdict.UNKNOWN
            if health.verdict is not was:
                self._log.info(f"{name} is {health.verdict} (was {was}): {health.why}")
                self._keep_change(was, health)
            brownout = name in before and before[name].delay is Delay.BROWNOUT
            if health.delay is Delay.BROWNOUT and not brownout:
                self._log.info(f"{name} is in brownout: {health.delay_why}")
            elif brownout and health.delay is not Delay.BROWNOUT and health.verdict in USABLE:
                self._log.info(f"{name} is as fast as usual again")

    def _keep_change(self, was: Verdict, health: Health) -> None:
        if (was, health.verdict) == (Verdict.UNKNOWN, Verdict.UP):
            return  # says nothing but that we began
        now, utc = self._clock.now(), self._clock.utc()
        self._changes.append(Change(was, self._view({health.link: health}), now, utc))

    # --- what links are like ------------------------------------------------------------------------

    def _recall(self) -> DetectorState:
        """A detector that remembers what was learnt of each link in earlier lives."""
        kept: detect.Memory = {}
        try:
            kept = self._store.load_learned(QUIET_TIME)
        except StoreError as error:
            self._log.error("what was learnt of the links cannot be read; learning afresh", error=str(error))
        state = detect.initial(self._policy, self._clock.now(), kept)
        for name, why in state.unreadable.items():
            self._log.warning(f"{name} cannot be read; learning afresh", error=why)
        return state

    async def _remember(self) -> None:
        """Keep what is learnt, and say what follows from it."""
        said: Mapping[detect.Key, Fit] = {}
        ridden: dict[detect.Key, float] = {}
        while True:
            thresholds = self._detector.thresholds()
            for (path, family), fit in thresholds.items():
                if said.get((path, family)) != fit:
                    self._log.info(f"{path} {LABEL[family]}: loss counts as grey from {fit}")
            said = thresholds
            for (path, family), silence in self._detector.ride_outs().items():
                if silence.stretched and ridden.get((path, family)) != silence.ride_out_s:
                    self._log.info(
                        f"{path} {LABEL[family]}: dead once silent for {silence.ride_out_s:.1f} s: "
                        f"its own bursts outlast the {silence.policy_s:g} s of ride_out"
                    )
                ridden[path, family] = silence.ride_out_s
            await asyncio.sleep(self._set.histories_s)
            self._keep_histories()

    def _keep_histories(self) -> None:
        self._hearing.keep()
        try:
            self._store.save_learned(QUIET_TIME, detect.remembered(self._detector))
        except StoreError as error:
            self._log.error("what was learnt of the links could not be kept", error=str(error))

    async def _listen(self, source: SignalSource) -> None:
        """Ask one source for ever. What ails it is said once, and once that it is well again."""
        ailing = False
        while True:
            began = self._clock.now()
            try:
                async with asyncio.timeout(self._set.source_s):
                    said = await source.read()
            except Exception as error:  # noqa: BLE001 - the per-source edge: one source's trouble stays its own
                if not ailing:
                    late = f"no answer within {self._set.source_s:g} s"
                    why = late if isinstance(error, TimeoutError) else str(error)
                    self._log.warning(
                        f"{source.name} says nothing; the links are judged without it", error=why
                    )
                ailing = True
            else:
                if ailing:
                    self._log.info(f"{source.name} can be read again")
                ailing = False
                self._signals += [each for each in said if isinstance(each, Signal)]
                self._samples += [each for each in said if isinstance(each, Sample)]
            await asyncio.sleep(max(0.0, began + source.every_s - self._clock.now()))

    # --- routers -------------------------------------------------------------------------------

    async def _follow(self, name: str, may_settle: bool) -> None:
        """Read one router for ever: its sessions often, all of it every ``reconcile_s``."""
        while True:
            began = self._clock.now()
            self._again.discard(name)
            state = (await self._fleet.read([name]))[name]
            if state.pending_commit and may_settle and not self._read[name].is_set():
                await self._settle(name, state)
                continue
            self._note(name, state, began)
            self._read[name].set()
            self._on_router()
            while self._clock.now() < began + self._set.reconcile_s and name not in self._again:
                await asyncio.sleep(self._set.poll_s)
                if self.routers[name].error is None:
                    await self._poll(name)

    async def _poll(self, name: str) -> None:
        began = self._clock.now()
        counters = began >= self._counters_at.get(name, -inf) + self._set.counters_s
        if counters:
            self._counters_at[name] = began
        polled = (await self._fleet.poll([name], counters=counters))[name]
        if polled is None:
            return
        self._sessions.extend(polled.sessions)
        self._signals.extend(self._hearing.hear(name, polled))
        self.metering.hear(polled.interfaces)
        if polled.sessions and began >= self._believe_since.get(name, began):
            self.routers[name] = replace(self.routers[name], sessions=polled.sessions)

    def _note(self, name: str, state: RouterState, began: float) -> None:
        if began < self._believe_since.get(name, began):
            return
        was = self.routers[name].error
        if state.error and (was is None or not self._read[name].is_set()):
            self._log.warning(f"{name} cannot be read; the other routers are served", error=state.error)
        elif state.error is None and was is not None and self._read[name].is_set():
            self._log.info(f"{name} can be read again")
        self.routers[name] = state
        self._sessions.extend(state.sessions)

    async def _settle(self, name: str, state: RouterState) -> None:
        """A commit left unconfirmed by a controller that died: keep it if it is whole, else undo it.

        Whole means that every link of the router runs as some role; the next cycle puts right the rest.
        """
        current = current_assignment(self._policy, {name: state.attachments})
        links = [link.name for link in self._policy.links.values() if link.router == name]
        whole = all(link in placements for placements in current.values() for link in links)
        act = self._fleet.confirm if whole else self._fleet.rollback
        error = (await act([name]))[name]
        verb = "confirmed" if whole else "undone"
        self._log.warning(f"{name} had an unconfirmed commit of an earlier run: {verb}", error=error)
        if error:
            await asyncio.sleep(self._set.retry_first_s)  # its own timer may undo it meanwhile


def probe_paths(policy: Policy) -> list[ProbePath]:
    """One path a link that is probed from here, and one each for users and anchors where policy has them."""
    paths = [
        ProbePath(link.name, link.probe_source, policy.health.targets, link.probe_device)
        for link in policy.links.values()
        if not link.pinged_by_router
    ]
    if policy.user_path:
        paths.append(ProbePath(USER_PATH, policy.user_path, policy.health.targets))
    if policy.health.anchors:
        paths.append(ProbePath(ANCHORS, {}, policy.health.anchors, any_source=True))
    return paths
