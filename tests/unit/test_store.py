"""The SQLite store gives back what it was given, across processes and clocks."""

import sqlite3
from pathlib import Path

import pytest

from controller.core.model import (
    Applied,
    ControlState,
    Decision,
    Failed,
    Family,
    FamilyHealth,
    Health,
    Held,
    LinkMemory,
    Outcome,
    Placement,
    Reason,
    Refused,
    RolledBack,
    SampleState,
    Together,
    Unchanged,
    Verdict,
)
from controller.core.rollup import Series
from controller.core.samples import Probe
from controller.core.sight import View
from controller.core.turn import Change, turn
from controller.ports import Snapshot, StoreError
from controller.store.sqlite import KEEP_RECORDS, SqliteStore

DECISION = Decision(
    assignment={"residential": {"a": Placement("primary"), "b": Placement("backup", 2)}},
    sentence="residential moved from a to b",
    reasons=(Reason("preference", "a", "down"),),
    held=(Held("residential", "b -> a", "clean for 3 s of 60 s", 12.5),),
    escape=True,
    decide_again_at=99.0,
)
HEALTH = Health(
    "a", Verdict.DOWN, 3.0, "silent", families={Family.IPV4: FamilyHealth(Verdict.DOWN, "silent")}
)
OUTCOMES: tuple[Outcome, ...] = (
    Unchanged("r1"),
    Applied("r2", "+x", 12.0),
    RolledBack("r3", "+x", "user path lost"),
    Refused("r4", "+x", "not ours"),
    Failed("r5", "no answer"),
)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    number = store.append(DECISION, OUTCOMES, [HEALTH], {"push": 1.5}, now=5.0, utc=1000.0)
    store.close()
    again = SqliteStore(tmp_path / "s.db", read_only=True)
    record = again.record(number)
    assert record is not None
    assert record.decision == DECISION
    assert record.outcomes == OUTCOMES
    assert record.health == (HEALTH,)
    assert record.timings_ms == {"push": 1.5}
    assert again.record(number + 1) is None


def test_the_verdicts_that_changed_are_kept_with_the_record_and_forgotten_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.store.sqlite.KEEP_RECORDS", 2)
    series = Series("a", Family.IPV4, "192.0.2.1")
    probes = (Probe(3.0, SampleState.OK, 5.125), Probe(4.0, SampleState.LOST, None))
    view = View({"a": HEALTH}, {"a": {series: probes}})
    kept = turn(Change(Verdict.UP, view, at=5.0, utc=1000.0), 10.0)
    assert kept.probes == {
        "192.0.2.1": (Probe(-2.0, SampleState.OK, 5.12), Probe(-1.0, SampleState.LOST, None))
    }
    store = SqliteStore(tmp_path / "s.db")
    number = store.append(DECISION, (), [HEALTH], {}, now=5.0, utc=1000.0, turns=[kept])
    later = store.append(DECISION, (), [HEALTH], {}, now=6.0, utc=1001.0)
    found = {record.number: record.turns for record in store.history(5)}
    assert found == {number: (kept,), later: ()}
    for at in (7.0, 8.0):
        store.append(DECISION, (), (), {}, now=at, utc=1000.0 + at)
    assert store.record(number) is None
    left = sqlite3.connect(tmp_path / "s.db").execute("SELECT count(*) FROM turns").fetchone()
    assert left == (0,)


def test_a_file_from_before_verdicts_were_kept_can_still_be_read(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    number = store.append(DECISION, (), [HEALTH], {}, now=5.0, utc=1000.0)
    store.close()
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("DROP TABLE turns")
    record = SqliteStore(tmp_path / "s.db", read_only=True).record(number)
    assert record is not None
    assert (record.decision, record.turns) == (DECISION, ())


def test_history_is_newest_first_and_bounded(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    numbers = [store.append(DECISION, (), (), {}, now=float(i), utc=float(i)) for i in range(5)]
    assert [r.number for r in store.history(3)] == numbers[:-4:-1]
    assert KEEP_RECORDS > 1000


def test_the_state_survives_a_reboot_that_resets_the_monotonic_clock(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    state = ControlState(
        links={
            "a": LinkMemory(clean_since=8999.0, failures=2, last_failure=8990.0),
            "b": LinkMemory(clean_since=8000.0),
            "c": LinkMemory(clean_since=8000.0, brownout=True, brownouts=2, brownout_ended=8990.0),
        },
        moved_at={"residential": 8995.0},
        routine=(8000.0,),
        escapes=(8995.0,),
        doubted={"ipv6 all": 9001.0},
        together={"azerbaijan georgia": Together(2, 8000.0)},
    )
    store.save_state(state, now=9000.0, utc=1_700_000_000.0)
    loaded = store.load_state(now=30.0, utc=1_700_000_060.0)  # a minute later, freshly booted
    assert loaded.links["a"].last_failure == pytest.approx(30.0 - 70.0)
    assert loaded.links["a"].failures == 2
    assert loaded.links["a"].clean_since == 30.0  # nobody watched: clean time starts anew
    assert "b" not in loaded.links  # never failed: nothing to remember
    assert loaded.links["c"] == LinkMemory(30.0, brownout=True, brownouts=2, brownout_ended=30.0 - 70.0)
    assert loaded.moved_at["residential"] == pytest.approx(30.0 - 65.0)
    assert loaded.routine == pytest.approx((30.0 - 1060.0,))
    assert loaded.escapes == pytest.approx((30.0 - 65.0,))
    assert loaded.doubted == {"ipv6 all": pytest.approx(30.0 - 59.0)}
    assert loaded.together["azerbaijan georgia"].times == 2
    assert loaded.together["azerbaijan georgia"].at == pytest.approx(30.0 - 1060.0)


def test_a_wall_clock_that_was_set_back_puts_nothing_remembered_into_the_time_to_come(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    state = ControlState(
        links={"a": LinkMemory(failures=1, last_failure=8990.0)},
        moved_at={"residential": 8995.0},
        routine=(8000.0,),
        escapes=(8995.0,),
        doubted={"ipv6 all": 9001.0},
        together={"azerbaijan georgia": Together(2, 8990.0)},
    )
    store.save_state(state, now=9000.0, utc=1_700_000_000.0)
    loaded = store.load_state(now=9010.0, utc=1_700_000_010.0 - 3600.0)
    assert loaded.doubted == {"ipv6 all": pytest.approx(9010.0)}  # over
    assert loaded.moved_at["residential"] == pytest.approx(9004.0)
    assert loaded.links["a"].last_failure == pytest.approx(8999.0)
    assert loaded.routine == pytest.approx((8009.0,))
    assert store.load_state(9010.0, 1_700_000_010.0).moved_at["residential"] == pytest.approx(8995.0)


def test_the_snapshot_is_the_last_one_put(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    assert store.snapshot() is None
    snapshot = Snapshot(
        1.0, 2.0, 3, True, "f", "nothing to change", (HEALTH,), DECISION, current=DECISION.assignment
    )
    store.put_snapshot(snapshot)
    assert SqliteStore(tmp_path / "s.db", read_only=True).snapshot() == snapshot


def test_reading_before_anything_was_recorded_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="failover run"):
        SqliteStore(tmp_path / "none.db", read_only=True)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("garbage" * 1000)
    with pytest.raises(StoreError, match=r"s\.db"):
        SqliteStore(tmp_path / "s.db")
