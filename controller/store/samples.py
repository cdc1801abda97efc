"""SQLite: what was sampled, rolled up by the second, minute and hour; and the look that others may share.

A file of its own: nothing here ever locks, fills or damages the record of decisions, and it may be deleted at
any time. One writer (the loop, from a thread), any number of readers, write-ahead logging between them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

from pydantic import TypeAdapter, ValidationError

from controller.core.model import Family
from controller.core.rollup import STEPS, Row, Series, Tally, merged, roll_up
from controller.core.samples import Seconds
from controller.core.sight import Sight
from controller.ports import StoreError

BUSY_TIMEOUT_S: Final = 2.0
PRUNE_EVERY_S: Final = 60

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, family TEXT NOT NULL, target TEXT NOT NULL,
    UNIQUE (path, family, target)
);
CREATE TABLE IF NOT EXISTS rollup (
    series INTEGER NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL,
    ok INTEGER NOT NULL, lost INTEGER NOT NULL, invalid INTEGER NOT NULL,
    rtt_min_us INTEGER, rtt_max_us INTEGER, bins BLOB NOT NULL,
    PRIMARY KEY (series, step, start)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sight (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL);
"""

_sight = TypeAdapter(Sight)

_FIELDS = "ok, lost, invalid, rtt_min_us, rtt_max_us, bins"
_ONE = f"SELECT {_FIELDS} FROM rollup WHERE series = ? AND step = ? AND start = ?"  # noqa: S608 - a constant
_SOME = (  # constants only, and placeholders
    f"SELECT start, {_FIELDS} FROM rollup WHERE series = ? AND step = ? AND start >= ? AND start < ?"  # noqa: S608
)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from error
    except ValidationError as error:
        hint = "written by another version? start 'failover run' again"
        raise StoreError(f"{path}: what the loop shows cannot be read ({hint})") from error


class SampleWriter:
    """The SampleStore port over one SQLite file.

    Opens it when there is something to write: a file that cannot be opened is no reason not to start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._busy = Lock()
        self._ids: dict[Series, int] = {}
        self._pruned_at = 0.0

    async def keep(self, seconds: Sequence[Seconds], utc: float) -> None:
        """Add these to every step, all or nothing, off the event loop. Each may be given once only.

        Raises StoreError naming the file; nothing is added then.
        """
        await asyncio.to_thread(self.write, seconds, utc)

    def write(self, seconds: Sequence[Seconds], utc: float) -> None:
        """What ``keep`` does, where it may block."""
        rows = roll_up(each for batch in seconds for each in batch.tallies())
        with self._busy, _translated(self._path):
            try:
                with self._opened() as db:
                    self._add(db, rows)
                    if utc - self._pruned_at >= PRUNE_EVERY_S:
                        _prune(db, utc)
                        self._pruned_at = utc
            except BaseException:
                self._ids.clear()  # those that the transaction made are gone with it
                raise

    async def show(self, look: Callable[[], Sight]) -> None:
        """Replace what is shown to those who look beside the loop. ``look`` is called off the event loop too.

        Raises StoreError naming the file.
        """
        await asyncio.to_thread(self._show, look)

    def _show(self, look: Callable[[], Sight]) -> None:
        value = _sight.dump_json(look()).decode()
        with self._busy, _translated(self._path), self._opened() as db:
            db.execute("INSERT OR REPLACE INTO sight VALUES (1, ?)", (value,))

    def close(self) -> None:
        """Close the file."""
        with self._busy:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _opened(self) -> sqlite3.Connection:
        """The connection, which as a context is a transaction."""
        self._db = self._db or _opened(self._path)
        return self._db

    def _add(self, db: sqlite3.Connection, rows: Sequence[Row]) -> None:
        """Merge with what is there: the hour under way, a second whose last results come late."""
        for row in rows:
            key = (self._id(db, row.series), STEPS[row.step].seconds, row.start)
            known = db.execute(_ONE, key).fetchone()
            tally = row.tally if known is None else merged((_tally(known), row.tally))
            values = (*key, tally.ok, tally.lost, tally.invalid, *_micros(tally), packed(tally.bins))
            db.execute("INSERT OR REPLACE INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _id(self, db: sqlite3.Connection, series: Series) -> int:
        found = self._ids.get(series)
        if found is None:
            db.execute("INSERT OR IGNORE INTO series (path, family, target) VALUES (?, ?, ?)", series)
            query = "SELECT id FROM series WHERE path = ? AND family = ? AND target = ?"
            found = self._ids[series] = int(db.execute(query, series).fetchone()[0])
        return found


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several threads may use it, one at a time: asyncio.to_thread picks any.
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(_SCHEMA)
    except BaseException:
        db.close()
        raise
    return db


def _prune(db: sqlite3.Connection, utc: float) -> None:
    """Forget what is older than its step is kept for, of links and targets long gone too."""
    for (series,) in db.execute("SELECT id FROM series").fetchall():
        for step in STEPS.values():
            db.execute(
                "DELETE FROM rollup WHERE series = ? AND step = ? AND start < ?",
                (series, step.seconds, int(utc - step.kept_s)),
            )


class SampleReader:
    """What is kept, for people and backtests. Raises StoreError naming the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise StoreError(
                f"{path}: no samples kept yet; start 'failover run', or name the folder with --state"
            )
        with _translated(path):
            self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self, path: str, step: str, since: float, until: float) -> list[Row]:
        """The rows of one path that began in that time (UTC), by family and target, oldest first."""
        with _translated(self._path):
            known = self._db.execute(
                "SELECT id, family, target FROM series WHERE path = ? ORDER BY family, target", (path,)
            ).fetchall()
            return [
                Row(Series(path, Family(family), target), step, row[0], _tally(row[1:]))
                for series, family, target in known
                for row in self._db.execute(_SOME, (series, STEPS[step].seconds, since, until))
            ]

    def sight(self) -> Sight | None:
        """What the loop saw last, however long ago; None if it showed nothing yet."""
        with _translated(self._path):
            row = self._db.execute("SELECT value FROM sight").fetchone()
            return _sight.validate_json(row[0]) if row else None

    def paths(self) -> list[str]:
        """The links (and the user path) of which anything is kept."""
        with _translated(self._path):
            return [row[0] for row in self._db.execute("SELECT DISTINCT path FROM series ORDER BY path")]


def _micros(tally: Tally) -> tuple[int | None, int | None]:
    low, high = tally.rtt_min_ms, tally.rtt_max_ms
    return (None if low is None else round(low * 1000), None if high is None else round(high * 1000))


def _tally(row: tuple[int, int, int, int | None, int | None, bytes]) -> Tally:
    ok, lost, invalid, low, high, bins = row
    shortest, longest = (None if micros is None else micros / 1000 for micros in (low, high))
    return Tally(ok, lost, invalid, shortest, longest, unpacked(bins))


# --- bins as bytes -------------------------------------------------------------------------------


def packed(bins: Mapping[int, int]) -> bytes:
    """Bins as LEB128 numbers: the distance from the bin before, zigzag, then the count."""
    out = bytearray()
    before = 0
    for place in sorted(bins):
        step, before = place - before, place
        for number in (2 * step if step >= 0 else -2 * step - 1, bins[place]):
            rest = number
            while rest > 0x7F:
                out.append(rest & 0x7F | 0x80)
                rest >>= 7
            out.append(rest)
    return bytes(out)


def unpacked(data: bytes) -> dict[int, int]:
    """The bins that ``packed`` made bytes of."""
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    bins: dict[int, int] = {}
    place = 0
    for step, count in zip(numbers[::2], numbers[1::2], strict=True):
        place += step // 2 if step % 2 == 0 else -(step + 1) // 2
        bins[place] = count
    return bins
