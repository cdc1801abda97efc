"""What every rule looks at: one immutable snapshot of policy, health, memory and the routers."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from controller.core.model import (
    NOTHING_KNOWN,
    Assignment,
    ControlState,
    Delay,
    Health,
    LinkMemory,
    Moment,
    Placement,
    Policy,
    Traffic,
    TrafficClass,
    Verdict,
    Window,
    members,
)
from controller.core.rules import fitness
from controller.core.rules.people import NONE, Orders
from controller.core.stability import primaries, ready_at, swift_at

USABLE = frozenset({Verdict.UP, Verdict.DEGRADED})

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment. ``health`` has every link of the policy; ``links_of`` is sorted by name."""

    policy: Policy
    health: Mapping[str, Health]
    state: ControlState  # memories already brought up to this moment
    now: float
    current: Assignment  # every class of the policy, only links that it still knows
    unreachable: frozenset[str]  # routers that cannot be changed now
    links_of: Mapping[str, tuple[str, ...]]  # upstream -> its links
    hit: frozenset[str] = frozenset()  # shared risks that seem to have struck
    orders: Orders = NONE
    windows: Mapping[str, Window] = field(default_factory=dict)
    traffic: Traffic = NOTHING_KNOWN
    unfit: Mapping[str, str] = field(default_factory=dict)  # link -> why it is not good enough for this class
    found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # see ``once``

    def verdict(self, link: str) -> Verdict:
        """The verdict on a link."""
        return self.health[link].verdict

    def reachable(self, link: str) -> bool:
        """Whether the link's router can be changed."""
        return self.policy.links[link].router not in self.unreachable

    def usable(self, link: str) -> bool:
        """Known to carry traffic, well or badly."""
        return self.verdict(link) in USABLE

    def destination(self, link: str) -> bool:
        """Whether traffic may be moved there: known to work, beyond doubt, ours to change, not drained."""
        health = self.health[link]
        works = self.usable(link) and not health.suspect and not health.stale
        return works and self.reachable(link) and not self.drained(link)

    def drained(self, link: str) -> bool:
        """Whether people want nothing on it."""
        return link in self.orders.drains

    def doubt(self, choice: str) -> str | None:
        """Why a choice that is up is no place to move to now: each of its links may be bad too."""
        links = [
            link
            for link in links_of(self, choice)
            if self.destination(link) and self.verdict(link) is Verdict.UP
        ]
        doubts = [(link, self.health[link].doubt) for link in links]
        first = next(iter(doubts), None)
        return None if first is None or not all(why for _, why in doubts) else f"{first[0]} {first[1]}"

    def in_brownout(self, link: str) -> bool:
        """Slower than usual for long enough that others are preferred."""
        return self.health[link].delay is Delay.BROWNOUT

    def swift_at(self, link: str) -> float:
        """From when on it is known to be as fast as usual; infinite while it is slow."""
        if self.health[link].delay is not Delay.USUAL:
            return math.inf
        return swift_at(self.policy.stability, self.state.links.get(link, LinkMemory()))

    def has_failed(self, link: str) -> bool:
        """Failing now, or not so long ago that it is forgotten."""
        memory = self.state.links.get(link)
        return memory is not None and (memory.clean_since is None or memory.last_failure is not None)

    def on_probation(self, link: str) -> bool:
        """Failed, and not clean for long enough since (which includes: failing now)."""
        return self.has_failed(link) and self.release.get(link, math.inf) > self.now

    def clean_s(self, link: str) -> float:
        """How long the link has been clean, 0 while it is not."""
        memory = self.state.links.get(link)
        return 0.0 if memory is None or memory.clean_since is None else self.now - memory.clean_since

    def swift_s(self, link: str) -> float:
        """How long ago its last brownout ended; infinite where none is remembered."""
        memory = self.state.links.get(link)
        return (
            math.inf if memory is None or memory.brownout_ended is None else self.now - memory.brownout_ended
        )

    def evidence(self, links: Iterable[str]) -> str:
        """Why links are judged as they are, or why they are in brownout; the first in full."""
        first, *more = sorted(links)
        health = self.health[first]
        why = health.why
        if first in self.unfit and self.usable(first):
            why = self.unfit[first]
        elif health.verdict is Verdict.UP and self.in_brownout(first):
            why = health.delay_why
        return f"{first}: {why}; {len(more)} more likewise" if more else why

    @property
    def release(self) -> Mapping[str, float]:
        """When the clean time of each link is over."""
        return _releases(self)

    def carriers(self, traffic_class: TrafficClass) -> frozenset[str]:
        """The links that are seen to carry a class now."""
        key = (primaries, traffic_class.name)
        if key not in self.found:
            self.found[key] = primaries(self.current[traffic_class.name])
        known: frozenset[str] = self.found[key]
        return known

    def once_moved(self, state: ControlState, current: Assignment) -> Snapshot:
        """The same moment with a move made and booked.

        What was found ``once`` still holds: it depends on links and their memory, which a move leaves alone.
        """
        moved = replace(self, state=state, current=current)
        known = {key: answer for key, answer in self.found.items() if key[0] not in (primaries, as_seen_by)}
        moved.found.update(known)
        return moved

    def placements(self, traffic_class: TrafficClass) -> Mapping[str, Placement]:
        """What the routers run for a class now."""
        return self.current[traffic_class.name]


def once(rule: Callable[Concatenate[Snapshot, P], T]) -> Callable[Concatenate[Snapshot, P], T]:
    """Find an answer that is the same for every class once a moment, however many classes ask.

    The rule's arguments must be hashable. Its answer is shared: it must not be changed.
    """

    @wraps(rule)
    def asked(snapshot: Snapshot, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (rule, args, *kwargs.items())
        if key not in snapshot.found:
            snapshot.found[key] = rule(snapshot, *args, **kwargs)
        answer: T = snapshot.found[key]
        return answer

    return asked


@once
def links_of(snapshot: Snapshot, choice: str) -> tuple[str, ...]:
    """The links of a choice, by name."""
    return tuple(sorted(link for name in members(choice) for link in snapshot.links_of.get(name, ())))


def as_seen_by(snapshot: Snapshot, traffic_class: TrafficClass) -> Snapshot:
    """The moment under the rules that this class has of its own; the same for classes with the same rules."""
    rules = (traffic_class.stability, traffic_class.when_down, traffic_class.require)
    if not any(rules):
        return snapshot
    key = (as_seen_by, rules, traffic_class.name if traffic_class.require else "")
    if key not in snapshot.found:
        common = snapshot.policy.stability
        policy = replace(
            snapshot.policy,
            stability=replace(
                traffic_class.stability or common,  # whose budgets are those of all classes together
                changes_per_hour=common.changes_per_hour,
                escapes_per_hour=common.escapes_per_hour,
            ),
            when_down=traffic_class.when_down or snapshot.policy.when_down,
        )
        snapshot.found[key] = replace(
            snapshot,
            policy=policy,
            unfit=fitness.unfit(policy, traffic_class, snapshot.health, snapshot.state),
        )
    own: Snapshot = snapshot.found[key]
    return own


def take(policy: Policy, moment: Moment) -> Snapshot:
    """A snapshot of this moment, whose health must have every link, and whose state must be up to date."""
    links_of: dict[str, list[str]] = {name: [] for name in policy.upstreams}
    for name in sorted(policy.links):
        links_of.setdefault(policy.links[name].upstream, []).append(name)
    known = {name: _known(policy, (moment.current or {}).get(name, {})) for name in policy.classes}
    return Snapshot(
        policy=policy,
        health=moment.health,
        state=moment.state,
        now=moment.now,
        current=known,
        unreachable=moment.unreachable,
        links_of={name: tuple(links) for name, links in links_of.items()},
        windows=moment.windows,
        traffic=moment.traffic,
    )


def _known(policy: Policy, placed: Mapping[str, Placement]) -> Mapping[str, Placement]:
    """By name, without links that the policy has not."""
    return {link: placed[link] for link in sorted(placed.keys() & policy.links.keys())}


def complete(policy: Policy, health: Mapping[str, Health]) -> dict[str, Health]:
    """Health of every link of the policy by name; a link that nobody reports on is unknown."""
    nothing = -math.inf  # never reported: nothing to wait for
    return {
        name: health.get(name) or Health(name, Verdict.UNKNOWN, nothing, "no measurements")
        for name in sorted(policy.links)
    }


@once
def _releases(snapshot: Snapshot) -> dict[str, float]:
    return {
        link: at
        for links in snapshot.links_of.values()
        for link, at in _release(snapshot.policy, snapshot.health, snapshot.state, links)
    }


def _release(
    policy: Policy, health: Mapping[str, Health], state: ControlState, links: Sequence[str]
) -> list[tuple[str, float]]:
    """When each link of an upstream has served its clean time.

    Links that failed together come back within moments of each other. A link waits for siblings that
    follow within ``recover_s``, so that one fault costs one change on the way back, not one a link.
    """
    rule = policy.stability
    own = {link: ready_at(rule, state.links.get(link, LinkMemory())) for link in links}
    recovering = sorted(
        own[link]
        for link in links
        if health[link].verdict is Verdict.UP
        and not health[link].suspect
        and state.links.get(link, LinkMemory()).last_failure is not None
    )
    out: list[tuple[str, float]] = []
    for link, at in own.items():
        follows = bisect_right(recovering, at + policy.health.recover_s)
        together = recovering[follows - 1] if follows and at < math.inf else at
        out.append((link, max(at, together)))
    return out
