"""Rule 3, within what works: a link in brownout is left for one that answers sooner, and for no other."""

from __future__ import annotations

from collections.abc import Collection

from controller.core.judgement_text import LABEL
from controller.core.model import Delay, Family
from controller.core.rules.snapshot import Snapshot


def no_gain(snapshot: Snapshot, links: Collection[str], others: Collection[str]) -> str | None:
    """Why users would gain nothing by a move from links in brownout to others; None where they would.

    What nine of ten round trips keep within is compared, by family: the best of ``links`` with the worst
    of ``others``. In a slow family the others must be better by half of ``worse_by``; in another they must
    not be worse by more than ``worse_by``.
    """
    links = [link for link in links if snapshot.usable(link)]  # of a dead one, only its past is known
    rule = snapshot.policy.health.latency
    worse_by_ms = rule.worse_by_ms if rule else 0.0
    for family in Family:
        here, there = _tails(snapshot, links, family), _tails(snapshot, others, family)
        if not here:
            continue  # this family is not measured
        if len(there) < len(others):
            return f"it is not known how fast {LABEL[family]} is there"
        slow = any(_is_slow(snapshot, link, family) for link in links)
        most = min(here) - worse_by_ms / 2 if slow else min(here) + worse_by_ms
        if max(there) > most:
            figures = f"{LABEL[family]} {max(there):.0f} ms there, {min(here):.0f} ms here"
            return f"it would not be faster ({figures}, for nine of ten round trips)"
    return None


def _tails(snapshot: Snapshot, links: Collection[str], family: Family) -> list[float]:
    found = [snapshot.health[link].families.get(family) for link in links]
    return [each.tail_ms for each in found if each is not None and each.tail_ms is not None]


def _is_slow(snapshot: Snapshot, link: str, family: Family) -> bool:
    found = snapshot.health[link].families.get(family)
    return found is not None and found.delay is not Delay.USUAL
