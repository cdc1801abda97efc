"""When a class may make a routine move, wherever it would go: hold-down, the budget of the hour, a freeze."""

from __future__ import annotations

import math

from controller.core.explain import duration
from controller.core.model import TrafficClass
from controller.core.rules.snapshot import Snapshot
from controller.core.stability import room_at


def turn(snapshot: Snapshot, traffic_class: TrafficClass) -> tuple[float, str]:
    """When the class may make a routine move, and what it waits for."""
    budget_at, budget_text = budget(snapshot)
    moved_at = snapshot.state.moved_at.get(traffic_class.name)
    hold_s = snapshot.policy.stability.hold_down_s
    if moved_at is None or moved_at + hold_s <= snapshot.now:
        return budget_at, budget_text
    text = f"the last move was {duration(snapshot.now - moved_at)} ago and hold-down is {duration(hold_s)}"
    return max(moved_at + hold_s, budget_at), text


def budget(snapshot: Snapshot) -> tuple[float, str]:
    """When one more routine change may be made, whatever the class, and what it waits for."""
    frozen = [(name, snapshot.windows[name]) for name in snapshot.policy.freezes if name in snapshot.windows]
    for name, window in frozen:
        if window.is_open:
            ends_at = math.inf if window.until is None else window.until
            return ends_at, f"policy freezes routine changes in the window {name}"
    per_hour = snapshot.policy.stability.changes_per_hour
    at = room_at(snapshot.state.routine, per_hour, snapshot.now)
    return at, used("routine changes", per_hour, at, snapshot.now)


def used(what: str, per_hour: int, at: float, now: float) -> str:
    """That a budget of the hour is spent."""
    if at == math.inf:
        return f"the policy allows no {what}"
    return f"all {per_hour} {what} of this hour are used, next in {duration(math.ceil(at - now))}"
