"""What a scenario meant for users: how long on which upstream, on a path that works or not, and every move.

A class's traffic is taken to be spread evenly over the links that carry it. BGP's own failover is not part of
it: a dead link counts against its class until the controller has moved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf
from typing import Final

from controller.core.latency import ALLOWED
from controller.core.model import Assignment, Policy, Verdict
from controller.core.stability import primaries
from controller.sim.scenario import Condition
from controller.sim.world import World

CELLS: Final = 720  # of a lane: more than a chart is wide


class State(IntEnum):
    """How a path is for users."""

    WELL = 0
    POOR = 1  # it works, but loses, is slow, or knows too few prefixes
    DEAD = 2


@dataclass(frozen=True, slots=True)
class Move:
    """Traffic of one class went elsewhere."""

    at_s: float
    traffic_class: str
    before: tuple[str, ...]  # links
    after: tuple[str, ...]
    false: bool = False  # to a later choice, off links that were well


@dataclass(slots=True)
class Lane:
    """How something was in the course of the scenario, coarsely: of each cell the worst."""

    cell_s: float
    cells: list[State] = field(default_factory=lambda: [State.WELL] * CELLS)

    def fill(self, start_s: float, end_s: float, state: State) -> None:
        """It was so from start to end."""
        if state is State.WELL or end_s <= start_s:
            return
        first, last = int(start_s / self.cell_s), min(int(end_s / self.cell_s), CELLS - 1)
        for cell in range(first, last + 1):
            self.cells[cell] = max(self.cells[cell], state)


@dataclass(slots=True)
class Account:
    """Of one class."""

    lane: Lane
    on_s: dict[str, float] = field(default_factory=dict)  # upstream -> seconds
    dead_s: float = 0.0
    poor_s: float = 0.0
    lost_s: float = 0.0  # the share of packets lost, times seconds
    moves: list[Move] = field(default_factory=list)
    carried: list[tuple[float, tuple[str, ...]]] = field(
        default_factory=list
    )  # since when by which upstreams


class Ledger:
    """Keeps the accounts. Tell it of every change, right after it."""

    def __init__(self, policy: Policy, world: World, running: Assignment, lasts_s: float) -> None:
        self._policy, self._world = policy, world
        cell_s = lasts_s / CELLS
        self.accounts = {name: Account(Lane(cell_s)) for name in policy.classes}
        self.lanes = {name: Lane(cell_s) for name in policy.links}
        self._states = dict.fromkeys(policy.links, State.WELL)
        self._since = dict.fromkeys(policy.links, 0.0)
        self._losses = dict.fromkeys(policy.links, 0.0)
        self._ill_until = dict.fromkeys(policy.links, -inf)
        self._carriers: dict[str, tuple[str, ...]] = {}
        self._at = 0.0
        self._carry(running)

    def users(self, traffic_class: str) -> tuple[str, ...]:
        """The links that carry a class now."""
        return self._carriers[traffic_class]

    def links_changed(self, changed: Mapping[str, Condition], now: float) -> None:
        """Links are in another condition from now on."""
        self.settle(now)
        for name in changed.keys() & self._states.keys():
            self._losses[name] = 1.0 if changed[name].missing >= 1 else changed[name].loss
            state = self.state(changed[name])
            was = self._states[name]
            if state is not was:
                self.lanes[name].fill(self._since[name], now, was)
                self._states[name], self._since[name] = state, now
                self._ill_until[name] = now

    def routers_changed(self, running: Assignment, now: float) -> None:
        """Routers have died, or live again: nobody is sent where one is off."""
        self.settle(now)
        self._carry(running)

    def moved(self, running: Assignment, now: float) -> None:
        """The routers run something else from now on."""
        self.settle(now)
        before = dict(self._carriers)
        self._carry(running)
        for name, account in self.accounts.items():
            was, now_on = before[name], self._carriers[name]
            if was != now_on:
                account.moves.append(Move(now, name, was, now_on, self._is_false(name, was, now_on, now)))

    def settle(self, now: float) -> None:
        """Bring the accounts up to date."""
        for_s = now - self._at
        if for_s <= 0:
            return
        for name, account in self.accounts.items():
            carriers = self._carriers[name]
            states = [self._states[link] for link in carriers] or [State.DEAD]
            account.dead_s += for_s * states.count(State.DEAD) / len(states)
            account.poor_s += for_s * states.count(State.POOR) / len(states)
            losses = [self._losses[link] for link in carriers] or [1.0]
            account.lost_s += for_s * sum(losses) / len(losses)
            account.lane.fill(self._at, now, max(states))
            for link in carriers:
                upstream = self._policy.links[link].upstream
                account.on_s[upstream] = account.on_s.get(upstream, 0.0) + for_s / len(carriers)
        self._at = now

    def finish(self, now: float) -> None:
        """The scenario is over."""
        self.settle(now)
        for name, lane in self.lanes.items():
            lane.fill(self._since[name], now, self._states[name])

    def state(self, condition: Condition) -> State:
        """How a path in this condition is for users of this policy."""
        if condition.loss >= 1 or condition.missing >= 1 or condition.witness is Verdict.DOWN:
            return State.DEAD
        latency = self._policy.health.latency
        slow = latency is not None and condition.extra_ms > ALLOWED * latency.worse_by_ms
        most_ms = None if latency is None else latency.jitter_worse_by_ms
        varies = most_ms is not None and condition.jitter_ms > ALLOWED * most_ms
        short = condition.missing > self._policy.health.prefixes.missing_percent / 100
        said = condition.witness is not Verdict.UP
        return State.POOR if condition.loss or slow or varies or short or said else State.WELL

    def _carry(self, running: Assignment) -> None:
        for name, account in self.accounts.items():
            links = sorted(link for link in primaries(running.get(name, {})) if not self._world.is_gone(link))
            self._carriers[name] = tuple(links)
            upstreams = tuple(dict.fromkeys(self._policy.links[link].upstream for link in links))
            if not account.carried or account.carried[-1][1] != upstreams:
                account.carried.append((self._at, upstreams))

    def _is_false(self, name: str, was: tuple[str, ...], now_on: tuple[str, ...], now: float) -> bool:
        left = set(was) - set(now_on)
        if not left or self._place(name, now_on) < self._place(name, was):
            return False  # nothing was left, or it went home
        lately = now - self._policy.health.recover_s
        return all(self._states[link] is State.WELL and self._ill_until[link] < lately for link in left)

    def _place(self, name: str, links: tuple[str, ...]) -> int:
        prefer = self._policy.classes[name].upstreams
        return min((prefer.index(self._policy.links[link].upstream) for link in links), default=len(prefer))
