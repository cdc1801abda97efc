"""Rule 5: is it time? A dead path is left at once; everything else waits its turn.

Three clocks hold a routine move: the clean time of the place it goes to, the hold-down since the class
last moved, and the budget of the hour. An escape has its own budget, and no other clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.explain import describe_link, duration
from controller.core.model import PRIMARY, Held, LinkMemory, Placement, TrafficClass, Verdict
from controller.core.rules.brownout import no_gain
from controller.core.rules.eligibility import Option, Standing
from controller.core.rules.people import told
from controller.core.rules.placement import probation, swift_again
from controller.core.rules.preference import Incumbent, Path, best, better, path, position
from controller.core.rules.snapshot import Snapshot
from controller.core.stability import room_at

RULE = "stability"


@dataclass(frozen=True, slots=True)
class Leave:
    """A routine move that would be right: where to, why, and when the destination is clean enough."""

    upstream: str
    why: str  # said of the move
    due: str  # said when only the class's own clocks hold it
    waits: str  # said while the destination is not clean enough
    clean_at: float
    ordered: bool = False  # by people: no clock of the class holds it


def wish(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], active: Incumbent
) -> tuple[Leave, ...]:
    """Routine moves worth making, time aside. Only the first is to be made; the rest are worth a word.

    A lossy path is left for whatever is up, unless its loss seems to be over; one in brownout for what is up,
    not in one, and preferred or faster. A good one is left only for an upstream that the operator prefers.
    One that will be clean within ``recover_s`` is waited for rather than visiting another first. Where all
    that are preferred are slow, it is worth a word that they are. What people order comes before all that.
    """
    now = snapshot.now
    ordered = _ordered(snapshot, traffic_class, options, active)
    if ordered is not None:
        return ordered
    own = options.get(active.upstream)
    healed = own is not None and own.standing is Standing.READY  # a sibling that is up joins the primaries
    if active.path is Path.DEGRADED and not healed:
        refuges = sorted(
            (
                max(option.refuge_at, now),
                option.standing is Standing.DOUBTFUL,
                option.standing is Standing.BROWNOUT,
                place,
                name,
            )
            for name, option in options.items()
            if name != active.upstream and option.refuge_at < math.inf
            for place in [position(snapshot, traffic_class, name)]
        )
        fades = all(snapshot.health[link].fades for link in _degraded(snapshot, active))
        return tuple(
            Leave(
                upstream=name,
                why=f"{active.upstream} is degraded ({snapshot.evidence(active.links)})",
                due=f"{name} is up",
                waits=f"{active.upstream} seems to be getting over it"
                if fades
                else _clean_text(snapshot, name, options[name]),
                clean_at=math.inf if fades else at,
            )
            for at, *_, name in refuges[:1]
        )
    if active.path is Path.BROWNOUT and not healed:
        return _swifter(snapshot, traffic_class, options, active)
    preferred = [
        _return(snapshot, options[name], name, _passed_over(snapshot, traffic_class, options, name))
        for name in better(snapshot, traffic_class, options, active.upstream)
        if options[name].refuge_at < math.inf
    ]
    preferred.sort(key=lambda leave: leave.clean_at == math.inf)  # stable
    soon = [leave for leave in preferred if leave.clean_at <= now + snapshot.policy.health.recover_s]
    if not soon:
        return tuple(preferred[:1])
    return (soon[0], *(leave for leave in preferred[:1] if leave is not soon[0]))


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
            if name != active.upstream and option.standing is not Standing.DEGRADED
        }
        place = best(snapshot, traffic_class, sound)
        why = told(drains[0])
        return () if place is None else (Leave(place, why, why, why, snapshot.now, ordered=True),)
    if pin is None:
        return None
    if active.upstream == pin.upstream:
        return ()
    option = options.get(pin.upstream)
    if option is None or option.fail_back_at == math.inf:
        return None
    memories = [snapshot.state.links.get(link, LinkMemory()) for link in snapshot.links_of[pin.upstream]]
    known = not any(_failed_since(memory, pin.since) for memory in memories)  # all: whichever was fled from
    clean_at = snapshot.now if known else option.fail_back_at
    waits = _clean_text(snapshot, pin.upstream, option)
    return (Leave(pin.upstream, told(pin), told(pin), waits, clean_at, ordered=True),)


def _failed_since(memory: LinkMemory, since: float) -> bool:
    at = memory.last_failure
    return at is not None and (at > since or (at == since and memory.clean_since is None))


def _degraded(snapshot: Snapshot, active: Incumbent) -> list[str]:
    return [link for link in active.links if snapshot.verdict(link) is Verdict.DEGRADED]


def _return(snapshot: Snapshot, option: Option, upstream: str, objection: str | None) -> Leave:
    return Leave(
        upstream=upstream,
        why=f"{upstream} is preferred and has been clean for {duration(_clean_s(snapshot, option))}",
        due=f"{upstream} is preferred and clean",
        waits=objection or _clean_text(snapshot, upstream, option),
        clean_at=math.inf if objection else option.fail_back_at,
    )


def _passed_over(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], upstream: str
) -> str | None:
    """Why an upstream is passed over for a later one while a choice before it is in brownout, or None.

    What is not worth leaving the slow one for is not worth returning to from the one that was: else the
    class would go there by a detour.
    """
    for slow in traffic_class.prefer[: traffic_class.prefer.index(upstream)]:
        links = snapshot.links_of.get(slow, ())
        if not links or path(snapshot, links) is not Path.BROWNOUT:
            continue
        if upstream in better(snapshot, traffic_class, options, slow):
            continue
        objection = no_gain(snapshot, links, options[upstream].links)
        if objection:
            return f"{upstream} is no better than {slow}, which is in brownout: {objection}"
    return None


def _swifter(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], active: Incumbent
) -> tuple[Leave, ...]:
    """The best upstream to leave one in brownout for; where there is none, what speaks against the first."""
    now, own = snapshot.now, active.upstream
    ordered = sorted(options, key=lambda name: position(snapshot, traffic_class, name))
    others = [name for name in ordered if name != own and options[name].fail_back_at < math.inf]
    preferred = better(snapshot, traffic_class, options, own)
    objections = {
        name: None if name in preferred else no_gain(snapshot, active.links, options[name].links)
        for name in others
    }
    leaves = [
        Leave(
            upstream=name,
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


def _clean_text(snapshot: Snapshot, upstream: str, option: Option) -> str:
    link = min(option.links, key=lambda name: (max(snapshot.release[name], snapshot.swift_at(name)), name))
    if snapshot.swift_at(link) > max(snapshot.release[link], snapshot.now):
        return f"{upstream} {swift_again(snapshot, link)}"
    if snapshot.has_failed(link):
        return f"{upstream} {probation(snapshot, link)}"
    needed_s = snapshot.release[link] - snapshot.now + snapshot.clean_s(link)
    return f"{upstream} is up but known for only {duration(snapshot.clean_s(link))} of {duration(needed_s)}"


def hold_move(snapshot: Snapshot, traffic_class: TrafficClass, active: str, leave: Leave) -> Held | None:
    """What holds a routine move to another upstream, or None if it may be made now."""
    move = f"{active} -> {leave.upstream}"
    if leave.ordered and leave.clean_at <= snapshot.now:
        return None
    until, text = _turn(snapshot, traffic_class)
    doubt = snapshot.doubt(leave.upstream)
    if leave.clean_at > snapshot.now:
        # In doubt, clean time is not the last to be waited for: that it is over makes no move due.
        ready_at = max(leave.clean_at, until) if doubt is None else math.inf
        return _held(traffic_class, move, leave.waits, ready_at)
    if doubt is not None:
        return _held(traffic_class, move, f"{leave.due}, but {doubt}", math.inf)
    if until > snapshot.now:
        return _held(traffic_class, move, f"{leave.due}, but {text}", until)
    return None


def hold_escape(snapshot: Snapshot, traffic_class: TrafficClass, move: str) -> Held | None:
    """What holds an escape, or None. Only its own budget does."""
    per_hour = snapshot.policy.stability.escapes_per_hour
    at = room_at(snapshot.state.escapes, per_hour, snapshot.now)
    if at <= snapshot.now:
        return None
    return _held(traffic_class, move, _used("escapes", per_hour, at, snapshot.now), at)


def hold_repair(
    snapshot: Snapshot, traffic_class: TrafficClass, wanted: Mapping[str, Placement]
) -> Held | None:
    """What holds giving a class a primary link that seems to have none, or None. Hold-down does not.

    Where routers run no role policy yet nothing holds it: that is no change.
    """
    before = snapshot.placements(traffic_class)
    at, text = _budget(snapshot)
    if at <= snapshot.now or all(before[link] == wanted.get(link, before[link]) for link in before):
        return None
    return _held(traffic_class, "repair", text, at)


def hold_changes(
    snapshot: Snapshot, traffic_class: TrafficClass, wanted: Mapping[str, Placement]
) -> dict[str, Held]:
    """Links whose change must wait, where the upstream stays the same.

    A link that joins the primaries moves traffic: hold-down and budget. Other changes (a dead backup
    drained, one taken back, leftovers of a push that got half way put right) move none: the budget alone
    bounds them, and what a link costs the budget is bounded by the clean time that doubles.
    Links that run no role policy yet are installed without a wait, those that people drain are drained.
    """
    before = snapshot.placements(traffic_class)
    join_at, join_text = _turn(snapshot, traffic_class)
    tidy_at, tidy_text = _budget(snapshot)
    held: dict[str, Held] = {}
    for link, placement in wanted.items():
        if link not in before or before[link] == placement or snapshot.drained(link):
            continue
        joins = placement.role == PRIMARY and before[link].role != PRIMARY
        at, text = (join_at, join_text) if joins else (tidy_at, tidy_text)
        if at > snapshot.now:
            move = describe_link(link, before[link], placement)
            held[link] = _held(traffic_class, move, f"{link} is to be {placement}, but {text}", at)
    return held


def turn_at(snapshot: Snapshot, traffic_class: TrafficClass) -> float:
    """When the class may make a routine move; now or earlier: at once."""
    return _turn(snapshot, traffic_class)[0]


def _turn(snapshot: Snapshot, traffic_class: TrafficClass) -> tuple[float, str]:
    """When the class may make a routine move, and what it waits for."""
    budget_at, budget_text = _budget(snapshot)
    moved_at = snapshot.state.moved_at.get(traffic_class.name)
    hold_s = snapshot.policy.stability.hold_down_s
    if moved_at is None or moved_at + hold_s <= snapshot.now:
        return budget_at, budget_text
    text = f"the last move was {duration(snapshot.now - moved_at)} ago and hold-down is {duration(hold_s)}"
    return max(moved_at + hold_s, budget_at), text


def _budget(snapshot: Snapshot) -> tuple[float, str]:
    per_hour = snapshot.policy.stability.changes_per_hour
    at = room_at(snapshot.state.routine, per_hour, snapshot.now)
    return at, _used("routine changes", per_hour, at, snapshot.now)


def _used(what: str, per_hour: int, at: float, now: float) -> str:
    if at == math.inf:
        return f"the policy allows no {what}"
    return f"all {per_hour} {what} of this hour are used, next in {duration(math.ceil(at - now))}"


def _held(traffic_class: TrafficClass, move: str, why: str, until: float) -> Held:
    return Held(traffic_class.name, move, why, None if until == math.inf else until)
