"""What the driver asks of a router: one SSH exec each, answered in sections.

``router_side.sh`` runs there; nothing is installed. Its text travels with each request.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Protocol

from napalm.base.exceptions import CommandErrorException, ConnectionException, LockError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .transport import Answer

_MARK = "--napalm_frr:"
_NEEDED = frozenset({"zebra", "bgpd"})
_WATCHED = re.compile(r"^ +(\S+) +(Up|Down|Unresponsive|Connecting|\S+)\s*$", re.MULTILINE)
_DISABLED = "no service integrated-vtysh-config"


class Device(Protocol):
    """What can run a command on the router: transport.Connection, or a double in tests."""

    @property
    def alive(self) -> bool:
        """Whether the connection is up."""
        ...

    def run(self, command: str, stdin: str = "") -> Answer:
        """Run a command to its end."""
        ...

    def ask(self, program: str, *lines: str) -> str | None:
        """Have a program that is kept running read lines; what it prints, None when it does not answer."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of ``router_side.sh``: how it ended, and its sections."""

    result: str
    sections: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.sections.get(name, "")


class Router:
    """Requests to one router over an open connection."""

    def __init__(self, device: Device, name: str, pathspace: str = "") -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]*", pathspace):
            raise ValueError(f'pathspace "{pathspace}" is not a name that FRR takes')
        self._device = device
        self._name = name
        self._pathspace = pathspace

    def vtysh(self, *commands: str) -> str:
        """What these commands of vtysh print, in one exec. Raises CommandErrorException."""
        words = [self._vtysh, *(f"-c {shlex.quote(each)}" for each in commands)]
        answer = self._device.run(" ".join(words))
        out = "\n".join(line for line in answer.out.split("\n") if "open configuration file" not in line)
        if answer.code:
            raise CommandErrorException(
                self._explained(out) or f"{self._name}: {' ; '.join(commands)}: {out.strip()}"
            )
        return out

    @property
    def _vtysh(self) -> str:
        return f"vtysh -N {self._pathspace}" if self._pathspace else "vtysh"

    def ask(self, *commands: str) -> str:
        """As ``vtysh``, for what prints JSON, of a vtysh that is kept running: starting one costs most."""
        out = self._device.ask(self._vtysh, *commands)
        if out is not None and all(f"{command}\n{{" in out for command in commands):
            return out
        return self.vtysh(*commands)  # a daemon is gone, or a part is missing: this says what is wrong

    def shell(self, command: str) -> Answer:
        """Run a command of the router's system."""
        return self._device.run(command)

    def running(self) -> str:
        """The running configuration; raises when a daemon is down, whose part would be missing from it."""
        out = self.vtysh("show daemons", "show watchfrr", "show running-config no-header")
        return self.whole_config(out)

    def startup(self) -> str | None:
        """The configuration that the router starts with; None where this user may not read it."""
        answer = self._device.run(f"cat {shlex.quote(self._path('frr.conf'))}")
        return None if answer.code else answer.out

    def act(self, verb: str, *arguments: str, payload: str = "") -> Reply:
        """Run one verb of ``router_side.sh``. Raises LockError, CommandErrorException."""
        words = " ".join(shlex.quote(word) for word in (verb, self._pathspace, *arguments))
        command = f'export NAPALM_FRR_SIDE={_SIDE}; exec sh -c "$NAPALM_FRR_SIDE" napalm_frr {words}'
        answer = self._device.run(command, payload)
        reply = _parse(answer.out)
        if reply is None:
            raise CommandErrorException(
                f"{self._name}: the router's shell did not run the driver's script; it takes a POSIX login "
                f"shell, flock, setsid and sha256sum. It said: {answer.out.strip()[-400:]}"
            )
        if reply.result == "locked":
            raise LockError(f"{self._name}: another session is committing right now; try again")
        if reply.result == "no-state":
            raise CommandErrorException(
                f"{self._name}: neither the home directory nor /var/tmp can be written"
            )
        if "command not found" in reply["errors"] or "vtysh: not found" in reply["errors"]:
            raise CommandErrorException(f"{self._name}: vtysh is not installed or not in PATH")
        return reply

    def whole_config(self, shown: str, errors: str = "") -> str:
        """The running-config out of what ``show daemons`` and the rest printed.

        Raises CommandErrorException when it would be incomplete, ConnectionException when FRR cannot be
        reached.
        """
        explained = self._explained(shown + errors)
        if explained:
            raise ConnectionException(explained)
        head, at, config = shown.partition("frr version ")
        if not at:
            raise CommandErrorException(
                f"{self._name}: no running configuration: {(shown + errors).strip()[-400:]}"
            )
        up = set(head.split("\n", 1)[0].split())
        watched = dict(_WATCHED.findall(head))
        down = sorted((_NEEDED - up) | {name for name, state in watched.items() if state != "Up"})
        if down:
            raise CommandErrorException(
                f"{self._name}: {', '.join(down)} not running, so the running configuration lacks its part; "
                "nothing was compared or changed. Look at the router's log and at: vtysh -c 'show watchfrr'"
            )
        if _DISABLED in config:
            raise CommandErrorException(
                f"{self._name}: the router does not keep one integrated configuration "
                f"({_DISABLED}); put `service integrated-vtysh-config` into {self._path('vtysh.conf')}"
            )
        return at + config

    def _path(self, name: str) -> str:
        return f"/etc/frr/{self._pathspace}/{name}" if self._pathspace else f"/etc/frr/{name}"

    def _explained(self, text: str) -> str:
        if "failed to connect to any daemons" in text:
            where = f" in pathspace {self._pathspace}" if self._pathspace else ""
            return f"{self._name}: vtysh reaches no daemon{where}; is FRR running, the user in group frrvty?"
        return ""


def _parse(text: str) -> Reply | None:
    sections: dict[str, str] = {}
    name, result, lines = "", "", list[str]()
    for line in text.split("\n"):
        if line.startswith(_MARK):
            sections[name] = "\n".join(lines).strip("\n")
            result = name
            name, lines = line.removeprefix(_MARK), []
        else:
            lines.append(line)
    if name != "end":
        return None
    return Reply(result, sections)


def parts(**texts: str) -> str:
    """The payload of a commit: parts headed by marks, and the mark that says that all of it arrived."""
    return (
        "".join(f"{_MARK}{name.replace('_', '-')}\n{text}" for name, text in texts.items()) + f"{_MARK}end\n"
    )


def _side() -> str:
    text = files(__package__).joinpath("router_side.sh").read_text()
    return shlex.quote("\n".join(line for line in text.split("\n") if not line.lstrip().startswith("# ")))


_SIDE = _side()
