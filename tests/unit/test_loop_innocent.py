"""The loop on virtual time: its own trouble, and what users see, is named and moves nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_address

import pytest

from controller.core.model import ANCHORS, USER_PATH, Sample, SampleState
from controller.watch import probe_paths
from tests.fakes import FakeProber
from tests.unit.test_loop import Alive, Rtt, Scene, dark

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

Fate = Callable[[Sample, float], bool]


class TroubledProber(FakeProber):
    """Where ``spoilt(sample, now)``, what came of a probe is the prober's own trouble; or nothing comes at all."""

    def __init__(self, alive: Alive, rtt_ms: Rtt, spoilt: Fate, silent: Callable[[float], bool]) -> None:
        super().__init__(alive, rtt_ms)
        self._spoilt, self._silent = spoilt, silent

    async def samples(self, within_s: float) -> Sequence[Sample]:
        now = asyncio.get_running_loop().time()
        found = await super().samples(within_s)
        if self._silent(now):
            return ()
        return [
            replace(sample, state=SampleState.INVALID, rtt_ms=None)
            if sample.state is not SampleState.SENT and self._spoilt(sample, now)
            else sample
            for sample in found
        ]


class HeldUpProber(FakeProber):
    """Sends, and reads nothing for a while."""

    async def samples(self, within_s: float) -> Sequence[Sample]:
        found = await super().samples(within_s)
        now = asyncio.get_running_loop().time()
        held = 10.0 <= now < 10.9
        self.heard_until = 10.0 if held else now
        if held:
            self._unread = [*getattr(self, "_unread", []), *(each for each in found if each.rtt_ms)]
            return [each for each in found if each.state is SampleState.SENT and each.sent_at <= 10.0]
        unread, self._unread = getattr(self, "_unread", []), list[Sample]()
        return [*unread, *found]


async def test_answers_that_nobody_has_read_yet_are_no_silence() -> None:
    scene = Scene(lambda *_: True)
    scene.make_prober = HeldUpProber
    await scene.run(20)
    assert not [line for line in scene.log.lines if "is down (was up)" in line[1]]


async def run(
    scene: Scene,
    seconds: float,
    spoilt: Fate = lambda *_: False,
    silent: Callable[[float], bool] = lambda _: False,
) -> None:
    """Run a scene with a troubled prober."""
    scene.make_prober = lambda alive, rtt_ms: TroubledProber(alive, rtt_ms, spoilt, silent)
    await scene.run(seconds)


def sentences(scene: Scene) -> list[str]:
    return [decision.sentence for decision, _ in scene.store.records]


async def test_a_starved_prober_moves_nothing_while_a_link_seems_dead_and_is_named() -> None:
    scene = Scene(dark("azerbaijan", 22.0, 24.0))  # within the trouble: it may be as false as anything
    await run(scene, 60, lambda sample, now: 15 <= now < 30 and sample.seq % 4 != 0)
    assert all(at < 15 for at, _ in scene.fleet.pushes)
    starved = [each for each in sentences(scene) if each.startswith("the prober is starved: ")]
    assert starved
    assert starved[0].endswith("% of its probes of the last 10 s are invalid; nothing changed")
    assert scene.store.records[-1][0].sentence.startswith("nothing to change")


async def test_a_link_that_is_still_dead_when_the_prober_is_well_again_is_left() -> None:
    scene = Scene(dark("azerbaijan", 22.0))
    await run(scene, 60, lambda sample, now: 15 <= now < 30 and sample.seq % 4 != 0)
    (moved,) = {round(at) for at, _ in scene.fleet.pushes if at > 15}
    assert 30 < moved <= 41
    assert scene.fleet.roles["edge1-georgia"] == "primary"


async def test_a_prober_that_says_nothing_moves_nothing_and_is_named() -> None:
    scene = Scene(lambda *_: True)
    await run(scene, 60, silent=lambda now: 20 <= now < 35)
    assert all(at < 20 for at, _ in scene.fleet.pushes)
    assert any(
        "the prober is silent: no probe has come to an end for 3 s" in each for each in sentences(scene)
    )
    assert scene.store.records[-1][0].sentence.startswith("nothing to change")


async def test_one_link_whose_probes_are_all_invalid_is_unknown_and_named() -> None:
    scene = Scene(lambda *_: True)
    await run(scene, 40, lambda sample, now: now >= 15 and sample.path == "edge2-iran")
    assert scene.store.snapshot is not None
    assert scene.store.snapshot.decision is not None
    (notice,) = scene.store.snapshot.decision.notices
    assert notice.text == "edge2-iran: 100 % of its probes of the last 10 s are invalid"
    assert [line for line in scene.log.lines if line == ("warning", notice.text)] != []
    assert all(at < 15 for at, _ in scene.fleet.pushes)


async def test_users_cut_off_behind_clean_links_are_reported_and_nothing_is_moved() -> None:
    scene = Scene(lambda *_: True)
    asyncio.get_running_loop().call_later(20, scene.users_served_by.clear)
    await scene.run(80)
    assert all(at < 20 for at, _ in scene.fleet.pushes)
    clause = "users reach nothing though every link looks clean"
    assert scene.store.records[-1][0].sentence.endswith(f"all 4 links up; {clause}")
    said = [text for level, text in scene.log.lines if level == "warning" and text.startswith(clause)]
    assert len(said) == 1


async def test_everything_dark_with_the_anchors_is_called_my_own_path() -> None:
    scene = Scene(lambda path, now: now < 20)
    health = replace(scene.policy.health, anchors=(ip_address("203.0.113.1"), ip_address("203.0.113.2")))
    scene.policy = replace(scene.policy, health=health)
    assert [path.name for path in probe_paths(scene.policy)][-2:] == [USER_PATH, ANCHORS]
    await scene.run(40)
    assert all(at < 20 for at, _ in scene.fleet.pushes)
    assert (
        "every link looks bad at once; the anchors are silent too, so it is my own path; nothing changed"
        in scene.store.records[-1][0].sentence
    )


@pytest.mark.parametrize(("lasts_s", "seed"), [(1.5, 0), (1.5, 1), (20.0, 0)])
async def test_loss_that_all_links_have_for_a_while_moves_nothing_when_it_ends_either(
    lasts_s: float, seed: int
) -> None:
    """Links get over it one after another, and the one that carries may be the last."""
    chance = random.Random(seed)
    scene = Scene(lambda path, now: not 20 <= now < 20 + lasts_s or chance.random() > 0.3)
    scene.policy = replace(scene.policy, health=replace(scene.policy.health, recover_s=1.0))
    await scene.run(80)
    assert all(at < 20 for at, _ in scene.fleet.pushes)
    assert scene.store.records[-1][0].sentence.startswith("nothing to change: residential on azerbaijan, all")


async def test_everything_dark_but_the_anchors_is_not() -> None:
    scene = Scene(lambda path, now: now < 20 or path == ANCHORS)
    health = replace(scene.policy.health, anchors=(ip_address("203.0.113.1"),))
    scene.policy = replace(scene.policy, health=health)
    await scene.run(40)
    assert "my own way as far as the anchors is fine" in scene.store.records[-1][0].sentence
