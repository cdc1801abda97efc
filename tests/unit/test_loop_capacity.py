"""The loop on virtual time: counters become loads, and loads decisions."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from controller.core.model import Limits
from controller.core.shares import SETTLE_S
from tests.unit.test_loop import Scene, dark

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

M = 1e6
AZ, GE1, GE2, IR = "edge1-azerbaijan", "edge1-georgia", "edge2-georgia", "edge2-iran"


class Sized(Scene):
    """Links that carry 80 Mbit/s for the class together, each an even part."""

    def __init__(self, **capacities: float) -> None:
        super().__init__(lambda *_: True, hold_down_s=30.0)
        self.carried = 80 * M
        upstreams = {
            name: replace(each, capacity_bps=capacities[name] * M if name in capacities else None)
            for name, each in self.policy.upstreams.items()
        }
        self.policy = self.fleet.policy = replace(
            self.policy, upstreams=upstreams, limits=Limits(headroom=0.0)
        )
        self.fleet.carried_bps = self.on

    def on(self, link: str) -> float:
        primaries = [name for name, role in self.fleet.roles.items() if role == "primary"]
        return self.carried / len(primaries) if link in primaries else 0.0


async def test_what_links_and_classes_carry_is_shown() -> None:
    scene = Sized()
    await scene.run(SETTLE_S + 60)
    assert scene.store.snapshot is not None
    traffic = scene.store.snapshot.traffic
    assert traffic.links == {AZ: pytest.approx(80 * M), GE1: 0.0, GE2: 0.0, IR: 0.0}
    assert traffic.classes == {"residential": pytest.approx(80 * M)}


async def test_a_class_whose_load_was_measured_flees_to_where_it_fits() -> None:
    scene = Sized(georgia=70, iran=100)
    scene.alive = dark("azerbaijan", 200.0)
    await scene.run(210)
    assert scene.fleet.roles[IR] == "primary"
    early = Sized(georgia=70, iran=100)
    early.alive = dark("azerbaijan", 40.0)  # nothing is known of its load yet
    await early.run(50)
    assert early.fleet.roles[GE1] == "primary"


async def test_a_path_that_fills_up_is_left_once_it_has_been_full_for_a_minute() -> None:
    scene = Sized(azerbaijan=90, georgia=110)
    asyncio.get_running_loop().call_later(200, setattr, scene, "carried", 100 * M)
    await scene.run(500)
    (at, said) = scene.fleet.pushes[-1]
    assert said.startswith(
        "residential moved from azerbaijan to georgia: azerbaijan is full: it carries 100 of 90"
    )
    assert 260 < at < 345  # a minute's average has to reach it first
    assert scene.fleet.roles[GE1] == "primary"
    assert scene.store.snapshot is not None
    held = scene.store.snapshot.decision.held if scene.store.snapshot.decision else ()
    assert [each.why for each in held] == ["azerbaijan has no room: it would carry 100 of 90 Mbit/s"]
