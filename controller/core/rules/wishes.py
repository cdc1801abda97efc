"""Rule 3, of a class that is carried: which routine moves are worth making, time aside."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from controller.core.explain import duration
from controller.core.model import LinkMemory, MoveKind, TrafficClass, Verdict
from controller.core.rules.brownout import no_gain
from controller.core.rules.capacity import objections
from controller.core.rules.claims import NO_CLAIMS, Claims
from controller.core.rules.congestion import refuge
from controller.core.rules.eligibility import Option, Standing
from controller.core.rules.people import told
from controller.core.rules.placement import probation, swift_again
from controller.core.rules.preference import Incumbent, Path, best, better, earlier, order, path
from controller.core.rules.snapshot import Snapshot, links_of
from controller.core.rules.turns import turn


@dataclass(frozen=True, slots=True)
class Leave:
    """A routine move that would be right: where to, why, and when the destination is clean enough."""

    choice: str
    kind: MoveKind
    why: str  # said of the move
    due: str  # said when only the class's own clocks hold it
    waits: str  # said while the destination is not clean enough
    clean_at: float


def wish(
    snapshot: Snapshot,
    traffic_class: TrafficClass,
    options: dict[str, Option],
    active: Incumbent,
    claims: Claims = NO_CLAIMS,
) -> tuple[Leave, ...]:
    """Routine moves worth making, time aside. Only the first is to be made; the rest are worth a word.

    One to where the class does not fit is not made; where the class is to make room, it is moved for that.
    """
    wanted = _wanted(snapshot, traffic_class, options, active)
    small = objections(snapshot, traffic_class, options, active.choice, claims)
    held = [leave for leave in wanted if leave.choice in small and leave.kind is not MoveKind.ORDERED]
    if held:
        told = [replace(leave, waits=small[leave.choice], clean_at=math.inf) for leave in held]
        fitting = {name: option for name, option in options.items() if name not in small}
        wanted = (*told, *_wanted(snapshot, traffic_class, fitting, active))
    found = refuge(snapshot, traffic_class, options, active.choice, claims)
    if found is None or active.path not in (Path.UP, Path.BROWNOUT):
        return wanted
    name, why = found
    if any(leave.choice == name for leave in wanted):
        return wanted
    waits = _clean_text(snapshot, name, options[name])
    due = f"{why}; {name} has room"
    return *wanted, Leave(name, MoveKind.LEFT, why, due, waits, options[name].fail_back_at)


def _wanted(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], active: Incumbent
) -> tuple[Leave, ...]:
    """Routine moves that health, preference and people ask for.

    A lossy path, or one that is not good enough for the class, is left for whatever is up, unless its loss
    seems to be over; one in brownout for what is up, not in one, and preferred or faster. A good one is left
    only for a choice that the operator prefers.
    One that will be clean within ``recover_s`` is waited for rather than visiting another first. Where all
    that are preferred are slow, it is worth a word that they are. What people order comes before all that.
    """
    now = snapshot.now
    ordered = _ordered(snapshot, traffic_class, options, active)
    if ordered is not None:
        return ordered
    own = options.get(active.choice)
    healed = own is not None and own.standing is Standing.READY  # a sibling that is up joins the primaries
    if active.path in (Path.DEGRADED, Path.UNFIT) and not healed:
        return _refuge(snapshot, traffic_class, options, active)
    if active.path is Path.BROWNOUT and not healed:
        return _swifter(snapshot, traffic_class, options, active)
    preferred = [
        _return(snapshot, options[name], name, _passed_over(snapshot, traffic_class, options, name))
        for name in better(snapshot, traffic_class, options, active.choice)
        if options[name].refuge_at < math.inf
    ]
    preferred.sort(key=lambda leave: leave.clean_at == math.inf)  # stable
    due_at = max(now, turn(snapshot, traffic_class)[0])  # what is clean by then is as good as clean
    soon = [leave for leave in preferred if leave.clean_at <= due_at + snapshot.policy.health.recover_s]
    if not soon:
        return tuple(preferred[:1])
    return (soon[0], *(leave for leave in preferred[:1] if leave is not soon[0]))


def _refuge(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], active: Incumbent
) -> tuple[Leave, ...]:
    """The best place to leave a path for that loses packets, or is not good enough for the class."""
    refuges = sorted(
        (
            max(option.refuge_at, snapshot.now),
            option.standing is Standing.DOUBTFUL,
            option.standing is Standing.BROWNOUT,
            order(snapshot, traffic_class, name),
            name,
        )
        for name, option in options.items()
        if name != active.choice and option.refuge_at < math.inf
    )
    lossy = active.path is Path.DEGRADED
    fades = lossy and all(snapshot.health[link].fades for link in _degraded(snapshot, active))
    bad = "degraded" if lossy else "not good enough"
    return tuple(
        Leave(
            choice=name,
            kind=MoveKind.LEFT,
            why=f"{active.choice} is {bad} ({snapshot.evidence(active.links)})",
            due=f"{name} is up",
            waits=f"{active.choice} seems to be getting over it"
            if fades
            else _clean_text(snapshot, name, options[name]),
            clean_at=math.inf if fades else at,
        )
        for at, *_, name in refuges[:1]
    )


def _ordered(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], active: Incumbent
) -> tuple[Leave, ...] | None:
    """Moves that people ordered, or none where they want the class to stay; None: they want nothing of it.

    A drained path is left for whatever does not lose packets. A class is moved to what it is pinned to as
    soon as that carries, and stays there: what has failed since the order must be clean first, as ever.
    """
    pin = snapshot.orders.pins.get(traffic_class.name)
    drains = [snapshot.orders.drains[link] for link in active.links if snapshot.drained(link)]
    if active.path is Path.DRAINED:
        sound = {
            name: option
            for name, option in options.items()
            if name != active.choice and option.standing < Standing.UNFIT
        }
        # Its own other links first: one that works takes over from one that is drained.
        own = options.get(active.choice)
        stays = own is not None and own.standing < Standing.UNFIT
        place = active.choice if stays else best(snapshot, traffic_class, sound)
        why = told(drains[0])
        return () if place is None else (Leave(place, MoveKind.ORDERED, why, why, why, snapshot.now),)
    if pin is None:
        return None
    if active.choice == pin.upstream:
        return ()
    option = options.get(pin.upstream)
    if option is None or option.fail_back_at == math.inf:
        return None
    memories = [snapshot.state.links.get(link, LinkMemory()) for link in links_of(snapshot, pin.upstream)]
    known = not any(_failed_since(memory, pin.since) for memory in memories)  # all: whichever was fled from
    clean_at = snapshot.now if known else option.fail_back_at
    waits = _clean_text(snapshot, pin.upstream, option)
    return (Leave(pin.upstream, MoveKind.ORDERED, told(pin), told(pin), waits, clean_at),)


def _failed_since(memory: LinkMemory, since: float) -> bool:
    at = memory.last_failure
    return at is not None and (at > since or (at == since and memory.clean_since is None))


def _degraded(snapshot: Snapshot, active: Incumbent) -> list[str]:
    return [link for link in active.links if snapshot.verdict(link) is Verdict.DEGRADED]


def _return(snapshot: Snapshot, option: Option, choice: str, objection: str | None) -> Leave:
    return Leave(
        choice=choice,
        kind=MoveKind.WANTED,
        why=f"{choice} is preferred and has been clean for {duration(_clean_s(snapshot, option))}",
        due=f"{choice} is preferred and clean",
        waits=objection or _clean_text(snapshot, choice, option),
        clean_at=math.inf if objection else option.fail_back_at,
    )


def _passed_over(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], choice: str
) -> str | None:
    """Why a choice is passed over for a later one while a choice before it is in brownout, or None.

    What is not worth leaving the slow one for is not worth returning to from the one that was: else the
    class would go there by a detour.
    """
    for slow in earlier(traffic_class, choice):
        links = links_of(snapshot, slow)
        if not links or path(snapshot, links) is not Path.BROWNOUT:
            continue
        if choice in better(snapshot, traffic_class, options, slow):
            continue
        objection = no_gain(snapshot, links, options[choice].links)
        if objection:
            return f"{choice} is no better than {slow}, which is in brownout: {objection}"
    return None


def _swifter(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], active: Incumbent
) -> tuple[Leave, ...]:
    """The best choice to leave one in brownout for; where there is none, what speaks against the first."""
    now, own = snapshot.now, active.choice
    ordered = sorted(options, key=lambda name: order(snapshot, traffic_class, name))
    others = [name for name in ordered if name != own and options[name].fail_back_at < math.inf]
    preferred = better(snapshot, traffic_class, options, own)
    objections = {
        name: None if name in preferred else no_gain(snapshot, active.links, options[name].links)
        for name in others
    }
    leaves = [
        Leave(
            choice=name,
            kind=MoveKind.LEFT,
            why=f"{own} is in brownout ({snapshot.evidence(active.links)})",
            due=f"{name} is not",
            waits=f"{name} is no better: {objection}"
            if objection
            else _clean_text(snapshot, name, options[name]),
            clean_at=math.inf if objection else max(options[name].fail_back_at, now),
        )
        for name, objection in objections.items()
    ]
    soon = now + snapshot.policy.health.recover_s
    leaves.sort(key=lambda leave: leave.clean_at if leave.clean_at > soon else 0.0)  # stable
    return tuple(leaves[:1])


def _clean_s(snapshot: Snapshot, option: Option) -> float:
    return max(min(snapshot.clean_s(link), snapshot.swift_s(link)) for link in option.links)


def _clean_text(snapshot: Snapshot, choice: str, option: Option) -> str:
    link = min(option.links, key=lambda name: (max(snapshot.release[name], snapshot.swift_at(name)), name))
    if snapshot.swift_at(link) > max(snapshot.release[link], snapshot.now):
        return f"{choice} {swift_again(snapshot, link)}"
    if snapshot.has_failed(link):
        return f"{choice} {probation(snapshot, link)}"
    needed_s = snapshot.release[link] - snapshot.now + snapshot.clean_s(link)
    return f"{choice} is up but known for only {duration(snapshot.clean_s(link))} of {duration(needed_s)}"
