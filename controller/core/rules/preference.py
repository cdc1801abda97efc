"""Rule 3: who should carry this class? The operator's order, less what shares the failed thing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from controller.core.model import PRIMARY, Held, Reason, TrafficClass, Verdict
from controller.core.rules.eligibility import Option
from controller.core.rules.snapshot import Snapshot

RULE = "preference"


class Path(IntEnum):
    """State of what carries a class now: the best of its primary links."""

    UP = 0
    DEGRADED = 1
    UNKNOWN = 2
    DEAD = 3


PATH_OF = {
    Verdict.UP: Path.UP,
    Verdict.DEGRADED: Path.DEGRADED,
    Verdict.UNKNOWN: Path.UNKNOWN,
    Verdict.DOWN: Path.DEAD,
}


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The upstream that carries a class now, and by which links."""

    upstream: str
    links: tuple[str, ...]
    path: Path


def position(snapshot: Snapshot, traffic_class: TrafficClass, upstream: str) -> tuple[bool, int]:
    """Place in the queue, best first: those that share nothing with a failed one, then the operator's order.

    A preferred upstream counts as failed until it has served its clean time, not just while it is down:
    else the class would visit a third upstream on its way back.
    """
    place = traffic_class.prefer.index(upstream)
    if not traffic_class.backups_disjoint:
        return False, place
    risks = _risks(snapshot, upstream)
    return any(
        risks & _risks(snapshot, better) and _failed(snapshot, better)
        for better in traffic_class.prefer[:place]
    ), place


def _failed(snapshot: Snapshot, upstream: str) -> bool:
    links = snapshot.links_of.get(upstream, ())
    return bool(links) and all(snapshot.on_probation(link) for link in links)


def _risks(snapshot: Snapshot, upstream: str) -> frozenset[str]:
    known = snapshot.policy.upstreams.get(upstream)
    return known.shared_risk if known else frozenset()


def best(snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option]) -> str | None:
    """The upstream to choose if nothing else were to be considered, or None."""
    return min(
        options,
        key=lambda name: (options[name].standing, position(snapshot, traffic_class, name)),
        default=None,
    )


def better(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], than: str
) -> list[str]:
    """Upstreams that the operator prefers to a working one, best first.

    A working path is left only for one earlier in the operator's order, never merely to share less.
    """
    shares, place = position(snapshot, traffic_class, than)
    positions = {name: position(snapshot, traffic_class, name) for name in options}
    wanted = [name for name, (risky, at) in positions.items() if at < place and risky <= shares]
    return sorted(wanted, key=lambda name: positions[name])


def queue(snapshot: Snapshot, traffic_class: TrafficClass, active: str) -> dict[str, int]:
    """Backup rank of every upstream but the active one: the order in which they would be chosen.

    BGP itself follows these ranks when a session drops, before any decision, so they must agree with what
    would be decided: with ``backups_disjoint``, upstreams that share a risk with the active one come last.
    Health has no say, so that ranks change only when the active upstream does.
    """
    risks = _risks(snapshot, active) if traffic_class.backups_disjoint else frozenset()
    others = [name for name in traffic_class.prefer if name != active]
    ordered = sorted(others, key=lambda name: bool(_risks(snapshot, name) & risks))  # stable
    return {name: rank for rank, name in enumerate(ordered, start=1)}


def first_look(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], chosen: str
) -> Held | None:
    """At first contact: a preferred upstream that is still being looked at is worth a moment's wait.

    Verdicts arrive one by one after a start. Installing what happens to be known first would cost a
    fail-back minutes later. An upstream unknown for longer than a look takes is not waited for.
    """
    look_s = snapshot.policy.health.fresh_s + snapshot.policy.health.recover_s
    for upstream in traffic_class.prefer[: traffic_class.prefer.index(chosen)]:
        if upstream in options:
            continue
        links = [snapshot.health[link] for link in snapshot.links_of.get(upstream, ())]
        quiet = any(health.suspect and health.verdict is Verdict.UP for health in links)
        unknown = [health.since + look_s for health in links if health.verdict is Verdict.UNKNOWN]
        until = max(unknown, default=-math.inf)
        if quiet or until > snapshot.now:
            move, why = f"install on {chosen}", f"still looking at {upstream}"
            return Held(traffic_class.name, move, why, None if quiet else until)
    return None


def incumbent(snapshot: Snapshot, traffic_class: TrafficClass) -> Incumbent | None:
    """The upstream that carries the class now; None where nothing is known to.

    Several upstreams have primary links after a push that got only half way, or while a router cannot be
    reached: the one in the best state is taken. Where no primary link is seen, but links on unreachable
    routers are not seen at all, those are presumed to carry.
    """
    placed = snapshot.placements(traffic_class)
    carrying: dict[str, list[str]] = {}
    presumed: dict[str, list[str]] = {}
    for upstream in traffic_class.prefer:
        for link in snapshot.links_of.get(upstream, ()):
            if link not in placed and not snapshot.reachable(link):
                presumed.setdefault(upstream, []).append(link)
            elif link in placed and placed[link].role == PRIMARY:
                carrying.setdefault(upstream, []).append(link)
    found = [
        Incumbent(upstream, tuple(links), _path(snapshot, links))
        for upstream, links in (carrying or presumed).items()
    ]

    def order(one: Incumbent) -> tuple[Path, bool, tuple[bool, int]]:
        proven = any(not snapshot.on_probation(link) for link in one.links)
        return one.path, not proven, position(snapshot, traffic_class, one.upstream)

    return min(found, key=order, default=None)


def _path(snapshot: Snapshot, links: Iterable[str]) -> Path:
    return min(PATH_OF[snapshot.verdict(link)] for link in links)


def reasons(snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option]) -> list[Reason]:
    """Which upstreams could carry the class, in the order they would be chosen, and which are passed over."""
    ordered = sorted(
        options, key=lambda name: (options[name].standing, position(snapshot, traffic_class, name))
    )
    told = ", ".join(f"{name} ({options[name].standing.name.lower()})" for name in ordered) or "none"
    found = [Reason(RULE, traffic_class.name, f"possible destinations, best first: {told}")]
    found += [
        Reason(RULE, traffic_class.name, f"{name} shares a risk with a failed upstream: last in the queue")
        for name in ordered
        if position(snapshot, traffic_class, name)[0]
    ]
    return found
