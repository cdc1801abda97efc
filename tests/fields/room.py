"""Fields that say what fits where, who is given room first, what may depend on what, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controller.core.model import Traffic, Verdict
from tests.decide_world import World
from tests.fields.versions import GONE, Field, Version
from tests.fields.views import GEORGIA, carried, carrier, ill

A, IRAN = "azerbaijan", "iran"
# Georgia is first, and fails; then azerbaijan, and iran last, where there is room for everything.
LEFT = carried(60, ill(GEORGIA))
BASE: dict[str, Any] = {
    "classes.NAME.prefer": ["georgia", A, IRAN],
    "classes.NAME.load": "40Gbps",
    "upstreams.iran.capacity": "200Gbps",
}
EQUALS = {**BASE, "classes.NAME.prefer": ["georgia", [A, IRAN]], "upstreams.iran.cost": {"per_mbps": 0.4}}
BUSINESS = {
    "prefixes": ["198.51.101.0/24"],
    "prefer": ["georgia", A, IRAN],
    "load": "40Gbps",
    "importance": 5,
}


def room() -> Iterator[Field]:
    """What fits where."""

    def field(path: str, one: object, other: object, then: tuple[str, str], **capacity: object) -> Field:
        given = {**BASE, **{f"upstreams.{name}.capacity": value for name, value in capacity.items()}}
        return Field(path, one, other, LEFT, then, given)

    yield field("upstreams.NAME.capacity", "50Gbps", "30Gbps", (A, IRAN))
    yield field("links.NAME.capacity", "50Gbps", "30Gbps", (A, IRAN))
    yield field("classes.NAME.load", "20Gbps", "40Gbps", (A, IRAN), azerbaijan="30Gbps")
    yield field("limits.headroom", "10%", "40%", (A, IRAN), azerbaijan="50Gbps")
    yield field("classes.NAME.split", False, True, (IRAN, A), azerbaijan="30Gbps")
    two = {**BASE, "upstreams.azerbaijan.capacity": "50Gbps", "classes.business": BUSINESS}
    yield Field("classes.NAME.importance", 0, 9, LEFT, (IRAN, A), two)
    yield field("limits.dependence", {}, {"black-sea": "50%"}, (A, IRAN))


def cost() -> Iterator[Field]:
    """What it costs."""
    yield Field("upstreams.NAME.cost.per_mbps", 0.2, 0.6, LEFT, (A, IRAN), EQUALS)
    dear = {**EQUALS, "upstreams.azerbaijan.cost": {"per_mbps": 0.6}}
    yield Field("upstreams.NAME.cost.commit", GONE, "50Gbps", LEFT, (IRAN, A), dear)
    commit = {**BASE, "upstreams.azerbaijan.cost": {"commit": "20Gbps", "per_mbps": 0.2}}
    yield Field("limits.over_commit", "allow", "avoid", _commit_reached, (A, IRAN), commit)


def _commit_reached(version: Version) -> str:
    """Who carries the class once georgia has failed and azerbaijan's commit of the month is reached."""
    world = World(version.policy)
    world.step()
    world.traffic = Traffic(bursts={A: 0})
    world.turn(dict.fromkeys(GEORGIA, Verdict.DOWN))
    world.step(60)
    return carrier(world)
