"""Paths that carry too much: which class makes room, and for which reason.

The least important class that fits elsewhere makes room, one at a time: then it is seen what that brings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from controller.core.explain import duration
from controller.core.model import Reason, TrafficClass, members
from controller.core.rules import capacity, eligibility, preference
from controller.core.rules.claims import Claims
from controller.core.rules.eligibility import Option
from controller.core.rules.snapshot import Snapshot, as_seen_by
from controller.core.shares import SETTLE_S

HELD_S = 60.0  # full for this long: shorter peaks are nobody's business


@dataclass(frozen=True, slots=True)
class Trouble:
    """Too much goes over some upstreams."""

    subject: str
    upstreams: frozenset[str]
    why: str
    due_at: float  # when something is to be done, if it lasts


@dataclass(frozen=True, slots=True)
class Relief:
    """What is to be done about all that carries too much."""

    claims: Claims  # with who makes room
    notices: tuple[Reason, ...] = ()  # where nobody can
    again_at: float | None = None


def relieve(view: Snapshot, classes: Mapping[str, TrafficClass], claims: Claims) -> Relief:
    """Choose who makes room. ``classes`` prefer what they do now, ``claims`` are where they are."""
    if not claims.bounded:
        return Relief(claims)
    leaving: dict[str, str] = {}
    notices: list[Reason] = []
    later: list[float] = []
    for trouble in _troubles(view, claims):
        if trouble.due_at > view.now:
            later.append(trouble.due_at)
            continue
        there = _candidates(view, claims, trouble)
        chosen = next((name for name in there if _helps(view, classes, claims, name)), None)
        if chosen is None:
            text = f"{trouble.why}; no class that is there fits elsewhere"
            notices.append(Reason(capacity.RULE, trouble.subject, text))
        else:
            leaving.setdefault(chosen, trouble.why)
    told = replace(claims, leaving=leaving) if leaving else claims
    return Relief(told, tuple(notices), min(later, default=None))


def refuge(
    view: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], here: str, claims: Claims
) -> tuple[str, str] | None:
    """Where a class that makes room would go, and why it does; None where it does not, or nowhere."""
    why = claims.leaving.get(traffic_class.name)
    fitting = {name: option for name, option in _fitting(options).items() if name != here}
    chosen = None if why is None else preference.best(view, traffic_class, fitting)
    return None if why is None or chosen is None else (chosen, why)


def _fitting(options: dict[str, Option]) -> dict[str, Option]:
    return {
        name: option
        for name, option in options.items()
        if not option.fit.short and option.fail_back_at < math.inf
    }


def _troubles(view: Snapshot, claims: Claims) -> Iterator[Trouble]:
    settled_at = max(view.state.moved_at.values(), default=-math.inf) + SETTLE_S
    for name, since in sorted(view.traffic.full_since.items()):
        if name in view.policy.upstreams:
            for_s = duration(max(view.now - since, 0.0))
            why = f"{capacity.fullness(view, name)[1]}, for {for_s}"
            yield Trouble(name, frozenset((name,)), why, max(since + HELD_S, settled_at))
    if not claims.total:
        return
    everywhere = capacity.claimed(claims, claims.places)
    for limit in claims.limits:
        share = math.fsum(everywhere.get(name, 0.0) for name in sorted(limit.members)) / claims.total
        if share > limit.share * capacity.ROUNDING:
            why = f"{share:.0%} of all traffic depends on {limit.subject}, and {limit.share:.0%} may"
            yield Trouble(limit.subject, limit.members, why, settled_at)


def _candidates(view: Snapshot, claims: Claims, trouble: Trouble) -> list[str]:
    """The classes that could make room, the least important first, and of these the last of the policy."""
    there = [
        name
        for name in capacity.order(view.policy.classes)
        if trouble.upstreams.intersection(claims.places[name])
        and claims.demand.get(name)
        and name not in view.orders.pins
    ]
    return there[::-1]


def _helps(view: Snapshot, classes: Mapping[str, TrafficClass], claims: Claims, name: str) -> bool:
    """Whether the class fits elsewhere, beside all that is there."""
    moving = capacity.seen_by(replace(claims, leaving={name: ""}), classes, name)
    own = as_seen_by(view, classes[name])
    options = capacity.fitted(own, classes[name], eligibility.options(own, classes[name]), moving)
    places = claims.places[name]
    return any(not set(members(choice)) <= set(places) for choice in _fitting(options))
