"""What the configuration says of BGP, and the configuration without its secrets: pure functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .diff import hide_secrets
from .lines import parse
from .tree import neighbor_of, tree

if TYPE_CHECKING:
    from .tree import Node

NO_GROUP = "_"
_FAMILIES = {"ipv4 unicast": "inet", "ipv6 unicast": "inet6"}


def sanitized(config: str) -> str:
    """The text with passwords and keys replaced by ``<removed>``."""
    return "\n".join(hide_secrets(line) for line in config.split("\n"))


def local_as(config: str) -> int:
    """Our AS in the default VRF; 0 without BGP."""
    match = re.search(r"^router bgp (\d+)$", config, re.MULTILINE)
    return int(match[1]) if match else 0


def bgp_config(config: str, group: str = "", neighbor: str = "") -> dict[str, Any]:
    """``get_bgp_config`` of the default VRF, peer-groups as groups; ``group`` or ``neighbor`` keeps one."""
    router_as = local_as(config)
    bgp = next(
        (node for _, node in tree(parse(config)).contexts() if node.text == f"router bgp {router_as}"), None
    )
    if bgp is None:
        return {}
    said = _said(bgp)
    groups = {name for name, words in said.items() if ["peer-group"] in words}
    found = {name: _group(said.get(name, []), router_as) for name in (NO_GROUP, *sorted(groups))}
    for name, words in said.items():
        if name in groups or (neighbor and name != neighbor):
            continue
        of = _value(words, "peer-group") or _after(words, "interface", "peer-group") or NO_GROUP
        found[of]["neighbors"][name] = _neighbor(words, router_as, int(found[of]["remote_as"]))
    if neighbor:
        return {name: body for name, body in found.items() if body["neighbors"]}
    return {name: body for name, body in found.items() if not group or name == group}


def _said(bgp: Node) -> dict[str, list[list[str]]]:
    """Per neighbor, the words after its name; those of a family begin with ``@inet`` or the like."""
    found: dict[str, list[list[str]]] = {}
    for _, line in bgp.leaves():
        if name := neighbor_of(line.text):
            found.setdefault(name, []).append(line.text.split()[2:])
    for _, family in bgp.contexts():
        words = family.text.removeprefix("address-family ")
        for _, line in family.leaves():
            if (name := neighbor_of(line.text)) and not line.text.startswith("no "):
                found.setdefault(name, []).append([f"@{_FAMILIES.get(words, words)}", *line.text.split()[2:]])
    return found


def _value(said: list[list[str]], word: str) -> str:
    return next((" ".join(words[1:]) for words in said if words[0] == word and len(words) > 1), "")


def _after(said: list[list[str]], first: str, word: str) -> str:
    for words in said:
        if words[0] == first and word in words[:-1]:
            return words[words.index(word) + 1]
    return ""


def _in_family(said: list[list[str]], word: str, direction: str = "") -> list[list[str]]:
    return [
        words
        for words in said
        if words[0][0] == "@" and words[1] == word and (not direction or words[-1] == direction)
    ]


def _policy(said: list[list[str]], direction: str) -> str:
    return ",".join(dict.fromkeys(words[2] for words in _in_family(said, "route-map", direction)))


def _limits(said: list[list[str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for words in _in_family(said, "maximum-prefix"):
        numbers = [int(word) for word in words[2:] if word.isdigit()]
        limit: dict[str, Any] = {"limit": numbers[0]}
        if len(numbers) > 1:
            limit["teardown"] = {"threshold": numbers[1], "timeout": numbers[2] if len(numbers) > 2 else 0}
        found[words[0][1:]] = {"unicast": limit}
    return found


def _remote_as(said: list[list[str]], router_as: int, default: int) -> int:
    word = _value(said, "remote-as") or _after(said, "interface", "remote-as")
    if word == "internal":
        return router_as
    return int(word) if word.isdigit() else default


def _own_as(said: list[list[str]], router_as: int) -> int:
    word = _value(said, "local-as").split(" ")[0]
    return int(word) if word.isdigit() else router_as


def _group(said: list[list[str]], router_as: int) -> dict[str, Any]:
    remote_as = _remote_as(said, router_as, 0)
    kind = "internal" if remote_as == router_as else "external"
    hops = _value(said, "ebgp-multihop")
    return {
        "type": kind if remote_as else "",
        "description": _value(said, "description"),
        "apply_groups": [],
        "multihop_ttl": int(hops) if hops.isdigit() else 0,
        "multipath": False,
        "local_address": _value(said, "update-source"),
        "local_as": _own_as(said, router_as),
        "remote_as": remote_as,
        "import_policy": _policy(said, "in"),
        "export_policy": _policy(said, "out"),
        "remove_private_as": bool(_in_family(said, "remove-private-AS")),
        "prefix_limit": _limits(said),
        "neighbors": {},
    }


def _neighbor(said: list[list[str]], router_as: int, group_as: int) -> dict[str, Any]:
    return {
        "description": _value(said, "description"),
        "import_policy": _policy(said, "in"),
        "export_policy": _policy(said, "out"),
        "local_address": _value(said, "update-source"),
        "authentication_key": "<removed>" if _value(said, "password") else "",
        "nhs": bool(_in_family(said, "next-hop-self")),
        "route_reflector_client": bool(_in_family(said, "route-reflector-client")),
        "local_as": _own_as(said, router_as),
        "remote_as": _remote_as(said, router_as, group_as),
        "prefix_limit": _limits(said),
    }
