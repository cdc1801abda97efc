"""The rules applied to one class: where its traffic goes now, and what becomes of each of its links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from controller.core.explain import Clause, Weight, changed, describe_link, names
from controller.core.model import PRIMARY, Held, Move, MoveKind, Placement, Reason, TrafficClass, Verdict
from controller.core.rules import (
    capacity,
    clocks,
    eligibility,
    patience,
    placement,
    preference,
    safety,
    wishes,
)
from controller.core.rules.claims import NO_CLAIMS, Claims
from controller.core.rules.eligibility import Option
from controller.core.rules.placement import Placed
from controller.core.rules.preference import Incumbent, Path
from controller.core.rules.snapshot import Snapshot, as_seen_by
from controller.core.stability import ESCAPE, primaries


@dataclass(frozen=True, slots=True)
class Thought:
    """What was thought about one class."""

    placements: Mapping[str, Placement]
    clause: Clause
    reasons: tuple[Reason, ...] = ()
    held: tuple[Held, ...] = ()
    escape: bool = False
    move: Move | None = None
    again_at: float | None = None  # time alone may change it then, besides what is held


def think(view: Snapshot, traffic_class: TrafficClass, claims: Claims = NO_CLAIMS) -> Thought:
    """What is to become of one class beside what others claim, checked by the rule of safety."""
    view = as_seen_by(view, traffic_class)
    options = capacity.fitted(view, traffic_class, eligibility.options(view, traffic_class), claims)
    active = preference.incumbent(view, traffic_class)
    if active is None:
        thought = _install(view, traffic_class, options)
    elif active.path is Path.DEAD:
        thought = _escape(view, traffic_class, options, active)
    elif active.presumed:
        routers = sorted({view.policy.links[link].router for link in active.links})
        text = f"what carries it is not seen while {names(routers)} cannot be reached"
        clause = Clause(Weight.HELD, traffic_class.name, f"stays as it is; {text}")
        thought = _keep(view, traffic_class, clause, Held(traffic_class.name, "any", text))
    else:
        thought = _unless_quiet(view, traffic_class, _routine(view, traffic_class, options, active, claims))
    reasons = (
        *preference.reasons(view, traffic_class, options),
        *capacity.reasons(traffic_class, options, claims),
        *thought.reasons,
    )
    thought = replace(thought, reasons=reasons, again_at=clocks.next_at(view, traffic_class, active))
    objection = safety.objection(view, traffic_class, thought.placements)
    if objection is None:
        return thought
    clause = Clause(Weight.STUCK, traffic_class.name, f"stays as it is; {objection.text}")
    kept = _keep(view, traffic_class, clause, *thought.held)
    return replace(kept, reasons=(*reasons, objection), again_at=thought.again_at)


def _unless_quiet(view: Snapshot, traffic_class: TrafficClass, thought: Thought) -> Thought:
    """Tidying waits while a link that carries the class has gone quiet: a push would delay leaving it.

    Links that share a fault are not judged in the same instant, and the backup may well be the first.
    """
    before = view.placements(traffic_class)
    carriers = view.carriers(traffic_class)
    quiet = sorted(link for link in carriers if view.health[link].suspect)
    if not quiet or thought.escape or thought.placements == before:
        return thought
    if primaries(thought.placements) != carriers:
        return thought
    why = f"{names(quiet)} {'has' if len(quiet) == 1 else 'have'} gone quiet: that comes first"
    clause = Clause(Weight.HELD, traffic_class.name, f"stays as it is; {why}")
    # What else is held stays held, and its clock runs on: a move may come due while the link is still quiet.
    return _keep(
        view, traffic_class, clause, Held(traffic_class.name, "change of backups", why), *thought.held
    )


def _keep(view: Snapshot, traffic_class: TrafficClass, clause: Clause, *held: Held) -> Thought:
    return Thought(view.placements(traffic_class), clause, held=held)


def _install(view: Snapshot, traffic_class: TrafficClass, options: dict[str, Option]) -> Thought:
    """No primary link is seen: put the class where it belongs. No move, so no hold-down."""
    name = traffic_class.name
    chosen = preference.best(view, traffic_class, options)
    if chosen is None:
        clause = Clause(Weight.STUCK, name, "has no usable link and nowhere to go; nothing installed")
        return _keep(view, traffic_class, clause, Held(name, "install", "no usable link"))
    unseen = preference.first_look(view, traffic_class, options, chosen)
    if unseen is not None:
        return _keep(
            view, traffic_class, Clause(Weight.HELD, name, f"not installed yet; {unseen.why}"), unseen
        )
    placed = placement.place(view, traffic_class, chosen, carriers=options[chosen].links)
    held = patience.hold_repair(view, traffic_class, placed.wanted)
    if held is not None:
        return _keep(view, traffic_class, Clause(Weight.STUCK, name, f"has no primary; {held.why}"), held)
    reason = Reason(patience.RULE, name, "no primary link is seen: installed without hold-down")
    clause = Clause(Weight.INSTALLED, name, f"installed on {chosen}")
    return Thought(placed.wanted, clause, (reason,), placed.waiting)


def _escape(
    view: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], active: Incumbent
) -> Thought:
    """Every link that carries the class is down: leave at once for the best there is."""
    name, dead = traffic_class.name, active.choice
    chosen = preference.best(view, traffic_class, options)
    evidence = f"{dead} is down ({view.evidence(active.links)})"
    crowds = f"; {options[chosen].fit.why}" if chosen is not None and options[chosen].fit.why else ""
    if chosen is None:
        text = "no usable link is left to move to"
        clause = Clause(Weight.STUCK, name, f"stays on {dead}: {evidence}, and {text}")
        return _keep(view, traffic_class, clause, Held(name, f"{dead} -> anywhere", text))
    held = patience.hold_escape(view, traffic_class, f"{dead} -> {chosen}")
    if held is not None:
        clause = Clause(Weight.STUCK, name, f"stays on {dead} although {evidence}; {held.why}")
        return _keep(view, traffic_class, clause, held)
    placed = placement.place(view, traffic_class, chosen, carriers=options[chosen].links)
    where = (
        f"moved from {dead} to {chosen}"
        if chosen != dead
        else f"moved within {dead} to {names(sorted(options[chosen].links))}"
    )
    return Thought(
        placed.wanted,
        Clause(Weight.ESCAPED, name, f"{where}: {evidence}{crowds}"),
        (Reason(ESCAPE, name, f"{evidence}: a dead path is left at once"),),
        placed.waiting,
        escape=True,
        move=Move(MoveKind.ESCAPE, dead, chosen) if chosen != dead else None,
    )


def _routine(
    view: Snapshot,
    traffic_class: TrafficClass,
    options: dict[str, Option],
    active: Incumbent,
    claims: Claims,
) -> Thought:
    """The class is carried: move it only if that is better and its time has come."""
    holds: list[Held] = []
    reasons: list[Reason] = []
    awaited: set[str] = set()
    for leave in wishes.wish(view, traffic_class, options, active, claims):
        move = f"{active.choice} -> {leave.choice}"
        held = patience.hold_move(view, traffic_class, active.choice, leave)
        if held is not None:
            holds.append(held)
            # What people must be asked for may take hours: it is a backup meanwhile.
            comes = held.until is not None and patience.asks_people(view, traffic_class, leave) is None
            awaited |= {leave.choice} if comes else set()
            reasons.append(Reason(patience.RULE, traffic_class.name, f"{move} is held: {held.why}"))
            continue
        links = options[leave.choice].links
        swift = frozenset(link for link in links if view.swift_at(link) <= view.now)
        placed = placement.place(view, traffic_class, leave.choice, carriers=swift or links)
        if leave.choice == active.choice:
            went, gone = f"moved within {active.choice} to {names(sorted(swift or links))}", None
        else:
            went = f"moved from {active.choice} to {leave.choice}"
            gone = Move(leave.kind, active.choice, leave.choice)
        clause = Clause(Weight.MOVED, traffic_class.name, f"{went}: {leave.why}")
        reasons.append(Reason(patience.RULE, traffic_class.name, f"{move}: nothing holds it"))
        return Thought(placed.wanted, clause, tuple(reasons), (*holds, *placed.waiting), move=gone)
    placed = placement.place(view, traffic_class, active.choice, awaited=frozenset(awaited))
    thought = _stay(view, traffic_class, active, placed, holds)
    return replace(thought, reasons=(*reasons, *thought.reasons))


def _stay(
    view: Snapshot, traffic_class: TrafficClass, active: Incumbent, placed: Placed, holds: list[Held]
) -> Thought:
    """The upstream stays; links of it and of the others may still change their role."""
    name, stays = traffic_class.name, f"stays on {active.choice}"
    before = view.placements(traffic_class)
    moved = {link: placed.wanted[link] for link in changed(before, placed.wanted)}
    dead = [
        link
        for link, placement_ in moved.items()
        if link in before
        and before[link].role == PRIMARY
        and placement_.role != PRIMARY
        and view.verdict(link) is Verdict.DOWN
    ]
    if dead:
        evidence = f"{names(dead)} {'is' if len(dead) == 1 else 'are'} down ({view.evidence(dead)})"
        stuck = patience.hold_escape(view, traffic_class, f"off {names(dead)}")
        if stuck is not None:
            clause = Clause(Weight.STUCK, name, f"{stays} and keeps a dead link: {evidence}; {stuck.why}")
            return _keep(view, traffic_class, clause, stuck, *holds)
        reason = Reason(ESCAPE, name, f"{evidence}: a dead link is left at once")
        clause = Clause(Weight.ESCAPED, name, f"{stays} without {names(dead)}: {evidence}")
        return Thought(placed.wanted, clause, (reason,), (*holds, *placed.waiting), escape=True)
    late = patience.hold_changes(view, traffic_class, moved)
    wanted = {**placed.wanted, **{link: before[link] for link in late}}
    held = (*holds, *late.values(), *placed.waiting)
    clause = _what_happens(view, traffic_class, active, wanted, held, holds)
    return Thought(wanted, clause, tuple(Reason(patience.RULE, name, h.why) for h in late.values()), held)


def _what_happens(
    view: Snapshot,
    traffic_class: TrafficClass,
    active: Incumbent,
    wanted: Mapping[str, Placement],
    held: tuple[Held, ...],
    wished: Sequence[Held],
) -> Clause:
    """``wished``: of what is held, moves to another upstream: told even where time alone ends no wait."""
    name, stays = traffic_class.name, f"stays on {active.choice}"
    before = view.placements(traffic_class)
    links = changed(before, wanted)
    joined = [link for link in links if wanted[link].role == PRIMARY]
    if joined:
        return Clause(Weight.MOVED, name, f"{stays}, now also over {names(joined)}")
    if links:
        told = names([_told(view, link, before.get(link), wanted[link]) for link in links])
        new = all(link not in before for link in links)
        return Clause(Weight.INSTALLED if new else Weight.TIDIED, name, f"{stays}; {told}")
    poor = _poor(view, traffic_class, active, held)
    if poor is not None:
        return Clause(Weight.HELD, name, f"{stays}, {poor}")
    waits = next((hold.why for hold in held if hold.until is not None or hold in wished), None)
    if waits is not None:
        return Clause(Weight.HELD, name, f"{stays}; {waits}")
    return Clause(Weight.CALM, name, f"on {active.choice}")


def _poor(
    view: Snapshot, traffic_class: TrafficClass, active: Incumbent, held: tuple[Held, ...]
) -> str | None:
    """What is wrong with what carries the class, and why it stays there all the same, or None."""
    pin = view.orders.pins.get(traffic_class.name)
    if active.path is Path.UNKNOWN:
        return "of which there is no fresh data"
    if active.path is Path.DRAINED:
        by = view.orders.drains[next(link for link in active.links if view.drained(link))].by
        return f"drained {by}; nothing else can carry it"
    if active.path not in (Path.BROWNOUT, Path.UNFIT, Path.DEGRADED):
        return None
    bad = {Path.DEGRADED: "degraded", Path.UNFIT: "not good enough"}.get(active.path, "in brownout")
    why = held[0].why if held else "nothing better is usable"
    if pin is not None and pin.upstream == active.choice:
        why = f"pinned there {pin.by}"
    return f"which is {bad} ({view.evidence(active.links)}); {why}"


def _told(view: Snapshot, link: str, before: Placement | None, after: Placement) -> str:
    """A link's change, with the evidence where the link is down."""
    text = describe_link(link, before, after)
    return f"{text} ({view.health[link].why})" if view.verdict(link) is Verdict.DOWN else text
