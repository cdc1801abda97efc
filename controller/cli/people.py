"""``failover pin``, ``drain``, ``pause``, their ends, ``acknowledge`` and ``overrides``: a person decides."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from controller import app as application
from controller.cli.common import Exit, JsonOption, duration, fail, out, print_json, when
from controller.config import load
from controller.core.model import OrderKind, Override, Policy
from controller.core.rules.people import drained_by, told
from controller.planning import FRESH_S
from controller.ports import Snapshot

HEARD_WITHIN_S = 5.0  # a loop reads orders twice a second, and shows what came of them every second
POLL_S = 0.1
SETTLES_S = 0.2  # a snapshot of the very moment may have been taken before the decision

Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for whoever looks at this later.")]
Lasts = Annotated[str, typer.Option("--for", help="When it ends by itself: 30min, 4h, 2d.")]
Forever = Annotated[bool, typer.Option("--until-taken-back", help="It has no end of its own.")]
Owner = Annotated[str, typer.Option(help="Who orders this. [the user who runs the command]")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (pin, unpin, drain, undrain, pause, resume, acknowledge, overrides):
        app.command()(command)


def pin(
    context: typer.Context,
    traffic_class: Annotated[str, typer.Argument(metavar="CLASS")],
    upstream: Annotated[str, typer.Argument(metavar="UPSTREAM")],
    reason: Reason,
    lasts: Lasts = "4h",
    forever: Forever = False,
    owner: Owner = "",
) -> None:
    """Keep a class on one upstream for as long as that is not dead; it is moved there at once."""
    policy = load(context.obj.inventory).policy
    known = policy.classes.get(traffic_class)
    if known is None:
        raise fail(f"no class {traffic_class}: there are {', '.join(policy.classes)}")
    if upstream not in known.upstreams:
        raise fail(f"{traffic_class} never uses {upstream}: its `prefer` has {', '.join(known.upstreams)}")
    _order(context, OrderKind.PIN, traffic_class, upstream, reason, owner, None if forever else lasts)


def unpin(
    context: typer.Context,
    traffic_class: Annotated[str, typer.Argument(metavar="CLASS")],
    owner: Owner = "",
) -> None:
    """Let a class go where policy has it again, in its own time."""
    _take_back(context, OrderKind.PIN, traffic_class, owner)


def drain(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A link, an upstream, a router or a shared risk.")
    ],
    reason: Reason,
    lasts: Lasts = "4h",
    forever: Forever = False,
    owner: Owner = "",
) -> None:
    """Take traffic off links without losing any; they carry nothing while anything else can."""
    policy = load(context.obj.inventory).policy
    if not drained_by(policy, name):
        raise fail(f"nothing is called {name}: there are {', '.join(_drainable(policy))}")
    _order(context, OrderKind.DRAIN, name, "", reason, owner, None if forever else lasts)


def undrain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    owner: Owner = "",
) -> None:
    """Let drained links carry again; traffic returns in its own time."""
    _take_back(context, OrderKind.DRAIN, name, owner)


def pause(
    context: typer.Context,
    reason: Reason,
    lasts: Lasts = "4h",
    forever: Forever = False,
    owner: Owner = "",
) -> None:
    """Push nothing, not even off a dead path; watch, decide and record as ever."""
    _order(context, OrderKind.PAUSE, "", "", reason, owner, None if forever else lasts)


def resume(context: typer.Context, owner: Owner = "") -> None:
    """End a pause."""
    _take_back(context, OrderKind.PAUSE, "", owner)


def acknowledge(
    context: typer.Context,
    traffic_class: Annotated[str, typer.Argument(metavar="CLASS")],
    reason: Reason,
    lasts: Lasts = "1h",
    owner: Owner = "",
) -> None:
    """Let a class move again after policy has blocked it, and return to what it had to leave.

    Its moves so far count no more; while this lasts, nobody is asked again.
    """
    policy = load(context.obj.inventory).policy
    if traffic_class not in policy.classes:
        raise fail(f"no class {traffic_class}: there are {', '.join(policy.classes)}")
    _order(context, OrderKind.ACKNOWLEDGE, traffic_class, "", reason, owner, lasts)


def overrides(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show what people ordered and is in force: who, why, until when."""
    found = application.overrides(context.obj.state)
    if as_json:
        print_json(found, list[Override])
        return
    if not found:
        out.print("nothing is ordered")
        return
    table = Table("no.", "what", "since", "ends", box=box.SIMPLE_HEAD, pad_edge=False)
    for order in found:
        ends = "when taken back" if order.until is None else when(order.until)
        table.add_row(str(order.number), told(order), when(order.since), ends)
    out.print(table)


def _drainable(policy: Policy) -> list[str]:
    risks = {risk for link in policy.links.values() for risk in policy.risks_of(link)}
    return [*policy.upstreams, *policy.routers, *policy.links, *sorted(risks)]


def _user() -> str:
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _order(
    context: typer.Context,
    kind: OrderKind,
    subject: str,
    upstream: str,
    reason: str,
    owner: str,
    lasts: str | None,
) -> None:
    reason = " ".join(reason.split())
    if not reason:
        raise fail("--reason: say why; whoever looks at this at night has nothing else to go by")
    until = None if lasts is None else time.time() + duration(lasts)
    order = application.order(context.obj.state, kind, subject, upstream, owner or _user(), reason, until)
    ends = "until taken back" if until is None else f"until {when(until)}"
    out.print(f"order {order.number}: {told(order)}, {ends}", markup=False)
    _heard(context, lambda seen: any(each.number == order.number for each in seen.overrides))


def _take_back(context: typer.Context, kind: OrderKind, subject: str, owner: str) -> None:
    ended = application.take_back(context.obj.state, kind, subject, owner or _user())
    if not ended:
        raise fail(f"no {kind}{f' of {subject}' if subject else ''} is in force; see `failover overrides`")
    out.print(f"taken back: {kind}{f' of {subject}' if subject else ''}", markup=False)
    _heard(
        context, lambda seen: not any((each.kind, each.subject) == (kind, subject) for each in seen.overrides)
    )


def _heard(context: typer.Context, is_heard: Callable[[Snapshot], bool]) -> None:
    """Say what the running loop makes of it, or that there is none."""
    began = time.time()
    while time.time() < began + HEARD_WITHIN_S:
        seen = application.snapshot(context.obj.state)
        if seen is None or began - seen.utc > FRESH_S:
            break
        if is_heard(seen) and seen.utc > began + SETTLES_S:
            out.print(f"the loop (pid {seen.pid}): {seen.sentence}", markup=False)
            return
        time.sleep(POLL_S)
    else:
        out.print("the running loop has not taken it up yet; see `failover status`", style="yellow")
        raise typer.Exit(Exit.PARTIAL)
    out.print("no loop is running: it holds as soon as one starts", style="yellow")
