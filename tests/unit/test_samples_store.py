"""Rolled-up samples on disk: merged with what is there, forgotten in time, and never anybody's trouble."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
import sys
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from controller.cli.samples import Width
from controller.core.model import Family, Sample, SampleState
from controller.core.rollup import STEPS, Series, merged, tally
from controller.core.samples import Samples, Seconds
from controller.core.sight import View
from controller.ports import StoreError
from controller.sampling import UNWRITTEN, WRITE_EVERY_S, Sampling
from controller.store.samples import SampleReader, SampleWriter
from tests.fakes import FakeLog, FakeSamples, LoopClock

LINK = "edge1-azerbaijan"
NOON = 1_700_049_600  # a full hour


def seconds(*probes: tuple[float, str, float | None]) -> Seconds:
    """Probes at UTC times, with the last byte of their target, answered in so many ms or lost."""
    found = Samples()
    found.note(
        [
            Sample(
                LINK,
                ip_address(f"192.0.2.{target}"),
                seq,
                at - NOON,
                SampleState.LOST if rtt_ms is None else SampleState.OK,
                rtt_ms,
            )
            for seq, (at, target, rtt_ms) in enumerate(probes)
        ],
        NOON,
    )
    return found.take(2e9)


def read(path: Path, step: str) -> dict[tuple[str, int], tuple[int, int]]:
    reader = SampleReader(path)
    rows = reader.rows(LINK, step, 0, 2e9)
    reader.close()
    assert all(row.series.family is Family.IPV4 for row in rows)
    return {(row.series.target, row.start - NOON): (row.tally.ok, row.tally.lost) for row in rows}


def test_what_was_written_is_read_back_at_every_step(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    writer = SampleWriter(path)
    writer.write([seconds((NOON, "1", 5.0), (NOON + 0.5, "2", None), (NOON + 61, "1", 7.25))], NOON + 62)
    assert read(path, "1s") == {("", 0): (1, 1), ("", 61): (1, 0)}
    assert read(path, "1min") == {
        ("192.0.2.1", 0): (1, 0),
        ("192.0.2.1", 60): (1, 0),
        ("192.0.2.2", 0): (0, 1),
    }
    assert read(path, "1h") == {("192.0.2.1", 0): (2, 0), ("192.0.2.2", 0): (0, 1)}
    hour = SampleReader(path).rows(LINK, "1h", 0, 2e9)[0].tally
    assert hour == merged([tally([5.0]), tally([7.25])])


def test_an_hour_goes_on_where_an_earlier_run_left_it(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    for at in (NOON, NOON + 5, NOON + 5):  # the last of these came late: its second is written already
        writer = SampleWriter(path)
        writer.write([seconds((at, "1", 5.0))], NOON + 10)
        writer.close()
    assert read(path, "1h") == {("192.0.2.1", 0): (3, 0)}
    assert read(path, "1s") == {("", 0): (1, 0), ("", 5): (2, 0)}


def test_every_step_is_forgotten_when_its_time_has_come_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    writer = SampleWriter(path)
    writer.write([seconds((NOON, "1", 5.0))], NOON)
    for name, step in sorted(STEPS.items(), key=lambda each: each[1].kept_s):
        writer.write([], NOON + step.kept_s - 61)
        assert read(path, name), name
        writer.write([], NOON + step.kept_s + step.seconds)
        assert not read(path, name), name


def test_a_file_that_cannot_be_used_is_named_and_nothing_of_the_batch_is_kept(tmp_path: Path) -> None:
    (tmp_path / "samples.db").write_text("garbage" * 1000)
    writer = SampleWriter(tmp_path / "samples.db")
    with pytest.raises(StoreError, match=r"samples\.db"):
        writer.write([seconds((NOON, "1", 5.0))], NOON)
    with pytest.raises(StoreError, match="failover run"):
        SampleReader(tmp_path / "none.db")


def test_a_batch_refused_by_a_locked_file_can_be_written_later_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.store.samples.BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "samples.db"
    writer = SampleWriter(path)
    writer.write([], NOON)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    batch = seconds((NOON, "1", 5.0))
    with pytest.raises(StoreError, match="locked"):
        writer.write([batch], NOON)
    holder.execute("ROLLBACK")
    writer.write([batch], NOON)
    assert read(path, "1h") == {("192.0.2.1", 0): (1, 0)}


@pytest.mark.asyncio
async def test_writing_leaves_the_event_loop_alone(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    writer = SampleWriter(path)
    await writer.keep([], NOON)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    write = asyncio.create_task(writer.keep([seconds((NOON, "1", 5.0))], NOON))
    began = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - began < 0.5  # the write itself waits for the lock meanwhile
    assert not write.done()
    holder.execute("ROLLBACK")
    await write
    assert read(path, "1h") == {("192.0.2.1", 0): (1, 0)}


# --- from the loop to the store ------------------------------------------------------------------


async def sampled(store: FakeSamples, log: FakeLog, seconds_long: int, mends_at: float = -1.0) -> None:
    """One probe a second through the sampling of a loop, the store being mended meanwhile."""
    sampling = Sampling(store, LoopClock(), log, lambda: View({}, {}))
    task = asyncio.create_task(sampling.run())
    for number in range(seconds_long):
        at = asyncio.get_running_loop().time()
        if at >= mends_at >= 0:
            store.broken = False
        sampling.note([Sample(LINK, ip_address("192.0.2.1"), number, at, SampleState.OK, 5.0)])
        await asyncio.sleep(1)
    task.cancel()
    await sampling.finish()


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_everything_sampled_is_kept_once_the_last_seconds_at_the_end() -> None:
    store, log = FakeSamples(), FakeLog()
    await sampled(store, log, 23)
    assert merged(each for _, _, each in store.kept).ok == 23
    assert {series for series, _, _ in store.kept} == {Series(LINK, Family.IPV4, "192.0.2.1")}
    assert log.lines == []


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_store_that_fails_for_a_while_is_told_of_once_and_gets_all_of_it_later() -> None:
    store, log = FakeSamples(broken=True), FakeLog()
    await sampled(store, log, 60, mends_at=40)
    assert merged(each for _, _, each in store.kept).ok == 60
    assert [level for level, _ in log.lines] == ["warning", "info"]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_what_waits_for_a_store_that_mends_too_late_is_bounded_and_the_oldest_is_lost() -> None:
    store, log = FakeSamples(broken=True), FakeLog()
    hour = 3600
    await sampled(store, log, hour, mends_at=hour - 1)
    kept = merged(each for _, _, each in store.kept).ok
    assert UNWRITTEN * WRITE_EVERY_S <= kept <= (UNWRITTEN + 2) * WRITE_EVERY_S


# --- the command ---------------------------------------------------------------------------------


def failover(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "controller", "--state", str(state), "samples", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("state")
    minute = time.time() // 60 * 60 - 120
    batch = seconds((minute, "1", 5.0), (minute + 1, "1", 9.0), (minute + 2, "2", None))
    SampleWriter(folder / "samples.db").write([batch], time.time())
    return folder


def test_the_command_prints_rows_for_people_and_machines(state: Path) -> None:
    shown = failover(state, LINK)
    assert (shown.returncode, shown.stderr) == (0, "")
    line = next(line for line in shown.stdout.splitlines() if "ipv4" in line)
    assert line.split()[2:] == [
        "ipv4",
        "3",
        "1",
        "33.3",
        "5.00",
        "5.05",
        "5.05",
        "9.00",
    ]  # quantiles within 2 %
    assert all(len(each) <= 80 for each in shown.stdout.splitlines())
    rows = json.loads(failover(state, LINK, "--json", "--by-target").stdout)
    assert [(row["target"], row["ok"], row["lost"]) for row in rows] == [
        ("192.0.2.1", 2, 0),
        ("192.0.2.2", 0, 1),
    ]
    assert (rows[0]["rtt_min_ms"], rows[0]["rtt_max_ms"], rows[1]["rtt_p50_ms"]) == (5.0, 9.0, None)
    table = list(csv.DictReader(io.StringIO(failover(state, LINK, "--csv", "--step", "1s").stdout)))
    assert [(row["sent"], row["lost"], row["loss_percent"]) for row in table] == [
        ("1", "0", "0.0"),
        ("1", "0", "0.0"),
        ("1", "1", "100.0"),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["edge9"], "no samples of edge9 are kept; there are edge1-azerbaijan"),
        ([LINK, "--since", "5m"], "Write 5min."),
        ([LINK, "--since", "5min", "--by-target"], "by the minute and hour only"),
        ([LINK, "--step", "2s"], "1min"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(state: Path, words: list[str], says: str) -> None:
    done = failover(state, *words)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_every_step_can_be_asked_for_and_its_help_says_how_long_it_is_kept() -> None:
    assert [width.value for width in Width] == list(STEPS)
    kept = [STEPS[name].kept_s for name in ("1s", "1min", "1h")]
    assert kept == [2 * 3600, 8 * 86400, 400 * 86400]  # as the help and store/README.md say
