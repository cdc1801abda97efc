"""What every command shares: options, exit codes, output."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from controller.config.scalars import Duration
from controller.core.model import Verdict
from controller.fleet.connect import SshOptions

COLORS = {Verdict.UP: "green", Verdict.DEGRADED: "yellow", Verdict.DOWN: "red", Verdict.UNKNOWN: "magenta"}

_duration: TypeAdapter[float] = TypeAdapter(Duration)

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """Exit codes; the README's table says the same."""

    OK = 0  # done, or nothing to change
    ERROR = 1  # nothing was done: bad input, missing file, wrong usage
    CHANGES = (
        2  # `plan`: something to change; `probe`: something is not up; `simulate`, `readiness`: not as wanted
    )
    PARTIAL = 3  # some routers could not be read or changed, or the guard refused; the rest was served


@dataclass(frozen=True, slots=True)
class Globals:
    """The options before the command."""

    inventory: Path
    templates: Path
    state: Path
    ssh: SshOptions


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def print_json(value: Any, kind: Any = None) -> None:
    """Print a value as JSON; ``kind`` is its type where pydantic should write it."""
    if kind is not None:
        value = TypeAdapter(kind).dump_python(value, mode="json")
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def fail(message: str) -> typer.Exit:
    """Say on stderr why nothing was done; the caller raises what this returns."""
    err.print(f"failover: {message}", markup=False)
    return typer.Exit(Exit.ERROR)


def when(utc: float) -> str:
    """A moment for people: UTC, to the second."""
    return datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def ago(seconds: float) -> str:
    """A span for people: 42 s, 7 min, 3 h, 5 d."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def figure(value: float | None, digits: int) -> str:
    """A number for people, a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def duration(text: str) -> float:
    """An option like ``5min`` in seconds. Raises BadParameter: what is wrong, what to write."""
    try:
        return _duration.validate_python(text)
    except ValidationError as error:
        context = error.errors()[0].get("ctx", {})
        raise typer.BadParameter(f"{context.get('message')}. {context.get('hint')}") from None


def logger(*, as_json: bool = False, verbose: bool = False) -> Any:
    """The log, on stderr: a diary for people, or one JSON object a line."""
    colors = err.is_terminal and not err.no_color
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0, pad_level=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(10 if verbose else 20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return structlog.get_logger()
