"""Rule 5: is it time? A dead path is left at once; everything else waits its turn.

What holds a routine move: the clean time of the place it goes to, the hold-down since the class last moved,
the budget of the hour, a freeze, people who want to be asked. An escape has its own budget, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.core.explain import describe_link, duration
from controller.core.model import PRIMARY, Held, MoveKind, Placement, TrafficClass, Window
from controller.core.rules.snapshot import Snapshot
from controller.core.rules.turns import budget, turn, used
from controller.core.rules.wishes import Leave
from controller.core.stability import room_at

RULE = "stability"


def hold_move(snapshot: Snapshot, traffic_class: TrafficClass, active: str, leave: Leave) -> Held | None:
    """What holds a routine move to another choice, or None if it may be made now."""
    move = f"{active} -> {leave.choice}"
    if leave.kind is MoveKind.ORDERED and leave.clean_at <= snapshot.now:
        return None
    until, text = turn(snapshot, traffic_class)
    doubt = snapshot.doubt(leave.choice)
    asked = asks_people(snapshot, traffic_class, leave)
    if leave.clean_at > snapshot.now:
        # In doubt, clean time is not the last to be waited for: that it is over makes no move due.
        then = max(leave.clean_at, until, asked[0] if asked else until)
        ready_at = then if doubt is None else math.inf
        return _held(traffic_class, move, leave.waits, ready_at)
    if doubt is not None:
        return _held(traffic_class, move, f"{leave.due}, but {doubt}", math.inf)
    if asked is not None:
        return _held(traffic_class, move, f"{leave.due}, but {asked[1]}", max(asked[0], until))
    if until > snapshot.now:
        return _held(traffic_class, move, f"{leave.due}, but {text}", until)
    return None


def asks_people(snapshot: Snapshot, traffic_class: TrafficClass, leave: Leave) -> tuple[float, str] | None:
    """Until when policy keeps the move from being made unasked, and why; None: it does not."""
    if leave.kind is MoveKind.ORDERED or traffic_class.name in snapshot.orders.acknowledged:
        return None
    rule, name = snapshot.policy.stability, traffic_class.name
    hint = f"`failover acknowledge {name}` lets it"
    if rule.block is not None:
        times = snapshot.state.moves.get(name, ())
        close = [at for at in times if at > times[-1] - rule.block.within_s]  # to the last one: a block stays
        if len(close) >= rule.block.moves:
            within = duration(rule.block.within_s)
            return math.inf, f"{name} has moved {len(close)} times within {within}: {hint} move again"
    if leave.kind is not MoveKind.WANTED or leave.choice not in snapshot.state.fled.get(name, ()):
        return None
    if rule.fail_back_manual:
        return math.inf, f"fail-back is for people to allow: {hint} return"
    window = (
        None if rule.fail_back_in is None else snapshot.windows.get(rule.fail_back_in, Window(is_open=False))
    )
    if window is None or window.is_open:
        return None
    return (
        math.inf if window.until is None else window.until,
        f"{name} returns only in the window {rule.fail_back_in}",
    )


def hold_escape(snapshot: Snapshot, traffic_class: TrafficClass, move: str) -> Held | None:
    """What holds an escape, or None. Only its own budget does."""
    per_hour = snapshot.policy.stability.escapes_per_hour
    at = room_at(snapshot.state.escapes, per_hour, snapshot.now)
    if at <= snapshot.now:
        return None
    return _held(traffic_class, move, used("escapes", per_hour, at, snapshot.now), at)


def hold_repair(
    snapshot: Snapshot, traffic_class: TrafficClass, wanted: Mapping[str, Placement]
) -> Held | None:
    """What holds giving a class a primary link that seems to have none, or None. Hold-down does not.

    Where routers run no role policy yet nothing holds it: that is no change.
    """
    before = snapshot.placements(traffic_class)
    at, text = budget(snapshot)
    if at <= snapshot.now or all(before[link] == wanted.get(link, before[link]) for link in before):
        return None
    return _held(traffic_class, "repair", text, at)


def hold_changes(
    snapshot: Snapshot, traffic_class: TrafficClass, changes: Mapping[str, Placement]
) -> dict[str, Held]:
    """Links whose change must wait, where the upstream stays the same.

    A link that joins the primaries moves traffic: hold-down and budget. Other changes (a dead backup
    drained, one taken back, leftovers of a push that got half way put right) move none: the budget alone
    bounds them, and what a link costs the budget is bounded by the clean time that doubles.
    Links that run no role policy yet are installed without a wait, those that people drain are drained.
    """
    before = snapshot.placements(traffic_class)
    join_at, join_text = turn(snapshot, traffic_class)
    tidy_at, tidy_text = budget(snapshot)
    held: dict[str, Held] = {}
    for link, placement in changes.items():
        if link not in before or snapshot.drained(link):
            continue
        joins = placement.role == PRIMARY and before[link].role != PRIMARY
        at, text = (join_at, join_text) if joins else (tidy_at, tidy_text)
        if at > snapshot.now:
            move = describe_link(link, before[link], placement)
            held[link] = _held(traffic_class, move, f"{link} is to be {placement}, but {text}", at)
    return held


def _held(traffic_class: TrafficClass, move: str, why: str, until: float) -> Held:
    return Held(traffic_class.name, move, why, None if until == math.inf else until)
