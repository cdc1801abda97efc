"""The loop on virtual time: hours of faults in milliseconds, against a world that remembers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.core.grey_threshold import LEVELS, Calibrator
from controller.core.model import (
    USER_PATH,
    Applied,
    Family,
    LatencyPolicy,
    Preference,
    Reason,
    RolledBack,
    Verdict,
)
from controller.core.samples import marks
from controller.core.turn import DRIVING
from controller.loop import Loop
from controller.watch import QUIET_TIME, LoopSettings, World
from tests.fakes import FakeFleet, FakeLog, FakeProber, FakeSamples, FakeStore, LoopClock, policy

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

Alive = Callable[[str, float], bool]
Rtt = Callable[[str, float], float]


class Scene:
    """A loop and its world."""

    def __init__(self, alive: Alive, **stability: float) -> None:
        self.policy = policy(**stability)
        self.fleet = FakeFleet(self.policy)
        self.store, self.samples, self.log = FakeStore(), FakeSamples(), FakeLog()
        self.alive = alive
        self.rtt_ms: Callable[[str, float], float] = lambda path, now: 10.0
        self.dry_run = False
        self.standing: list[Reason] = []
        self.settings = LoopSettings()
        self.make_prober: Callable[[Alive, Rtt], FakeProber] = FakeProber
        self.users_served_by = set(self.policy.links)

    async def run(self, seconds: float) -> None:
        self.prober = self.make_prober(self._alive, self.rtt_ms)
        world = World(self.prober, self.fleet, self.store, self.samples, LoopClock(), self.log)
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, stop.set)
        await Loop(
            self.policy, world, dry_run=self.dry_run, standing=self.standing, settings=self.settings
        ).run(stop)

    def _alive(self, path: str, now: float) -> bool:
        if path != USER_PATH:
            return self.alive(path, now)
        carrying = {link for link, role in self.fleet.roles.items() if role == "primary"}
        return any(self.alive(link, now) for link in carrying & self.users_served_by)

    def prefer(self, *upstreams: str) -> None:
        residential = replace(self.policy.classes["residential"], prefer=Preference(upstreams))
        self.policy = self.fleet.policy = replace(self.policy, classes={"residential": residential})


def dark(upstream: str, start: float, end: float = 1e9) -> Alive:
    return lambda path, now: not (path.endswith(upstream) and start <= now < end)


async def test_first_contact_installs_the_preferred_roles() -> None:
    scene = Scene(lambda *_: True)
    await scene.run(10)
    assert scene.fleet.roles == {
        "edge1-azerbaijan": "primary",
        "edge1-georgia": "backup",
        "edge2-georgia": "backup",
        "edge2-iran": "backup-2",
    }
    assert not scene.fleet.pending


async def test_a_dark_upstream_is_left_within_a_second() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    await scene.run(40)
    moved = next(at for at, sentence in scene.fleet.pushes if at > 20)
    assert moved - 20.0 < 0.4 + 0.1 + 0.2 + 0.1  # ride_out, one interval, the push, slack
    assert scene.fleet.roles["edge1-azerbaijan"] == "drained"
    assert scene.fleet.roles["edge1-georgia"] == "primary"
    assert not scene.fleet.pending


async def test_a_link_that_goes_quiet_is_probed_faster_until_it_is_known_to_be_down() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    await scene.run(40)
    mine = [every_s for path, every_s in scene.prober.paced if path == "edge1-azerbaijan"]
    assert mine == [0.025, 0.1]


async def test_what_is_learnt_of_the_links_is_kept_and_what_follows_is_said() -> None:
    scene = Scene(lambda *_: True)
    scene.settings = LoopSettings(histories_s=5.0)
    await scene.run(70)
    assert scene.store.learned[QUIET_TIME]["loss/edge1-azerbaijan/ipv4"]["calibrator"]["observed_s"] > 50
    said = [text for _, text in scene.log.lines if "loss counts as grey from" in text]
    assert len(said) == len(scene.policy.links) + 1  # and the user path
    assert "by formula until there are 14" in said[0]


async def test_what_was_learnt_in_an_earlier_life_is_used() -> None:
    scene = Scene(lambda *_: True)
    calibrator = Calibrator(20 * 86400.0, tuple(1000 // 2**n for n in range(len(LEVELS))))
    known = {"calibrator": calibrator.to_plain(), "ambient": {"days": [0.001], "value": 0.001}}
    scene.store.learned[QUIET_TIME] = {"loss/edge1-azerbaijan/ipv4": known, "loss/edge2-iran/ipv4": {"x": 1}}
    await scene.run(20)
    said = [text for _, text in scene.log.lines if "edge1-azerbaijan IPv4: loss counts" in text]
    assert "fitted to 20.0 quiet days" in said[0]
    assert scene.log.said("loss/edge2-iran/ipv4 cannot be read")


async def test_a_record_keeps_the_samples_that_drove_each_verdict() -> None:
    scene = Scene(dark("azerbaijan", 20.0, 25.0))
    await scene.run(40)
    told = [(each.sight.link, each.was, each.sight.verdict) for each in scene.store.turns]
    assert told.count(("edge1-azerbaijan", Verdict.UP, Verdict.DOWN)) == 1
    assert told[-1] == ("edge1-azerbaijan", Verdict.DOWN, Verdict.UP)
    assert {link for link, _, _ in told} <= {"edge1-azerbaijan", USER_PATH}
    down = scene.store.turns[told.index(("edge1-azerbaijan", Verdict.UP, Verdict.DOWN))]
    silence = down.sight.families[Family.IPV4].silence
    assert silence.share >= 1
    assert silence.share < 1.5  # of the moment it fell, and not of when the record was written
    for probes in down.probes.values():
        drawn = marks(probes)
        assert len(drawn) == DRIVING
        assert drawn.rstrip("x?").strip(".") == ""  # all well, then nothing more
        assert (
            3 <= len(drawn) - len(drawn.rstrip("x?")) <= 16
        )  # 0.4 s at ten a second, and faster on suspicion
        assert -5 < probes[0].sent_at < probes[-1].sent_at <= 0
    up = scene.store.turns[-1]
    assert {marks(probes) for probes in up.probes.values()} == {"." * DRIVING}


async def test_leaving_a_quiet_link_is_rehearsed_before_the_verdict() -> None:
    scene = Scene(dark("azerbaijan", 20.0, 20.3))  # quiet, but back before it is dead
    await scene.run(30)
    assert scene.fleet.rehearsals
    assert all(at < 20 for at, _ in scene.fleet.pushes)
    rehearsed = scene.fleet.rehearsals[-1]["edge1"].attachments
    assert any(attachment.policy == "FO-EDGE1-GEORGIA-PRIMARY-IN" for attachment in rehearsed)


async def test_leaving_what_carries_traffic_is_rehearsed_in_calm() -> None:
    scene = Scene(dark("azerbaijan", 100.0))
    await scene.run(10)
    names = {
        attachment.policy for each in scene.fleet.rehearsals[-1].values() for attachment in each.attachments
    }
    assert {"FO-EDGE1-AZERBAIJAN-DRAINED-IN", "FO-EDGE1-GEORGIA-PRIMARY-IN"} <= names


async def test_once_traffic_has_moved_leaving_the_new_carrier_is_rehearsed() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    await scene.run(40)
    assert scene.fleet.roles["edge1-georgia"] == "primary"
    names = {
        attachment.policy for each in scene.fleet.rehearsals[-1].values() for attachment in each.attachments
    }
    assert "FO-EDGE2-IRAN-PRIMARY-IN" in names


async def test_a_dry_run_rehearses_nothing() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    scene.dry_run = True
    await scene.run(40)
    assert scene.fleet.rehearsals == []


async def test_traffic_returns_after_clean_time_and_not_before() -> None:
    scene = Scene(dark("azerbaijan", 20.0, 25.0))
    await scene.run(120)
    back = [at for at, sentence in scene.fleet.pushes if at > 26]
    assert back
    assert back[0] >= 25.0 + 20.0
    assert back[0] < 25.0 + 5.0 + 20.0 + 30.0 + 1.0
    assert scene.fleet.roles["edge1-azerbaijan"] == "primary"
    assert scene.fleet.roles["edge1-georgia"] == "backup"


async def test_the_way_back_is_made_before_the_old_one_is_broken() -> None:
    scene = Scene(dark("azerbaijan", 20.0, 25.0))
    seen: list[dict[str, str]] = []
    scene.fleet.on_push = lambda: seen.append(scene.fleet.roles)
    await scene.run(120)
    both = [r for r in seen if r.get("edge1-azerbaijan") == r.get("edge1-georgia") == "primary"]
    assert both, "no moment at which both ways carried traffic"


async def test_a_link_that_loses_packets_is_left_in_one_push_for_nothing_sound_is_broken() -> None:
    chance = random.Random(1)
    lossy = dark("azerbaijan", 20.0)
    scene = Scene(lambda path, now: lossy(path, now) or chance.random() > 0.3)
    seen: list[tuple[str, str]] = []
    scene.fleet.on_push = lambda: seen.append(
        (scene.fleet.roles["edge1-azerbaijan"], scene.fleet.roles["edge1-georgia"])
    )
    await scene.run(40)
    moved = [azerbaijan for azerbaijan, georgia in seen if georgia == "primary"]
    assert set(moved) == {"backup"}, seen


async def test_with_everything_dark_nothing_is_pushed_and_the_reason_is_said() -> None:
    scene = Scene(lambda path, now: now < 20.0)
    await scene.run(60)
    assert all(at < 20 for at, _ in scene.fleet.pushes)
    assert scene.fleet.roles["edge1-azerbaijan"] == "primary"
    assert scene.store.snapshot is not None
    assert "nothing" in scene.store.snapshot.sentence


async def test_a_loop_that_starts_in_the_dark_leaves_the_routers_alone() -> None:
    scene = Scene(lambda *_: False)
    await scene.run(30)
    assert not scene.fleet.pushes


async def test_a_dead_router_does_not_keep_the_other_from_being_served() -> None:
    scene = Scene(dark("azerbaijan", 30.0))
    scene.fleet.dead = {"edge2"}
    await scene.run(60)
    assert scene.fleet.roles["edge1-georgia"] == "primary"
    assert scene.log.said("edge2 cannot be read")


async def test_a_router_that_comes_back_is_brought_to_the_intent() -> None:
    scene = Scene(lambda *_: True)
    scene.fleet.dead = {"edge2"}
    asyncio.get_running_loop().call_later(30, scene.fleet.dead.clear)
    await scene.run(60)
    assert scene.fleet.roles["edge2-iran"] == "backup-2"


async def test_a_push_is_kept_however_long_outages_are_ridden_out() -> None:
    scene = Scene(dark("azerbaijan", 5.0, 12.0), fail_back_clean_s=5.0, hold_down_s=5.0)
    health = replace(scene.policy.health, ride_out_s=4.0, recover_s=4.0)
    scene.policy = scene.fleet.policy = replace(scene.policy, health=health)
    await scene.run(40)  # there and back: users are served before the way back
    assert scene.fleet.roles["edge1-azerbaijan"] == "primary"
    assert not any(isinstance(each, RolledBack) for _, outcomes in scene.store.records for each in outcomes)


async def test_a_push_that_cuts_users_off_is_undone_and_not_repeated_at_once() -> None:
    scene = Scene(lambda *_: True)
    await scene.run(10)
    other = Scene(lambda *_: True)
    other.prefer("iran", "azerbaijan", "georgia")  # a new policy; but users are not served through iran
    other.fleet.running = dict(scene.fleet.running)
    other.users_served_by = {"edge1-azerbaijan", "edge1-georgia", "edge2-georgia"}
    await other.run(120)
    outcomes = [outcome for _, outcomes in other.store.records for outcome in outcomes]
    assert any(isinstance(outcome, RolledBack) for outcome in outcomes)
    assert other.fleet.roles["edge1-azerbaijan"] == "primary"
    assert other.fleet.roles["edge2-iran"] != "primary"
    assert not other.fleet.pending
    assert 1 <= len({at for at, _ in other.fleet.pushes}) <= 18  # backing off: 5, 10, 20, 40 s


class CutOff(Scene):
    """Users are served, which shows a moment later than the links do, until the first push."""

    def _alive(self, path: str, now: float) -> bool:
        return now > 0.5 and not self.fleet.running if path == USER_PATH else super()._alive(path, now)


async def test_a_first_contact_that_cuts_users_off_is_undone() -> None:
    scene = CutOff(lambda *_: True)
    await scene.run(6)
    outcomes = [outcome for _, outcomes in scene.store.records for outcome in outcomes]
    assert {type(outcome) for outcome in outcomes} == {RolledBack}
    assert not scene.fleet.roles
    assert not scene.fleet.pending


async def test_a_dry_run_never_pushes() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    scene.dry_run = True
    await scene.run(60)
    assert not scene.fleet.pushes
    assert scene.log.said("edge1 would be changed")


async def test_a_full_disk_does_not_stop_a_failover() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    scene.store.broken = True
    await scene.run(40)
    assert scene.fleet.roles["edge1-georgia"] == "primary"
    assert scene.log.said("could not be recorded")


async def test_what_somebody_changed_by_hand_is_put_right() -> None:
    scene = Scene(lambda *_: True)
    loop = asyncio.get_running_loop()
    loop.call_later(20, lambda: scene.fleet.running.update(edge1=scene.fleet.running["edge1"][:1]))
    await scene.run(60)
    assert scene.fleet.roles["edge1-azerbaijan"] == "primary"


async def test_a_refused_plan_is_not_sent_again_and_again() -> None:
    scene = Scene(lambda *_: True)
    scene.fleet.refusing = {"edge1", "edge2"}
    await scene.run(100)
    refusals = [o for _, all_ in scene.store.records for o in all_ if not isinstance(o, Applied)]
    assert 2 <= len(refusals) <= 14  # two routers, at 0, 5, 15, 35, 75 s and the reconciles between


async def test_a_push_that_failed_is_tried_again_when_its_wait_is_over() -> None:
    scene = Scene(dark("azerbaijan", 18.0))  # the routers are read at 15 s and at 30 s
    asyncio.get_running_loop().call_later(17, scene.fleet.refusing.update, {"edge1"})
    asyncio.get_running_loop().call_later(20, scene.fleet.refusing.clear)
    await scene.run(28)
    assert scene.fleet.roles["edge1-georgia"] == "primary"


async def test_a_router_that_failed_in_a_push_is_looked_at_again_without_waiting_for_it() -> None:
    def alive(path: str, now: float) -> bool:
        return not 20 <= now < 22 if path.endswith("azerbaijan") else now < 23

    scene = Scene(alive)
    scene.fleet.dead_s = 25.0
    asyncio.get_running_loop().call_later(19.9, scene.fleet.dead.add, "edge2")
    seen: list[dict[str, str]] = []
    asyncio.get_running_loop().call_later(22, lambda: seen.append(scene.fleet.roles))
    await scene.run(32)
    assert seen[0]["edge1-georgia"] == "primary"
    assert scene.fleet.roles["edge1-azerbaijan"] == "primary"


async def test_an_escape_waits_for_no_answer_that_could_not_change_it() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    scene.users_served_by = {"edge1-azerbaijan"}  # users stay cut off, and the way back is dead
    waiting: list[set[str]] = []
    asyncio.get_running_loop().call_later(21.5, lambda: waiting.append(set(scene.fleet.pending)))
    await scene.run(22)
    assert scene.fleet.roles["edge1-georgia"] == "primary"
    assert waiting == [set()]  # confirmed by then


async def test_an_unconfirmed_commit_of_a_dead_controller_is_settled_at_the_start() -> None:
    scene = Scene(lambda *_: True)
    await scene.run(10)
    scene.fleet.pending = {"edge1"}
    again = Scene(lambda *_: True)
    again.fleet = scene.fleet
    await again.run(10)
    assert not again.fleet.pending
    assert again.log.said("unconfirmed commit")


async def test_every_cycle_that_acts_says_one_sentence() -> None:
    scene = Scene(dark("azerbaijan", 20.0, 25.0))
    await scene.run(120)
    for decision, _ in scene.store.records:
        assert decision.sentence
        assert "\n" not in decision.sentence


async def test_a_brownout_moves_traffic_after_its_hold_and_back_once_it_is_over() -> None:
    scene = Scene(lambda *_: True)
    latency = LatencyPolicy(worse_by_ms=30, held_s=20)
    scene.policy = replace(scene.policy, health=replace(scene.policy.health, latency=latency))
    scene.fleet.policy = scene.policy
    scene.rtt_ms = lambda path, now: 60.0 if path.endswith("azerbaijan") and 90 <= now < 150 else 10.0
    await scene.run(260)
    moved = [(at, sentence) for at, sentence in scene.fleet.pushes if at > 20]
    away = next(at for at, sentence in moved if "is in brownout" in sentence)
    assert 105 <= away <= 120  # 90, the hold, a block
    back = [at for at, _ in moved if at > 150]
    assert 150 + 20 + 20 <= back[0] <= 150 + 20 + 20 + 15  # clean for as long as held, then for the fail-back
    assert scene.fleet.roles["edge1-azerbaijan"] == "primary"
    assert not [sentence for _, sentence in moved if "down" in sentence]
    assert scene.log.said("edge1-azerbaijan is in brownout: IPv4: 50 ms more than its usual 10 ms on 4 of 4")
    assert scene.log.said("edge1-azerbaijan is as fast as usual again")
