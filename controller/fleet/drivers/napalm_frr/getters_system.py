"""Facts, interfaces, addresses, counters and reachability: pure functions from what a router prints."""

from __future__ import annotations

import json
import re
from ipaddress import ip_interface
from typing import Any

from napalm.base import constants as c

_VERSION = re.compile(r"FRRouting (\S+)(?: \((\S+)\))?(?: on (.+?)\.?$)?", re.MULTILINE)
_UNKNOWN_SPEED = frozenset({0, 4294967295})  # FRR's own word for "not known" is all ones
FACTS_COMMAND = (
    "uname -n; hostname -f 2>/dev/null || uname -n; cat /etc/machine-id 2>/dev/null || echo; cat /proc/uptime"
)


def json_values(text: str) -> list[Any]:
    """Every JSON value in what several ``show ... json`` of one vtysh printed, in order."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    at = 0
    while True:
        starts = [found for found in (text.find("{", at), text.find("[", at)) if found >= 0]
        if not starts:
            return values
        value, at = decoder.raw_decode(text, min(starts))
        values.append(value)


def facts(version: str, interfaces: str, system: str) -> dict[str, Any]:
    """``get_facts`` from ``show version``, ``show interface vrf all json`` and FACTS_COMMAND."""
    match = _VERSION.search(version)
    node, fqdn, machine, uptime, *_ = [*system.split("\n"), "", "", "", ""]
    running_on = (match[3] if match else "") or "Linux"
    return {
        "uptime": float(uptime.partition(" ")[0] or -1),
        "vendor": "FRRouting",
        "os_version": match[1] if match else "",
        "serial_number": machine,
        "model": re.sub(r"\((.*)\)", r" \1", running_on),
        "hostname": (match[2] if match else None) or node,
        "fqdn": fqdn or node,
        "interface_list": sorted(_interfaces(interfaces)),
    }


def _interfaces(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for value in json_values(text):
        found |= {name: body for name, body in value.items() if isinstance(body, dict)}
    return found


def interfaces(text: str) -> dict[str, dict[str, Any]]:
    """``get_interfaces``; FRR tells when links changed in local time only, so ``last_flapped`` is -1."""
    return {
        name: {
            "is_up": body.get("operationalStatus") == "up",
            "is_enabled": body.get("administrativeStatus") == "up",
            "description": body.get("description", ""),
            "last_flapped": -1.0,
            "speed": -1.0 if body.get("speed", 0) in _UNKNOWN_SPEED else float(body["speed"]),
            "mtu": int(body.get("mtu", 0)),
            "mac_address": body.get("hardwareAddress", "").upper(),
        }
        for name, body in _interfaces(text).items()
    }


def interfaces_ip(text: str) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """``get_interfaces_ip``; interfaces without addresses are left out."""
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for name, body in _interfaces(text).items():
        for each in body.get("ipAddresses", []):
            address = ip_interface(each["address"])
            family = found.setdefault(name, {}).setdefault(f"ipv{address.version}", {})
            family[str(address.ip)] = {"prefix_length": address.network.prefixlen}
    return found


def counters(text: str) -> dict[str, dict[str, int]]:
    """``get_interfaces_counters`` from ``ip -s -j link``; -1 for what Linux does not count."""
    found = {}
    for link in json.loads(text):
        received, sent = link["stats64"]["rx"], link["stats64"]["tx"]
        multicast = received.get("multicast", 0)
        found[link["ifname"]] = {
            "tx_errors": sent["errors"],
            "rx_errors": received["errors"],
            "tx_discards": sent["dropped"],
            "rx_discards": received["dropped"],
            "tx_octets": sent["bytes"],
            "rx_octets": received["bytes"],
            "tx_unicast_packets": sent["packets"],
            "rx_unicast_packets": received["packets"] - multicast,
            "tx_multicast_packets": -1,
            "rx_multicast_packets": multicast,
            "tx_broadcast_packets": -1,
            "rx_broadcast_packets": -1,
        }
    return found


_REPLY = re.compile(r"from (?P<ip>\S+?):? .*time=(?P<rtt>[\d.]+) ms")
_SENT = re.compile(r"(\d+) packets transmitted, (\d+)(?: packets)? received")
_RTT = re.compile(r"= ([\d.]+)/([\d.]+)/([\d.]+)(?:/([\d.]+))? ms")


def ping(text: str) -> dict[str, Any]:
    """``ping`` from iputils or busybox output."""
    sent = _SENT.search(text)
    if sent is None:
        return {"error": text.strip() or "ping said nothing"}
    rtt = _RTT.search(text)
    low, average, high, deviation = (
        (float(each or 0) for each in rtt.groups()) if rtt else (0.0, 0.0, 0.0, 0.0)
    )
    return {
        "success": {
            "probes_sent": int(sent[1]),
            "packet_loss": int(sent[1]) - int(sent[2]),
            "rtt_min": low,
            "rtt_max": high,
            "rtt_avg": average,
            "rtt_stddev": deviation,
            "results": [
                {"ip_address": each["ip"], "rtt": float(each["rtt"])} for each in _REPLY.finditer(text)
            ],
        }
    }


_HOP = re.compile(r"^ ?(\d+)  ?(.*)$", re.MULTILINE)


def traceroute(text: str) -> dict[str, Any]:
    """``traceroute`` from ``traceroute -n``: no names are looked up, so ``host_name`` repeats the address."""
    hops = {int(match[1]): {"probes": _probes(match[2])} for match in _HOP.finditer(text)}
    return {"success": hops} if hops else {"error": text.strip() or "traceroute said nothing"}


def _probes(text: str) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    address = c.TRACEROUTE_NULL_IP_ADDRESS
    for match in re.finditer(r"(?P<rtt>[\d.]+) ms|(?P<lost>\*)|(?P<ip>[0-9a-fA-F.:]+)", text):
        if match["ip"]:
            address = match["ip"]
            continue
        here = c.TRACEROUTE_NULL_IP_ADDRESS if match["lost"] else address
        rtt = float(match["rtt"]) if match["rtt"] else 0.0
        found[len(found) + 1] = {"rtt": rtt, "ip_address": here, "host_name": here}
    return found
