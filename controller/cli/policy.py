"""``failover policy check``, ``policy schema`` and ``init``: for operators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.common import JsonOption, out, print_json
from controller.config import load, schema, write_starter

app = typer.Typer(no_args_is_help=True, help="Check and describe the policy.", rich_markup_mode=None)


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
def check(context: typer.Context, as_json: JsonOption = False) -> None:
    """Check inventory and policy; every problem at once, each with its place and what to do."""
    loaded = load(context.obj.inventory)
    policy = loaded.policy
    if as_json:
        print_json({"ok": True, "fingerprint": loaded.fingerprint, "links": list(policy.links)})
        return
    out.print(
        f"{context.obj.inventory} is well: {len(policy.upstreams)} upstreams, {len(policy.links)} links on"
        f" {len(policy.routers)} routers, {len(policy.classes)} traffic classes",
        markup=False,
    )


@app.command("schema")
def print_schema() -> None:
    """Print the JSON schema of policy.yaml, for editors."""
    print_json(schema())
