"""From the chosen upstream to a placement for every link of a class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

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
    members,
)
from controller.core.rules.preference import queue
from controller.core.rules.snapshot import Snapshot, links_of, once

HEIGHT = {WITHDRAWN: 0, DRAINED: 1, BACKUP: 2, PRIMARY: 3}  # how much traffic a role invites

_role = cache(Placement)  # the same object for the same role: placements are compared by the thousand


@dataclass(frozen=True, slots=True)
class Placed:
    """Placements of one class, and the promotions that links must still earn."""

    wanted: dict[str, Placement]
    waiting: tuple[Held, ...]


def place(
    snapshot: Snapshot,
    traffic_class: TrafficClass,
    choice: str,
    *,
    carriers: frozenset[str] = frozenset(),
    awaited: frozenset[str] = frozenset(),
) -> Placed:
    """Every link's placement when ``choice`` carries the class, whatever the time.

    Links of the choice are primary, those of others backups in their queue, links that are down have
    the policy's role for that, those that people drain are drained unless nothing else carries the class,
    and upstreams the class does not name are withdrawn. A link that is not known to be sound is never
    promoted, only left alone or demoted; ``carriers`` are exempt, being the ground of the choice. Links of
    choices ``awaited``, to which the class will return once its time has come, are not made backups on the
    way: one change, not two. Links on unreachable routers stay as they are.
    """
    ranks = queue(snapshot.policy, traffic_class, choice)
    now = snapshot.placements(traffic_class)
    last = _last_path(snapshot, choice) & snapshot.carriers(traffic_class)
    wanted: dict[str, Placement] = {}
    waiting: dict[str, Held] = {}
    upstreams = traffic_class.prefer.upstreams
    waits = {name for each in awaited for name in members(each)}
    for owner, links in snapshot.links_of.items():
        kinds = _kinds(snapshot, owner)
        if owner not in upstreams:
            wanted |= {link: now[link] for link in links if link in now}
            wanted |= dict.fromkeys(kinds.reachable, _role(WITHDRAWN))
            continue
        rightful = _role(PRIMARY) if owner in members(choice) else _role(BACKUP, ranks[owner])
        wanted |= dict.fromkeys(kinds.dead, _role(snapshot.policy.when_down))
        wanted |= dict.fromkeys(kinds.sound, rightful)
        for link in (*kinds.others, *(kinds.sound if owner in waits else ())):
            before = now.get(link)
            if not snapshot.reachable(link):
                wanted |= {} if before is None else {link: before}
            elif snapshot.drained(link) and link not in last:
                wanted[link] = _role(DRAINED)
            elif owner in waits and before is not None:
                wanted[link] = _no_higher(snapshot, link, rightful, before, bool(now))
            else:
                doubt = None if link in carriers else unproven(snapshot, link, rightful)
                wanted[link] = (
                    rightful if doubt is None else _no_higher(snapshot, link, rightful, before, bool(now))
                )
                if doubt is not None and wanted[link] != rightful:
                    waiting[link] = _waits(snapshot, traffic_class, link, rightful, doubt)
    return Placed(
        {link: wanted[link] for link in snapshot.health if link in wanted},
        tuple(waiting[link] for link in sorted(waiting)),
    )


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The links of an upstream by what can be said of them whatever the class."""

    reachable: tuple[str, ...]
    dead: tuple[str, ...]  # and reachable
    sound: tuple[str, ...]  # nothing speaks against any role
    others: tuple[str, ...]  # to be looked at one by one


@once
def _kinds(snapshot: Snapshot, upstream: str) -> _Kinds:
    links = snapshot.links_of[upstream]
    reachable = tuple(link for link in links if snapshot.reachable(link))
    dead = tuple(link for link in reachable if snapshot.verdict(link) is Verdict.DOWN)
    sound = tuple(
        link
        for link in reachable
        if not snapshot.drained(link) and unproven(snapshot, link, _role(PRIMARY)) is None
    )
    known = {*dead, *sound}
    return _Kinds(reachable, dead, sound, tuple(link for link in links if link not in known))


def _waits(
    snapshot: Snapshot, traffic_class: TrafficClass, link: str, rightful: Placement, doubt: str
) -> Held:
    """The promotion that a link must still earn; until when, where time alone makes it."""
    serving = snapshot.verdict(link) is Verdict.UP and not snapshot.health[link].suspect
    at = snapshot.release[link]
    if rightful.role == PRIMARY:
        at = max(at, snapshot.swift_at(link))
    move = describe_link(link, snapshot.placements(traffic_class).get(link), rightful)
    return Held(traffic_class.name, move, f"{link} {doubt}", at if serving and at < math.inf else None)


def _last_path(snapshot: Snapshot, choice: str) -> frozenset[str]:
    """The choice's links that work, where people drain all of these: what carries does until others can."""
    works = [link for link in links_of(snapshot, choice) if snapshot.usable(link)]
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
        return _role(snapshot.policy.when_down)
    if installed and rightful.role == PRIMARY:
        return _role(BACKUP)  # a new link joins a class that is already carried only once it is known
    return rightful
