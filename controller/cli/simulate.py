"""``failover policy simulate``: what a policy would make of a scenario, on virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from controller import app as application
from controller.cli.common import Exit, JsonOption, fail, out, print_json
from controller.sim import Run, plain
from controller.sim.chart_svg import html, svg
from controller.sim.chart_text import chart, side_by_side
from controller.sim.summary import figures
from controller.sim.words import clock, span

SHOWN = 60  # orders and decisions of one run; --json has them all
KINDS = {".svg": svg, ".html": html}


def simulate(
    context: typer.Context,
    scenario: Annotated[
        Path,
        typer.Argument(
            help="A scenario in YAML, a trace in CSV (time_s,link,loss_percent,rtt_ms, or what"
            " `failover history export` writes), or the name of one in the inventory's scenarios."
        ),
    ],
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            "--policy", help="Instead of the inventory's policy.yaml; twice: to compare.", metavar="FILE"
        ),
    ] = None,
    as_json: JsonOption = False,
    picture: Annotated[
        Path | None, typer.Option("--out", help="Write a chart there: .svg or .html.", metavar="FILE")
    ] = None,
) -> None:
    """Play a scenario on virtual time and show what would be decided; no router is asked or changed.

    Exit codes: 0 all that the scenario expects is so, 2 some of it is not, 1 error.
    """
    if picture is not None and picture.suffix not in KINDS:
        raise fail(f"--out {picture}: write a name that ends in {' or '.join(KINDS)}")
    runs = application.simulate(context.obj.inventory, scenario, policies or ())
    if picture is not None:
        try:
            picture.write_text(KINDS[picture.suffix](runs), encoding="utf-8")
        except OSError as error:
            raise fail(f"--out {picture}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json(plain(runs))
    else:
        _show(runs)
    if not all(run.met for run in runs):
        raise typer.Exit(Exit.CHANGES)


def _show(runs: Sequence[Run]) -> None:
    scenario = runs[0].scenario
    _say(f"{scenario.title}, {span(scenario.lasts_s)}")
    if scenario.about:
        _say(scenario.about)
    for run in runs:
        _say("", f"--- {run.policy}")
        _say(*chart(run), "")
        lines = run.timeline
        _say(*(f"{clock(at)}  {text}" for at, text in lines[:SHOWN]))
        if len(lines) > SHOWN:
            _say(f"... and {len(lines) - SHOWN} lines more: --json has them all")
        for move in run.moves:
            if move.false:
                where = f"{run.route(move.before)} for {run.route(move.after)}"
                _say(f"{clock(move.at_s)}  false move: {move.traffic_class} left {where}")
    _say("", *side_by_side([run.policy for run in runs], figures(runs)))
    for run in runs:
        for each in run.checked:
            if not each.met:
                of = f"{run.policy}: " if len(runs) > 1 else ""
                _say(f"{of}NOT MET: {each.expectation.text}: {each.found}")


def _say(*lines: str) -> None:
    for line in lines:
        out.print(line, markup=False)
