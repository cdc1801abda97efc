"""Make before break: in which steps an assignment is reached."""

from __future__ import annotations

from controller.core.model import PRIMARY, Assignment


def phases(current: Assignment, target: Assignment, *, escape: bool) -> list[Assignment]:
    """The assignments to push one after the other, the last being ``target``.

    Promotions come first and everything else second, so that the new path carries traffic before the old one
    is demoted. Leaving a dead path takes one step: there is nothing left to break.
    """
    if escape or not current:
        return [target]
    first = {
        traffic_class: {
            link: placement
            if placement.role == PRIMARY
            else current.get(traffic_class, {}).get(link, placement)
            for link, placement in placements.items()
        }
        for traffic_class, placements in target.items()
    }
    return [target] if first in (target, current) else [first, target]
