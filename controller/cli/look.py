"""``failover status`` and ``explain``: what the loop sees, and why it did what it did."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from controller import app as application
from controller.cli.common import COLORS, Exit, JsonOption, ago, fail, figure, out, print_json, when
from controller.cli.plan import outcome_line, print_diff
from controller.cli.probe_view import gauge_words, gauges
from controller.core.explain import bit_rate
from controller.core.explain import explain as explained
from controller.core.model import (
    Delay,
    Family,
    FamilyHealth,
    InterfaceSeen,
    LinkSeen,
    SessionSeen,
    Verdict,
)
from controller.core.rules import people
from controller.core.samples import marks
from controller.core.turn import Turn
from controller.planning import FRESH_S
from controller.ports import Record, Snapshot


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(status)
    app.command()(explain)


def status(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show what the loop sees and intends now. Exit 1 when no loop is running."""
    snapshot = application.snapshot(context.obj.state)
    if snapshot is None:
        raise fail("nothing recorded yet; start `failover run`")
    age = time.time() - snapshot.utc
    if as_json:
        print_json(snapshot, Snapshot)
    else:
        _show_status(snapshot, age)
    if age > FRESH_S:
        raise typer.Exit(Exit.ERROR)


def _show_status(snapshot: Snapshot, age: float) -> None:
    if age > FRESH_S:
        out.print(f"NO LOOP IS RUNNING; this is what was seen {ago(age)} ago", style="red")
    mode = ", dry run" if snapshot.dry_run else ""
    out.print(snapshot.sentence, markup=False)
    out.print(f"loop pid {snapshot.pid}{mode}, as of {when(snapshot.utc)}")
    out.print(_links(snapshot))
    if snapshot.seen:
        out.print(_routers_say(snapshot.seen))
    if snapshot.traffic.classes:
        peaks = [f"{name} {bit_rate(bps)}" for name, bps in snapshot.traffic.classes.items()]
        out.print(f"peaks of the last hour: {', '.join(peaks)}", markup=False)
    for health in snapshot.health:
        if health.verdict is not Verdict.UP or health.suspect or health.delay is not Delay.USUAL:
            out.print(f"{health.link}: {health.why}", markup=False)
    for order in snapshot.overrides:
        left = "" if order.until is None else f", for another {ago(order.until - snapshot.now)}"
        out.print(f"ordered: {people.told(order)}{left}", style="yellow", markup=False)
    for name, error in snapshot.router_errors.items():
        out.print(f"{name} cannot be read: {error}", style="red", markup=False)
    for held in snapshot.decision.held if snapshot.decision else ():
        left = f" (for another {ago(held.until - snapshot.now)})" if held.until else ""
        out.print(f"held: {held.traffic_class} {held.move}: {held.why}{left}", markup=False)
    for notice in snapshot.decision.notices if snapshot.decision else ():
        out.print(f"look at: {notice.text}", style="yellow", markup=False)


def _links(snapshot: Snapshot) -> Table:
    table = Table(
        "link", "verdict", "for", "runs as", "rtt v4/v6", "loss v4/v6", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for health in snapshot.health:
        roles = dict.fromkeys(
            str(placed[health.link]) for placed in snapshot.current.values() if health.link in placed
        )
        word = f"{health.verdict}{', suspect' if health.suspect else ''}"
        if health.delay is not Delay.USUAL:
            word += f", {health.delay}"
        rtts = [_figure(health.families.get(family), "rtt_ms", "ms") for family in Family]
        losses = [_figure(health.families.get(family), "loss_percent", "%") for family in Family]
        table.add_row(
            health.link,
            f"[{COLORS[health.verdict]}]{word}[/]",
            ago(snapshot.now - health.since),
            " ".join(roles) or "-",
            " / ".join(rtts),
            " / ".join(losses),
        )
    return table


def _routers_say(seen: Mapping[str, LinkSeen]) -> Table:
    """Sessions, their tables and interfaces, as the routers tell of them."""
    headings = "link", "established", "prefixes", "interface", "in/out Mbit/s", "load"
    table = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False)
    for link, told in seen.items():
        sessions = list(told.sessions.values())  # IPv4 first; said once where both families are alike
        interface = told.interface
        table.add_row(
            link,
            " / ".join(dict.fromkeys(_established(session) for session in sessions)),
            " / ".join(dict.fromkeys(_prefixes(session) for session in sessions)),
            "-" if interface is None else _state(interface),
            "-" if interface is None else f"{figure(interface.in_mbps, 1)} / {figure(interface.out_mbps, 1)}",
            "-" if interface is None or interface.load_percent is None else f"{interface.load_percent:.0f} %",
        )
    return table


def _established(session: SessionSeen) -> str:
    if not session.established:
        return "down"
    return "yes" if session.up_s is None else f"for {ago(session.up_s)}"


def _prefixes(session: SessionSeen) -> str:
    if not session.established:
        return "-"
    usual = "" if session.usual_prefixes is None else f" of {session.usual_prefixes}"
    return f"{session.accepted_prefixes}{usual}"


def _state(interface: InterfaceSeen) -> str:
    figures = {"errors": interface.errors_percent, "discards": interface.discards_percent}
    bad = [f"{percent:.1f} % {what}" for what, percent in figures.items() if percent and percent >= 0.05]
    return ", ".join(["up" if interface.is_up else "down", *bad])


def _figure(family: FamilyHealth | None, name: str, unit: str) -> str:
    value = getattr(family, name, None)
    return "-" if value is None else f"{value:.1f} {unit}"


def explain(
    context: typer.Context,
    number: Annotated[int | None, typer.Argument(help="A number of `failover history`. [the newest]")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell why: every reason of a decision, every move held back, and what happened on each router.

    Of each verdict that changed, the samples that drove it: the latest probes of every target, oldest first
    (. answered, x lost, ? under way, - invalid), and the evidence against what it takes.
    """
    record = application.record(context.obj.state, number)
    if record is None:
        raise fail("no such decision; `failover history` lists them")
    if as_json:
        print_json(record, Record)
        return
    out.print(f"#{record.number}  {when(record.utc)}  {record.decision.sentence}", markup=False)
    for line in explained(record.decision)[1:]:  # the sentence stands above
        out.print(f"  {line}", markup=False)
    for each in record.turns:
        _show_turn(each)
    out.print("links:")
    for health in record.health:
        out.print(f"  {health.link}: {health.verdict}: {health.why}", markup=False)
    for outcome in record.outcomes:
        out.print(outcome_line(outcome.router, outcome), markup=False)
        print_diff(getattr(outcome, "diff", ""))
    if record.timings_ms:
        out.print(", ".join(f"{step} {value:.1f} ms" for step, value in record.timings_ms.items()))


def _show_turn(turned: Turn) -> None:
    """A verdict that changed, and the samples that drove it."""
    sight = turned.sight
    out.print(
        f"{sight.link}: {turned.was} -> {sight.verdict} at {when(turned.utc)}", style=COLORS[sight.verdict]
    )
    for family, seen in sight.families.items():
        evidence = [f"{name} {gauge_words(each)}" for name, each in gauges(seen)]
        out.print(f"  {family}: {seen.why}; {', '.join(evidence)}", markup=False)
        for target in seen.targets:
            probes = turned.probes.get(target.target, ())
            first = f"from {probes[0].sent_at:+.2f} s" if probes else "not probed"
            heard = "" if target.heard_s is None else f", last answer {target.heard_s:.2f} s before"
            rtt = (
                ""
                if target.figures.rtt_p50_ms is None
                else f", usually in {target.figures.rtt_p50_ms:.2f} ms"
            )
            note = f": {target.note}" if target.note else ""
            out.print(f"    {marks(probes)} {target.target} ({first}{heard}{rtt}){note}", markup=False)
