"""Rule 4: will it fit? Classes are given room in the order of their importance, then of the policy.

What does not fit ranks behind what does. It is a reason against a move by choice, never against leaving a
dead path; and of what is not known, nothing is held against anybody.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from controller.core.explain import filling
from controller.core.model import PRIMARY, Placement, Policy, Reason, Traffic, TrafficClass, Verdict, members
from controller.core.rules.claims import FITS, NO_CLAIMS, Claims, Fit, Limit
from controller.core.rules.eligibility import Option
from controller.core.rules.snapshot import Snapshot, once

RULE = "capacity"
ROUNDING = 1 + 1e-9
SPARE_BURSTS = 12  # an hour of five-minute averages: with fewer left, the commit counts as reached

Lack = tuple[float, str]  # how much is lacking, and what


# --- who claims what ----------------------------------------------------------------------------


def bounded(policy: Policy) -> bool:
    """Whether the policy says anything of capacity, dependence or cost."""
    return (
        bool(policy.limits.dependence)
        or any(each.capacity_bps is not None or each.cost is not None for each in policy.upstreams.values())
        or any(each.capacity_bps is not None for each in policy.links.values())
    )


def demands(policy: Policy, traffic: Traffic) -> dict[str, float]:
    """What each class will carry: its peak of the last hour, else what is expected; unknown: missing."""
    known = {name: traffic.classes.get(name, each.load_bps) for name, each in policy.classes.items()}
    return {name: bps for name, bps in known.items() if bps is not None}


def order(classes: Mapping[str, TrafficClass]) -> list[str]:
    """The classes in the order in which they are given room."""
    return sorted(classes, key=lambda name: -classes[name].importance)  # stable


def begin(view: Snapshot) -> Claims:
    """What every class claims where it is now."""
    policy = view.policy
    if not bounded(policy):
        return NO_CLAIMS
    demand = demands(policy, view.traffic)
    return Claims(
        demand=demand,
        places={name: carriers(view, view.current[name]) for name in policy.classes},
        total=math.fsum(demand.values()) if len(demand) == len(policy.classes) else None,
        limits=tuple(
            Limit(subject, policy.subject(subject), share)
            for subject, share in sorted(policy.limits.dependence.items())
        ),
        bounded=True,
    )


def seen_by(claims: Claims, classes: Mapping[str, TrafficClass], name: str) -> Claims:
    """The claims with those of others that this class is to respect.

    Less important classes must make room; only one that makes room itself has to respect them.
    """
    if not claims.bounded:
        return claims
    least = -math.inf if name in claims.leaving else classes[name].importance
    others = [each for each in claims.places if each != name and classes[each].importance >= least]
    return replace(claims, at=claimed(claims, others))


def claimed(claims: Claims, names: Iterable[str]) -> dict[str, float]:
    """What these classes claim of each upstream."""
    at: dict[str, list[float]] = {}
    for name in names:
        places = claims.places[name]
        for upstream in places:
            at.setdefault(upstream, []).append(claims.demand.get(name, 0.0) / len(places))
    return {upstream: math.fsum(parts) for upstream, parts in at.items()}


def after(view: Snapshot, claims: Claims, name: str, placements: Mapping[str, Placement]) -> Claims:
    """The claims once it is decided where this class goes."""
    if not claims.bounded:
        return claims
    return replace(claims, places={**claims.places, name: carriers(view, placements)})


def carriers(view: Snapshot, placements: Mapping[str, Placement]) -> tuple[str, ...]:
    """The upstreams that carry a class so placed, dead links aside."""
    found = {
        view.policy.links[link].upstream
        for link, placed in placements.items()
        if placed.role == PRIMARY and view.verdict(link) is not Verdict.DOWN
    }
    return tuple(sorted(found))


# --- what fits ----------------------------------------------------------------------------------


def fitted(
    view: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], claims: Claims
) -> dict[str, Option]:
    """The options with how well the class would fit on each."""
    if not claims.bounded:
        return options
    return {
        name: replace(option, fit=fit(view, traffic_class, name, claims)) for name, option in options.items()
    }


def fit(view: Snapshot, traffic_class: TrafficClass, choice: str, claims: Claims) -> Fit:
    """How well the class would fit there, beside what those who come first claim."""
    upstreams = [name for name in members(choice) if name in view.policy.upstreams]
    if not claims.bounded or not upstreams:
        return FITS
    demand = claims.demand.get(traffic_class.name)
    costs = [view.policy.upstreams[name].cost for name in upstreams]
    per_mbps = max((cost.per_mbps for cost in costs if cost), default=0.0)
    if demand is None:
        return Fit(price=(False, per_mbps))
    here = claims.places.get(traffic_class.name, ())
    lacks, beyond, dear = _dependence(claims, upstreams, demand), False, []
    for name, cost in zip(upstreams, costs, strict=True):
        part = demand / len(upstreams)
        would = claims.at.get(name, 0.0) + view.traffic.others.get(name, 0.0) + part
        lacks += _room(view, name, would)
        lacks += _full(view, name, part) if name not in here else []
        if cost is not None and would > cost.commit_bps * ROUNDING:
            beyond = True
            if _avoids(view, name):
                told = filling(would, cost.commit_bps)
                dear.append(f"{name} would bill beyond its commit: it would carry {told}")
    return Fit(
        short=bool(lacks),
        lack_bps=math.fsum(lack for lack, _ in lacks),
        dear=bool(dear),
        why="; ".join([*(why for _, why in lacks), *dear]),
        price=(beyond, per_mbps),
    )


def _room(view: Snapshot, upstream: str, would: float) -> list[Lack]:
    capacity = usable_bps(view.policy, upstream, _alive(view, upstream))
    if capacity is None or would <= capacity * ROUNDING:
        return []
    return [(would - capacity, f"{upstream} has no room: it would carry {filling(would, capacity)}")]


def _full(view: Snapshot, upstream: str, part: float) -> list[Lack]:
    """What is measured to be full takes nobody in, whatever is forecast."""
    if upstream not in view.traffic.full_since:
        return []
    excess, why = fullness(view, upstream)
    return [(excess + part, why)]


def fullness(view: Snapshot, upstream: str) -> Lack:
    """How much too much is on it, and what is full: ``edge1-georgia is full: it carries 9.5 of 9 Gbit/s``."""
    policy, measured = view.policy, view.traffic.links
    free = 1 - policy.limits.headroom
    links = view.links_of[upstream]
    parts = [(link, measured.get(link, 0.0), policy.links[link].capacity_bps) for link in links]
    total = math.fsum(bps for _, bps, _ in parts)
    found = [
        (bps - capacity * free, f"{name} is full: it carries {filling(bps, capacity * free)}")
        for name, bps, capacity in (*parts, (upstream, total, policy.upstreams[upstream].capacity_bps))
        if capacity is not None and bps > capacity * free
    ]
    return max(found, default=(0.0, f"{upstream} is full"))


def _dependence(claims: Claims, upstreams: Collection[str], demand: float) -> list[Lack]:
    found: list[Lack] = []
    for limit in claims.limits:
        shared = len(limit.members.intersection(upstreams)) / len(upstreams)
        if not claims.total or not shared:
            continue
        would = math.fsum([demand * shared, *(claims.at.get(each, 0.0) for each in sorted(limit.members))])
        if would > limit.share * claims.total * ROUNDING:
            share, most = would / claims.total, limit.share
            why = f"{share:.0%} of all traffic would depend on {limit.subject}, and {most:.0%} may"
            found.append((would - limit.share * claims.total, why))
    return found


def _avoids(view: Snapshot, upstream: str) -> bool:
    left = view.traffic.bursts.get(upstream)
    return view.policy.limits.avoid_over_commit and left is not None and left < SPARE_BURSTS


@once
def _alive(view: Snapshot, upstream: str) -> tuple[str, ...]:
    return tuple(link for link in view.links_of.get(upstream, ()) if view.verdict(link) is not Verdict.DOWN)


def usable_bps(policy: Policy, upstream: str, alive: Iterable[str]) -> float | None:
    """What the upstream may carry over those of its links that are alive, less headroom; None: not known."""
    parts = [policy.links[link].capacity_bps for link in alive]
    known = [each for each in parts if each is not None]
    together = math.fsum(known) if parts and len(known) == len(parts) else None
    bounds = [each for each in (policy.upstreams[upstream].capacity_bps, together) if each is not None]
    return min(bounds) * (1 - policy.limits.headroom) if bounds else None


def crowded(
    policy: Policy, traffic: Traffic, carried: Mapping[str, tuple[str, ...]], alive: Collection[str]
) -> list[str]:
    """Upstreams that would carry more than they should: ``iran would carry 60 of 18 Gbit/s``.

    ``carried``: class -> upstreams; ``alive``: the links that work.
    """
    claims = Claims(demand=demands(policy, traffic), places=carried)
    found = []
    for upstream, claim in sorted(claimed(claims, carried).items()):
        would = claim + traffic.others.get(upstream, 0.0)
        links = [link.name for link in policy.links_of(upstream) if link.name in alive]
        capacity = usable_bps(policy, upstream, links)
        if capacity is not None and would > capacity * ROUNDING:
            found.append(f"{upstream} would carry {filling(would, capacity)}")
    return found


# --- what follows -------------------------------------------------------------------------------


def objections(
    view: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], here: str, claims: Claims
) -> dict[str, str]:
    """Choices to which the class is not moved by choice, and why: it fits no better than where it is."""
    bad = {name: each.fit for name, each in options.items() if each.fit.short or each.fit.dear}
    if not bad:
        return {}
    own = fit(view, traffic_class, here, claims)
    return {name: each.why for name, each in bad.items() if name != here and each >= own}


def reasons(traffic_class: TrafficClass, options: dict[str, Option], claims: Claims) -> list[Reason]:
    """What speaks against destinations, in figures."""
    name = traffic_class.name
    if not claims.bounded:
        return []
    if name not in claims.demand:
        return [Reason(RULE, name, "what it carries is not known, so nothing is held to be too small for it")]
    return [Reason(RULE, name, each.fit.why) for each in options.values() if each.fit.why]
