"""``failover plan`` and ``failover apply``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.markup import escape

from controller.app import App
from controller.cli.common import Exit, JsonOption, fail, logger, out, print_json
from controller.cli.loop import options
from controller.core.explain import explain
from controller.core.model import Applied, Outcome, Unchanged, Verdict
from controller.planning import PlanReport

_report = TypeAdapter(PlanReport)
COLORS = {"+": "green", "-": "red", "@": "cyan"}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(plan)
    app.command()(apply)


def plan(
    context: typer.Context,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=STATE", help="As if a link or upstream were up, degraded, down or unknown."
        ),
    ] = None,
    router: Annotated[list[str] | None, typer.Option(help="Only this router (repeatable).")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Render only; ask no router.")] = False,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write the plan, for `failover apply`.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show decision, reasons and each router's real diff.

    Exit 0: nothing to change; 2: changes; 3: a router could not be read, or the guard refused.
    """
    app = App(options(context.obj), logger())
    assumptions = dict(_assumption(text) for text in assume or ())
    if offline:
        rendered = app.offline(assumptions)
        if as_json:
            print_json(rendered)
        else:
            for name, text in rendered.items():
                out.print(f"! {name}\n{text}", markup=False)
        return
    report = asyncio.run(app.plan(assumptions, router or []))
    if out_file is not None:
        try:
            out_file.write_bytes(_report.dump_json(report, indent=2))
        except OSError as error:
            raise fail(f"the plan cannot be written: {error}") from error
    if as_json:
        print_json(report, PlanReport)
    else:
        _show(report)
    if report.troubles:
        raise typer.Exit(Exit.PARTIAL)
    raise typer.Exit(Exit.CHANGES if report.changes else Exit.OK)


def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A plan written by `failover plan --out`.")],
    as_json: JsonOption = False,
) -> None:
    """Do exactly what was reviewed; refuse if routers or policy moved since.

    Beside a running loop it lasts until the loop decides otherwise.
    """
    try:
        report = _report.validate_json(file.read_bytes())
    except OSError as error:
        raise fail(f"the plan cannot be read: {error}") from error
    except ValidationError as error:
        raise fail(f"{file} is not a plan written by `failover plan --out`") from error
    app = App(options(context.obj), logger())
    outcomes, timings = asyncio.run(app.apply(report))
    if as_json:
        print_json(list(outcomes.values()), list[Outcome])
    elif not outcomes:
        out.print("nothing to apply: the plan has no changes")
    else:
        for name, outcome in outcomes.items():
            out.print(outcome_line(name, outcome), markup=False)
        out.print(", ".join(f"{step} {value:.0f} ms" for step, value in timings.items()))
    if not all(isinstance(outcome, Applied | Unchanged) for outcome in outcomes.values()):
        raise typer.Exit(Exit.PARTIAL)


def outcome_line(name: str, outcome: Outcome) -> str:
    """One router's outcome in a line."""
    why = getattr(outcome, "why", "")
    return f"{name}: {outcome.kind}{': ' if why else ''}{why}"


def print_diff(diff: str) -> None:
    """A unified diff, coloured where colour is wanted."""
    for line in diff.splitlines():
        color = COLORS.get(line[:1])
        out.print(f"  [{color}]{escape(line)}[/]" if color else f"  {escape(line)}")


def _assumption(text: str) -> tuple[str, Verdict]:
    name, _, state = text.partition("=")
    try:
        return name, Verdict(state)
    except ValueError:
        states = ", ".join(Verdict)
        raise fail(f"--assume {text}: write NAME=STATE, the state being one of {states}") from None


def _show(report: PlanReport) -> None:
    for line in explain(report.decision):
        out.print(f"  {line}", markup=False)
    out.print(f"  links were judged by {report.seen_by}", markup=False)
    for name, plan in report.routers.items():
        out.print()
        if plan.error:
            out.print(f"{name}: cannot be planned: {plan.error}", markup=False)
            continue
        if not plan.diff:
            out.print(f"{name}: nothing to change")
            continue
        out.print(f"{name}:")
        print_diff(plan.diff)
        for objection in plan.refused:
            out.print(f"  refused by the guard: {objection}", markup=False)
