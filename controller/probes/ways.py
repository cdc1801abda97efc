"""Which way probes leave this host, asked of the kernel at the start (rtnetlink(7), ip-route(8)).

A source rule whose table loses its route falls through to whatever routes are left: the link's probes then
leave through another upstream, are answered, and a dead link looks alive. And two links whose probes leave
the same way are one link. Both are found here, before anything is judged by such probes.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from typing import Any, Final

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from controller.core.model import Address, Endpoint, Family, family_of
from controller.ports import ProbeError, ProbePath

_AF: Final = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_IP: Final = {Family.IPV4: "ip", Family.IPV6: "ip -6"}
# linux/rtnetlink.h, RTM_F_LOOKUP_TABLE: say which table answered. IPv6 always does, and refuses the flag.
_LOOKUP_TABLE: Final = {Family.IPV4: 0x1000, Family.IPV6: 0}
_ORDINARY: Final = frozenset(
    {253, 254, 255}
)  # default, main, local: what a host has without rules of its own
_REFUSING: Final = frozenset({6, 7, 8})  # RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT
_LAST_RESORT: Final = 4278198272  # a metric behind those of all routing daemons (detection facts, section 4)


@dataclass(frozen=True, slots=True)
class Way:
    """A device, and the gateway there, or None where the target itself is on it."""

    device: str
    gateway: str | None

    def __str__(self) -> str:
        return f"via {self.gateway} dev {self.device}" if self.gateway else f"dev {self.device}"


@dataclass(frozen=True, slots=True)
class Route:
    """How the probes of one path reach one target of one family."""

    path: str
    family: Family
    source: Address | None
    device: str | None  # bound to it: the kernel considers no other
    way: Way
    table: int


async def check_ways(paths: Sequence[ProbePath], router_of: Mapping[str, str]) -> list[str]:
    """What is wrong with the ways that probes take, a warning each, saying what to do; in order of ``paths``.

    ``router_of`` names the router of every link; a path that is not in it is no link, goes as ordinary
    traffic goes, and is not looked at. Raises ProbeError where the probes of two links leave by one way with
    nothing to tell them apart.
    """
    links = [path for path in paths if path.name in router_of]
    warnings: dict[str, None] = {}  # each once, in order
    routes: dict[tuple[str, Family], Route] = {}
    async with AsyncIPRoute(strict_check=True) as kernel:
        asked = _Kernel(kernel)
        for path, target in _aims(links):
            family = family_of(target)
            source = path.sources.get(family)
            if source is None and path.device is None:
                continue
            found = await asked.route(target, source, path.device)
            if isinstance(found, str):
                warnings[_no_way(path.name, family, target, source, found)] = None
                continue
            route = Route(path.name, family, source, path.device, *found)
            first = routes.setdefault((path.name, family), route)
            if first.way != route.way:
                warnings[_two_ways(first, route, target)] = None
            other = None if path.device else await asked.fallback(route, target)
            if other is not None:
                warnings[_falls_back(route, other)] = None
    errors = [
        _same_way(one, two) for one, two in combinations(routes.values(), 2) if _is_same(one, two, router_of)
    ]
    if errors:
        raise ProbeError("; ".join(errors))
    return list(warnings)


def _aims(paths: Iterable[ProbePath]) -> Iterator[tuple[ProbePath, Address]]:
    for path in paths:
        for target in dict.fromkeys(
            each.address if isinstance(each, Endpoint) else each for each in path.targets
        ):
            yield path, target


class _Kernel:
    """Questions to one rtnetlink socket; tables are read once."""

    def __init__(self, netlink: Any) -> None:
        self._netlink = netlink
        self._tables: dict[tuple[Family, int], list[Any]] = {}

    async def route(
        self, target: Address, source: Address | None, device: str | None = None
    ) -> tuple[Way, int] | str:
        """Where a packet would leave now, and by which table; or the kernel's word why it would not."""
        family = family_of(target)
        asked: dict[str, Any] = {"dst": str(target), "family": _AF[family], "flags": _LOOKUP_TABLE[family]}
        if source is not None:
            asked["src"] = str(source)
        try:
            if device is not None:
                asked["oif"] = socket.if_nametoindex(device)
            answer = next(iter(await self._netlink.route("get", **asked)))
        except (NetlinkError, OSError) as error:
            return str(error.args[-1])
        if answer["type"] in _REFUSING:  # IPv6 answers so; IPv4 with an error
            return "its route says unreachable"
        return _ways(answer)[0], int(answer.get("table") or answer["table"])

    async def fallback(self, route: Route, target: Address) -> Way | None:
        """The way that is left when all routes by ``route.way`` are gone; None where packets are refused."""
        for entry in await self._covering(route.family, route.table, target):
            if entry["type"] in _REFUSING:
                return None
            left = [way for way in _ways(entry) if way != route.way]
            if left:
                return left[0]
        if route.table in _ORDINARY:
            return None
        ordinary = await self.route(target, None)
        return None if isinstance(ordinary, str) or ordinary[0] == route.way else ordinary[0]

    async def _covering(self, family: Family, table: int, target: Address) -> list[Any]:
        """The routes of a table that lead to the target, in the order in which the kernel prefers them."""
        if (family, table) not in self._tables:
            dump = await self._netlink.route("dump", family=_AF[family], table=table)
            self._tables[family, table] = [entry async for entry in dump]
        found = [entry for entry in self._tables[family, table] if target in _destination(entry, family)]
        return sorted(found, key=lambda entry: (-entry["dst_len"], entry.get("priority") or 0))


def _destination(entry: Any, family: Family) -> IPv4Network | IPv6Network:
    nothing = "0.0.0.0" if family is Family.IPV4 else "::"  # noqa: S104 - a default route's, nothing is bound
    return ip_network(f"{entry.get('dst') or nothing}/{entry['dst_len']}")


def _ways(entry: Any) -> list[Way]:
    """Every way of a route: one, or one a next hop."""
    hops: Iterable[Any] = entry.get("multipath") or [entry]
    return [Way(_name(hop.get("oif") or 0), _gateway(hop)) for hop in hops]


def _gateway(hop: Any) -> str | None:
    via = hop.get("via")  # an IPv4 route by an IPv6 gateway (RFC 5549)
    return hop.get("gateway") or (via["addr"] if via else None)


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"device {index}"


def _is_same(one: Route, two: Route, router_of: Mapping[str, str]) -> bool:
    """Whether two links' probes leave by one way, and nothing further on can be meant to tell them apart.

    What leaves by one gateway with two sources may be steered there: always so for two links of that router,
    and for links of two routers where rules of this host lead both sources there.
    """
    if one.path == two.path or one.family is not two.family or one.way != two.way:
        return False
    if one.source == two.source:
        return True
    ordinary = one.table in _ORDINARY or two.table in _ORDINARY
    return ordinary and router_of.get(one.path) != router_of.get(two.path)


def _same_way(one: Route, two: Route) -> str:
    if one.source == two.source:
        rest = (
            "with the same source: they are one link. Give each its own probe_source, or its own probe_device"
        )
    else:
        stray = two if two.table in _ORDINARY else one
        advice = "; ".join(_own_table(stray, None))
        rest = f"{stray.path} by ordinary routing, though their links are on two routers. {advice}"
    return (
        f"{one.path} and {two.path} ({_label(one.family)}): probes of both leave this host {one.way}, {rest}"
    )


def _falls_back(route: Route, other: Way) -> str:
    if route.table in _ORDINARY:
        advice = _own_table(route, route.way)
    else:
        advice = ("Add " + _unreachable(route.family, str(route.table)),)
    return (
        f"{route.path} ({_label(route.family)}): when its way {route.way} is gone, its probes leave {other} "
        f"and the link looks alive while it is dead. {'; '.join(advice)}"
    )


def _own_table(route: Route, way: Way | None) -> tuple[str, ...]:
    """The commands that give a source a way of its own."""
    hop = f"via ITS-ROUTER dev {route.way.device}" if way is None else str(way)
    command = _IP[route.family]
    return (
        f"Give {route.path} a table N of its own: `{command} rule add from {route.source} lookup N`",
        f"`{command} route add default {hop} table N`",
        _unreachable(route.family, "N"),
    )


def _unreachable(family: Family, table: str) -> str:
    return f"`{_IP[family]} route add unreachable default metric {_LAST_RESORT} table {table}`"


def _two_ways(first: Route, second: Route, target: Address) -> str:
    return (
        f"{first.path} ({_label(first.family)}): probes leave this host {first.way}, but those of {target} "
        f"{second.way}: only one of them can be the link. Correct the more specific route"
    )


def _no_way(path: str, family: Family, target: Address, source: Address | None, error: str) -> str:
    sender = f" from {source}" if source else ""
    return (
        f"{path} ({_label(family)}): this host has no way to {target}{sender} now ({error}): "
        "the link counts as down until there is one"
    )


def _label(family: Family) -> str:
    return "IPv4" if family is Family.IPV4 else "IPv6"
