"""Make before break: in which steps an assignment is reached."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from controller.core.model import PRIMARY, Assignment, Placement
from controller.core.stability import primaries


def phases(
    current: Assignment, target: Assignment, *, escape: bool, bad: Collection[str] = ()
) -> list[Assignment]:
    """The assignments to push one after the other, the last being ``target``.

    Promotions come first and everything else second, so that the new path carries traffic before the old one
    is demoted. Leaving a dead path takes one step: there is nothing left to break. So does leaving primaries
    that are all ``bad`` (names of links): packets are lost until they are left, and that does not wait for
    the first step to be verified.
    """
    if escape or not current:
        return [target]
    first = {
        traffic_class: placements
        if primaries(now := current.get(traffic_class, {})) and primaries(now) <= set(bad)
        else _promotions(now, placements)
        for traffic_class, placements in target.items()
    }
    return [target] if first in (target, current) else [first, target]


def _promotions(now: Mapping[str, Placement], wanted: Mapping[str, Placement]) -> Mapping[str, Placement]:
    return {
        link: placement if placement.role == PRIMARY else now.get(link, placement)
        for link, placement in wanted.items()
    }
