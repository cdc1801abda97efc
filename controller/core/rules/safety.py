"""Rule 6: is it safe? The last word, whatever the rules before it thought."""

from __future__ import annotations

from collections.abc import Mapping

from controller.core.model import BACKUP, PRIMARY, Placement, Reason, TrafficClass, Verdict
from controller.core.rules.snapshot import Snapshot

RULE = "safety"


def objection(
    snapshot: Snapshot, traffic_class: TrafficClass, wanted: Mapping[str, Placement]
) -> Reason | None:
    """Why these placements of a class must not be pushed, or None.

    Refused: draining the last usable path, and leaving no primary link but dead ones. A state that is no
    worse than what runs already is let pass.
    """
    links = [link for name in traffic_class.prefer for link in snapshot.links_of.get(name, ())]
    usable = {link for link in links if snapshot.usable(link)}
    now = snapshot.placements(traffic_class)
    if _open(now) & usable and not _open(wanted) & usable:
        return Reason(RULE, traffic_class.name, "refused: it would drain the last usable path")
    alive = {link for link in links if snapshot.verdict(link) is not Verdict.DOWN}
    if _primary(now) & alive and not _primary(wanted) & alive:
        return Reason(
            RULE, traffic_class.name, "refused: it would leave the class without a live primary link"
        )
    return None


def _primary(placements: Mapping[str, Placement]) -> set[str]:
    return {link for link, placement in placements.items() if placement.role == PRIMARY}


def _open(placements: Mapping[str, Placement]) -> set[str]:
    """Links that traffic may take: as long as one is usable, BGP finds it."""
    return {link for link, placement in placements.items() if placement.role in (PRIMARY, BACKUP)}
