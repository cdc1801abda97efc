"""The reading half of the driver: each getter asks once (facts twice), pure parsers do the rest.

Sessions and interfaces, which are polled, are asked of a vtysh that is kept running.
"""

from __future__ import annotations

import re
import shlex
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from napalm.base import constants as c
from napalm.base.exceptions import CommandErrorException

from . import getters_bgp, getters_config, getters_route, getters_system

if TYPE_CHECKING:
    from .router import Router

_INTERFACES = "show interface vrf all json"
_NAME = re.compile(r"[A-Za-z0-9_.:@-]*")


class Getters:
    """What NAPALM asks of a driver besides configuring it; needs ``_router`` and ``_get_candidate_text``."""

    hostname: str

    def _router(self) -> Router:
        raise NotImplementedError

    def _get_candidate_text(self) -> str:
        raise NotImplementedError

    def get_facts(self) -> dict[str, Any]:
        """Version, names, uptime of the system in seconds; the machine-id stands for a serial number."""
        version, at, interfaces = self._router().vtysh("show version", _INTERFACES).partition("\n{")
        return getters_system.facts(
            version, at + interfaces, self._router().shell(getters_system.FACTS_COMMAND).out
        )

    def get_interfaces(self) -> dict[str, dict[str, Any]]:
        """State of each interface; -1.0 for a speed that Linux does not know."""
        return getters_system.interfaces(self._router().ask(_INTERFACES))

    def get_interfaces_ip(self) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
        """Addresses of each interface that has any."""
        return getters_system.interfaces_ip(self._router().vtysh(_INTERFACES))

    def get_interfaces_counters(self) -> dict[str, dict[str, int]]:
        """Linux's counters."""
        answer = self._router().shell("ip -s -j link")
        if answer.code:
            raise CommandErrorException(f"{self.hostname}: ip -s -j link: {answer.out.strip()}")
        return getters_system.counters(answer.out)

    def get_bgp_neighbors(self) -> dict[str, dict[str, Any]]:
        """Sessions by VRF (``global`` is the default one)."""
        return getters_bgp.neighbors(self._router().ask(getters_bgp.NEIGHBORS, getters_bgp.INSTANCES))

    def get_bgp_neighbors_detail(
        self, neighbor_address: str = ""
    ) -> dict[str, dict[int, list[dict[str, Any]]]]:
        """Sessions by VRF and remote AS."""
        return getters_bgp.details(self._router().vtysh(getters_bgp.NEIGHBORS), neighbor_address)

    def get_bgp_config(self, group: str = "", neighbor: str = "") -> dict[str, Any]:
        """BGP's configuration by peer-group; ``_`` holds neighbors of none."""
        return getters_config.bgp_config(self._router().running(), group, neighbor)

    def get_route_to(
        self, destination: str = "", protocol: str = "", longer: bool = False
    ) -> dict[str, list[dict[str, Any]]]:
        """Routes to a destination, with BGP's attributes of those that are BGP's."""
        commands = getters_route.commands(destination, protocol, longer=longer)
        return getters_route.routes(self._router().vtysh(*commands), protocol)

    def get_config(
        self,
        retrieve: str = "all",
        full: bool = False,  # noqa: ARG002 (NAPALM asks for it; FRR has one form only)
        sanitized: bool = False,
        format: str = "text",  # noqa: A002
    ) -> dict[str, str]:
        """Running, startup and candidate configuration as text; FRR has no form with defaults (``full``).

        The startup configuration is "" where this user may not read it (it takes group frr); asked for
        alone, that is a CommandErrorException.
        """
        if format != "text":
            raise NotImplementedError(f"FRR's configuration is text; format {format} is not offered")
        if retrieve not in {"all", "running", "startup", "candidate"}:
            raise ValueError(f"retrieve is {retrieve}; it can be all, running, startup or candidate")
        found = {"running": "", "startup": "", "candidate": ""}
        if retrieve in {"all", "running"}:
            found["running"] = self._router().running()
        if retrieve in {"all", "startup"}:
            startup = self._router().startup()
            if startup is None and retrieve == "startup":
                raise CommandErrorException(
                    f"{self.hostname}: this user may not read frr.conf; add it to group frr"
                )
            found["startup"] = startup or ""
        if retrieve in {"all", "candidate"}:
            found["candidate"] = self._get_candidate_text()
        return {name: getters_config.sanitized(text) if sanitized else text for name, text in found.items()}

    def cli(self, commands: list[str], encoding: str = "text") -> dict[str, str]:
        """What vtysh prints for each command; CommandErrorException for one that it does not take."""
        if encoding != "text":
            raise NotImplementedError(
                f"encoding {encoding} is not offered; ask vtysh for json in the command"
            )
        return {command: self._router().vtysh(command) for command in commands}

    def ping(
        self,
        destination: str,
        source: str = c.PING_SOURCE,
        ttl: int = c.PING_TTL,
        timeout: int = c.PING_TIMEOUT,
        size: int = c.PING_SIZE,
        count: int = c.PING_COUNT,
        vrf: str = c.PING_VRF,
        source_interface: str = c.PING_SOURCE_INTERFACE,
    ) -> dict[str, Any]:
        """Ping from the router; ``source`` outranks ``source_interface``."""
        problem = _unsafe(destination, source, vrf, source_interface)
        if problem:
            return {"error": problem}
        options = f"-n -c {int(count)} -W {int(timeout)} -s {int(size)} -t {int(ttl)}"
        origin = source or source_interface
        command = f"{_in_vrf(vrf)}ping {options} {f'-I {origin} ' if origin else ''}{destination}"
        return getters_system.ping(self._router().shell(command).out)

    def traceroute(
        self,
        destination: str,
        source: str = c.TRACEROUTE_SOURCE,
        ttl: int = c.TRACEROUTE_TTL,
        timeout: int = c.TRACEROUTE_TIMEOUT,
        vrf: str = c.TRACEROUTE_VRF,
    ) -> dict[str, Any]:
        """Traceroute from the router, where the program is installed."""
        problem = _unsafe(destination, source, vrf)
        if problem:
            return {"error": problem}
        options = f"-n -m {int(ttl)} -w {int(timeout)}{f' -s {source}' if source else ''}"
        answer = self._router().shell(f"{_in_vrf(vrf)}traceroute {options} {destination}")
        if answer.code == 127:
            return {"error": f"{self.hostname}: traceroute is not installed on the router"}
        return getters_system.traceroute(answer.out)


def _unsafe(destination: str, *names: str) -> str:
    """Why these words must not reach a shell; "" when they may."""
    try:
        ip_address(destination)
    except ValueError:
        if not destination or destination.startswith("-") or not _NAME.fullmatch(destination):
            return f"{destination!r} is neither an address nor a host name"
    for name in names:
        if name.startswith("-") or not _NAME.fullmatch(name):
            return f"{name!r} is not a name"
    return ""


def _in_vrf(vrf: str) -> str:
    return f"ip vrf exec {shlex.quote(vrf)} " if vrf else ""
