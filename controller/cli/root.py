"""The root command: global options, the lab switch, and errors as sentences."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from controller import __version__
from controller.cli import demo as demo_command
from controller.cli import history as history_commands
from controller.cli import lab as lab_commands
from controller.cli import look as look_commands
from controller.cli import loop as loop_commands
from controller.cli import people as people_commands
from controller.cli import plan as plan_commands
from controller.cli import policy as policy_commands
from controller.cli import probe as probe_commands
from controller.cli import readiness as readiness_command
from controller.cli import samples as samples_commands
from controller.cli.common import Exit, Globals, err
from controller.config import ConfigError, StarterError, default_inventory, default_templates
from controller.fleet.connect import SshOptions
from controller.lab.errors import LabError
from controller.planning import PlanError
from controller.ports import ProbeError, RenderError, StoreError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Failover controller for multi-homed networks: watches links, decides by policy, changes BGP.",
    epilog="Exit codes: 0 done or nothing to change; 1 error, nothing done; 2 plan: changes,"
    " probe: something is not up, policy readiness: a failure has no answer,"
    " policy simulate: not as expected;"
    " 3 some routers could not be read or changed, or were refused.",
)
demo_command.register(lab_commands.app)
readiness_command.register(policy_commands.app)
app.add_typer(lab_commands.app, name="lab")
app.add_typer(policy_commands.app, name="policy")
COMMANDS = (
    loop_commands,
    people_commands,
    plan_commands,
    look_commands,
    history_commands,
    probe_commands,
    samples_commands,
    policy_commands,
)
for commands in COMMANDS:
    commands.register(app)

# typer brings its own copy of click, which of the two depends on its version: found by name
USAGE_ERROR: Any = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")
USER_ERRORS = (LabError, PlanError, ProbeError, RenderError, StarterError, StoreError)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"transit-failover {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    inventory: Annotated[
        Path | None,
        typer.Option(
            envvar="FAILOVER_INVENTORY",
            help="Folder of hosts.yaml, groups.yaml and policy.yaml. [./inventory]",
        ),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option(envvar="FAILOVER_TEMPLATES", help="Folder of the templates. [beside the inventory]"),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(envvar="FAILOVER_STATE", help="Folder of the record. [/var/lib/failover]"),
    ] = None,
    ssh_key: Annotated[
        Path | None, typer.Option(envvar="FAILOVER_SSH_KEY", help="Private key, instead of the inventory's.")
    ] = None,
    known_hosts: Annotated[
        Path | None,
        typer.Option(envvar="FAILOVER_KNOWN_HOSTS", help="Host keys, instead of the inventory's."),
    ] = None,
    in_lab: Annotated[
        bool, typer.Option("--lab", help="Run as if typed on the lab's noc, with the lab's inventory.")
    ] = False,
    lab_name: Annotated[str, typer.Option(envvar="FAILOVER_LAB", help="Which lab --lab means.")] = "fo",
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options that stand before the command."""
    ssh = SshOptions(ssh_key, known_hosts)
    if in_lab:
        from controller.lab.lab import Lab  # noqa: PLC0415 - only --lab needs namespaces

        lab = Lab(lab_name)
        lab.enter("noc")
        inventory = inventory or default_inventory()
        ssh = SshOptions(ssh_key or lab.ssh_key, known_hosts or lab.known_hosts)
        state = state or lab.state_dir / "state"
    inventory = inventory or Path("inventory")
    beside = inventory.resolve().parent / "templates"
    templates = templates or (beside if beside.is_dir() else default_templates())
    context.obj = Globals(inventory, templates, state or Path("/var/lib/failover"), ssh)


def main() -> None:
    """Run the command line; whatever a user did wrong ends in a sentence and an exit code."""
    try:
        code = app(standalone_mode=False)
    except ConfigError as error:
        for problem in error.problems:
            err.print(str(problem), markup=False)
        count = len(error.problems)
        err.print(f"failover: {count} problem{'s' if count > 1 else ''} {error.where}; nothing was done")
        code = Exit.ERROR
    except USER_ERRORS as error:
        err.print(f"failover: {error}", markup=False)
        code = Exit.ERROR
    except USAGE_ERROR as error:
        error.show(sys.stderr)
        code = Exit.ERROR
    except (KeyboardInterrupt, typer.Abort):
        err.print("failover: interrupted")
        code = 130
    except BrokenPipeError:  # `failover history | head`
        sys.stderr.close()
        code = Exit.OK
    sys.exit(code or 0)
