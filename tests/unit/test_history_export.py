"""What a loop recorded comes back as a trace, and the simulation makes of it what the loop made of it."""

from __future__ import annotations

import asyncio
import csv
import io
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from controller.core.model import Family, OrderKind, Policy, Sample, SampleState, Verdict
from controller.core.rollup import STEPS, Row, Series, tally
from controller.core.samples import Samples, Seconds
from controller.loop import Loop
from controller.ports import Snapshot
from controller.sim import Run, simulate
from controller.sim.eyes import eyes
from controller.sim.recorded import Recorded, lines
from controller.sim.scenario import Scenario
from controller.sim.trace import trace
from controller.sim.world import turns
from controller.store.samples import SampleReader, SampleWriter
from controller.store.sqlite import SqliteStore
from controller.watch import World
from tests.fakes import FakeFleet, FakeLog, FakeProber, FakeSamples, LoopClock, policy

UTC = 1_700_000_000.0  # when the loop's virtual time begins
TIMERS = {"hold_down_s": 10.0, "fail_back_clean_s": 5.0}
Alive = Callable[[str, float], bool]
Turned = list[tuple[float, str, Verdict]]


class BlockingSamples(FakeSamples):
    """Writes to disk at once: threads know nothing of virtual time."""

    def __init__(self, writer: SampleWriter) -> None:
        super().__init__()
        self._writer = writer

    async def keep(self, seconds: Sequence[Seconds], utc: float) -> None:
        self._writer.write(seconds, utc)


class QuickStore(SqliteStore):
    """Without what nobody reads here."""

    def put_snapshot(self, snapshot: Snapshot) -> None:
        pass


@dataclass
class Past:
    """What a loop did, and what was recorded of it."""

    policy: Policy
    folder: Path
    pushes: list[tuple[float, str]]

    def export(self, begin: float = 0.0, end: float = 1e6, step: str = "1s") -> list[tuple[str, ...]]:
        reader = SampleReader(self.folder / "samples.db")
        links, width_s = self.policy.links, {"1s": 1, "1min": 60}[step]
        since, until = UTC + begin, UTC + end
        rows = {link: reader.rows(link, step, since, until) for link in links}
        minutes = {link: reader.rows(link, "1min", since - 60, until) for link in links}
        reader.close()
        until = min(until, width_s + max(row.start for each in rows.values() for row in each))
        store = SqliteStore(self.folder / "failover.db", read_only=True)
        told, ordered = store.turns(since, until), store.ordered(since, until)
        store.close()
        recover_s = self.policy.health.recover_s
        return list(lines(Recorded(since, until, width_s, rows, minutes, told, ordered, recover_s)))

    def turned(self) -> Turned:
        store = SqliteStore(self.folder / "failover.db", read_only=True)
        told = [each for each in store.turns(UTC, UTC + 1e6) if each.sight.link in self.policy.links]
        store.close()
        return [
            (each.utc - UTC, each.sight.link, each.sight.verdict)
            for each in told
            if each.was is not Verdict.UNKNOWN
        ]


def served(fleet: FakeFleet, alive: Alive, now: float) -> bool:
    return any(alive(link, now) for link, role in fleet.roles.items() if role == "primary")


async def live(
    folder: Path,
    alive: Alive,
    seconds: float,
    then: Callable[[FakeFleet, SqliteStore, Callable[..., object]], None] | None = None,
) -> Past:
    """A loop on virtual time, with real stores. ``then`` arranges what happens later."""
    chosen = policy(**TIMERS)
    fleet, store = FakeFleet(chosen), QuickStore(folder / "failover.db")
    writer = SampleWriter(folder / "samples.db")
    prober = FakeProber(
        lambda path, now: alive(path, now) if path in chosen.links else served(fleet, alive, now)
    )
    stop, clock = asyncio.Event(), asyncio.get_running_loop()
    if then is not None:
        then(fleet, store, clock.call_later)
    clock.call_later(seconds, stop.set)
    world = World(prober, fleet, store, BlockingSamples(writer), LoopClock(), FakeLog())
    await Loop(chosen, world).run(stop)
    store.close()
    writer.close()
    return Past(chosen, folder, fleet.pushes)


def read(rows: Sequence[Sequence[str]], chosen: Policy) -> Scenario:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    found, problems = trace(Path("trace.csv"), text.getvalue().encode(), chosen)
    assert found is not None, problems
    return found


def seen(scenario: Scenario, chosen: Policy) -> Turned:
    """The verdicts of the simulation, and when."""
    found: Turned = []
    looking = eyes(chosen, scenario.usual_ms)
    last = dict.fromkeys(chosen.links, Verdict.UP)

    def note(name: str, at: float) -> None:
        verdict = looking[name].mark[0]
        if verdict is not last[name]:
            found.append((at, name, verdict))
            last[name] = verdict

    def pass_time(until: float) -> None:
        for name in chosen.links:
            while (at := looking[name].next_at) <= until:
                looking[name].advance(at)
                note(name, at)

    for turn in turns(scenario):
        pass_time(turn.at)
        for name, condition in turn.probes.items():
            looking[name].take(condition, turn.at)
            note(name, turn.at)
    pass_time(scenario.lasts_s)
    return found


def later(turned: Turned, by_s: float) -> Turned:
    return [(at + by_s, link, verdict) for at, link, verdict in turned]


def assert_alike(ours: Turned, theirs: Turned) -> None:
    assert [each[1:] for each in sorted(ours)] == [each[1:] for each in sorted(theirs)]
    for one, other in zip(sorted(ours), sorted(theirs), strict=True):
        assert one[0] == pytest.approx(other[0], abs=1.0)


def assert_decided_alike(past: Past, begin: float = 5.0) -> Run:
    """Verdicts and moves of the simulation are the recorded ones, within a second."""
    rows = past.export(begin)
    scenario = read(rows, past.policy)
    began = float(rows[1][0]) - UTC
    assert past.turned()
    assert_alike(later(seen(scenario, past.policy), began), past.turned())
    run = simulate(past.policy, scenario)
    foretold = [(each.at_s + began, each.sentence.split(":")[0]) for each in run.said if each.pushed]
    did = [(at, text.split(":")[0]) for at, text in past.pushes if at > began]
    did = [
        each for n, each in enumerate(did) if not n or each[1] != did[n - 1][1]
    ]  # of routers and steps one
    assert [text for _, text in foretold] == [text for _, text in did]
    assert [at for at, _ in foretold] == [pytest.approx(at, abs=1.0) for at, _ in did]
    return run


def dark(*outages: tuple[str, float, float]) -> Alive:
    return lambda path, now: not any(path.endswith(name) and a <= now < b for name, a, b in outages)


@pytest.mark.asyncio
@pytest.mark.looptime
@pytest.mark.parametrize(
    "outages",
    [
        [("azerbaijan", 10.6, 22.3)],
        [("azerbaijan", 10.3, 10.9)],  # shorter than a second, longer than ride_out
        [("edge1-azerbaijan", 10.0, 22.0), ("edge1-georgia", 15.4, 18.7), ("edge2-iran", 30.1, 30.4)],
    ],
    ids=str,
)
async def test_the_recorded_past_is_decided_again_as_it_was(
    tmp_path: Path, outages: list[tuple[str, float, float]]
) -> None:
    assert_decided_alike(await live(tmp_path, dark(*outages), 45))


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_what_another_witness_said_is_told_apart_from_what_probes_show(tmp_path: Path) -> None:
    def unplug(fleet: FakeFleet, _: SqliteStore, later: Callable[..., object]) -> None:
        later(10, fleet.unplugged.add, "edge1-azerbaijan")
        later(20, fleet.unplugged.clear)

    past = await live(tmp_path, dark(), 45, unplug)
    assert_decided_alike(past)
    said = [row for row in past.export(5.0) if row[5] == "down"]
    assert {(row[1], row[2]) for row in said} == {("edge1-azerbaijan", "0")}


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_what_people_ordered_is_ordered_again_until_it_was_taken_back(tmp_path: Path) -> None:
    def pause(_: FakeFleet, store: SqliteStore, later: Callable[..., object]) -> None:
        given = (OrderKind.PAUSE, "", "", "ann", "cables, and so on", UTC + 8.0, UTC + 3600.0)
        later(8, store.order, *given)
        later(16, store.take_back, OrderKind.PAUSE, "", "ann", UTC + 16.0)

    past = await live(tmp_path, dark(("azerbaijan", 10.6, 18.0)), 45, pause)
    run = assert_decided_alike(past)
    assert ("pause by ann: cables, and so on", "1700000016") in [row[6:] for row in past.export(5.0)]
    assert run.timeline[1][1].startswith("ordered: paused by ann (cables, and so on)")


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_where_a_link_loses_packets_it_is_degraded_again_about_then(tmp_path: Path) -> None:
    """Evidence of loss grows in the simulation as fast as is promised, and not probe by probe."""
    chance = random.Random(3)
    past = await live(
        tmp_path,
        lambda path, now: not (path.endswith("azerbaijan") and 15.3 <= now < 35.6 and chance.random() < 0.2),
        60,
    )
    scenario = read(past.export(5.0), past.policy)
    ours = later(seen(scenario, past.policy), 5.0)
    assert [each[1:] for each in ours] == [each[1:] for each in past.turned()]
    assert ours[0][0] == pytest.approx(past.turned()[0][0], abs=1.0)
    assert ours[1][0] == pytest.approx(past.turned()[1][0], abs=4.0)


# --- of what is kept -------------------------------------------------------------------------------

LINK = "edge1-azerbaijan"
NOON = 1_700_049_600


def kept(step: str, **at: tuple[int, int]) -> list[Row]:
    """Rows of one link: ``v4_10=(ok, lost)`` is ten steps after noon."""
    found = []
    for name, (ok, lost) in at.items():
        family, number, *target = name.split("_")
        series = Series(LINK, Family(f"ip{family}"), *target)
        found.append(Row(series, step, NOON + int(number) * STEPS[step].seconds, tally([10.0] * ok, lost)))
    return found


def told(
    rows: Sequence[Row], minutes: Sequence[Row] = (), end: float = NOON + 120
) -> list[tuple[float, str]]:
    """Time since noon, and loss."""
    width_s = STEPS[rows[0].step].seconds
    recorded = Recorded(NOON - 600, end, width_s, {LINK: rows}, {LINK: minutes}, (), (), 5.0)
    return [(float(row[0]) - NOON, row[2]) for row in list(lines(recorded))[1:]]


def test_where_nothing_was_measured_that_is_said_and_neither_health_nor_death() -> None:
    rows = kept("1s", v4_0=(40, 0), v4_1=(40, 0), v4_2=(0, 40), v4_60=(40, 0), v4_61=(0, 0), v4_62=(40, 0))
    assert told(rows, end=NOON + 70) == [
        (0, "0"), (1, "0"), (2, "100"), (3, ""), (60, "0"), (61, ""), (62, "0"), (63, ""),
    ]  # fmt: skip


def test_the_worse_family_counts() -> None:
    assert told(kept("1s", v4_0=(40, 0), v6_0=(30, 10)), end=NOON + 1) == [(0, "25")]


def test_a_target_that_never_answers_is_not_the_links_loss() -> None:
    minutes = kept("1min", v4_0_a=(600, 0), v4_0_b=(0, 600), v4_0_c=(600, 0), v4_1_a=(0, 600))
    seconds = kept("1s", v4_0=(20, 10), v4_1=(10, 20), v4_60=(0, 30))
    assert told(seconds, minutes, NOON + 61) == [(0, "0"), (1, "50"), (2, ""), (60, "100")]
    assert told(minutes) == [(0, "0"), (60, "100")]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_by_the_minute_an_outage_is_as_long_as_it_was_too(tmp_path: Path) -> None:
    past = await live(tmp_path, dark(("azerbaijan", 70.6, 82.3)), 125)
    rows = past.export(step="1min")
    ours = seen(read(rows, past.policy), past.policy)
    assert_alike(later(ours, float(rows[1][0]) - UTC), past.turned())


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A day old: a link that died for a while; by the second it is not kept any more."""
    found, yesterday = Samples(), time.time() // 60 * 60 - 86400
    writer, target = SampleWriter(tmp_path / "samples.db"), ip_address("192.0.2.1")
    for second in range(900):
        state = SampleState.LOST if 300 <= second < 600 else SampleState.OK
        found.note([Sample(LINK, target, second, float(second), state, 9.0)], yesterday)
        well = Sample("edge1-georgia", target, second, float(second), SampleState.OK, 9.0)
        found.note([well], yesterday)
        if second % 100 == 99:
            writer.write([found.take(2e9)], yesterday + second)
    store = SqliteStore(tmp_path / "failover.db")
    store.order(OrderKind.DRAIN, "iran", "", "ann", "fibre work", yesterday + 100, None)
    store.close()
    return tmp_path


def failover(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "controller", "--state", str(state), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_takes_the_finest_that_is_kept_and_simulate_plays_what_it_writes(state: Path) -> None:
    file = state / "trace.csv"
    done = failover(state, "history", "export", "--since", "2d", "--out", str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"wrote {len(file.read_text().splitlines()) - 1} rows by 1min to {file}\n"
    printed = failover(state, "history", "export", "--since", "2d", "--every", "1min").stdout
    assert printed == file.read_text()
    played = failover(state, "policy", "simulate", str(file))
    assert played.returncode == 0
    assert "ordered: iran drained by ann (fibre work)" in played.stdout
    assert "azerbaijan is down" in played.stdout
    assert played.stderr == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--since", "5m"], "Write 5min."),
        (["--since", "1h", "--from", "2026-01-01"], "--since and --from both say where to begin"),
        (["--from", "yesterday"], "--from yesterday: write it like 2026-01-31T14:00"),
        (["--until", "2020-01-01", "--from", "2020-01-02"], "there is nothing between 2020-01-02"),
        (["--since", "1h"], "nothing is kept of that time by 1s"),
        (
            ["--since", "2d", "--out", "/none/trace.csv"],
            "--out /none/trace.csv: cannot be written: No such file",
        ),
        (["--every", "2s"], "1min"),
    ],
)
def test_what_cannot_be_exported_is_said_in_a_sentence(state: Path, words: list[str], says: str) -> None:
    done = failover(state, "history", "export", *words)
    assert done.returncode == 1
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_without_a_word_behind_it_history_lists_the_decisions(state: Path) -> None:
    assert failover(state, "history", "-n", "5").returncode == 0
    assert failover(state, "history", "--json").stdout == "[]\n"
