"""``failover lab demo``: one fault from beginning to end, on real routers."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from controller.cli.common import Exit, JsonOption, err, fail, out, print_json
from controller.cli.plan import print_diff
from controller.lab.demo import PLACES, Scenario, demonstrate
from controller.lab.demo_report import lines


def register(lab: typer.Typer) -> None:
    """Add ``demo`` to the lab's commands."""
    lab.command()(demo)


def demo(
    fault: Annotated[
        str, typer.Option(metavar="KIND[=VALUE]", help=f"What goes wrong: {', '.join(PLACES)}.")
    ] = "blackhole",
    place: Annotated[str | None, typer.Option(help="Where. [where this kind is at home]")] = None,
    without_controller: Annotated[
        bool, typer.Option("--without-controller", help="Stop the controller before the fault: FRR alone.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the lab it builds and removes.")] = "demo",
    as_json: JsonOption = False,
) -> None:
    """Show a failover: lab up, traffic both ways, fault, move, return, lab down, summary."""
    kind, _, value = fault.partition("=")
    if kind not in PLACES:
        raise fail(f"--fault {fault}: there are {', '.join(PLACES)}")
    scenario = Scenario(kind, value or None, place, controller=not without_controller)
    show = err if as_json else out
    summary = demonstrate(name, scenario, lambda text: show.print(escape(text)))
    if as_json:
        print_json(summary.to_dict())
    else:
        for router in summary.routers:
            if router.diff:
                out.print(f"\n{router.name}:")
                print_diff(router.diff)
        out.print()
        for line in lines(summary):
            out.print(line, markup=False)
    if summary.leaks:
        raise typer.Exit(Exit.PARTIAL)
