"""What routers say of their links moves traffic, on virtual time."""

from __future__ import annotations

import asyncio

import pytest

from controller.core.model import Family
from controller.loop import Loop
from controller.watch import World
from tests.fakes import FakeFleet, FakeLog, FakeProber, FakeSamples, FakeStore, LoopClock, policy

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

AZ = "edge1-azerbaijan"


class Scene:
    """A loop whose links all answer their probes, on routers that have more to say."""

    def __init__(self) -> None:
        self.policy = policy()
        self.fleet, self.store, self.log = FakeFleet(self.policy), FakeStore(), FakeLog()
        normal = {"hours": [100], "hour_s": 0.0, "largest": 0}
        self.store.learned = {"prefixes": {link: {"ipv4": normal} for link in self.policy.links}}

    async def run(self, seconds: float) -> None:
        world = World(
            FakeProber(lambda *_: True), self.fleet, self.store, FakeSamples(), LoopClock(), self.log
        )
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, stop.set)
        await Loop(self.policy, world).run(stop)

    def moved(self, after: float) -> tuple[float, str]:
        """When the first push after that time was made, and why."""
        return next((at, sentence) for at, sentence in self.fleet.pushes if at > after)


async def test_a_link_whose_interface_goes_down_is_left_within_a_second() -> None:
    scene = Scene()
    asyncio.get_running_loop().call_later(20.3, scene.fleet.unplugged.add, AZ)
    await scene.run(30)
    at, why = scene.moved(20.3)
    assert at - 20.3 < 0.5 + 0.2 + 0.1  # one poll, the push, slack
    assert "interface azerbaijan of edge1 is down" in why
    assert scene.fleet.roles[AZ] == "drained"


async def test_half_a_table_is_left_for_a_whole_one_when_it_stayed_so() -> None:
    scene = Scene()
    asyncio.get_running_loop().call_later(20, scene.fleet.accepted.update, {AZ: 40})
    await scene.run(40)
    at, why = scene.moved(20)
    assert 29.5 < at < 32
    assert "40 of the usual 100 prefixes accepted" in why
    assert scene.fleet.roles["edge1-georgia"] == "primary"


async def test_a_session_without_any_prefix_is_a_dead_path_and_its_escape_is_not_held_down() -> None:
    scene = Scene()
    loop = asyncio.get_running_loop()
    loop.call_later(15, scene.fleet.accepted.update, {"edge1-georgia": 0, "edge2-georgia": 0})
    loop.call_later(20, scene.fleet.accepted.update, {AZ: 0})
    await scene.run(40)
    assert scene.fleet.roles["edge2-iran"] == "primary"
    assert scene.fleet.roles[AZ] == "drained"
    assert "azerbaijan is down (IPv4: none of the usual 100 prefixes accepted" in scene.moved(29)[1]


async def test_what_is_usual_outlives_the_process() -> None:
    scene = Scene()
    scene.store.learned = {}
    await scene.run(70)
    assert scene.store.learned["prefixes"][AZ]["ipv4"]["largest"] == 100
    again = Scene()
    again.store.learned = scene.store.learned
    again.fleet.accepted[AZ] = 3
    await again.run(30)
    assert again.fleet.roles["edge1-georgia"] == "primary"


@pytest.mark.parametrize("kept", [{AZ: {"ipv4": {"hours": "many"}}}, {AZ: {"ipv4": 3}}])
async def test_what_was_kept_and_makes_no_sense_is_said_and_learned_afresh(
    kept: dict[str, dict[str, object]],
) -> None:
    scene = Scene()
    scene.store.learned = {"prefixes": kept}
    await scene.run(10)
    assert scene.log.said("learning afresh")
    assert scene.fleet.roles[AZ] == "primary"


async def test_an_interface_that_the_router_does_not_have_is_named_once() -> None:
    scene = Scene()
    scene.fleet.without_interface.add(AZ)
    await scene.run(30)
    told = [sentence for level, sentence in scene.log.lines if level == "warning"]
    (once,) = told
    assert once.startswith(
        "edge1 has no interface azerbaijan: state and load of edge1-azerbaijan are not seen"
    )


async def test_status_has_sessions_and_load_in_figures() -> None:
    scene = Scene()
    await scene.run(20)
    assert scene.store.snapshot is not None
    seen = scene.store.snapshot.seen[AZ]
    assert seen.sessions[Family.IPV4].usual_prefixes == 100
    assert seen.interface is not None
    assert round(seen.interface.in_mbps or 0) == 100
    assert round(seen.interface.load_percent or 0) == 10
