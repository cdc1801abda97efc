"""``failover policy readiness``: what would happen if something failed now."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from controller.app import App
from controller.cli.common import Exit, JsonOption, logger, out, print_json
from controller.cli.loop import options
from controller.cli.plan import print_diff
from controller.core.readiness import Answer, told


def register(app: typer.Typer) -> None:
    """Add the command to ``failover policy``."""
    app.command()(readiness)


def readiness(
    context: typer.Context,
    pairs: Annotated[bool, typer.Option("--pairs", help="Every two failures at once, too.")] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Ask the routers what each answer would change; changes nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show where every class would go if a link, upstream, router or shared risk failed now.

    A running loop thinks this through in calm, has the routers load and check ahead what leaving the links
    in use takes, and pushes that very candidate when it comes; the record says whether it was foreseen.

    Seen as a running loop sees it; else as if every link were well. Exit 2 when a single failure leaves a
    class with nothing to carry it.

    Where loads and capacities are known, what would not fit is said in figures; headroom is left free.
    """
    app = App(options(context.obj), logger())
    seen_by, answers, diffs = asyncio.run(app.readiness(pairs=pairs, diff=diff))
    if as_json:
        plain = [
            {
                "failure": each.failure.name,
                "links": sorted(each.failure.links),
                "sentence": each.decision.sentence,
                "crowded": list(each.crowded),
                "classes": [
                    {
                        "class": fate.traffic_class,
                        "carrier": fate.carrier,
                        "links": list(fate.links),
                        "moves": fate.moves,
                        "backups": list(fate.backups),
                        "disjoint": list(fate.disjoint),
                    }
                    for fate in each.fates
                ],
                "diffs": diffs.get(each.failure.name, {}),
            }
            for each in answers
        ]
        print_json({"seen_by": seen_by, "failures": plain})
    else:
        out.print(f"as seen by {seen_by}", markup=False)
        for each in answers:
            _show(each, diffs.get(each.failure.name, {}))
    if any(each.stranded for each in answers if not each.failure.is_pair):
        raise typer.Exit(Exit.CHANGES)


def _show(answer: Answer, diffs: dict[str, str]) -> None:
    style = "red" if answer.stranded else "yellow" if answer.exposed or answer.crowded else None
    lines = told(answer)
    if len(lines) == 1:
        out.print(f"{answer.failure.name}: {lines[0]}", style=style, markup=False)
    else:
        out.print(f"{answer.failure.name}:", style=style)
        for line in lines:
            out.print(f"  {line}", style=style, markup=False)
    for router, text in diffs.items():
        out.print(f"  {router}:", markup=False)
        print_diff(text)
