"""Routes: pure functions from ``show ip route ... json`` and ``show bgp ... json``."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

from .getters_system import json_values

_UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_PROTOCOL = re.compile(r"[a-z0-9-]*")


def commands(destination: str, protocol: str, *, longer: bool) -> list[str]:
    """What to ask for. Raises ValueError for what is not a destination or a protocol."""
    network = ip_network(destination, strict=False) if destination else None
    if not _PROTOCOL.fullmatch(protocol.lower()):
        raise ValueError(f'"{protocol}" is not a protocol')
    family = "ipv6" if network and network.version == 6 else "ipv4"
    # `longer-prefixes` wants the protocol behind it, and one prefix allows none.
    words = (
        [str(network), "longer-prefixes", protocol.lower()]
        if longer and network
        else [str(network or protocol)]
    )
    table = " ".join(["show", "ipv6" if family == "ipv6" else "ip", "route", *words, "json"])
    of_bgp = [str(network) if network else "", "longer-prefixes" if longer and network else ""]
    paths = f"show bgp {family} unicast {' '.join(of_bgp)} json"
    return [" ".join(line.split()) for line in (table, paths, "show bgp summary json")]


def routes(text: str, protocol: str) -> dict[str, list[dict[str, Any]]]:
    """``get_route_to`` from the answers to ``commands``; ``protocol`` narrows it, "" does not."""
    table, bgp, summary = [*json_values(text), {}, {}, {}][:3]
    paths = _paths(bgp)
    router_as = next((body["as"] for body in summary.values() if isinstance(body, dict) and "as" in body), 0)
    found: dict[str, list[dict[str, Any]]] = {}
    for prefix, entries in table.items():
        for entry in entries:
            if protocol and entry.get("protocol") != protocol.lower():
                continue
            for hop in entry.get("nexthops", []):
                found.setdefault(prefix, []).append(_route(entry, hop, paths.get(prefix, []), router_as))
    return found


def _paths(bgp: Any) -> dict[str, list[dict[str, Any]]]:
    """BGP's paths by prefix, from the answer for one prefix or for many."""
    if "paths" in bgp:
        return {bgp.get("prefix", ""): bgp["paths"]}
    routes: dict[str, list[dict[str, Any]]] = bgp.get("routes", {})
    return routes


def _route(
    entry: dict[str, Any], hop: dict[str, Any], paths: list[dict[str, Any]], router_as: int
) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    next_hop = hop.get("ip", "")
    if entry.get("protocol") == "bgp":
        attributes = _attributes(paths, next_hop, router_as)
    return {
        "protocol": entry.get("protocol", ""),
        "current_active": bool(entry.get("selected", False)),
        "last_active": bool(entry.get("selected", False)),
        "age": _age(entry.get("uptime", "")),
        "next_hop": next_hop,
        "outgoing_interface": hop.get("interfaceName", ""),
        "selected_next_hop": bool(hop.get("fib", False)),
        "preference": int(entry.get("distance", 0)),
        "inactive_reason": "" if entry.get("selected") else "not the best route",
        "routing_table": entry.get("vrfName", "default"),
        "protocol_attributes": attributes,
    }


def _attributes(paths: list[dict[str, Any]], next_hop: str, router_as: int) -> dict[str, Any]:
    fitting = [path for path in paths if any(hop.get("ip") == next_hop for hop in path.get("nexthops", []))]
    best = [path for path in fitting if path.get("bestpath")]
    for path in (best or fitting)[:1]:
        as_path = path["aspath"]["string"] if "aspath" in path else path.get("path", "")
        hops = [word for word in as_path.split() if word.isdigit()]
        peer = path.get("peer", {}).get("peerId", path.get("peerId", ""))
        return {
            "local_as": router_as,
            "remote_as": int(hops[0]) if hops else router_as,
            "as_path": "" if as_path == "Local" else as_path,
            "communities": path.get("community", {}).get("list", []),
            "local_preference": int(path.get("locPrf", 100)),
            "preference2": -1,
            "remote_address": peer,
            "metric": int(path.get("metric", 0)),
            "metric2": -1,
        }
    return {}


def _age(uptime: str) -> int:
    """Seconds from FRR's ``00:12:35``, ``1d02h03m`` or ``02w3d04h``; -1 when it does not say."""
    clock = re.fullmatch(r"(\d+):(\d+):(\d+)", uptime)
    if clock:
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
    found = re.findall(r"(\d+)([wdhms])", uptime)
    return sum(int(number) * _UNITS[unit] for number, unit in found) if found else -1
