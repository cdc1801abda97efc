"""What was measured, kept in a file: a long run may be interrupted, and the report drawn again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any, TypedDict

from tests.benchmarks.detection_links import Link
from tests.benchmarks.detection_measure import History


class Found(TypedDict):
    """How soon faults of one kind were found, in seconds; None: never."""

    median: float | None
    p95: float | None
    runs: int
    missed: int


class NotKeptError(LookupError):
    """Not measured yet, and not to be measured now."""


class Store:
    """Results by name, in one JSON file. ``only_kept``: nothing new is measured."""

    def __init__(self, path: Path, *, only_kept: bool = False) -> None:
        self._path = path
        self._only_kept = only_kept
        self._kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> Any:
        """What was measured under this name. Raises NotKeptError."""
        if name not in self._kept:
            raise NotKeptError(name)
        return self._kept[name]

    def once(self, name: str, measure: Callable[[], Any]) -> Any:
        """The result of this name, measured now unless it was before. Raises NotKeptError."""
        return self.get(name) if self._only_kept else self.worked_out(name, measure)

    def worked_out(self, name: str, work: Callable[[], Any]) -> Any:
        """Likewise, even where nothing is to be measured: it is only arithmetic."""
        if name not in self._kept:
            self._kept[name] = work()
            self._path.write_text(json.dumps(self._kept, indent=0, sort_keys=True) + "\n")
        return self._kept[name]


def to_plain(history: History) -> dict[str, Any]:
    """For the store."""
    return asdict(history)


def from_plain(plain: dict[str, Any]) -> History:
    """What ``to_plain`` made, after its way through JSON."""
    lists = {name: tuple(value) for name, value in plain.items() if isinstance(value, list)}
    return History(**{**plain, **lists, "link": Link(**plain["link"])})


def summary(found: list[float]) -> Found:
    """Median and 95th percentile of seconds in ascending order, and how many faults were never found."""

    def at(share: float) -> float | None:
        seconds = found[int(share * (len(found) - 1))]
        return None if seconds == inf else round(seconds, 3)

    return {"median": at(0.5), "p95": at(0.95), "runs": len(found), "missed": found.count(inf)}
