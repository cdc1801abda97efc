"""``failover history``: what was decided; ``history export``: what was recorded, for ``policy simulate``."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from controller import app as application
from controller.cli.common import JsonOption, duration, err, fail, out, print_json, when
from controller.cli.samples import Width
from controller.core.model import Unchanged
from controller.ports import Record

USUALLY_S = 7200.0  # as far back as seconds are kept

app = typer.Typer(rich_markup_mode=None)


def register(root: typer.Typer) -> None:
    """Add the commands of this file."""
    root.add_typer(app, name="history")


@app.callback(invoke_without_command=True)
def history(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the decisions, newest first."""
    if context.invoked_subcommand is not None:
        return
    records = application.history(context.obj.state, limit)
    if as_json:
        print_json(records, list[Record])
        return
    for record in records:
        acted = [outcome for outcome in record.outcomes if not isinstance(outcome, Unchanged)]
        did = f" [{', '.join(f'{o.router} {o.kind}' for o in acted)}]" if acted else ""
        out.print(f"{record.number:>5}  {when(record.utc)}  {record.decision.sentence}{did}", markup=False)


@app.command()
def export(
    context: typer.Context,
    since: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How far back: 30min, 2h, 7d. [2h]")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="UTC", help="Or from when: 2026-01-31T14:00.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="UTC", help="To when. [now]")] = None,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there. [printed]")
    ] = None,
    every: Annotated[
        Width | None, typer.Option(help="Width of a row. [the finest that is kept for so long]")
    ] = None,
) -> None:
    """Write what was recorded as a trace, for `failover policy simulate`: CSV, a row a link and moment.

    Columns: time_s (UTC), link, loss_percent, rtt_ms, jitter_ms; witness (degraded or down, where another
    witness than the probes said so); in rows of their own what people ordered: order, until_s. A row holds
    until the link's next one. Loss is empty where nothing was measured. By the second for 2 hours, by the
    minute for 8 days, by the hour for 400 days; where silence began that brought a link down is told to the
    probe. The simulation begins in calm, with what the policy prefers: begin before the trouble does.
    """
    if since is not None and begin is not None:
        raise fail("--since and --from both say where to begin: keep one")
    utc = time.time()
    to = utc if until is None else _moment("--until", until)
    start = to - (USUALLY_S if since is None else duration(since))
    start = start if begin is None else _moment("--from", begin)
    if start >= to:
        raise fail(f"there is nothing between {when(start)} and {when(to)}: begin earlier")
    width = None if every is None else every.value
    step, rows = application.export(context.obj.inventory, context.obj.state, start, to, utc, width)
    if file is None:
        _write(rows, sys.stdout)
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as target:
            count = _write(rows, target)
    except OSError as error:
        raise fail(f"--out {file}: cannot be written: {error.strerror}") from error
    err.print(f"wrote {count} rows by {step} to {file}", markup=False)


def _write(rows: Iterable[tuple[str, ...]], target: Any) -> int:
    """Write them all; how many there were besides the header."""
    writer, count = csv.writer(target, lineterminator="\n"), 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count - 1


def _moment(option: str, text: str) -> float:
    """A moment as people write it, UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise fail(f"{option} {text}: write it like 2026-01-31T14:00 or 2026-01-31 14:00:30Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
