"""observe -> decide -> render -> guard -> push -> verify -> record. No policy in it.

Three tasks share one event loop. *observe* turns samples into health and wakes the others the moment a
verdict changes. *poll* reads the routers. *govern* runs the cycle: on a wake, when time alone may change the
decision, and every ``reconcile_s`` in any case, because what the routers run is compared with the intent and
never assumed. Each cycle ends in exactly one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from controller.core import detect
from controller.core.intent import current_assignment, intents
from controller.core.model import (
    USER_PATH,
    Applied,
    Assignment,
    ControlState,
    Decision,
    Health,
    Outcome,
    Policy,
    RolledBack,
    RouterIntent,
    RouterPlan,
    SessionSample,
    Unchanged,
    Verdict,
)
from controller.core.phases import phases
from controller.core.policy import decide, record_move
from controller.delivery import Delivery, served
from controller.ports import Clock, Fleet, ProbePath, Prober, RouterState, Snapshot, Store, StoreError


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Rhythm of the loop, in seconds. None of these delays a failover: verdicts wake the loop."""

    observe_s: float = 0.02  # longest wait for samples before the detector looks at the clock again
    session_poll_s: float = 1.0  # BGP session states, the second signal
    reconcile_s: float = 15.0  # full read of every router, intent against running
    verify_s: float = 3.0  # how long the user path may take to answer after a push
    verify_poll_s: float = 0.05
    retry_first_s: float = 5.0  # after a push that failed or was rolled back, doubled up to retry_last_s
    retry_last_s: float = 600.0
    snapshot_s: float = 1.0  # how often ``status`` is refreshed
    stop_s: float = 20.0  # a push under way at SIGTERM may take this long to be verified and confirmed


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that the loop talks to."""

    prober: Prober
    fleet: Fleet
    store: Store
    clock: Clock
    log: Any


@dataclass(slots=True)
class _Retry:
    """When the same assignment may be tried again after it went wrong."""

    assignment: Assignment = field(default_factory=dict)
    at: float = 0.0
    wait_s: float = 0.0


class Loop:
    """The unattended controller. ``run`` returns when ``stop`` is set; traffic stays where it is."""

    def __init__(
        self,
        policy: Policy,
        world: World,
        *,
        dry_run: bool = False,
        fingerprint: str = "",
        settings: LoopSettings | None = None,
    ) -> None:
        self._policy = policy
        self._prober, self._fleet, self._store = world.prober, world.fleet, world.store
        self._clock, self._log = world.clock, world.log
        self._dry_run, self._fingerprint = dry_run, fingerprint
        self._set = settings or LoopSettings()
        self._delivery = Delivery(world.fleet, world.clock, world.log)
        self._detector = detect.initial(policy, world.clock.now())
        self._health: Mapping[str, Health] = {}
        self._sessions: list[SessionSample] = []
        self._routers: dict[str, RouterState] = {}
        self._memory = ControlState()
        self._decision: Decision | None = None
        self._noted: object = None
        self._retry = _Retry()
        self._rehearsal: asyncio.Task[None] | None = None
        self._acting = False
        self._wake = asyncio.Event()
        self._reconcile_due = True
        self._woken_at: float | None = None

    # --- life ----------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``. Raises ProbeError when probing cannot work as configured."""
        now = self._clock.now()
        try:
            self._memory = self._store.load_state(now, self._clock.utc())
        except StoreError as error:
            self._log.error("what was remembered cannot be read; starting afresh", error=str(error))
        await self._read_routers()
        await self._settle_pending()
        await self._prober.start(
            probe_paths(self._policy), self._policy.health.interval_s, self._policy.health.timeout_s
        )
        tasks = [
            asyncio.create_task(task)
            for task in (self._observe(), self._poll_sessions(), self._poll_routers(), self._publish())
        ]
        govern = asyncio.create_task(self._govern())
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({*tasks, govern, stopped}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()  # a task that ends by itself has failed: say so
        finally:
            self._stopping = True
            self._wake.set()
            await asyncio.wait({govern}, timeout=self._set.stop_s)
            for task in (*tasks, govern, stopped):
                task.cancel()
            await asyncio.gather(*tasks, govern, stopped, return_exceptions=True)
            await self._prober.stop()
            self._log.info("stopped; traffic stays where it is")

    _stopping = False

    # --- observe -------------------------------------------------------------------------------

    async def _observe(self) -> None:
        while True:
            samples = await self._prober.samples(self._set.observe_s)
            now = self._clock.now()
            sessions, self._sessions = self._sessions, []
            self._detector = detect.step(self._detector, samples, sessions, now)
            before = signature(self._health)
            self._health = detect.health(self._detector, now)
            if signature(self._health) != before:
                self._say_health_changes(before)
                self._rehearse(now)
                self._woken_at = self._woken_at or now
                self._wake.set()

    def _rehearse(self, now: float) -> None:
        """A link has gone quiet: load what leaving it would take, so that the verdict finds it ready."""
        quiet = {name: health for name, health in self._health.items() if health.suspect}
        busy = self._rehearsal is not None and not self._rehearsal.done()
        if self._dry_run or self._acting or busy or not quiet.keys() & self._policy.links.keys():
            return
        dead = {name: replace(each, verdict=Verdict.DOWN, suspect=False) for name, each in quiet.items()}
        decision, _ = decide(
            self._policy,
            {**self._health, **dead},
            self._memory,
            now,
            self._current(),
            unreachable=self._unreachable(),
        )
        if decision.escape and not decision.frozen:
            wanted = self._readable(decision.assignment)
            self._rehearsal = asyncio.create_task(self._fleet.rehearse(wanted), name="rehearsal")

    def _say_health_changes(self, before: Mapping[str, tuple[Verdict, bool]]) -> None:
        for name, health in self._health.items():
            was = before.get(name, (Verdict.UNKNOWN, False))[0]
            if health.verdict != was:
                self._log.info(f"{name} is {health.verdict} (was {was}): {health.why}")

    async def _poll_sessions(self) -> None:
        while True:
            await asyncio.sleep(self._set.session_poll_s)
            readable = [name for name, state in self._routers.items() if state.error is None]
            for sessions in (await self._fleet.sessions(readable)).values():
                self._sessions.extend(sessions or ())

    async def _poll_routers(self) -> None:
        while True:
            await asyncio.sleep(self._set.reconcile_s)
            await self._read_routers()
            self._reconcile_due = True
            self._wake.set()

    async def _read_routers(self) -> None:
        states = await self._fleet.read(sorted(self._policy.routers))
        for name, state in states.items():
            was = self._routers.get(name)
            if state.error and (was is None or was.error is None):
                self._log.warning(f"{name} cannot be read; the other routers are served", error=state.error)
            elif state.error is None and was is not None and was.error is not None:
                self._log.info(f"{name} can be read again")
            self._routers[name] = state
            self._sessions.extend(state.sessions)

    async def _settle_pending(self) -> None:
        """A commit left unconfirmed by a controller that died: keep it if it is whole, else undo it.

        Whole means that every link's neighbors agree on a role; the cycle that follows puts right the rest.
        """
        pending = [name for name, state in self._routers.items() if state.pending_commit]
        if not pending or self._dry_run:
            return
        current = self._current()
        complete = {link.name for link in self._policy.links.values()}
        whole = [
            name
            for name in pending
            if all(
                link.name in placements
                for placements in current.values()
                for link in self._policy.links.values()
                if link.router == name and link.name in complete
            )
            and current
        ]
        undo = [name for name in pending if name not in whole]
        for verb, names, act in (
            ("confirmed", whole, self._fleet.confirm),
            ("undone", undo, self._fleet.rollback),
        ):
            for name, error in (await act(names)).items():
                self._log.warning(f"{name} had an unconfirmed commit of an earlier run: {verb}", error=error)
        await self._read_routers()

    # --- govern --------------------------------------------------------------------------------

    async def _govern(self) -> None:
        while not self._stopping:
            await self._wait()
            if self._stopping:
                return
            try:
                await self._cycle()
            except Exception as error:  # noqa: BLE001 - the loop's edge: nothing may end an unattended controller
                self._log.exception("this cycle failed; the next one starts from what the routers run")
                self._log.error("cycle failed", error=str(error))
                await asyncio.sleep(self._set.retry_first_s)

    async def _wait(self) -> None:
        at = self._decision.decide_again_at if self._decision else None
        timeout = None if at is None else max(0.0, at - self._clock.now())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)
        self._wake.clear()

    async def _cycle(self) -> None:
        started = self._clock.now()
        noticed, self._woken_at = self._woken_at or started, None
        reconcile, self._reconcile_due = self._reconcile_due, False
        current = self._current()
        decision, self._memory = decide(
            self._policy, self._health, self._memory, started, current, unreachable=self._unreachable()
        )
        self._decision = decision
        timings = {"decide": (self._clock.now() - noticed) * 1000}
        outcomes: list[Outcome] = []
        differs = decision.assignment != current
        if not decision.frozen and (differs or reconcile) and self._may_try(decision, started):
            self._acting = True
            try:
                outcomes = await self._reach(decision, current, timings)
            finally:
                self._acting = False
            self._book(decision, current, outcomes)
        self._note(decision, outcomes, timings)

    def _current(self) -> Assignment:
        seen = {name: state.attachments for name, state in self._routers.items() if state.error is None}
        return current_assignment(self._policy, seen)

    def _unreachable(self) -> frozenset[str]:
        return frozenset(name for name, state in self._routers.items() if state.error is not None)

    def _may_try(self, decision: Decision, now: float) -> bool:
        return decision.assignment != self._retry.assignment or now >= self._retry.at

    def _book(self, decision: Decision, current: Assignment, outcomes: Sequence[Outcome]) -> None:
        """Count what really happened against the budgets; wait longer each time the same thing fails."""
        now = self._clock.now()
        if any(isinstance(outcome, Applied) for outcome in outcomes) and decision.assignment != current:
            self._memory = record_move(self._memory, decision, current, now)
        if all(isinstance(outcome, Applied | Unchanged) for outcome in outcomes):
            self._retry = _Retry()
        else:
            again = decision.assignment == self._retry.assignment
            wait = min(self._retry.wait_s * 2 if again else self._set.retry_first_s, self._set.retry_last_s)
            self._retry = _Retry(decision.assignment, now + wait, wait)
        try:
            self._store.save_state(self._memory, now, self._clock.utc())
        except StoreError as error:
            self._log.error("what must be remembered could not be kept", error=str(error))

    # --- push ----------------------------------------------------------------------------------

    async def _reach(
        self, decision: Decision, current: Assignment, timings: dict[str, float]
    ) -> list[Outcome]:
        """Bring every readable router to the decision, promotions first; what came of it, by router.

        If a later step fails, the earlier ones are taken back too: half a move is nobody's intent.
        """
        steps = phases(current, decision.assignment, escape=decision.escape)
        if self._dry_run:
            self._say_plans(await self._fleet.plan(self._readable(decision.assignment)))
            return []
        outcomes: dict[str, Outcome] = {}
        for number, assignment in enumerate(steps):
            results = await self._push(self._readable(assignment), decision, timings)
            for name, outcome in results.items():
                if not (isinstance(outcome, Unchanged) and name in outcomes):
                    outcomes[name] = outcome
            failed = [each for each in results.values() if not isinstance(each, Applied | Unchanged)]
            if failed and number > 0:
                self._log.warning("the first half of the move is taken back too")
                back = await self._push(self._readable(current), decision, timings)
                why = "; ".join(f"{each.router} {each.kind}" for each in failed)
                for name, outcome in back.items():
                    if isinstance(outcome, Applied):
                        outcomes[name] = RolledBack(name, outcome.diff, f"taken back with {why}")
            if failed:
                break
        return list(outcomes.values())

    def _readable(self, assignment: Assignment) -> Mapping[str, RouterIntent]:
        """The intents of the routers that answer."""
        absent = self._unreachable()
        wanted = intents(self._policy, assignment)
        return {name: intent for name, intent in wanted.items() if name not in absent}

    def _say_plans(self, plans: Mapping[str, RouterPlan]) -> None:
        for name, plan in plans.items():
            if plan.error or plan.refused:
                self._log.warning(f"{name} would not be changed", error=plan.error, refused=plan.refused)
            elif plan.diff:
                self._log.info(f"{name} would be changed", diff=plan.diff)

    async def _push(
        self, wanted: Mapping[str, RouterIntent], decision: Decision, timings: dict[str, float]
    ) -> Mapping[str, Outcome]:
        before = {name: self._routers[name] for name in wanted}
        health = self._health.get(USER_PATH)
        was_up = (  # leaving a dead path: it was not up, and going back there cannot help
            not decision.escape
            and health is not None
            and health.verdict in (Verdict.UP, Verdict.DEGRADED)
            and not health.suspect
        )
        began = self._clock.now()
        results = await self._fleet.change(wanted, decision.sentence)
        timings["push"] = timings.get("push", 0.0) + (self._clock.now() - began) * 1000

        async def user_path(since: float) -> str | None:
            if await self._user_path_answers(since) or not was_up:
                return None  # no worse than before
            return f"the user path answered before, and did not within {self._set.verify_s:g} s after"

        outcomes = await self._delivery.settle(
            {name: outcome for name, (_, outcome) in results.items()},
            {name: intent.attachments for name, intent in wanted.items()},
            before,
            user_path,
            timings,
        )
        if any(not isinstance(outcome, Unchanged) for outcome in outcomes.values()):
            await self._read_routers()
        return outcomes

    async def _user_path_answers(self, since: float) -> bool:
        """Whether a quorum of targets answers, over the user path, a probe sent after ``since``."""
        if not self._policy.user_path:
            return True
        until = self._clock.now() + self._set.verify_s
        while self._clock.now() < until:
            health, now = self._health.get(USER_PATH), self._clock.now()
            if served(health, since, now, self._policy.health.ride_out_s):
                return True
            await asyncio.sleep(self._set.verify_poll_s)
        return False

    # --- record --------------------------------------------------------------------------------

    def _note(self, decision: Decision, outcomes: Sequence[Outcome], timings: Mapping[str, float]) -> None:
        """Exactly one sentence a cycle; kept in the store when it says something new."""
        acted = [outcome for outcome in outcomes if not isinstance(outcome, Unchanged)]
        key = (
            decision.assignment,
            decision.frozen,
            tuple((held.traffic_class, held.move) for held in decision.held),
            tuple(sorted((name, health.verdict) for name, health in self._health.items())),
        )
        news = bool(acted) or key != self._noted
        fields = {outcome.router: outcome.kind for outcome in acted}
        level = self._log.info if news else self._log.debug
        level(decision.sentence, **fields, **{f"{k}_ms": round(v, 1) for k, v in timings.items() if acted})
        for outcome in acted:
            if not isinstance(outcome, Applied):
                self._log.error(f"{outcome.router}: {outcome.kind}: {outcome.why}")
        self._noted = key
        if news:
            now, utc = self._clock.now(), self._clock.utc()
            try:
                self._store.append(decision, outcomes, tuple(self._health.values()), timings, now, utc)
            except StoreError as error:
                self._log.error("the decision could not be recorded", error=str(error))
        self._put_snapshot()

    async def _publish(self) -> None:
        while True:
            await asyncio.sleep(self._set.snapshot_s)
            self._put_snapshot()

    def _put_snapshot(self) -> None:
        sentence = self._decision.sentence if self._decision else "starting: looking through every link"
        snapshot = Snapshot(
            utc=self._clock.utc(),
            now=self._clock.now(),
            pid=os.getpid(),
            dry_run=self._dry_run,
            policy_fingerprint=self._fingerprint,
            sentence=sentence,
            health=tuple(self._health.values()),
            decision=self._decision,
            memory=self._memory,
            current=self._current(),
            router_errors={name: state.error for name, state in self._routers.items() if state.error},
        )
        try:
            self._store.put_snapshot(snapshot)
        except StoreError as error:
            self._log.error("the status could not be written", error=str(error))


def probe_paths(policy: Policy) -> list[ProbePath]:
    """One path a link, and the user path where the policy names own addresses."""
    paths = [
        ProbePath(link.name, link.probe_source, policy.health.targets, link.probe_device)
        for link in policy.links.values()
    ]
    if policy.user_path:
        paths.append(ProbePath(USER_PATH, policy.user_path, policy.health.targets))
    return paths


def signature(health: Mapping[str, Health]) -> dict[str, tuple[Verdict, bool]]:
    """What of the health a decision depends on; a change of it wakes the loop."""
    return {name: (verdict.verdict, verdict.suspect) for name, verdict in health.items()}
