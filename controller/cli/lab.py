"""`failover lab`: the lab of real routers on this machine."""

from __future__ import annotations

import os
from typing import Annotated, NoReturn

import typer

from controller.lab.errors import LabError
from controller.lab.lab import DEFAULT_NAME, Lab

app = typer.Typer(no_args_is_help=True, help="Real FRR routers in network namespaces, and faults for them.")

Name = Annotated[
    str, typer.Option("--name", envvar="FAILOVER_LAB", help="Which lab, when there are several.")
]


def _fail(error: LabError) -> NoReturn:
    typer.echo(f"error: {error}", err=True)
    raise typer.Exit(1)


@app.command()
def up(name: Name = DEFAULT_NAME) -> None:
    """Build the lab and wait until every session is up and every link answers probes."""
    try:
        Lab(name).up(typer.echo)
    except LabError as error:
        _fail(error)


@app.command()
def down(name: Name = DEFAULT_NAME) -> None:
    """Remove the lab, whatever state it is in."""
    try:
        Lab(name).down()
    except LabError as error:
        _fail(error)
    typer.echo(f"lab {name} is gone")


@app.command("exec", context_settings={"allow_interspersed_args": False})
def exec_(
    node: Annotated[str, typer.Argument(help="A router, noc, users or wires.")],
    command: Annotated[list[str], typer.Argument(help="The program and its arguments, after --.")],
    name: Name = DEFAULT_NAME,
) -> None:
    """Run a program on a node; the exit code is the program's."""
    try:
        argv = Lab(name).command(node, command)
    except LabError as error:
        _fail(error)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    app()
