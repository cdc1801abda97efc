"""From the chosen upstream to a placement for every link of a class."""

from __future__ import annotations

import math
from dataclasses import dataclass

from controller.core.explain import describe_link, duration
from controller.core.model import (
    BACKUP,
    DRAINED,
    PRIMARY,
    WITHDRAWN,
    Delay,
    Held,
    Placement,
    TrafficClass,
    Verdict,
)
from controller.core.rules.preference import queue
from controller.core.rules.snapshot import Snapshot
from controller.core.stability import primaries

HEIGHT = {WITHDRAWN: 0, DRAINED: 1, BACKUP: 2, PRIMARY: 3}  # how much traffic a role invites


@dataclass(frozen=True, slots=True)
class Placed:
    """Placements of one class, and the promotions that links must still earn."""

    wanted: dict[str, Placement]
    waiting: tuple[Held, ...]


def place(
    snapshot: Snapshot,
    traffic_class: TrafficClass,
    upstream: str,
    *,
    carriers: frozenset[str] = frozenset(),
    awaited: frozenset[str] = frozenset(),
) -> Placed:
    """Every link's placement when ``upstream`` carries the class, whatever the time.

    Links of the upstream are primary, those of others backups in their queue, links that are down have
    the policy's role for that, those that people drain are drained unless nothing else carries the class,
    and upstreams the class does not name are withdrawn. A link that is not known to be sound is never
    promoted, only left alone or demoted; ``carriers`` are exempt, being the ground of the choice. Links of
    upstreams ``awaited``, to which the class will return once its time has come, are not made backups on the
    way: one change, not two. Links on unreachable routers stay as they are.
    """
    ranks = queue(snapshot.policy, traffic_class, upstream)
    now = snapshot.placements(traffic_class)
    last = _last_path(snapshot, upstream) & primaries(now)
    wanted: dict[str, Placement] = {}
    waiting: list[Held] = []
    for name in snapshot.health:  # every link, by name
        owner = snapshot.policy.links[name].upstream
        before = now.get(name)
        if not snapshot.reachable(name):
            if before is not None:
                wanted[name] = before
            continue
        out = _out_of_use(snapshot, name, traffic_class)
        if out is not None and name not in last:
            wanted[name] = out
            continue
        rightful = Placement(PRIMARY) if owner == upstream else Placement(BACKUP, ranks[owner])
        wanted[name] = rightful
        if owner in awaited and before is not None:
            wanted[name] = _no_higher(snapshot, name, rightful, before, bool(now))
            continue
        doubt = None if name in carriers else unproven(snapshot, name, rightful)
        if doubt is not None:
            wanted[name] = _no_higher(snapshot, name, rightful, before, bool(now))
            if wanted[name] != rightful:
                serving = snapshot.verdict(name) is Verdict.UP and not snapshot.health[name].suspect
                at = snapshot.release[name]
                if rightful.role == PRIMARY:
                    at = max(at, snapshot.swift_at(name))
                until = at if serving and at < math.inf else None  # else time alone helps nothing
                move = describe_link(name, before, rightful)
                waiting.append(Held(traffic_class.name, move, f"{name} {doubt}", until))
    return Placed(wanted, tuple(waiting))


def _out_of_use(snapshot: Snapshot, link: str, traffic_class: TrafficClass) -> Placement | None:
    """The placement of a link that is to carry nothing, whoever carries the class; None for any other."""
    if snapshot.policy.links[link].upstream not in traffic_class.prefer:
        return Placement(WITHDRAWN)
    if snapshot.verdict(link) is Verdict.DOWN:
        return Placement(snapshot.policy.when_down)
    return Placement(DRAINED) if snapshot.drained(link) else None


def _last_path(snapshot: Snapshot, upstream: str) -> frozenset[str]:
    """The upstream's links that work, where people drain all of these: what carries does until others can."""
    works = [link for link in snapshot.links_of.get(upstream, ()) if snapshot.usable(link)]
    return frozenset(works) if all(snapshot.drained(link) for link in works) else frozenset()


def unproven(snapshot: Snapshot, link: str, rightful: Placement) -> str | None:
    """Why a link may not be promoted, to follow its name in a sentence; None if it may."""
    health = snapshot.health[link]
    if health.verdict is not Verdict.UP:
        return f"is {health.verdict} ({health.why})"
    if health.suspect:
        return "has gone quiet"
    if snapshot.on_probation(link):
        return probation(snapshot, link)
    if rightful.role != PRIMARY or snapshot.swift_at(link) <= snapshot.now:
        return None
    return swift_again(snapshot, link)


def probation(snapshot: Snapshot, link: str) -> str:
    """``is up again but clean for only 12 s of 60 s``."""
    clean_s = snapshot.clean_s(link)
    needed_s = snapshot.release[link] - snapshot.now + clean_s
    return f"is up again but clean for only {duration(clean_s)} of {duration(needed_s)}"


def swift_again(snapshot: Snapshot, link: str) -> str:
    """``is as fast as usual again, but for only 12 s of 60 s``, or that it is slow."""
    health = snapshot.health[link]
    if health.delay is not Delay.USUAL:
        return f"is slower than usual ({health.delay_why})"
    swift_s = snapshot.swift_s(link)
    needed_s = snapshot.swift_at(link) - snapshot.now + swift_s
    return f"is as fast as usual again, but for only {duration(swift_s)} of {duration(needed_s)}"


def _no_higher(
    snapshot: Snapshot, link: str, rightful: Placement, before: Placement | None, installed: bool
) -> Placement:
    """The placement of a link that may not be promoted."""
    if before is not None:
        higher = HEIGHT[rightful.role] > HEIGHT.get(before.role, 0)
        return before if higher else rightful
    if snapshot.on_probation(link) and snapshot.verdict(link) is Verdict.UP:
        return Placement(snapshot.policy.when_down)
    if installed and rightful.role == PRIMARY:
        return Placement(BACKUP)  # a new link joins a class that is already carried only once it is known
    return rightful
