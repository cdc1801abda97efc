"""The command line of the traffic meter's process."""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from controller.core.model import Family
from controller.lab.errors import LabError
from controller.lab.traffic import ALL, DEFAULT_RATE
from controller.lab.traffic_engine import Settings, serve
from controller.lab.traffic_report import TrafficReport, lines_for_people, live_from, to_line

MAX_RATE = 1000.0  # what the process sends and receives steadily, with both families, on a slow core
PEOPLE_READ_EVERY = 5  # live messages: one a second


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as told; 0 after a report, 1 when the lab is not there, 2 for bad wishes."""
    wish = _parser().parse_args(arguments)
    families = tuple(dict.fromkeys(wish.family or [Family.IPV4]))
    settings = Settings(wish.lab, wish.rate, families, wish.grace_s)
    try:
        if wish.json_lines:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who ends this process
            serve(settings, _emit_json, sys.stdin.fileno(), wish.duration_s)
        else:
            serve(settings, _TextOutput().emit, _stopped_by_signal(), wish.duration_s)
    except LabError as error:
        sys.stderr.write(f"traffic: {error}\n")
        return 1
    except BrokenPipeError:  # nobody reads any more
        return 1
    return 0


def _emit_json(kind: str, value: Any) -> None:
    """Write one message; live news are dropped while the reader is busy, for sending must not wait for it."""
    if kind == "live" and not select.select([], [sys.stdout], [], 0)[1]:
        return
    sys.stdout.buffer.write(to_line(kind, value))
    sys.stdout.buffer.flush()


class _TextOutput:
    """Messages as lines for people."""

    def __init__(self) -> None:
        self._count = 0

    def emit(self, kind: str, value: Any) -> None:
        if kind == "report":
            self._write(*lines_for_people(TrafficReport.from_dict(value)))
        elif kind == "live":
            self._count += 1
            if self._count % PEOPLE_READ_EVERY == 0:
                flows = (f"{f.way} {f.family}: {f.received}/s, {f.lost} lost" for f in live_from(value))
                self._write("   ".join(flows))

    @staticmethod
    def _write(*lines: str) -> None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()


def _stopped_by_signal() -> int:
    """A source of commands that says stop at SIGINT or SIGTERM."""
    reader, writer = os.pipe()
    stop = {"do": "stop", "windows": [[ALL, 0.0, None]]}

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        os.write(writer, json.dumps(stop).encode() + b"\n")

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    return reader


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m controller.lab.traffic",
        description="Sends user traffic both ways through a lab and reports what was lost, which way and how "
        "long. Ctrl-C ends it with a report.",
    )
    parser.add_argument("--lab", default="fo", help="the lab's name (fo)")
    parser.add_argument(
        "--rate", type=_rate, default=DEFAULT_RATE, metavar="N", help="packets/s each way (200)"
    )
    parser.add_argument(
        "--family",
        type=Family,
        action="append",
        choices=list(Family),
        help="repeat it for both (ipv4)",
    )
    parser.add_argument(
        "--grace-s", type=_seconds, default=1.0, metavar="S", help="a packet later than this is lost (1)"
    )
    parser.add_argument(
        "--duration-s",
        type=_seconds,
        default=math.inf,
        metavar="S",
        help="end after this long (until Ctrl-C)",
    )
    parser.add_argument(
        "--json-lines", action="store_true", help="for programs: messages out, commands in, one a line"
    )
    return parser


def _rate(text: str) -> float:
    rate = _number(text)
    if not 1 <= rate <= MAX_RATE:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {MAX_RATE:g} packets/s")
    return rate


def _seconds(text: str) -> float:
    seconds = _number(text)
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a time of 0 s or more")
    return seconds


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
