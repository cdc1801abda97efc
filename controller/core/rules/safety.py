"""Rule 6: is it safe? The last word, whatever the rules before it thought."""

from __future__ import annotations

from collections.abc import Mapping

from controller.core.model import BACKUP, PRIMARY, Placement, Reason, TrafficClass, Verdict
from controller.core.rules.snapshot import Snapshot, once
from controller.core.stability import primaries

RULE = "safety"


def objection(
    snapshot: Snapshot, traffic_class: TrafficClass, wanted: Mapping[str, Placement]
) -> Reason | None:
    """Why these placements of a class must not be pushed, or None.

    Refused: draining the last usable path, and leaving no primary link but dead ones. A state that is no
    worse than what runs already is let pass.
    """
    now = snapshot.placements(traffic_class)
    if wanted == now:
        return None
    usable, alive = _working(snapshot, traffic_class.prefer.upstreams)
    if _open(now) & usable and not _open(wanted) & usable:
        return Reason(RULE, traffic_class.name, "refused: it would drain the last usable path")
    if snapshot.carriers(traffic_class) & alive and not primaries(wanted) & alive:
        return Reason(
            RULE, traffic_class.name, "refused: it would leave the class without a live primary link"
        )
    return None


@once
def _working(snapshot: Snapshot, upstreams: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Links of these upstreams that are usable, and those that are not dead."""
    links = [link for name in upstreams for link in snapshot.links_of.get(name, ())]
    usable = frozenset(link for link in links if snapshot.usable(link))
    return usable, frozenset(link for link in links if snapshot.verdict(link) is not Verdict.DOWN)


def _open(placements: Mapping[str, Placement]) -> set[str]:
    """Links that traffic may take: as long as one is usable, BGP finds it."""
    return {link for link, placement in placements.items() if placement.role in (PRIMARY, BACKUP)}
