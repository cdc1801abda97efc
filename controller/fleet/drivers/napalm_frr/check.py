"""A fault of candidates that FRR would accept and that would hurt: references to policy that is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .effect import policy_object, uses

if TYPE_CHECKING:
    from .tree import Node

_REFERENCES = (
    (re.compile(r"neighbor \S+ (route-map|prefix-list|filter-list|distribute-list) (\S+) (?:in|out)"), None),
    (re.compile(r"(?:neighbor \S+ default-originate|redistribute .+|network \S+) (route-map) (\S+)"), None),
    (re.compile(r"neighbor \S+ (unsuppress-map) (\S+)"), "route-map"),
)
_KINDS = {
    "filter-list": "bgp as-path access-list",
    "distribute-list": "access-list",
    "prefix-list": "ip prefix-list",
}


def dangling(before: Node, after: Node) -> list[str]:
    """One sentence for each reference in ``after`` to policy which does not exist, unless it dangled before.

    An undefined route-map denies every route at once; an undefined list in a match matches nothing.
    """
    known = _missing(before)
    return [
        f"{' / '.join((*context, text))}: {kind} {name} does not exist"
        for (context, text), (kind, name) in _missing(after).items()
        if known.get((context, text)) != (kind, name)
    ]


def _missing(root: Node) -> dict[tuple[tuple[str, ...], str], tuple[str, str]]:
    defined = {policy_object(child.text) for child in root.children.values()}
    found = {}
    for line in root.lines():
        reference = _reference(line.context, line.text)
        if reference is not None and reference not in defined:
            found[line.context, line.text] = reference
    return found


def _reference(context: tuple[str, ...], text: str) -> tuple[str, str] | None:
    if not context or text.startswith("no "):
        return None
    if context[0].startswith("route-map "):
        return None if text.startswith("set ") else uses(text)
    for pattern, kind in _REFERENCES:
        match = pattern.match(text)
        if match:
            word = kind or _KINDS.get(match[1], match[1])
            if word.endswith(("prefix-list", "access-list")) and "ipv6" in context[-1] and "bgp" not in word:
                word = f"ipv6 {word.removeprefix('ip ')}"
            return word, match[2]
    return None
