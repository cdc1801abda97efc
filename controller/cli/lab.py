"""`failover lab`: the lab of real routers on this machine."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from controller.cli.common import JsonOption, print_json
from controller.config.scalars import Duration
from controller.lab import install as installation
from controller.lab.errors import LabError
from controller.lab.faults import Kind, Towards
from controller.lab.lab import DEFAULT_NAME, Lab
from controller.lab.liveness import Liveness
from controller.lab.liveness import timers as read_timers
from controller.lab.status import LabStatus

app = typer.Typer(no_args_is_help=True, help="Real FRR routers in network namespaces, and faults for them.")

Name = Annotated[
    str, typer.Option("--name", envvar="FAILOVER_LAB", help="Which lab, when there are several.")
]


def _seconds(text: str) -> float:
    try:
        return TypeAdapter[float](Duration).validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from error


@app.command()
def install(
    tests: Annotated[bool, typer.Option("--tests", help="And what the project's own tests need.")] = False,
) -> None:
    """Install what the lab needs and this machine lacks (Debian, Ubuntu)."""
    installation.install(typer.echo, tests=tests)


@app.command()
def up(
    name: Name = DEFAULT_NAME,
    timers: Annotated[
        str | None,
        typer.Option(metavar="KEEPALIVE/HOLD", help="BGP's timers towards upstreams, in seconds. [60/180]"),
    ] = None,
    bfd: Annotated[bool, typer.Option("--bfd", help="BFD, 3 x 300 ms, towards upstreams.")] = False,
) -> None:
    """Build the lab and wait until every session is up and every link answers probes."""
    Lab(name).up(typer.echo, Liveness(read_timers(timers) if timers is not None else None, bfd))


@app.command()
def down(name: Name = DEFAULT_NAME) -> None:
    """Remove the lab, whatever state it is in."""
    Lab(name).down()
    typer.echo(f"lab {name} is down: nothing of it is left")


@app.command()
def status(name: Name = DEFAULT_NAME, as_json: JsonOption = False) -> None:
    """Nodes, daemons, BGP sessions and faults. Exit code 1 when the lab is not up."""
    seen = Lab(name).status()
    if as_json:
        print_json(asdict(seen))
    else:
        _print_status(seen)
    if not seen.up:
        raise typer.Exit(1)


def _print_status(seen: LabStatus) -> None:
    if not seen.up:
        typer.echo(f"lab {seen.name} is not up ({len(seen.nodes)} nodes there)")
        return
    typer.echo(f"lab {seen.name} is up: {len(seen.nodes)} nodes, {seen.memory_mb:.0f} MB")
    for node in seen.nodes:
        if node.alive or node.dead:
            own = [session for session in seen.sessions if session.router == node.name]
            established = sum(session.state == "Established" for session in own)
            dead = f", dead: {' '.join(node.dead)}" if node.dead else ""
            typer.echo(f"  {node.name:<12} {established} of {len(own)} sessions{dead}")
            for session in own:
                if session.state != "Established":
                    typer.echo(f"  {'':<12}   {session.peer} {session.family}: {session.state}")
    typer.echo("faults:" if seen.faults else "no faults")
    for each in seen.faults:
        left = "" if each.until is None else f", for {max(0.0, each.until - time.monotonic()):.0f} s more"
        typer.echo(f"  {each}{left}")


@app.command("exec")
def exec_(
    node: Annotated[str, typer.Argument(help="A router, noc, users or wires.")],
    command: Annotated[list[str], typer.Argument(help="The program and its arguments, after --.")],
    name: Name = DEFAULT_NAME,
) -> None:
    """Run a program on a node; the exit code is the program's."""
    argv = Lab(name).command(node, command)
    os.execvp(argv[0], argv)  # noqa: S606 - the point of the command


@app.command()
def fault(
    kind: Annotated[str, typer.Argument(metavar="KIND[=VALUE]", help=f"One of {', '.join(Kind)}.")],
    places: Annotated[
        list[str],
        typer.Argument(metavar="PLACE...", help="A link, an upstream, black-sea, or a router; or several."),
    ],
    direction: Annotated[Towards, typer.Option(help="out: away from our AS; in: towards it.")] = Towards.BOTH,
    burst_s: Annotated[
        float | None,
        typer.Option(
            "--burst", parser=_seconds, metavar="TIME", help="Loss in bursts: 100ms on average, say."
        ),
    ] = None,
    for_s: Annotated[
        float | None, typer.Option("--for", parser=_seconds, metavar="TIME", help="Clear it after 30s, 5min.")
    ] = None,
    name: Name = DEFAULT_NAME,
) -> None:
    """Make something go wrong: `fault loss=10% georgia --direction in --for 30s`.

    carrier, silent, blackhole (sessions stay up), loss=PERCENT and delay=MS hit a link, the inside of an
    upstream, or black-sea, the segment two upstreams share; beyond the links, loss spares BGP as a blackhole
    does. withdraw[=PERCENT] hits an upstream, router any router or upstream, ssh an edge. At several places,
    silent, blackhole and loss that is not in bursts begin in the same instant.
    """
    what, _, value = kind.partition("=")
    for made in Lab(name).faults(what, places, value or None, direction, burst_s=burst_s, for_s=for_s):
        typer.echo(f"{made}" + (f", for {for_s:g} s" if for_s else ""))


@app.command()
def clear(
    place: Annotated[str | None, typer.Argument(help="Only the faults here; otherwise all.")] = None,
    name: Name = DEFAULT_NAME,
) -> None:
    """Undo faults."""
    undone = Lab(name).clear(place)
    typer.echo("\n".join(f"cleared {each}" for each in undone) or "there was nothing to clear")


if __name__ == "__main__":
    try:
        app()
    except LabError as trouble:
        sys.exit(f"failover: {trouble}")
