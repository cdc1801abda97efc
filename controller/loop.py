"""observe -> decide -> render -> guard -> push -> verify -> record. No policy in it.

The cycle runs the moment a verdict changes, when time alone may change the decision, and whenever a router
has been read (every ``reconcile_s``): what the routers run is compared with the intent and never assumed.
Each cycle ends in exactly one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.core.cycle import telling, wait_s
from controller.core.intent import intents
from controller.core.model import (
    Applied,
    Assignment,
    ControlState,
    Decision,
    Failed,
    Health,
    Moment,
    Outcome,
    Policy,
    Reason,
    RolledBack,
    RouterIntent,
    RouterPlan,
    Unchanged,
    Verdict,
)
from controller.core.phases import phases
from controller.core.policy import decide, record_move
from controller.core.stability import carriers
from controller.core.turn import Change, turn
from controller.delivery import Delivery
from controller.notices import Notices
from controller.orders import OrderBook
from controller.ports import Snapshot, StoreError
from controller.ready import Readiness
from controller.user_path import UserPath
from controller.watch import KEPT_CHANGES, LoopSettings, Watch, World
from controller.windows import Windows

_BAD = (Verdict.DOWN, Verdict.DEGRADED)


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
        standing: Sequence[Reason] = (),
    ) -> None:
        """``standing``: notices that hold for as long as the loop runs."""
        self._policy = policy
        self._fleet, self._store, self._clock, self._log = world.fleet, world.store, world.clock, world.log
        self._dry_run, self._fingerprint = dry_run, fingerprint
        self._set = settings or LoopSettings()
        self._delivery = Delivery(world.fleet, world.clock, world.log)
        self._standing, self._notices = tuple(standing), Notices(world.clock, world.log)
        self._watch = Watch(policy, world, self._set, on_verdict=self._on_verdict, on_router=self._on_router)
        self._users = UserPath(policy, self._watch, world.clock, self._set)
        self._orders = OrderBook(world.store, world.clock, world.log, self._wake_up)
        self._readiness = Readiness(policy, self._calm, self._wake_up)
        self._windows = Windows(policy.windows)
        self._memory = ControlState()
        self._decision: Decision | None = None
        self._noted: object = None
        self._changes: deque[Change] = deque(maxlen=KEPT_CHANGES)  # of verdicts, not recorded yet
        self._retry = _Retry()
        self._said_plans: dict[str, RouterPlan] = {}  # of a dry run: said once, not every cycle
        self._rehearsal: asyncio.Task[None] | None = None
        self._acting = self._stopping = False
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
        self._orders.read()
        try:
            watching = await self._watch.start(may_settle=not self._dry_run)
            publish = asyncio.create_task(self._publish(), name="publish")
            govern = asyncio.create_task(self._govern(), name="govern")
            orders = asyncio.create_task(self._orders.follow(), name="orders")
            ready = asyncio.create_task(self._readiness.follow(), name="readiness")
            stopped = asyncio.create_task(stop.wait(), name="stop")
            tasks = {*watching, publish, govern, orders, ready, stopped}
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopped}:
                    task.result()  # a task that ends by itself has failed: say so
            finally:
                self._stopping = True
                self._wake.set()
                await asyncio.wait({govern}, timeout=self._set.stop_s)
                ending = (publish, govern, orders, ready, stopped)
                for task in ending:
                    task.cancel()
                await asyncio.gather(*ending, return_exceptions=True)
        finally:
            await self._watch.stop()
            self._log.info("stopped; traffic stays where it is")

    # --- what the watch says -------------------------------------------------------------------

    def _on_router(self) -> None:
        self._reconcile_due = True
        self._wake.set()

    def _wake_up(self) -> None:
        self._wake.set()

    def _on_verdict(self) -> None:
        self._woken_at = self._woken_at or self._clock.now()
        self._rehearse()
        self._wake.set()

    def _rehearse(self) -> None:
        """Load what leaving a link would take, so that its verdict only needs a commit.

        In calm, of the links that carry traffic; once others have gone quiet, of those.
        """
        busy = self._rehearsal is not None and not self._rehearsal.done()
        if self._dry_run or self._acting or self._stopping or busy:
            return
        seen = self._watch.health
        quiet = {name for name in self._policy.links if name in seen and seen[name].suspect}
        left = quiet or carriers(self._watch.current())
        dead = {name: replace(seen[name], verdict=Verdict.DOWN, suspect=False) for name in left & seen.keys()}
        decision = self._decide({**seen, **dead})[0]
        if decision.escape and not decision.frozen:
            wanted = self._readable(decision.assignment)
            self._rehearsal = asyncio.create_task(self._fleet.rehearse(wanted), name="rehearsal")

    def _calm(self) -> Moment | None:
        """The moment as it is, if nothing is going on in it."""
        decision, now = self._decision, self._clock.now()
        if decision is None or decision.frozen or self._acting or self._stopping:
            return None
        return self._moment(self._watch.health, now)

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
        timeout = wait_s(self._decision, self._retry.at, self._clock.now())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)
        self._wake.clear()

    async def _cycle(self) -> None:
        started = self._clock.now()
        noticed, self._woken_at = self._woken_at or started, None
        reconcile, self._reconcile_due = self._reconcile_due, False
        current = self._watch.current()
        self._watch.metering.look(current)
        self._changes.extend(self._watch.take_changes())
        decision, self._memory = self._decide(self._watch.health)
        told = (*self._standing, *decision.notices, *self._readiness.notices())
        decision = replace(decision, notices=told)
        differs = decision.assignment != current
        if differs and not decision.frozen:
            seen, absent = self._watch.health, self._watch.unreachable()
            known = self._readiness.foreseen(decision, seen, absent, started)
            decision = replace(decision, reasons=(*decision.reasons, *known))
        self._decision = decision
        timings = {"decide": (self._clock.now() - noticed) * 1000}
        outcomes: list[Outcome] = []
        if not decision.frozen and (differs or reconcile) and self._may_try(decision, started):
            self._acting = True
            try:
                outcomes = await self._reach(decision, current, timings)
            finally:
                self._acting = False
            self._book(decision, current, outcomes)
        self._note(decision, outcomes, timings)
        self._rehearse()

    def _decide(self, health: Mapping[str, Health]) -> tuple[Decision, ControlState]:
        return decide(self._policy, self._moment(health, self._clock.now()))

    def _moment(self, health: Mapping[str, Health], now: float) -> Moment:
        watch = self._watch
        return Moment(
            health,
            self._memory,
            now,
            watch.current(),
            unreachable=watch.unreachable(),
            vantage=watch.vantage,
            overrides=self._orders.overrides,
            windows=self._windows.at(self._clock.utc(), now),
            traffic=watch.metering.traffic,
        )

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
        """Bring every readable router to the decision, step by step; what came of it, by router.

        If a later step fails, the earlier ones are taken back too: half a move is nobody's intent.
        """
        bad = [name for name, seen in self._watch.health.items() if seen.verdict in _BAD]
        steps = phases(current, decision.assignment, escape=decision.escape, bad=bad)
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
        absent = self._watch.unreachable()
        wanted = intents(self._policy, assignment)
        return {name: intent for name, intent in wanted.items() if name not in absent}

    def _say_plans(self, plans: Mapping[str, RouterPlan]) -> None:
        for name, plan in plans.items():
            if self._said_plans.get(name) == plan:
                continue
            self._said_plans[name] = plan
            if plan.error or plan.refused:
                self._log.warning(f"{name} would not be changed", error=plan.error, refused=plan.refused)
            elif plan.diff:
                self._log.info(f"{name} would be changed", diff=plan.diff)

    async def _push(
        self, wanted: Mapping[str, RouterIntent], decision: Decision, timings: dict[str, float]
    ) -> Mapping[str, Outcome]:
        before = {name: self._watch.routers[name] for name in wanted}
        # Leaving a dead path, users were not served, and going back there cannot help.
        was_up = not decision.escape and await self._users.are_served()
        began = self._clock.now()
        results = await self._fleet.change(wanted, decision.sentence)
        timings["push"] = timings.get("push", 0.0) + (self._clock.now() - began) * 1000

        async def user_path(since: float) -> str | None:
            if not was_up or await self._users.are_served_since(since):
                return None  # no worse than before
            return f"the user path answered before, and did not within {self._users.verify_s:g} s after"

        outcomes = await self._delivery.settle(
            {name: outcome for name, (_, outcome) in results.items()},
            {name: intent.attachments for name, intent in wanted.items()},
            before,
            user_path,
            timings,
            self._watch.failing,
        )
        touched = [name for name, each in outcomes.items() if not isinstance(each, Unchanged | Failed)]
        if touched:
            await self._watch.reread(touched)
        self._watch.look_again([name for name, each in outcomes.items() if isinstance(each, Failed)])
        return outcomes

    # --- record --------------------------------------------------------------------------------

    def _note(self, decision: Decision, outcomes: Sequence[Outcome], timings: Mapping[str, float]) -> None:
        """Exactly one sentence a cycle; kept in the store when it says something new."""
        acted = [outcome for outcome in outcomes if not isinstance(outcome, Unchanged)]
        orders = tuple(order.number for order in self._orders.overrides)
        key = (telling(decision, self._watch.health, self._watch.vantage), orders)
        news = bool(acted) or key != self._noted
        fields = {outcome.router: outcome.kind for outcome in acted}
        level = self._log.info if news else self._log.debug
        level(decision.sentence, **fields, **{f"{k}_ms": round(v, 1) for k, v in timings.items() if acted})
        for outcome in acted:
            if not isinstance(outcome, Applied):
                self._log.error(f"{outcome.router}: {outcome.kind}: {outcome.why}")
        self._noted = key
        self._notices.say(decision.notices)
        if news:
            now, utc = self._clock.now(), self._clock.utc()
            try:
                turns = [turn(change, self._policy.health.recover_s) for change in self._changes]
                health = tuple(self._watch.health.values())
                self._store.append(decision, outcomes, health, timings, now, utc, turns)
                self._changes.clear()
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
            health=tuple(self._watch.health.values()),
            decision=self._decision,
            memory=self._memory,
            current=self._watch.current(),
            seen=self._watch.seen(),
            traffic=self._watch.metering.traffic,
            overrides=self._orders.overrides,
            router_errors={name: state.error for name, state in self._watch.routers.items() if state.error},
        )
        try:
            self._store.put_snapshot(snapshot)
        except StoreError as error:
            self._log.error("the status could not be written", error=str(error))
