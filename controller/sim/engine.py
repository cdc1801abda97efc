"""The loop's cycle on virtual time, with eyes in place of probes, and routers that do as they are told.

What decides is ``core.policy.decide``, with what it remembers; when to decide, and what of it is news, is
``core.cycle``: as in ``controller/loop.py``. Nothing is rendered, pushed or verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from controller.core.cycle import telling, wait_s
from controller.core.model import (
    USER_PATH,
    Assignment,
    ControlState,
    Decision,
    Health,
    LinkMemory,
    Moment,
    Override,
    Placement,
    Policy,
    Vantage,
)
from controller.core.policy import decide, record_move
from controller.sim.expect import check
from controller.sim.eye import LONG_S
from controller.sim.eyes import eyes
from controller.sim.ledger import Ledger
from controller.sim.report import Run, Said
from controller.sim.scenario import WELL, Condition, Scenario, worst
from controller.sim.traffic import Roads
from controller.sim.world import Turn, World, turns
from controller.windows import Windows

PUSH_S: Final = 0.3  # from decision to traffic: measured in the lab, the slower direction (tests/README.md)
READ_S: Final = 15.0  # routers are read this often; that one is out of reach is noticed then (LoopSettings)
RETRY_S: Final = 5.0  # a push that a router did not take is tried again after this long (LoopSettings)
CALM: Final = Vantage()  # the machine that the controller runs on is taken to be well


@dataclass(frozen=True, slots=True)
class _Push:
    """Under way: what it began from, what it is to reach, and when it will have."""

    at: float
    decision: Decision
    current: Assignment


def simulate(policy: Policy, scenario: Scenario, name: str = "policy") -> Run:
    """What this policy makes of this scenario. ``name`` is what people call the policy."""
    return _Simulation(policy, scenario).run(name)


class _Simulation:
    def __init__(self, policy: Policy, scenario: Scenario) -> None:
        self._policy, self._scenario = policy, scenario
        self._world = World(policy)
        self._eyes = eyes(policy, scenario.usual_ms)
        self._next = dict.fromkeys(self._eyes, inf)  # path -> when it may look different
        self._own: Condition = WELL  # what befalls users' path itself, besides the links it takes
        self._users = _users_class(policy)
        self._memory = ControlState(links={name: LinkMemory(clean_since=-LONG_S) for name in policy.links})
        self._running: dict[str, dict[str, Placement]] = {name: {} for name in policy.classes}
        self._unreachable: frozenset[str] = frozenset()
        self._read_at = self._decide_at = inf
        self._retry_at = 0.0
        self._refused: Assignment | None = None
        self._push: _Push | None = None
        self._windows = Windows(policy.windows)
        self._orders: tuple[Override, ...] = ()  # in force, or over since the last cycle
        self._said: list[Said] = []
        self._told: object = None
        self._now, self._woken = 0.0, False
        self._install()
        self._ledger = Ledger(policy, self._world, self._running, scenario.lasts_s)
        self._roads = Roads(policy, scenario.loads)

    def _install(self) -> None:
        """The network in calm, as the controller has set it up long ago."""
        windows = self._windows.at(self._scenario.begins_utc, 0.0)
        calm = Moment(self._health(), self._memory, 0.0, self._running, windows=windows)
        decision, _ = decide(self._policy, calm)
        self._running = {name: dict(placed) for name, placed in decision.assignment.items()}
        self._woken = True

    def run(self, name: str) -> Run:
        """The whole scenario."""
        end = self._scenario.lasts_s
        for turn in turns(self._scenario):
            if turn.at >= end:
                break
            self._live(turn.at)
            self._befall(turn)
        self._live(end)
        self._ledger.finish(end)
        return Run(
            policy=name,
            scenario=self._scenario,
            said=tuple(self._said),
            accounts=self._ledger.accounts,
            lanes=self._ledger.lanes,
            upstreams={link.name: link.upstream for link in self._policy.links.values()},
            checked=check(self._scenario, self._ledger.accounts, self._said),
            full_s=self._roads.full_s if self._scenario.loads else {},
            costs=self._roads.costs(),
        )

    # --- time -----------------------------------------------------------------------------------

    def _live(self, until: float) -> None:
        """Let time pass up to and with this moment."""
        while (at := self._next_at()) <= until:
            self._now = at
            self._look(at)
            if self._roads.next_at <= at:
                users = {name: self._ledger.users(name) for name in self._policy.classes}
                self._woken |= self._roads.look(users, self._running, at)
            if self._read_at <= at:
                self._read(at)
            if self._push is not None and self._push.at <= at:
                self._arrive(self._push, at)
            if self._push is None and (self._woken or self._decide_at <= at):
                self._cycle(at)
        self._now = until

    def _next_at(self) -> float:
        times = [self._read_at, self._roads.next_at, min(self._next.values(), default=inf)]
        if self._push is not None:
            times.append(self._push.at)
        else:
            times.append(self._now if self._woken else self._decide_at)
        return min(times)

    def _befall(self, turn: Turn) -> None:
        now = turn.at
        self._world.befall(turn)
        if turn.users:
            self._ledger.links_changed(turn.users, now)
        if turn.routers:
            self._ledger.routers_changed(self._running, now)
        if turn.orders:
            self._orders = (*self._orders, *turn.orders)
            self._woken = True
        for name, condition in turn.probes.items():
            if name == USER_PATH:
                self._own = condition
            elif name in self._eyes:
                self._see(name, condition, now)
        if (
            turn.routers
            or USER_PATH in turn.probes
            or not turn.users.keys().isdisjoint(self._ledger.users(self._users))
        ):
            self._see_users(now)
        if turn.routers:
            self._read_at = min(self._read_at, (now // READ_S + 1) * READ_S)

    # --- seeing ---------------------------------------------------------------------------------

    def _see(self, name: str, condition: Condition, now: float) -> None:
        eye = self._eyes[name]
        mark = eye.mark
        eye.take(condition, now)
        self._next[name] = eye.next_at
        self._woken |= eye.mark != mark

    def _see_users(self, now: float) -> None:
        """Users' path is as the links that carry it."""
        if USER_PATH not in self._eyes:
            return
        carriers = self._ledger.users(self._users)
        links = [Condition(loss=self._world.links[link].loss) for link in carriers] or [Condition(loss=1.0)]
        self._see(USER_PATH, worst([self._own, *links]), now)

    def _look(self, now: float) -> None:
        for name, at in self._next.items():
            if at <= now:
                eye = self._eyes[name]
                mark = eye.mark
                eye.advance(now)
                self._next[name] = eye.next_at
                self._woken |= eye.mark != mark

    def _read(self, now: float) -> None:
        """Every router is read: some may not answer."""
        self._read_at = inf
        absent = frozenset(self._world.ailing)
        self._woken |= absent != self._unreachable
        self._unreachable = absent
        if any(outage.end_s > now for outage in self._world.ailing.values()):
            self._read_at = now + READ_S

    def _health(self) -> Mapping[str, Health]:
        return {name: eye.health(self._now) for name, eye in self._eyes.items()}

    def _current(self) -> dict[str, dict[str, Placement]]:
        """What the routers within reach run."""
        links = self._policy.links
        return {
            name: {link: each for link, each in placed.items() if links[link].router not in self._unreachable}
            for name, placed in self._running.items()
        }

    # --- deciding -------------------------------------------------------------------------------

    def _cycle(self, now: float) -> None:
        self._woken = False
        health, current = self._health(), self._current()
        self._orders = tuple(order for order in self._orders if order.holds_at(now))
        decision, self._memory = decide(
            self._policy,
            Moment(
                health,
                self._memory,
                now,
                current,
                unreachable=self._unreachable,
                vantage=CALM,
                overrides=self._orders,
                windows=self._windows.at(self._scenario.begins_utc + now, now),
                traffic=self._roads.traffic,
            ),
        )
        told = telling(decision, health, CALM), tuple(order.number for order in self._orders)
        pushes = not decision.frozen and decision.assignment != current
        if pushes and decision.assignment == self._refused and now < self._retry_at:
            pushes = False
        if told != self._told or pushes:
            self._said.append(Said(now, decision.sentence, decision.frozen, pushes))
        self._told = told
        if pushes:
            self._push = _Push(now + PUSH_S, decision, current)
        left_s = wait_s(decision, self._retry_at, now)
        self._decide_at = inf if left_s is None else now + left_s

    def _arrive(self, push: _Push, now: float) -> None:
        """The push has taken effect, on the routers that could be reached."""
        self._push, self._woken = None, True
        changed, refused = False, False
        for name, placed in push.decision.assignment.items():
            for link, placement in placed.items():
                if self._running[name].get(link) == placement:
                    continue
                if self._policy.links[link].router in self._world.ailing:
                    refused = True
                else:
                    self._running[name][link] = placement
                    changed = True
        self._refused = push.decision.assignment if refused else None
        self._retry_at = now + RETRY_S if refused else 0.0
        if refused:
            self._read(now)
        if changed:
            self._memory = record_move(self._memory, push.decision, push.current, now)
            self._ledger.moved(self._running, now)
            self._see_users(now)


def _users_class(policy: Policy) -> str:
    """The class that the own address which is probed from belongs to."""
    own = set(policy.user_path.values())
    classes = policy.classes.values()
    return next(
        (
            each.name
            for each in classes
            if any(address in prefix for address in own for prefix in each.prefixes)
        ),
        next(iter(policy.classes)),
    )
