"""The meter of user traffic: what users lose, which way, and for how long, while links fail.

Two one-way flows of numbered UDP packets per address family cross the lab between ``users`` and ``internet``:
one way each, so that a loss is blamed on the direction it happened in. :class:`TrafficMeter` runs them in a
process of their own (``python -m controller.lab.traffic``), so that a busy caller does not disturb them:

    with TrafficMeter("fo") as meter:
        meter.mark("calm")
        ...
        meter.mark("cable cut")
        ...
        report = meter.stop()
    print(report.window("cable cut", Way.OUT).outage_ms)
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from controller.core.model import Family
from controller.lab.errors import LabError
from controller.lab.traffic_report import (
    FlowNow,
    Outage,
    TrafficReport,
    Way,
    Window,
    WindowReport,
    lines_for_people,
    live_from,
)

__all__ = ["FlowNow", "Outage", "TrafficMeter", "TrafficReport", "Way", "WindowReport", "lines_for_people"]

DEFAULT_RATE = 200.0  # packets a second and flow: outages are known to the nearest 5 ms
ALL = "all"  # the window of the whole run
START_TIMEOUT_S = 15.0
ANSWER_TIMEOUT_S = 10.0  # beyond the grace period


class TrafficMeter:
    """Starts the meter's process, names windows of time, and asks for reports.

    Thread-safe enough for one caller and any number of readers of :attr:`live`. :meth:`start`, :meth:`report`
    and :meth:`stop` wait (asyncio: call them with ``asyncio.to_thread``); the rest returns at once.
    """

    def __init__(
        self,
        lab: str,
        rate: float = DEFAULT_RATE,
        families: Sequence[Family] = (Family.IPV4,),
        grace_s: float = 1.0,
    ) -> None:
        self._command = [sys.executable, "-m", "controller.lab.traffic", "--json-lines", "--lab", lab]
        self._command += ["--rate", str(rate), "--grace-s", str(grace_s)]
        self._command += [word for family in families for word in ("--family", family)]
        self._grace_s = grace_s
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._live: tuple[FlowNow, ...] = ()
        self._started_at = 0.0
        self._marks: list[tuple[str, float]] = []
        self._windows: list[Window] = []

    def start(self) -> None:
        """Begin to send. Raises LabError when the lab is not there."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="traffic", daemon=True)
        self._reader.start()
        self._started_at = self._answer("ready", START_TIMEOUT_S)["started_at"]

    def mark(self, label: str) -> float:
        """A window of this name begins now and lasts until the next mark.

        Returns now, in seconds of CLOCK_MONOTONIC. Raises ValueError when the name is taken.
        """
        now = time.monotonic()
        self._check_free(label)
        self._marks.append((label, now))
        return now

    def add_window(self, label: str, start: float, end: float | None = None) -> None:
        """A window between two times of CLOCK_MONOTONIC, besides those of :meth:`mark`; None: until the end.

        Raises ValueError when the name is taken.
        """
        self._check_free(label)
        self._windows.append((label, start, end))

    @property
    def live(self) -> tuple[FlowNow, ...]:
        """The flows a moment ago (five times a second); empty before the first news."""
        return self._live

    def report(self) -> TrafficReport:
        """The windows so far, while measuring goes on; young packets count as in flight, not as lost.

        Raises LabError when the meter's process has ended.
        """
        self._tell({"do": "report", "windows": self._all_windows()})
        return TrafficReport.from_dict(self._answer("report", ANSWER_TIMEOUT_S))

    def stop(self) -> TrafficReport:
        """End, after the grace period at most, with all that became of the packets.

        Windows: ``all``, those of :meth:`mark`, those of :meth:`add_window`, in this order.
        Raises LabError when the meter's process has ended before.
        """
        self._tell({"do": "stop", "windows": self._all_windows()})
        report = TrafficReport.from_dict(self._answer("report", self._grace_s + ANSWER_TIMEOUT_S))
        self.close()
        return report

    def close(self) -> None:
        """End without a report; nothing happens when it has ended."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()  # it keeps nothing that would have to be put away
        process.wait()
        if self._reader is not None:
            self._reader.join()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not flushed has nobody left to read it
                    pipe.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _all_windows(self) -> list[Window]:
        ends = [at for _, at in self._marks[1:]] + [None]
        marked = [(label, at, end) for (label, at), end in zip(self._marks, ends, strict=False)]
        return [(ALL, self._started_at, None), *marked, *self._windows]

    def _check_free(self, label: str) -> None:
        if label in {ALL, *(label for label, _ in self._marks), *(label for label, *_ in self._windows)}:
            raise ValueError(f"there is a window {label!r} already")

    def _tell(self, command: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None:
            raise LabError("the traffic meter is not running")
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise LabError("the traffic meter has ended by itself") from error

    def _answer(self, wanted: str, timeout_s: float) -> Any:
        try:
            kind, value = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            kind, value = "error", f"the traffic meter has not answered for {timeout_s:g} s"
        if kind != wanted:
            self.close()
            raise LabError(str(value))
        return value

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Sort the process's messages, in a thread, until it ends."""
        if process.stdout is None or process.stderr is None:
            return
        for line in process.stdout:
            if not line.endswith(b"\n"):
                break  # it was killed in the middle of a word
            ((kind, value),) = json.loads(line).items()
            if kind == "live":
                self._live = live_from(value)
            else:
                self._answers.put((kind, value))
        last_words = process.stderr.read().decode(errors="replace").strip().removeprefix("traffic: ")
        self._answers.put(("error", last_words or "the traffic meter has ended by itself"))


if __name__ == "__main__":
    from controller.lab.traffic_cli import main

    sys.exit(main())
