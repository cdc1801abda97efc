"""``failover samples``: what is kept of a link's probes, for graphs and backtests."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.table import Table

from controller import app as application
from controller.cli.common import JsonOption, duration, fail, figure, out, print_json, when
from controller.core.rollup import DAY_S, STEPS, Row, Series, Tally, merged


class Width(StrEnum):
    """The names of STEPS, as an option's choices."""

    SECOND = "1s"
    MINUTE = "1min"
    HOUR = "1h"


COLUMNS: Final = (
    *("start", "utc", "family", "target", "sent", "ok", "lost", "invalid", "loss_percent"),
    *("rtt_min_ms", "rtt_p50_ms", "rtt_p95_ms", "rtt_max_ms"),
)
FINE_UP_TO_S: Final = 600  # as much by the second as is read with patience


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(samples)


def samples(
    context: typer.Context,
    link: Annotated[str, typer.Argument(help="A link, or user-path.")],
    since: Annotated[
        float, typer.Option(parser=duration, metavar="DURATION", help="How far back: 5min, 1h, 7d.")
    ] = "1h",  # type: ignore[assignment]  # typer parses defaults too
    step: Annotated[
        Width | None,
        typer.Option(help="Width of a row. [1s up to 10 minutes back, 1min up to a day, else 1h]"),
    ] = None,
    by_target: Annotated[
        bool, typer.Option("--by-target", help="A row for each target (not by 1s).")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a running loop kept of a link's probes: loss and round trips over time.

    Kept: by the second for 2 hours, by the minute for 8 days, by the hour for 400 days. Quantiles of round
    trips (p50, p95) are within 2 %. Loss is the share of the probes that were answered or lost; invalid ones,
    the prober's own trouble, count for nothing.
    """
    width = step.value if step else _fitting(since)
    if by_target and not STEPS[width].by_target:
        raise fail("targets are kept apart by the minute and hour only: add --step 1min, or drop --by-target")
    rows = application.samples(context.obj.state, link, width, since, time.time())
    table = _told(rows if by_target else _together(rows))
    if as_json:
        print_json(table)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    elif table:
        _show(table, by_target=by_target)
    else:
        out.print(f"nothing was sampled through {link} in that time")


def _fitting(since_s: float) -> str:
    return "1s" if since_s <= FINE_UP_TO_S else "1min" if since_s <= DAY_S else "1h"


def _together(rows: Iterable[Row]) -> list[Row]:
    """The targets of a family as one."""
    parts: dict[tuple[Series, str, int], list[Tally]] = {}
    for row in rows:
        parts.setdefault((row.series._replace(target=""), row.step, row.start), []).append(row.tally)
    return [Row(*whose, merged(tallies)) for whose, tallies in parts.items()]


def _told(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows as people and machines read them, oldest first."""
    return [
        {
            "start": row.start,
            "utc": when(row.start),
            "family": row.series.family.value,
            "target": row.series.target or None,
            "sent": row.tally.sent,
            "ok": row.tally.ok,
            "lost": row.tally.lost,
            "invalid": row.tally.invalid,
            "loss_percent": _rounded(row.tally.loss_percent),
            "rtt_min_ms": _rounded(row.tally.rtt_min_ms),
            "rtt_p50_ms": _rounded(row.tally.rtt_ms(0.5)),
            "rtt_p95_ms": _rounded(row.tally.rtt_ms(0.95)),
            "rtt_max_ms": _rounded(row.tally.rtt_max_ms),
        }
        for row in sorted(rows, key=lambda each: (each.start, each.series))
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _show(rows: list[dict[str, Any]], *, by_target: bool) -> None:
    whose = "target" if by_target else "family"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("from", no_wrap=True)
    table.add_column(whose)
    for name in ("sent", "lost", "loss %", "min ms", "p50", "p95", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["utc"],
            row[whose],
            str(row["sent"]),
            str(row["lost"]),
            figure(row["loss_percent"], 1),
            *(figure(row[name], 2 if (row[name] or 0) < 10 else 1) for name in COLUMNS[-4:]),
            style="red" if row["lost"] else None,
        )
    out.print(table)
