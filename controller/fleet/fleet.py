"""The Fleet port over Nornir: every router in parallel, none waiting for another.

Two connections a router: one that watches, one that acts, so that a poll under way never delays a failover;
and one for each other purpose that it is asked for.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from controller.core.model import (
    Failed,
    Link,
    Outcome,
    Policy,
    Refused,
    RolledBack,
    RouterIntent,
    RouterPlan,
    SessionSample,
    Unchanged,
)
from controller.fleet import device as on
from controller.fleet.connect import (
    DeviceError,
    SshOptions,
    TransientError,
    device,
    drop,
    open_inventory,
    workers,
)
from controller.ports import Polled, Renderer, RouterState, SourceError

T = TypeVar("T")

REVERT_IN_S = 30  # a router goes back by itself this long after a push nobody confirmed
DEADLINE_S = 25.0  # for one operation on one router, connecting with its retries included; under REVERT_IN_S


class _Rehearsed(NamedTuple):
    """What one router is ready to commit, and the running configuration that this was made from."""

    intent: RouterIntent
    plan: RouterPlan
    config: str


class NornirFleet:
    """Routers by way of Nornir and NAPALM. No method raises for one router's trouble: it is in its result."""

    def __init__(
        self, directory: Path, policy: Policy, renderer: Renderer, log: Any, ssh: SshOptions | None = None
    ) -> None:
        self._directory, self._policy, self._log = directory, policy, log
        self._renderer = renderer
        self._ssh = ssh or SshOptions()
        self._pool: dict[str, ThreadPoolExecutor] = {}  # one a purpose: polls never queue before a failover
        self._opening = threading.Lock()
        self._inventories: dict[str, Any] = {}
        self._busy: dict[tuple[str, str], threading.Lock] = {}  # one a purpose and router: one use at a time
        self._rehearsed: dict[str, _Rehearsed] = {}  # loaded in the driver, not sent
        self._running: dict[str, str] = {}  # what each router was last seen to run; checked again when used

    # --- the port ------------------------------------------------------------------------------

    async def read(self, routers: Sequence[str]) -> Mapping[str, RouterState]:
        """Running configuration, attachments, BGP sessions and pending commit of each router."""

        def state(name: str, driver: Any) -> RouterState:
            router = self._policy.routers[name]
            config = on.running(driver)
            self._running[name] = config
            return RouterState(
                router=name,
                config=config,
                attachments=on.attachments(router, self._links(name), config),
                sessions=self._sessions(name, driver),
                pending_commit=on.pending(driver),
            )

        return await self._each("watch", routers, state, lambda name, why: RouterState(name, error=why))

    async def poll(self, routers: Sequence[str], *, counters: bool = False) -> Mapping[str, Polled | None]:
        """BGP sessions and interfaces. None: the router did not answer."""

        def polled(name: str, driver: Any) -> Polled | None:
            sessions = self._sessions(name, driver)  # before the interfaces, whose trouble is a session's too
            links = self._links(name)
            return Polled(sessions, on.interfaces(driver, links, time.monotonic(), counters=counters))

        return await self._each("watch", routers, polled, lambda _name, _why: None)

    async def plan(self, wanted: Mapping[str, RouterIntent]) -> Mapping[str, RouterPlan]:
        """The real per-router diff, guarded; changes nothing."""

        def planned(name: str, driver: Any) -> RouterPlan:
            self._running[name] = on.running(driver)
            plan = self._prepare(name, driver, wanted[name])
            self._rehearsed.pop(name, None)
            driver.discard_config()
            return plan

        return await self._each("act", sorted(wanted), planned, _unplanned)

    async def rehearse(self, wanted: Mapping[str, RouterIntent]) -> None:
        """Load and review ahead: what is asked for then only needs to be committed."""

        def rehearsed(name: str, driver: Any) -> None:
            plan = self._prepare(name, driver, wanted[name])
            if plan.diff and not plan.refused:
                self._rehearsed[name] = _Rehearsed(wanted[name], plan, self._running[name])

        new = [name for name in sorted(wanted) if not self._knows(name, wanted[name])]
        await self._each("act", new, rehearsed, lambda _name, _why: None)

    def _knows(self, name: str, intent: RouterIntent) -> bool:
        """Whether this is rehearsed already, on the configuration that the router was last seen to run."""
        known = self._rehearsed.get(name)
        return known is not None and known.intent == intent and known.config == self._running.get(name)

    async def change(
        self, wanted: Mapping[str, RouterIntent], message: str
    ) -> Mapping[str, tuple[RouterPlan, Outcome]]:
        """Plan and commit in one go. Applied: committed with a revert timer armed, not confirmed yet."""

        def changed(name: str, driver: Any) -> tuple[RouterPlan, Outcome]:
            began = time.monotonic()
            known = self._rehearsed.get(name)
            if known is not None and known.intent == wanted[name]:
                outcome = self._commit(name, driver, known.plan, message, began)
                if not isinstance(outcome, RolledBack):
                    return known.plan, outcome
                # The router moved since the rehearsal: from scratch.
            plan = self._prepare(name, driver, wanted[name])
            return plan, self._commit(name, driver, plan, message, began)

        def failed(name: str, why: str) -> tuple[RouterPlan, Outcome]:
            self._running.pop(name, None)
            return _unplanned(name, why), Failed(name, why)

        return await self._each("act", sorted(wanted), changed, failed)

    async def push(self, plans: Sequence[RouterPlan], message: str) -> Mapping[str, Outcome]:
        """Commit exactly these plans; none of them if one is not what was reviewed any more."""
        by_name = {plan.router: plan for plan in plans}

        def loaded(name: str, driver: Any) -> RouterPlan | Outcome:
            self._rehearsed.pop(name, None)
            return on.reviewed(driver, by_name[name], self._policy)

        def committed(name: str, driver: Any) -> Outcome:
            began = time.monotonic()
            return on.commit(driver, ready[name], message, REVERT_IN_S, began)

        checked = await self._each("act", sorted(by_name), loaded, Failed)
        ready = {name: result for name, result in checked.items() if isinstance(result, RouterPlan)}
        objections = {name: result for name, result in checked.items() if not isinstance(result, RouterPlan)}
        if objections:
            why = f"{', '.join(objections)} cannot take its part, and half a plan is not what was reviewed"
            return {name: objections.get(name) or Refused(name, by_name[name].diff, why) for name in by_name}
        return await self._each("act", sorted(by_name), committed, Failed)

    async def confirm(self, routers: Sequence[str]) -> Mapping[str, str | None]:
        """Keep what was pushed; None or what went wrong."""
        return await self._each("act", routers, lambda _name, driver: driver.confirm_commit(), _why)

    async def rollback(self, routers: Sequence[str]) -> Mapping[str, str | None]:
        """Undo what was pushed and not confirmed; None or what went wrong."""
        return await self._each("act", routers, lambda _name, driver: driver.rollback(), _why)

    async def ask(self, purpose: str, router: str, work: Callable[[Any], T]) -> T:
        """``work`` with one router's driver in hand, over a connection that ``purpose`` has for itself.

        Raises SourceError when that fails, and at once while earlier work of the same kind still runs there.
        """
        if (purpose, router) in self._busy and self._busy[purpose, router].locked():
            raise SourceError(f"{router} has not answered an earlier question yet")

        def answered(_name: str, driver: Any) -> T | SourceError:
            return work(driver)

        def unanswered(_name: str, why: str) -> T | SourceError:
            return SourceError(why)

        answer = (await self._each(purpose, [router], answered, unanswered))[router]
        if isinstance(answer, SourceError):
            raise answer
        return answer

    async def close(self) -> None:
        """Close every connection, not waiting for routers that hang."""
        for inventory in self._inventories.values():
            for host in inventory.inventory.hosts.values():
                drop(host)
        for pool in self._pool.values():
            pool.shutdown(wait=False, cancel_futures=True)

    # --- one router ----------------------------------------------------------------------------

    def _links(self, router: str) -> tuple[Link, ...]:
        return tuple(link for link in self._policy.links.values() if link.router == router)

    def _sessions(self, name: str, driver: Any) -> tuple[SessionSample, ...]:
        return on.sessions(driver, self._links(name), time.monotonic())

    def _prepare(self, name: str, driver: Any, intent: RouterIntent) -> RouterPlan:
        """Load the intent and review the difference; once more from scratch if the router moved meanwhile."""
        if name not in self._running:
            self._running[name] = on.running(driver)
        rendered = self._renderer.render(intent)
        try:
            return self._load(name, driver, intent, rendered)
        except on.MovedError:
            self._running[name] = on.running(driver)
            return self._load(name, driver, intent, rendered)

    def _load(self, name: str, driver: Any, intent: RouterIntent, rendered: str) -> RouterPlan:
        candidate, changes = on.differences(intent, rendered, self._running[name])
        if not changes:
            return RouterPlan(name, diff="", candidate=candidate)  # what is rehearsed stays loaded
        self._rehearsed.pop(name, None)
        return on.load(driver, name, candidate, changes, self._policy)

    def _commit(self, name: str, driver: Any, plan: RouterPlan, message: str, began: float) -> Outcome:
        outcome = on.commit(driver, plan, message, REVERT_IN_S, began)
        if not isinstance(outcome, Unchanged):
            self._rehearsed.pop(name, None)
            self._running.pop(name, None)
        return outcome

    # --- many routers --------------------------------------------------------------------------

    async def _each(
        self,
        purpose: str,
        routers: Sequence[str],
        work: Callable[[str, Any], T],
        absent: Callable[[str, str], T],
    ) -> dict[str, T]:
        """``work`` on every router at once; ``absent`` says what it means that one could not do it."""
        if not routers:
            return {}
        pool = self._pool.get(purpose) or await asyncio.to_thread(self._open, purpose)

        async def one(name: str) -> T:
            self._busy.setdefault((purpose, name), threading.Lock())
            running = asyncio.get_running_loop().run_in_executor(pool, self._one, purpose, name, work)
            running.add_done_callback(_forget)  # nobody may wait for it any more, when it ends
            try:
                return await asyncio.wait_for(asyncio.shield(running), DEADLINE_S)
            except DeviceError as error:
                return absent(name, str(error))
            except TimeoutError:
                return absent(name, f"no answer within {DEADLINE_S:g} s")

        results = await asyncio.gather(*(one(name) for name in routers))
        return dict(zip(routers, results, strict=True))

    def _one(self, purpose: str, name: str, work: Callable[[str, Any], T]) -> T:
        """Run ``work`` as a Nornir task on one host, in this thread."""
        lock = self._busy[purpose, name]
        if not lock.acquire(timeout=DEADLINE_S):
            raise TransientError("still busy with an operation that does not end")
        try:
            inventory = self._inventories[purpose]
            outcome: list[T | BaseException] = []

            def task(task: Any) -> None:
                try:
                    driver = device(task.host, task.nornir.config, self._log)
                    outcome.append(on.guarded(driver, lambda: work(name, driver)))
                except TransientError as error:
                    drop(task.host)  # the next operation opens a fresh connection
                    outcome.append(error)
                except Exception as error:  # noqa: BLE001 - the per-router edge: one router's trouble stays its own
                    outcome.append(error)

            inventory.filter(name=name).run(task=task, on_failed=True)
            if not outcome:
                raise DeviceError(f"{name} is not in {self._directory / 'hosts.yaml'}")
            result = outcome[0]
            if isinstance(result, DeviceError):
                raise result
            if isinstance(result, BaseException):
                raise DeviceError(f"{type(result).__name__}: {result}") from result
            return result
        finally:
            lock.release()

    def _open(self, purpose: str) -> ThreadPoolExecutor:
        with self._opening:
            if purpose not in self._pool:
                self._inventories[purpose] = open_inventory(self._directory, self._ssh)
                count = workers(self._inventories[purpose])
                self._pool[purpose] = ThreadPoolExecutor(count, f"router-{purpose}")
            return self._pool[purpose]


def _unplanned(name: str, why: str) -> RouterPlan:
    return RouterPlan(name, diff="", candidate="", error=why)


def _why(_name: str, why: str) -> str | None:
    return why


def _forget(future: asyncio.Future[Any]) -> None:
    """Look at the result, so that one nobody took is not reported as never retrieved, with a traceback."""
    if not future.cancelled():
        future.exception()
