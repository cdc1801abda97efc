"""BGP neighbors as FRR tells of them: pure functions from ``show bgp vrf all neighbors json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .getters_system import json_values

if TYPE_CHECKING:
    from collections.abc import Iterator

NEIGHBORS = "show bgp vrf all neighbors json"
INSTANCES = "show bgp vrfs json"
_UNKNOWN = -1
_FAMILIES = {"ipv4Unicast": "ipv4", "ipv6Unicast": "ipv6"}


def _vrf(name: str) -> str:
    return "global" if name == "default" else name


def _peers(text: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(vrf as NAPALM names it, neighbor, what FRR says of it)."""
    for value in json_values(text):
        for vrf, body in value.items():
            if isinstance(body, dict) and "vrfs" not in value:
                yield from ((_vrf(vrf), name, peer) for name, peer in body.items() if isinstance(peer, dict))


def _router_ids(text: str) -> dict[str, str]:
    for value in json_values(text):
        if "vrfs" in value:
            return {_vrf(name): body.get("routerId", "") for name, body in value["vrfs"].items()}
    return {}


def _seconds(peer: dict[str, Any], name: str) -> int:
    return int(peer.get(name, 0)) // 1000


def _count(peer: dict[str, Any], name: str) -> int:
    """Prefixes over all families; -1 where FRR tells of none."""
    known = [family[name] for family in peer.get("addressFamilyInfo", {}).values() if name in family]
    return sum(known) if known else _UNKNOWN


def neighbors(text: str) -> dict[str, dict[str, Any]]:
    """``get_bgp_neighbors``. FRR tells of accepted prefixes only, so ``received_prefixes`` is -1."""
    found: dict[str, dict[str, Any]] = {
        vrf: {"router_id": router_id, "peers": {}} for vrf, router_id in _router_ids(text).items()
    }
    for vrf, name, peer in _peers(text):
        up = peer.get("bgpState") == "Established"
        instance = found.setdefault(vrf, {"router_id": peer.get("localRouterId", ""), "peers": {}})
        instance["peers"][name] = {
            "local_as": int(peer.get("localAs", 0)),
            "remote_as": int(peer.get("remoteAs", 0)),
            "remote_id": peer.get("remoteRouterId", "0.0.0.0"),  # noqa: S104 (not bound: FRR's "none yet")
            "is_up": up,
            "is_enabled": not peer.get("adminShutDown", False),
            "description": peer.get("nbrDesc", ""),
            "uptime": _seconds(peer, "bgpTimerUpMsec") if up else _UNKNOWN,
            "address_family": {
                _FAMILIES.get(family, family): {
                    "received_prefixes": _UNKNOWN,
                    "accepted_prefixes": body.get("acceptedPrefixCounter", _UNKNOWN) if up else _UNKNOWN,
                    "sent_prefixes": body.get("sentPrefixCounter", _UNKNOWN) if up else _UNKNOWN,
                }
                for family, body in peer.get("addressFamilyInfo", {}).items()
            },
        }
    return found


def _policies(peer: dict[str, Any], name: str) -> str:
    """The route-map of the families that have one; all the same in one word, else each."""
    families = peer.get("addressFamilyInfo", {})
    return ",".join(dict.fromkeys(body[name] for body in families.values() if body.get(name)))


def details(text: str, only: str = "") -> dict[str, dict[int, list[dict[str, Any]]]]:
    """``get_bgp_neighbors_detail``; ``only`` keeps one neighbor."""
    found: dict[str, dict[int, list[dict[str, Any]]]] = {}
    for vrf, name, peer in _peers(text):
        if not only or name == only:
            found.setdefault(vrf, {}).setdefault(int(peer.get("remoteAs", 0)), []).append(
                _detail(vrf, name, peer)
            )
    return found


def _detail(vrf: str, name: str, peer: dict[str, Any]) -> dict[str, Any]:
    messages = peer.get("messageStats", {})
    capabilities = peer.get("neighborCapabilities", {})
    return {
        "up": peer.get("bgpState") == "Established",
        "local_as": int(peer.get("localAs", 0)),
        "remote_as": int(peer.get("remoteAs", 0)),
        "router_id": peer.get("localRouterId", ""),
        "local_address": peer.get("hostLocal", ""),
        "routing_table": vrf,
        "local_address_configured": "updateSource" in peer,
        "local_port": int(peer.get("portLocal", 0)),
        "remote_address": peer.get("hostForeign", name),
        "remote_port": int(peer.get("portForeign", 0)),
        "multihop": int(peer.get("externalBgpNbrMaxHopsAway", 1)) > 1,
        "multipath": False,
        "remove_private_as": any(
            key.startswith("privateAs") for body in peer.get("addressFamilyInfo", {}).values() for key in body
        ),
        "import_policy": _policies(peer, "routeMapForIncomingAdvertisements"),
        "export_policy": _policies(peer, "routeMapForOutgoingAdvertisements"),
        "input_messages": int(messages.get("totalRecv", _UNKNOWN)),
        "output_messages": int(messages.get("totalSent", _UNKNOWN)),
        "input_updates": int(messages.get("updatesRecv", _UNKNOWN)),
        "output_updates": int(messages.get("updatesSent", _UNKNOWN)),
        "messages_queued_out": int(messages.get("depthOutq", _UNKNOWN)),
        "connection_state": peer.get("bgpState", ""),
        "previous_connection_state": "",
        "last_event": peer.get("lastResetDueTo", ""),
        "suppress_4byte_as": "4byteAs" not in capabilities if capabilities else False,
        "local_as_prepend": False,
        "holdtime": _seconds(peer, "bgpTimerHoldTimeMsecs"),
        "configured_holdtime": _seconds(peer, "bgpTimerConfiguredHoldTimeMsecs"),
        "keepalive": _seconds(peer, "bgpTimerKeepAliveIntervalMsecs"),
        "configured_keepalive": _seconds(peer, "bgpTimerConfiguredKeepAliveIntervalMsecs"),
        "active_prefix_count": _UNKNOWN,
        "received_prefix_count": _UNKNOWN,
        "accepted_prefix_count": _count(peer, "acceptedPrefixCounter"),
        "suppressed_prefix_count": _UNKNOWN,
        "advertised_prefix_count": _count(peer, "sentPrefixCounter"),
        "flap_count": int(peer.get("connectionsDropped", 0)),
    }
