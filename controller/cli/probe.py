"""``failover probe``: every link at a glance, once or live."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import termios
import time
import tty
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import TypeAdapter
from rich.live import Live

from controller import app as application
from controller.app import App
from controller.cli.common import Exit, Globals, JsonOption, ago, fail, logger, out, print_json
from controller.cli.loop import options
from controller.cli.probe_view import rendered
from controller.core.sight import Sight
from controller.planning import FRESH_S

REFRESH_S: Final = 1.0  # on a terminal
LIVE_WINDOW_S: Final = 20.0  # as the loop shows it

_sight = TypeAdapter(Sight)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(probe)


def probe(
    context: typer.Context,
    link: Annotated[list[str] | None, typer.Option(help="Only this link, or user-path (repeatable).")] = None,
    seconds: Annotated[
        float,
        typer.Option(min=0.5, max=600, help="How long to look; without a terminal, between two blocks."),
    ] = 5.0,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep looking, until q or Ctrl-C.")] = False,
    own: Annotated[bool, typer.Option("--own", help="Send own probes even beside a running loop.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every target.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look through every link: loss, round trips, jitter, verdict, and how near a worse one is.

    Beside a running loop this is what the loop sees, its last 20 s. Otherwise, or with --own, it probes as
    `run` would (the same privileges are needed), and BGP sessions are not asked.
    Exit 0: all that is shown is up; 2: something is not; 1: error.
    """
    names = link or []
    live = out.is_terminal and not out.is_dumb_terminal and not as_json
    if not own and _of_the_loop(context.obj.state, names) is not None:
        every_s = REFRESH_S if live else seconds
        sights = _follow(context.obj.state, names, every_s)
    else:
        every_s = REFRESH_S if watch and live else seconds
        sights = _own(context.obj, names, LIVE_WINDOW_S if watch else seconds, every_s)
    if watch:
        sight = asyncio.run(_watch(sights, _shower(verbose=verbose, as_json=as_json, live=live)))
    else:
        sight = asyncio.run(_first(sights))
    if sight is None:
        return  # ended before anything was seen
    if as_json and not watch:
        print_json(sight, Sight)
    elif not watch or live:
        out.print(rendered(sight, out.width, verbose=verbose), soft_wrap=False)
    if not sight.all_up:
        raise typer.Exit(Exit.CHANGES)


# --- where sights come from ----------------------------------------------------------------------


def _own(
    found: Globals, names: Sequence[str], window_s: float, every_s: float
) -> AsyncGenerator[Sight, None]:
    return App(options(found), logger()).look(names, window_s, every_s)


def _of_the_loop(state: Path, names: Sequence[str], stale: Sight | None = None) -> Sight | None:
    """What a running loop shows now of these links, or of all."""
    sight = application.sight(state)
    if sight is None or abs(time.time() - sight.utc) > FRESH_S:
        return stale
    known = [link.link for link in sight.links]
    for name in names:
        if name not in known:
            raise fail(f"--link {name}: no such link; there are {', '.join(known)}")
    return replace(sight, links=tuple(link for link in sight.links if link.link in (names or known)))


async def _follow(state: Path, names: Sequence[str], every_s: float) -> AsyncGenerator[Sight, None]:
    last: Sight | None = None
    while True:
        sight = _of_the_loop(state, names, last)
        if sight is None:
            return
        last = sight
        age_s = time.time() - sight.utc
        if age_s > FRESH_S:
            sight = replace(sight, seen_by=f"NO LOOP ANY MORE: this is {ago(age_s)} old")
        yield sight
        await asyncio.sleep(every_s)


async def _first(sights: AsyncGenerator[Sight, None]) -> Sight | None:
    async with aclosing(sights) as each:
        return await anext(each, None)


# --- live ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _shower(*, verbose: bool, as_json: bool, live: bool) -> Iterator[Callable[[Sight], None]]:
    """What to do with each sight: refresh the screen, or write one block after another."""
    if not live:
        yield lambda sight: _write(sight, verbose=verbose, as_json=as_json)
        return
    with Live(console=out, screen=True, auto_refresh=False, vertical_overflow="crop") as screen:

        def show(sight: Sight) -> None:
            screen.update(rendered(sight, out.width, out.height - 1, verbose=verbose), refresh=True)

        yield show


def _write(sight: Sight, *, verbose: bool, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(_sight.dump_python(sight, mode="json"), ensure_ascii=False) + "\n")
    else:
        out.print(rendered(sight, out.width, verbose=verbose), soft_wrap=False)
        out.print()
    sys.stdout.flush()


async def _watch(
    sights: AsyncGenerator[Sight, None], shower: contextlib.AbstractContextManager[Callable[[Sight], None]]
) -> Sight | None:
    """Show until q, Ctrl-C or SIGTERM; returns what was shown last."""
    stop, last = asyncio.Event(), None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    async def follow() -> None:
        nonlocal last
        async with aclosing(sights) as each:
            async for last in each:
                show(last)

    with _keys(stop), shower as show:
        tasks = {asyncio.create_task(follow()), asyncio.create_task(stop.wait())}
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            task.result()
    return last


@contextlib.contextmanager
def _keys(stop: asyncio.Event) -> Iterator[None]:
    """The key q ends it, where there is a keyboard."""
    if not sys.stdin.isatty():
        yield
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    loop = asyncio.get_running_loop()

    def typed() -> None:
        if b"q" in os.read(keyboard, 64).lower():
            stop.set()

    loop.add_reader(keyboard, typed)
    try:
        tty.setcbreak(keyboard)
        yield
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
