"""``failover policy ...`` (``simulate`` has a file of its own) and ``init``: for operators."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from controller.app import App
from controller.cli.common import Exit, JsonOption, err, logger, out, print_json
from controller.cli.loop import options
from controller.cli.simulate import simulate
from controller.config import ConfigError, Problem, load, reference, schema, write_starter
from controller.core.explain_capacity import capacity_told
from controller.core.grey_ambient import DAY_S
from controller.core.judgement_text import LABEL
from controller.core.pacing import FASTER
from controller.core.policy_text import policy_told
from controller.core.promise import TOLD
from controller.core.roles_text import roles_told

app = typer.Typer(no_args_is_help=True, help="Check and describe the policy.", rich_markup_mode=None)
app.command()(simulate)


def register(root: typer.Typer) -> None:
    """Add the commands of this file that stand at the top."""
    root.command()(init)


def init(directory: Annotated[Path, typer.Argument(help="Where to write; made if missing.")]) -> None:
    """Write a starter set: inventory, policy and templates, which describe the lab."""
    written = write_starter(directory)
    out.print(
        f"wrote {len(written)} files to {directory}; next: edit {directory}/inventory/policy.yaml, then"
    )
    out.print(f"  failover --inventory {directory}/inventory policy check", markup=False)


@app.command()
def check(
    context: typer.Context,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too: for CI.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check inventory and policy; every problem at once, each with its place and what to do.

    A warning is something that is allowed and hardly meant: a class without a backup, roles that look alike.
    """
    try:
        loaded = load(context.obj.inventory)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"ok": False, "findings": [_finding("error", each) for each in error.problems]})
        raise typer.Exit(Exit.ERROR) from None
    policy, warnings = loaded.policy, loaded.warnings
    well = not (strict and warnings)
    if as_json:
        findings = [_finding("warning", each) for each in warnings]
        told = {
            "ok": well,
            "fingerprint": loaded.fingerprint,
            "links": list(policy.links),
            "findings": findings,
        }
        print_json(told)
    else:
        for each in warnings:
            err.print(f"{each.place}: warning: {each.message}. {each.hint}", markup=False)
        count = f"; {len(warnings)} warning{'s' if len(warnings) > 1 else ''}" if warnings else ""
        out.print(
            f"{context.obj.inventory} is well: {len(policy.upstreams)} upstreams, {len(policy.links)} links"
            f" on {len(policy.routers)} routers, {len(policy.classes)} traffic classes{count}",
            markup=False,
        )
    if not well:
        raise typer.Exit(Exit.ERROR)


def _finding(severity: str, problem: Problem) -> dict[str, str | int]:
    """One finding for machines; line and column are 0 where the file as a whole is meant."""
    return {
        "severity": severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "cause": problem.message,
        "remedy": problem.hint,
    }


@app.command()
def explain(context: typer.Context, as_json: JsonOption = False) -> None:
    """Say the policy in plain sentences, what it says in BGP, and how soon loss is found on each link.

    How soon follows from the targets, the policy and what is known of the link.
    """
    wired = App(options(context.obj), logger())
    policy = wired.loaded.policy
    promises, told, bgp = wired.promises(), policy_told(policy), roles_told(policy)
    told = [*told, *capacity_told(policy)]
    if as_json:
        links = [
            {
                "link": link,
                "family": family,
                "targets": promise.targets,
                "probes_per_s": promise.probes_per_s,
                "ambient_loss_percent": 100 * promise.ambient,
                "threshold_nats": fit.threshold,
                "ride_out_s": promise.ride_out_s,
                "fitted": fit.fitted,
                "quiet_days": fit.quiet_s / DAY_S,
                "seconds": {f"{loss:.0%}": promise.within_s(loss) for loss in TOLD},
            }
            for (link, family), (promise, fit) in promises.items()
        ]
        print_json({"policy": told, "bgp": bgp, "links": links})
        return
    for line in (*told, "", *bgp, ""):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    alike: dict[tuple[str, str, float], list[str]] = {}
    for (link, family), (promise, fit) in promises.items():
        said = (str(promise), f"{promise.targets} targets; evidence needed: {fit}", promise.probes_per_s)
        alike.setdefault(said, []).append(f"{link} {LABEL[family]}")
    for (sentence, basis, rate), names in alike.items():
        out.print(", ".join(names), markup=False)
        out.print(f"  {sentence}", markup=False)
        out.print(f"  {rate:g} probes/s in calm, {FASTER} times that for moments of suspicion, to {basis}")


class Format(StrEnum):
    """How to print what policy.yaml may say."""

    JSON = "json"
    MARKDOWN = "markdown"


@app.command("schema")
def print_schema(
    form: Annotated[
        Format,
        typer.Option("--format", help="json: JSON Schema, for editors; markdown: a reference to read."),
    ] = Format.JSON,
) -> None:
    """Print what policy.yaml may say: every key with its effect, unit, default and reason."""
    if form is Format.JSON:
        print_json(schema())
    else:
        sys.stdout.write(reference())
