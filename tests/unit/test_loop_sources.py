"""Sources of signals beside the prober, on virtual time: heard, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from controller.core.model import Sample, SampleState, Signal, Verdict
from controller.loop import Loop
from controller.ports import SourceError
from controller.watch import World
from tests.fakes import TARGETS, FakeFleet, FakeLog, FakeProber, FakeSamples, FakeStore, LoopClock, policy

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

AZ = "edge1-azerbaijan"


@dataclass
class Source:
    """Says what ``say`` returns for the time; hangs or fails as told."""

    say: Callable[[float], Sequence[Signal | Sample]] = lambda now: ()
    hangs: Callable[[float], bool] = lambda now: False
    fails: Callable[[float], bool] = lambda now: False
    name: str = "metrics"
    every_s: float = 1.0
    readings: int = 0

    async def read(self) -> Sequence[Signal | Sample]:
        now = asyncio.get_running_loop().time()
        self.readings += 1
        if self.hangs(now):
            await asyncio.Event().wait()
        if self.fails(now):
            raise SourceError("it answers 503")
        return self.say(now)


class Scene:
    """A loop whose links all answer their probes, and its sources."""

    def __init__(self, *sources: Source, prober: type[FakeProber] = FakeProber) -> None:
        self.policy = policy()
        self.fleet, self.store, self.log = FakeFleet(self.policy), FakeStore(), FakeLog()
        self.sources, self.prober = sources, prober

    async def run(self, seconds: float) -> None:
        prober = self.prober(lambda *_: True)
        world = World(prober, self.fleet, self.store, FakeSamples(), LoopClock(), self.log, self.sources)
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, stop.set)
        await Loop(self.policy, world).run(stop)

    @property
    def warnings(self) -> list[str]:
        return [sentence for level, sentence in self.log.lines if level == "warning"]


def down_from(start: float) -> Callable[[float], Sequence[Signal]]:
    return lambda now: (
        [Signal(AZ, "metrics", now, Verdict.DOWN, "metrics see it dark", 3.0)] if now >= start else []
    )


async def test_traffic_leaves_a_link_that_only_a_source_knows_to_be_down() -> None:
    scene = Scene(Source(down_from(20.0)))
    await scene.run(30)
    assert scene.fleet.roles[AZ] == "drained"
    assert scene.fleet.roles["edge1-georgia"] == "primary"
    moved = [sentence for at, sentence in scene.fleet.pushes if at > 20]
    assert "azerbaijan is down (metrics see it dark" in moved[0]


async def test_a_source_that_hangs_is_named_once_and_holds_nobody_up() -> None:
    hanging = Source(hangs=lambda _: True, name="sleeper")
    scene = Scene(hanging, Source(down_from(20.0)))
    await scene.run(60)
    assert min(at for at, _ in scene.fleet.pushes if at > 20) < 22
    assert [each for each in scene.warnings if "sleeper" in each] == [
        "sleeper says nothing; the links are judged without it"
    ]
    assert hanging.readings >= 5  # tried again all the while


async def test_a_source_that_fails_and_comes_back_is_said_twice_and_heard_again() -> None:
    scene = Scene(Source(down_from(40.0), fails=lambda now: 5 <= now < 35))
    await scene.run(50)
    assert len(scene.warnings) == 1
    assert scene.log.said("metrics can be read again")
    assert scene.fleet.roles["edge1-georgia"] == "primary"


async def test_the_last_word_of_a_source_that_died_does_not_count_for_ever() -> None:
    scene = Scene(Source(down_from(20.0), fails=lambda now: now >= 25))
    await scene.run(80)
    assert scene.fleet.roles[AZ] == "primary"  # back after recovery and fail-back


class Elsewhere(FakeProber):
    """Probes every path but one."""

    async def samples(self, within_s: float) -> Sequence[Sample]:
        return [sample for sample in await super().samples(within_s) if sample.path != AZ]


async def test_samples_of_a_source_are_judged_like_those_of_the_prober() -> None:
    def answered(now: float) -> list[Sample]:
        number = int(now * 1000)
        sent = [Sample(AZ, target, number, now, SampleState.SENT) for target in TARGETS]
        return [*sent, *(replace(each, state=SampleState.OK, rtt_ms=12.0) for each in sent)]

    scene = Scene(Source(answered, every_s=0.2), prober=Elsewhere)
    await scene.run(10)
    assert scene.store.snapshot is not None
    (health,) = [each for each in scene.store.snapshot.health if each.link == AZ]
    assert health.why.startswith("IPv4: 4 of 4 targets answer in 12.0 ms")
