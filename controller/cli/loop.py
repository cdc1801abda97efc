"""``failover run``: the unattended loop."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Annotated, Final

import typer

from controller.app import App, Options
from controller.cli.common import Globals, logger

# Threads that talk to routers compute too. A probe that comes back meanwhile is read this soon, not in 5 ms.
SWITCH_S: Final = 0.0005


def options(found: Globals) -> Options:
    """The global options as the application takes them."""
    return Options(found.inventory, found.templates, found.state, found.ssh)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(run)


def run(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide and plan; never push.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log one JSON object a line.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log cycles that change nothing.")] = False,
) -> None:
    """Watch, decide and push until SIGTERM; traffic stays where it is then."""
    log = logger(as_json=log_json, verbose=verbose)
    app = App(options(context.obj), log)

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await app.run(stop, dry_run=dry_run)

    sys.setswitchinterval(SWITCH_S)
    asyncio.run(serve())
