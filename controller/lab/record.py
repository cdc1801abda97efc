"""Which faults a lab suffers from: one small file each, so that every process sees the same."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from controller.lab.errors import LabError
from controller.lab.faults import Fault, Kind, Towards


class Record:
    """The faults on record in a directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from making or clearing faults meanwhile."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def faults(self) -> tuple[Fault, ...]:
        """Every fault on record, by place and kind."""
        found = [_read(path) for path in self.folder.glob("*.json")]
        return tuple(sorted(found, key=lambda fault: (fault.place, fault.id)))

    def add(self, fault: Fault) -> None:
        """Put a fault on record, before it is made. Raises LabError when another one is in its way."""
        for other in self.faults():
            if taken := sorted(fault.claims & other.claims):
                raise LabError(
                    f"{fault} would meet {other} ({taken[0]}): failover lab clear {other.place} first"
                )
        path = self.folder / f"{fault.id}.json"
        half = path.with_suffix(".half")
        half.write_text(json.dumps(asdict(fault)))
        half.rename(path)

    def remove(self, fault: Fault) -> None:
        """Forget a fault, after it was undone."""
        (self.folder / f"{fault.id}.json").unlink(missing_ok=True)


def _read(path: Path) -> Fault:
    row = json.loads(path.read_text())
    return Fault(**row | {"kind": Kind(row["kind"]), "direction": Towards(row["direction"])})
