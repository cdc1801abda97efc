"""Nornir inventory and warm NAPALM connections, with errors that carry their fate.

Nornir's inventory says how to reach each router. One run is one host: a router that hangs holds nobody else
up, and Nornir's memory of failed hosts cannot make a later run skip one in silence.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

CONNECTION = "napalm"
ATTEMPTS = 3
FIRST_WAIT_S, LAST_WAIT_S = 0.2, 2.0


class DeviceError(Exception):
    """A router could not be reached or did not do as asked; the message is fit for people."""


class TransientError(DeviceError):
    """Worth another try: a timeout, a reset, a session limit."""


class PermanentError(DeviceError):
    """Trying again cannot help: wrong key, unknown host key, no such user, bad inventory."""


@dataclass(frozen=True, slots=True)
class SshOptions:
    """What the command line says about SSH; stands above the inventory's connection options."""

    key_file: Path | None = None
    known_hosts: Path | None = None


def open_inventory(directory: Path, ssh: SshOptions) -> Any:
    """Nornir over an inventory directory, its connection options completed.

    Imported here and not at the top: NAPALM takes half a second to import, which commands that never
    touch a router should not pay.
    """
    from nornir import InitNornir  # noqa: PLC0415 - see above
    from nornir.core.inventory import ConnectionOptions  # noqa: PLC0415 - see above
    from nornir.plugins.runners import SerialRunner  # noqa: PLC0415 - see above

    quiet()
    nornir = InitNornir(
        config_file=str(directory / "config.yaml"),
        inventory={
            "plugin": "SimpleInventory",
            "options": {
                "host_file": str(directory / "hosts.yaml"),
                "group_file": str(directory / "groups.yaml"),
                "defaults_file": str(directory / "defaults.yaml"),
            },
        },
    ).with_runner(SerialRunner())  # one run is one host; the fleet runs many at once
    for host in nornir.inventory.hosts.values():
        extras = dict(host.get_connection_parameters(CONNECTION).extras or {})
        optional = dict(extras.get("optional_args") or {})
        for name, override in (("key_file", ssh.key_file), ("known_hosts", ssh.known_hosts)):
            path = override or optional.get(name)
            if path:
                optional[name] = str(Path(path).expanduser())
        host.connection_options[CONNECTION] = ConnectionOptions(extras=extras | {"optional_args": optional})
    return nornir


def workers(nornir: Any) -> int:
    """How many routers may be worked on at the same time: ``runner.options.num_workers`` of config.yaml."""
    return max(1, int((nornir.config.runner.options or {}).get("num_workers", 20)))


def quiet() -> None:
    """Keep third-party loggers from printing tracebacks of what this package reports in a sentence."""
    for name in ("nornir", "nornir_napalm", "napalm", "napalm_frr", "paramiko", "netmiko"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


def device(host: Any, config: Any, log: Any) -> Any:
    """The host's NAPALM driver, connected; a warm connection is used again, a dead one replaced.

    Raises PermanentError at once, TransientError after ATTEMPTS tries.
    """

    def say(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("connecting failed, trying again", router=host.name, error=str(error))

    for attempt in Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=FIRST_WAIT_S, max=LAST_WAIT_S),
        retry=retry_if_exception_type(TransientError),
        before_sleep=say,
        reraise=True,
    ):
        with attempt, translated():
            return _connected(host, config)
    raise AssertionError  # Retrying either returns or raises


def _connected(host: Any, config: Any) -> Any:
    if CONNECTION in host.connections:
        driver = host.get_connection(CONNECTION, config)
        if driver.is_alive()["is_alive"]:
            return driver
        drop(host)
    return host.get_connection(CONNECTION, config)


def drop(host: Any) -> None:
    """Forget a connection that is of no use any more."""
    if CONNECTION in host.connections:
        with contextlib.suppress(
            Exception
        ):  # closing what is broken may fail in as many ways as there are drivers
            host.close_connection(CONNECTION)
        host.connections.pop(CONNECTION, None)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what drivers and SSH raise into DeviceErrors that carry their fate."""
    from napalm.base import exceptions as napalm  # noqa: PLC0415 - slow to import

    try:
        yield
    except DeviceError:
        raise
    except (napalm.ConnectAuthError, napalm.ModuleImportError, FileNotFoundError, PermissionError) as error:
        raise PermanentError(_text(error)) from error
    except (napalm.ConnectionException, napalm.CommandTimeoutException, OSError, EOFError) as error:
        raise TransientError(_text(error)) from error
    except (napalm.NapalmException, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise DeviceError(_text(error)) from error


def _text(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
