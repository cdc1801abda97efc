"""What would happen if something failed now: said before it happens, for every single failure and for pairs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from controller.cli.root import main
from controller.config import write_starter
from controller.core.model import Moment, OrderKind, Override, Preference, Traffic, Verdict
from controller.core.readiness import Answer, answer, failures, pairs, told
from controller.ready import EVERY_S, Readiness
from tests.decide_world import AZ, DOWN, GE1, GE2, IR, World, traffic_class, world
from tests.unit.test_loop import Scene, dark


def answers(w: World, *, two: bool = False) -> Mapping[str, Answer]:
    moment = Moment(w.health, w.state, w.now, w.current, unreachable=w.unreachable, overrides=w.overrides)
    chosen = pairs(w.policy) if two else failures(w.policy)
    return {each.name: answer(each, w.policy, moment) for each in chosen}


def lines(w: World, *, two: bool = False) -> dict[str, list[str]]:
    return {name: told(each) for name, each in answers(w, two=two).items()}


def test_every_single_failure_has_its_answer_and_the_same_links_are_named_once() -> None:
    assert lines(world(shared=True)) == {
        "link edge1-azerbaijan, upstream azerbaijan": [
            "residential to georgia (edge1-georgia and edge2-georgia), then iran"
        ],
        "link edge1-georgia": ["residential stays on azerbaijan (edge1-azerbaijan), then georgia, iran"],
        "link edge2-georgia": ["residential stays on azerbaijan (edge1-azerbaijan), then georgia, iran"],
        "link edge2-iran, upstream iran": [
            "residential stays on azerbaijan (edge1-azerbaijan), then georgia, which shares its risk"
        ],
        "upstream georgia": ["residential stays on azerbaijan (edge1-azerbaijan), then iran"],
        "router edge1": ["residential to georgia (edge2-georgia), then iran"],
        "router edge2": [
            "residential stays on azerbaijan (edge1-azerbaijan), then georgia, which shares its risk"
        ],
        "shared risk black-sea": ["residential to iran (edge2-iran), then nothing"],
    }


def test_a_class_that_a_failure_leaves_with_nothing_is_named() -> None:
    w = world(traffic_class("residential", "azerbaijan", "iran"), traffic_class("b", "iran"))
    found = answers(w)["link edge2-iran, upstream iran"]
    assert found.stranded == ("b",)
    assert told(found) == [
        "residential stays on azerbaijan (edge1-azerbaijan), then nothing",
        "nothing is left to carry b",
    ]


def test_what_is_down_already_is_no_answer() -> None:
    w = world()
    w.turn({GE1: DOWN, GE2: DOWN})
    w.step(1)
    assert lines(w)["router edge1"] == ["residential to iran (edge2-iran), then nothing"]
    w.turn({IR: DOWN})
    w.step(1)
    assert answers(w)["router edge1"].stranded == ("residential",)


def test_what_people_drained_is_no_answer_either() -> None:
    w = world()
    w.overrides = (Override(1, OrderKind.DRAIN, "georgia", "", "ann", "x", w.now, None),)
    w.step(1)
    assert lines(w)["link edge1-azerbaijan, upstream azerbaijan"][0].startswith(
        "residential to iran (edge2-iran)"
    )


def test_what_would_not_fit_is_said_in_figures() -> None:
    w = world(shared=True)
    sizes = {"georgia": 50e9, "iran": 20e9}
    upstreams = {
        name: replace(each, capacity_bps=sizes.get(name)) for name, each in w.policy.upstreams.items()
    }
    residential = replace(w.policy.classes["residential"], load_bps=30e9)
    w.policy = replace(w.policy, upstreams=upstreams, classes={"residential": residential})
    found = lines(w)
    assert found["link edge1-azerbaijan, upstream azerbaijan"] == [
        "residential to georgia (edge1-georgia and edge2-georgia), then iran"
    ]
    assert found["shared risk black-sea"] == [
        "residential to iran (edge2-iran), then nothing",
        "iran would carry 30 of 18 Gbit/s",
    ]
    moment = Moment(w.health, w.state, w.now, w.current, traffic=Traffic(classes={"residential": 15e9}))
    (sea,) = (each for each in failures(w.policy) if each.name == "shared risk black-sea")
    assert answer(sea, w.policy, moment).crowded == ()


def test_pairs_leave_out_what_one_of_them_contains() -> None:
    found = lines(world(shared=True), two=True)
    assert "router edge1 and router edge2" in found
    assert found["router edge1 and router edge2"] == ["nothing is left to carry residential"]
    assert not any("upstream georgia" in name and "link edge1-georgia" in name for name in found)


def test_the_answer_is_what_is_decided_when_it_happens() -> None:
    """Readiness is `decide` itself, so they can only agree; a fault of the harness would show here."""
    w = world(shared=True)
    for failure in failures(w.policy):
        expected = answer(failure, w.policy, Moment(w.health, w.state, w.now, w.current)).decision.assignment
        other = world(shared=True)
        other.turn(dict.fromkeys(failure.links, DOWN))
        other.unreachable = failure.routers
        assert other.look().assignment == expected


async def _stranded(scene: Scene, seconds: float) -> list[str]:
    await scene.run(seconds)
    return _noticed(scene)


def _noticed(scene: Scene) -> list[str]:
    decision = scene.store.snapshot.decision if scene.store.snapshot else None
    return [notice.text for notice in (decision.notices if decision else ()) if notice.rule == "readiness"]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_running_loop_says_when_one_more_failure_would_leave_a_class_with_nothing() -> None:
    assert await _stranded(Scene(lambda *_: True), 30 * EVERY_S) == []
    found = await _stranded(Scene(dark("azerbaijan", 20.0)), 60.0)
    assert (
        "should router edge2 fail now, nothing is left to carry residential" not in found
    )  # edge1-georgia is


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_it_is_logged_once() -> None:
    def alive(path: str, now: float) -> bool:
        return now < 20 or path in ("edge2-iran", "user-path")

    scene = Scene(alive)
    found = await _stranded(scene, 80.0)
    text = "should link edge2-iran, upstream iran fail now, nothing is left to carry residential"
    assert text in found
    assert sum(text in line for _, line in scene.log.lines) == 1


def risky(alive: Callable[[str, float], bool]) -> Scene:
    """Two upstreams share a risk, and the class wants backups that share none."""
    scene = Scene(alive)
    policy = scene.policy
    sharing = {
        name: replace(each, shared_risk=frozenset() if name == "iran" else frozenset(["black-sea"]))
        for name, each in policy.upstreams.items()
    }
    classes = {"residential": replace(policy.classes["residential"], backups_disjoint=True)}
    scene.policy = scene.fleet.policy = replace(policy, upstreams=sharing, classes=classes)
    return scene


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_backup_that_is_disjoint_no_more_is_a_notice_for_as_long_as_that_lasts() -> None:
    scene = risky(dark("iran", 20.0, 60.0))
    seen: dict[float, list[str]] = {}
    for at in (19.0, 59.0):
        asyncio.get_running_loop().call_later(at, lambda when: seen.update({when: _noticed(scene)}), at)
    seen[90.0] = await _stranded(scene, 90.0)
    assert (seen[19.0], seen[90.0]) == ([], [])
    (text,) = (text for text in seen[59.0] if "disjoint" in text)
    assert text.endswith(" fail now, no disjoint backup is left for residential")
    assert "upstream georgia" in text
    assert "edge2-iran" not in text  # of which that holds at best: that is no news
    assert sum("disjoint" in line for _, line in scene.log.lines) == 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_class_that_does_not_ask_for_disjoint_backups_is_not_told_of_them() -> None:
    scene = risky(dark("iran", 20.0, 60.0))
    relaxed = {"residential": replace(scene.policy.classes["residential"], backups_disjoint=False)}
    scene.policy = scene.fleet.policy = replace(scene.policy, classes=relaxed)
    assert not any("disjoint" in text for text in await _stranded(scene, 59.0))


def _reasons(scene: Scene) -> list[tuple[str, str]]:
    return [
        (reason.subject, reason.text)
        for decision, outcomes in scene.store.records
        for reason in decision.reasons
        if reason.rule == "readiness" and outcomes
    ]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_failure_that_was_foreseen_is_recorded_as_foreseen_and_when_it_was_thought_through() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    await scene.run(30)
    ((subject, text),) = _reasons(scene)
    assert subject == "link edge1-azerbaijan, upstream azerbaijan"
    found = re.fullmatch(r"foreseen, and last thought through (\d+(?:\.\d)?) s ago", text)
    assert found is not None
    assert 0 < float(found[1]) <= len(failures(scene.policy)) * EVERY_S + 1


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_links_that_die_one_after_the_other_are_one_failure_once_all_of_them_have() -> None:
    scene = Scene(
        lambda path, now: not (path.endswith("georgia") and now >= (20.0 if "edge1" in path else 20.3))
    )
    scene.prefer("georgia", "iran", "azerbaijan")
    await scene.run(30)
    assert [subject for subject, _ in _reasons(scene)] == ["link edge1-georgia", "upstream georgia"]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_what_differs_from_what_was_thought_is_said() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    order = Override(1, OrderKind.DRAIN, "georgia", "", "ann", "fibre work", 0.0, None)
    asyncio.get_running_loop().call_later(19.9, lambda: setattr(scene.store, "ordered", (order,)))
    await scene.run(30)
    texts = [text for subject, text in _reasons(scene) if subject.startswith("link edge1-azerbaijan")]
    assert any(
        "and decided otherwise now: residential: " in text and "edge2-iran backup-2 -> primary" in text
        for text in texts
    ), texts


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_what_nobody_thought_of_is_not_called_foreseen() -> None:
    scene = Scene(lambda path, now: now < 20 or path in ("edge2-georgia", "user-path"))
    await scene.run(30)  # azerbaijan, iran and a link of georgia at once
    assert _reasons(scene) == []


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_where_nothing_can_fail_the_loop_is_not_held_up() -> None:
    empty = replace(world().policy, links={}, upstreams={}, routers={})
    following = asyncio.create_task(Readiness(empty, lambda: None, lambda: None).follow())
    await asyncio.sleep(10 * EVERY_S)
    assert not following.done()
    following.cancel()


def test_the_command_shows_all_and_its_code_says_whether_there_is_an_answer_to_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_starter(tmp_path)
    state, inventory = tmp_path / "state", tmp_path / "inventory"

    def call(*words: str) -> tuple[int, str]:
        argv = [
            "failover",
            "--inventory",
            str(inventory),
            "--state",
            str(state),
            "policy",
            "readiness",
            *words,
        ]
        monkeypatch.setattr("sys.argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    code, said = call()
    assert code == 0
    assert said.startswith("as seen by nobody: every link is taken to be well\n")
    assert "shared risk black-sea: residential to iran (edge2-iran), then nothing\n" in said
    code, said = call("--pairs", "--json")
    assert code == 0
    assert '"failure": "router edge1 and router edge2"' in said
    file = inventory / "policy.yaml"
    file.write_text(
        file.read_text().replace("prefer: [azerbaijan, georgia, iran]", "prefer: [azerbaijan, georgia]")
    )
    code, said = call()
    assert code == 2
    assert "shared risk black-sea: nothing is left to carry residential\n" in said
    assert Verdict.DOWN not in said
    assert AZ in said


def test_those_that_carry_together_are_named_together() -> None:
    shared = replace(
        traffic_class("residential", "azerbaijan"), prefer=Preference(("azerbaijan", "georgia+iran"))
    )
    w = world(shared)
    moment = Moment(w.health, w.state, w.now, w.current)
    found = {each.name: answer(each, w.policy, moment) for each in failures(w.policy)}
    (fate,) = next(each for name, each in found.items() if "upstream azerbaijan" in name).fates
    assert (fate.carrier, fate.moves) == ("georgia+iran", True)
    assert fate.links == ("edge1-georgia", "edge2-georgia", "edge2-iran")
    assert fate.backups == ()
