"""What FRR has to be told besides the configuration: which neighbors must apply an edited policy now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .settings import LIST_ENTRY
from .tree import IS_GROUP, neighbor_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .tree import Node


def clears(before: Node, after: Node) -> list[str]:
    """Commands that make FRR apply edited policies now, instead of when its route-map timer expires.

    Only neighbors whose attachment stays the same while what it names changed: re-attaching acts at once.
    """
    edited = _edited(before, after)
    found: dict[str, None] = {}
    for name, bgp in after.contexts():
        was = before.children.get(name)
        if bgp.kind == "bgp" and was is not None and edited:
            found |= dict.fromkeys(_clears_of(was, bgp, edited))
    return list(found)


_ATTACHED = re.compile(r"neighbor (\S+) (route-map|prefix-list|filter-list|distribute-list) (\S+) (in|out)")
_INSTANCE = re.compile(r"router bgp(?: \d\S*)? (?:vrf|view) (\S+)")
_LIST_KINDS = {
    "filter-list": ("bgp as-path access-list",),
    "prefix-list": ("ip prefix-list", "ipv6 prefix-list"),
    "distribute-list": ("access-list", "ipv6 access-list"),
    "route-map": ("route-map",),
}


def _clears_of(was: Node, bgp: Node, edited: set[tuple[str, str]]) -> Iterator[str]:
    groups = {neighbor_of(child.text) for _, child in bgp.leaves() if IS_GROUP.match(child.text)}
    instance = _INSTANCE.match(bgp.text)
    scope = f"vrf {instance[1]} " if instance else ""
    for name, family in bgp.contexts():
        old = was.children.get(name)
        if family.kind != "bgp-af" or old is None:
            continue
        for each, line in family.leaves():
            match = _ATTACHED.match(line.text)
            if not match or each not in old.children or old.children[each].text != line.text:
                continue
            if any((kind, match[3]) in edited for kind in _LIST_KINDS[match[2]]):
                peer = f"peer-group {match[1]}" if match[1] in groups else match[1]
                words = family.text.removeprefix("address-family ")
                words = words if " " in words else f"{words} unicast"
                yield f"clear bgp {scope}{words} {peer} soft {match[4]}"


_USES = (
    (re.compile(r"match (ip|ipv6) (?:address|next-hop|route-source) prefix-list (\S+)"), "{0} prefix-list"),
    (re.compile(r"match (ip) (?:address|next-hop|route-source) (\S+)"), "access-list"),
    (re.compile(r"match (ipv6) address (\S+)"), "ipv6 access-list"),
    (re.compile(r"(match) as-path (\S+)"), "bgp as-path access-list"),
    (re.compile(r"(?:match|set) (community|comm-list) (\S+)"), "bgp community-list"),
    (re.compile(r"(?:match|set) (large-community|large-comm-list) (\S+)"), "bgp large-community-list"),
    (re.compile(r"(match) extcommunity (\S+)"), "bgp extcommunity-list"),
    (re.compile(r"(call) (\S+)"), "route-map"),
)


def uses(text: str) -> tuple[str, str] | None:
    """The (kind, name) of the policy object that a line in a route-map refers to."""
    for pattern, kind in _USES:
        match = pattern.match(text)
        if match:
            return kind.format(match[1]), match[2]
    return None


def policy_object(text: str) -> tuple[str, str] | None:
    """The (kind, name) of the policy object that a top-level line is a part of."""
    words = text.split()
    if words[0] == "route-map":
        return "route-map", words[1]
    entry = LIST_ENTRY.fullmatch(text)
    if entry is None:
        return None
    parts = entry["list"].split()
    kind = " ".join(parts[:2]) if parts[0] == "bgp" and parts[1] != "as-path" else " ".join(parts[:-1])
    return kind, parts[-1]


def _edited(before: Node, after: Node) -> set[tuple[str, str]]:
    """Policy objects of both configurations with another content now, those they are used by included."""
    old, new = _objects(before), _objects(after)
    edited = {name for name in old if name in new and old[name] != new[name]}
    while True:
        more = {
            name
            for name, body in new.items()
            if name not in edited and any(uses(text) in edited for text in body if text)
        }
        if not more:
            return edited
        edited |= more


def _objects(root: Node) -> dict[tuple[str, str], frozenset[str]]:
    """What each policy object says, order apart (FRR's own order is in the numbers)."""
    found: dict[tuple[str, str], set[str]] = {}
    for child in root.children.values():
        name = policy_object(child.text)
        if name is not None:
            body = found.setdefault(name, set())
            body.add(f"> {child.text}")
            body.update(line.text for line in child.lines())
            body.update(f"{child.text} {line.text}" for line in child.lines())
    return {name: frozenset(body) for name, body in found.items()}
