"""Moments at which time alone changes who should carry a class.

A hold announces its own end. But the clocks of links also decide, without a word, who is passed over because
it shares with what failed, and who else could be moved to. Their ends are announced here, whatever they will
change: a cycle too many costs nothing, a move that is slept past comes late.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from controller.core.model import LinkMemory, TrafficClass
from controller.core.rules.eligibility import refuge_at
from controller.core.rules.preference import Incumbent, Path, earlier
from controller.core.rules.snapshot import Snapshot, links_of, once
from controller.core.rules.turns import turn
from controller.core.stability import forgotten_at


def next_at(snapshot: Snapshot, traffic_class: TrafficClass, active: Incumbent | None) -> float | None:
    """When to think again about a class carried by ``active``, besides what holds announce; None: never."""
    flees = active is not None and active.path in (Path.DEGRADED, Path.UNFIT)
    times = (_next_of(snapshot, choice, flees) for choice in _rivals(traffic_class, active))
    first = min(times, default=math.inf)
    if active is not None:
        first = max(
            first, turn(snapshot, traffic_class)[0]
        )  # whoever should carry it, nothing is moved sooner
    return first if first < math.inf else None


def _rivals(traffic_class: TrafficClass, active: Incumbent | None) -> Sequence[str]:
    """Choices whose clocks count: what works is left for an earlier choice only."""
    if active is None or active.path in (Path.BROWNOUT, Path.UNFIT, Path.DEGRADED):
        return traffic_class.prefer.choices
    return earlier(traffic_class, active.choice)


@once
def _next_of(snapshot: Snapshot, choice: str, flees: bool) -> float:
    """The first of its links' clocks that has yet to end; infinite if none has."""
    ends = (at for link in links_of(snapshot, choice) for at in _clocks(snapshot, link, flees=flees))
    return min((at for at in ends if at > snapshot.now), default=math.inf)


def _clocks(snapshot: Snapshot, link: str, *, flees: bool) -> Iterator[float]:
    """Ends of the link's clocks, past ones included."""
    yield snapshot.swift_at(link)
    if snapshot.on_probation(link):
        yield forgotten_at(snapshot.policy.stability, snapshot.state.links.get(link, LinkMemory()))
    if not snapshot.health[link].suspect:  # else its clean time has yet to begin
        yield snapshot.release[link]
        if flees:
            yield refuge_at(snapshot, link)
