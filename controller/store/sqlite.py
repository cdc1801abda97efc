"""SQLite: decisions, outcomes and what a restart must remember, in one file.

One writer (the loop), any number of readers (the command line), write-ahead logging between them. Values are
the core's own frozen dataclasses as JSON, checked again when read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from controller.core.model import ControlState, Decision, Health, OrderKind, Outcome, Override, Together
from controller.core.percentile import Average
from controller.core.turn import Turn
from controller.ports import Record, Snapshot, StoreError

KEEP_RECORDS = 20_000  # at six changes an hour and a held move now and then: years
BUSY_TIMEOUT_S = 2.0  # a reader never holds the file for longer

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT, utc REAL NOT NULL, now REAL NOT NULL, sentence TEXT NOT NULL,
    decision TEXT NOT NULL, outcomes TEXT NOT NULL, health TEXT NOT NULL, timings TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS turns (number INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS overrides (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
    subject TEXT NOT NULL, upstream TEXT NOT NULL,
    owner TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL, until REAL, ended REAL, ended_by TEXT
);
CREATE TABLE IF NOT EXISTS usage (
    link TEXT NOT NULL, slot INTEGER NOT NULL, bps_in REAL NOT NULL, bps_out REAL NOT NULL,
    PRIMARY KEY (link, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""

_decision = TypeAdapter(Decision)
_outcomes = TypeAdapter(tuple[Outcome, ...])
_health = TypeAdapter(tuple[Health, ...])
_timings = TypeAdapter(dict[str, float])
_turns = TypeAdapter(tuple[Turn, ...])
_state = TypeAdapter(ControlState)
_snapshot = TypeAdapter(Snapshot)
_learned = TypeAdapter(dict[str, dict[str, Any]])

_COLUMNS = "number, utc, now, decision, outcomes, health, timings"
_TURNS = "(SELECT value FROM turns WHERE turns.number = records.number)"


class SqliteStore:
    """The Store port over one SQLite file. Every method raises StoreError naming the file."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        with self._translated():
            if read_only:
                if not path.exists():
                    raise StoreError(
                        f"{path}: nothing recorded yet; start 'failover run', or name the folder with --state"
                    )
                self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.executescript(_SCHEMA)
            tables = self._db.execute("SELECT name FROM sqlite_master WHERE name = 'turns'").fetchall()
            self._has_turns = bool(tables)  # an older file, being read, has none
            self._columns = f"{_COLUMNS}, {_TURNS if tables else 'NULL'}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self._path}: {error}") from error
        except ValidationError as error:
            hint = "written by another version? move the file away to start afresh"
            raise StoreError(f"{self._path}: a record cannot be read ({hint})") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # --- what decide() remembers ---------------------------------------------------------------

    def save_state(self, state: ControlState, now: float, utc: float) -> None:
        """Keep the state with its monotonic times turned into UTC."""
        self._keep("state", _state.dump_json(shifted(state, utc - now)).decode())

    def load_state(self, now: float, utc: float) -> ControlState:
        """The state last saved, on this process's monotonic clock; an empty one if there is none.

        Clean time starts anew: while nobody watched, nobody knows. A link that never failed is forgotten.
        Where the wall clock was set back meanwhile, the latest of it counts as of just now: what lies ahead
        would hold moves until then.
        """
        with self._translated():
            kept = self._kept("state")
            if kept is None:
                return ControlState()
            state = shifted(_state.validate_json(kept), now - utc)
        state = shifted(state, min(0.0, now - _latest(state)))
        links = {
            name: replace(memory, clean_since=None if memory.clean_since is None else now)
            for name, memory in state.links.items()
            if memory.last_failure is not None or memory.brownouts
        }
        return replace(state, links=links)

    # --- records -------------------------------------------------------------------------------

    def append(
        self,
        decision: Decision,
        outcomes: Sequence[Outcome],
        health: Sequence[Health],
        timings_ms: Mapping[str, float],
        now: float,
        utc: float,
        turns: Sequence[Turn] = (),
    ) -> int:
        """Record a decision; returns its number. The oldest beyond KEEP_RECORDS are forgotten."""
        row = (
            utc,
            now,
            decision.sentence,
            _decision.dump_json(decision).decode(),
            _outcomes.dump_json(tuple(outcomes)).decode(),
            _health.dump_json(tuple(health)).decode(),
            _timings.dump_json(dict(timings_ms)).decode(),
        )
        with self._translated(), self._db:
            cursor = self._db.execute(
                "INSERT INTO records (utc, now, sentence, decision, outcomes, health, timings)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            number = int(cursor.lastrowid or 0)
            if turns:
                kept = _turns.dump_json(tuple(turns)).decode()
                self._db.execute("INSERT INTO turns VALUES (?, ?)", (number, kept))
            for table in ("records", "turns"):
                self._db.execute(f"DELETE FROM {table} WHERE number <= ?", (number - KEEP_RECORDS,))  # noqa: S608
        return number

    def history(self, limit: int) -> list[Record]:
        """The newest records, newest first."""
        with self._translated():
            query = f"SELECT {self._columns} FROM records ORDER BY number DESC LIMIT ?"  # noqa: S608 - a constant
            return [_record(row) for row in self._db.execute(query, (limit,))]

    def record(self, number: int) -> Record | None:
        """One record, or None."""
        with self._translated():
            query = f"SELECT {self._columns} FROM records WHERE number = ?"  # noqa: S608 - a constant
            row = self._db.execute(query, (number,)).fetchone()
            return _record(row) if row else None

    def turns(self, since: float, until: float) -> list[Turn]:
        """The verdicts that changed in that time (UTC), as they were recorded."""
        if not self._has_turns:
            return []
        with self._translated():
            query = "SELECT value FROM turns JOIN records USING (number) WHERE utc >= ? ORDER BY number"
            kept = [
                turn for row in self._db.execute(query, (since,)) for turn in _turns.validate_json(row[0])
            ]
        return [turn for turn in kept if since <= turn.utc < until]

    # --- what people order ---------------------------------------------------------------------

    def order(
        self,
        kind: OrderKind,
        subject: str,
        upstream: str,
        owner: str,
        reason: str,
        utc: float,
        until: float | None,
    ) -> int:
        """Keep an order, in place of any about the same; its number. ``until`` is UTC, None: for ever."""
        with self._translated(), self._db:
            self._end(kind, subject, owner, utc)
            cursor = self._db.execute(
                "INSERT INTO overrides (kind, subject, upstream, owner, reason, since, until)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (kind, subject, upstream, owner, reason, utc, until),
            )
            return int(cursor.lastrowid or 0)

    def take_back(self, kind: OrderKind, subject: str, owner: str, utc: float) -> int:
        """End what is in force of this kind about this; how many that were."""
        with self._translated(), self._db:
            return self._end(kind, subject, owner, utc)

    def _end(self, kind: OrderKind, subject: str, owner: str, utc: float) -> int:
        return self._db.execute(
            "UPDATE overrides SET ended = ?, ended_by = ? WHERE kind = ? AND subject = ?"
            " AND ended IS NULL AND (until IS NULL OR until > ?)",
            (utc, owner, kind, subject, utc),
        ).rowcount

    def overrides(self, now: float, utc: float) -> list[Override]:
        """What is in force, with monotonic times."""
        with self._translated():
            rows = self._db.execute(
                "SELECT number, kind, subject, upstream, owner, reason, since, until FROM overrides"
                " WHERE ended IS NULL AND (until IS NULL OR until > ?) ORDER BY number",
                (utc,),
            ).fetchall()
        by_s = now - utc
        return [
            Override(
                number=number,
                kind=OrderKind(kind),
                subject=subject,
                upstream=upstream,
                owner=owner,
                reason=reason,
                since=since + by_s,
                until=None if until is None else until + by_s,
            )
            for number, kind, subject, upstream, owner, reason, since, until in rows
        ]

    def ordered(self, since: float, until: float) -> list[Override]:
        """What was in force at some time of these, with UTC times; one that was taken back ended then."""
        with self._translated():
            rows = self._db.execute(
                "SELECT number, kind, subject, upstream, owner, reason, since,"
                " nullif(min(ifnull(until, 9e99), ifnull(ended, 9e99)), 9e99) AS over FROM overrides"
                " WHERE since < ? AND (over IS NULL OR over > ?) ORDER BY number",
                (until, since),
            ).fetchall()
        return [Override(row[0], OrderKind(row[1]), *row[2:]) for row in rows]

    # --- what the detector remembers -----------------------------------------------------------

    def save_learned(self, what: str, learned: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace what was learned, under this name."""
        self._keep(f"learned {what}", json.dumps(learned))

    def load_learned(self, what: str) -> Mapping[str, Mapping[str, Any]]:
        """What was last saved under this name; nothing if nothing was."""
        with self._translated():
            kept = self._kept(f"learned {what}")
            return {} if kept is None else _learned.validate_json(kept)

    # --- the month's traffic -------------------------------------------------------------------

    def keep_usage(self, averages: Sequence[Average], first_slot: int) -> None:
        """Add what links carried in five minutes each; what is older than ``first_slot`` is forgotten."""
        with self._translated(), self._db:
            self._db.executemany("INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?)", averages)
            self._db.execute("DELETE FROM usage WHERE slot < ?", (first_slot,))

    def load_usage(self, first_slot: int) -> list[Average]:
        """What is kept from that slot on."""
        with self._translated():
            rows = self._db.execute(
                "SELECT link, slot, bps_in, bps_out FROM usage WHERE slot >= ?", (first_slot,)
            )
            return [Average(*row) for row in rows]

    # --- the live view -------------------------------------------------------------------------

    def put_snapshot(self, snapshot: Snapshot) -> None:
        """Replace what ``status`` shows."""
        self._keep("snapshot", _snapshot.dump_json(snapshot).decode())

    def snapshot(self) -> Snapshot | None:
        """What the loop saw last, however long ago; None if no loop ever ran here."""
        with self._translated():
            kept = self._kept("snapshot")
            return _snapshot.validate_json(kept) if kept else None

    def _keep(self, key: str, value: str) -> None:
        with self._translated(), self._db:
            self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))

    def _kept(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None


def shifted(state: ControlState, by_s: float) -> ControlState:
    """The same state with every time moved by ``by_s`` seconds: from one clock to another."""

    def moved(at: float | None) -> float | None:
        return None if at is None else at + by_s

    return ControlState(
        links={
            name: replace(
                memory,
                clean_since=moved(memory.clean_since),
                last_failure=moved(memory.last_failure),
                brownout_ended=moved(memory.brownout_ended),
            )
            for name, memory in state.links.items()
        },
        moved_at={name: at + by_s for name, at in state.moved_at.items()},
        routine=tuple(at + by_s for at in state.routine),
        escapes=tuple(at + by_s for at in state.escapes),
        doubted={what: at + by_s for what, at in state.doubted.items()},
        together={pair: Together(each.times, each.at + by_s) for pair, each in state.together.items()},
        moves={name: tuple(at + by_s for at in times) for name, times in state.moves.items()},
        fled=state.fled,
        fitness={
            key: replace(each, other_since=moved(each.other_since)) for key, each in state.fitness.items()
        },
    )


def _latest(state: ControlState) -> float:
    """The latest time that a state remembers."""
    times = [
        *(each.last_failure for each in state.links.values()),
        *(each.brownout_ended for each in state.links.values()),
        *state.moved_at.values(),
        *state.routine,
        *state.escapes,
        *state.doubted.values(),
        *(each.at for each in state.together.values()),
        *(at for times in state.moves.values() for at in times),
        *(each.other_since for each in state.fitness.values()),
    ]
    return max((at for at in times if at is not None), default=-inf)


def _record(row: tuple[int, float, float, str, str, str, str, str | None]) -> Record:
    number, utc, now, decision, outcomes, health, timings, turns = row
    return Record(
        number=number,
        utc=utc,
        now=now,
        decision=_decision.validate_json(decision),
        outcomes=_outcomes.validate_json(outcomes),
        health=_health.validate_json(health),
        timings_ms=_timings.validate_json(timings),
        turns=_turns.validate_json(turns) if turns else (),
    )
