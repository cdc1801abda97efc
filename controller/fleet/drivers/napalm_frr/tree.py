"""A configuration as a tree of settings: what merging a candidate would leave, and what replacing by it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .canon import canonical
from .grammar import TOP, opener_for
from .lines import DEFAULT_FAMILY, Line
from .settings import LIST_ENTRY, is_default_value, is_on_by_default, key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Replacing keeps these unless the candidate states them: they belong to the box, not to routing.
_OF_THE_BOX = re.compile(
    r"(?:no )?(?:frr |hostname|domainname|log |service |(?:ip|ipv6) forwarding|password|enable |username "
    r"|debug |agentx|line vty|banner|zebra |allow-external-route-update)"
)
# vtysh shows these of itself; what a candidate says of them cannot be applied.
_NOT_SETTABLE = re.compile(r"(?:no )?(?:frr (?:version|defaults)|service integrated-vtysh-config)\b")
_HIDDEN_WHEN_EMPTY = frozenset({"interface", "bgp-af"})
IS_GROUP = re.compile(r"neighbor \S+ peer-group$")
_DEFINES = re.compile(r"neighbor (\S+) (?:remote-as|interface|peer-group)\b")


@dataclass(slots=True)
class Node:
    """One line; with ``kind`` (see grammar.OPENERS) and children when it opens a context."""

    text: str
    kind: str | None = None  # None: a plain line
    children: dict[str, Node] = field(default_factory=dict)

    def leaves(self) -> Iterator[tuple[str, Node]]:
        """Plain lines directly inside, by their key."""
        return ((key, child) for key, child in self.children.items() if child.kind is None)

    def contexts(self) -> Iterator[tuple[str, Node]]:
        """Contexts directly inside, by their key."""
        return ((key, child) for key, child in self.children.items() if child.kind is not None)

    def copy(self) -> Node:
        """A deep copy."""
        return Node(self.text, self.kind, {key: child.copy() for key, child in self.children.items()})

    def lines(self, context: tuple[str, ...] = ()) -> Iterator[Line]:
        """Everything inside, in order; plain lines before contexts, as FRR shows them."""
        inner = (*context, self.text) if self.text else ()
        for _, child in self.leaves():
            yield Line(inner, child.text)
        for _, child in self.contexts():
            yield Line(inner, child.text)
            yield from child.lines(inner)


def tree(lines: Iterable[Line]) -> Node:
    """The tree of what a router shows, taken as it stands."""
    root = Node("", TOP)
    for line in lines:
        _put(_descend(root, line.context), line.text, as_shown=True)
    return root


def merged(running: Node, candidate: Iterable[Line]) -> Node:
    """What would run after the candidate's lines were entered; ``no ...`` lines take away."""
    root = running.copy()
    _enter(root, candidate, keep_unknown=False)
    _drop_hidden(root, running)
    return root


def replaced(running: Node, candidate: Iterable[Line]) -> Node:
    """What would run if the candidate took the place of everything but the settings of the box itself."""
    root = Node("", TOP)
    for name, child in running.children.items():
        if _OF_THE_BOX.match(child.text):
            root.children[name] = child.copy()
    _enter(root, (line for line in candidate if not line.text.startswith("hostname ")), keep_unknown=True)
    _drop_hidden(root, running)
    return root


def _enter(root: Node, candidate: Iterable[Line], *, keep_unknown: bool) -> None:
    for line in candidate:
        if not line.context and _NOT_SETTABLE.match(line.text):
            continue
        if line.text.startswith("no "):
            _enter_no(root, line, keep_unknown=keep_unknown)
            continue
        node = _descend(root, line.context)
        text = canonical(node, line.text)
        if _is_default(root, line, text):
            node.children.pop(key(_kind(node), text), None)
        else:
            _put(node, text)


def _enter_no(root: Node, line: Line, *, keep_unknown: bool) -> None:
    found = _find(root, line.context)
    node = found or _descend(root, line.context)
    text = canonical(node, line.text.removeprefix("no "))
    if _is_default(root, line, text) or (not _take_away(node, text) and keep_unknown):
        _put(node, f"no {text}")
    elif found is None:
        _prune(root, line.context)


def _take_away(node: Node, text: str) -> bool:
    """Remove what ``no <text>`` means; False when nothing of it was there."""
    name = key(_kind(node), text)
    entry = LIST_ENTRY.fullmatch(text)
    doomed = [each for each, child in node.children.items() if f"{child.text} ".startswith(f"{text} ")]
    if not doomed and entry and not entry["seq"]:
        doomed = [each for each, child in node.children.items() if _without_seq(child.text) == text]
    if not doomed and name in node.children and name != text:
        doomed = [name]
    gone = [node.children.pop(each) for each in doomed]
    if node.kind == "bgp":
        _forget_neighbors(node, [*(child.text for child in gone), text])
    return bool(gone) or (node.kind == "bgp" and text.startswith("neighbor "))


def _forget_neighbors(bgp: Node, removed: list[str]) -> None:
    """A neighbor whose definition went takes everything else said of it along."""
    names = {match[1] for text in removed if (match := _DEFINES.match(text))}
    names |= {text.split()[1] for text in removed if len(text.split()) == 2 and text.startswith("neighbor ")}
    for name in names - neighbors(bgp):
        for node in (bgp, *(child for _, child in bgp.contexts())):
            for each in [each for each, child in node.children.items() if _about(child.text) == name]:
                del node.children[each]


def _about(text: str) -> str | None:
    words = text.removeprefix("no ").split()
    return words[1] if words[0] == "neighbor" and len(words) > 1 else None


def neighbors(bgp: Node) -> set[str]:
    """Names of neighbors and peer-groups that this ``router bgp`` defines."""
    return {match[1] for _, child in bgp.leaves() if (match := _DEFINES.match(child.text))}


def neighbor_of(text: str) -> str | None:
    """The neighbor that a line under ``router bgp`` or an address family is about."""
    return _about(text)


def _without_seq(text: str) -> str:
    return re.sub(r" seq \d+ ", " ", text, count=1)


def _is_default(root: Node, line: Line, text: str) -> bool:
    node = _descend(root, line.context)
    kind = _kind(node)
    activates = line.context[-1:] == (DEFAULT_FAMILY,) and not _ipv4_is_asked_for(root, line)
    return is_default_value(kind, text) or is_on_by_default(kind, text, activates_ipv4=activates)


def _ipv4_is_asked_for(root: Node, line: Line) -> bool:
    bgp = _find(root, line.context[:1])
    return bgp is not None and any(child.text == "no bgp default ipv4-unicast" for _, child in bgp.leaves())


def _kind(node: Node) -> str:
    return node.kind if node.kind is not None else TOP


def _descend(root: Node, context: tuple[str, ...]) -> Node:
    node = root
    for text in context:
        node = _put(node, text)
    return node


def _find(root: Node, context: tuple[str, ...]) -> Node | None:
    node: Node | None = root
    for text in context:
        node = node.children.get(key(_kind(node), text)) if node else None
    return node


def _prune(root: Node, context: tuple[str, ...]) -> None:
    """Remove contexts that were made only to look into them."""
    for depth in range(len(context), 0, -1):
        parent = _find(root, context[: depth - 1])
        name = key(_kind(parent), context[depth - 1]) if parent else ""
        if parent and name in parent.children and not parent.children[name].children:
            del parent.children[name]


def _put(node: Node, text: str, *, as_shown: bool = False) -> Node:
    name = key(_kind(node), text)
    opener = opener_for(text, _kind(node))
    child = node.children.get(name)
    if as_shown and child is not None and child.text != text:
        name, child = text, None  # FRR shows them side by side, so they are two settings after all
    if child is None or (child.kind is None) != (opener is None):
        child = node.children[name] = Node(text, opener.kind if opener else None)
    child.text = text
    return child


def _drop_hidden(node: Node, running: Node | None) -> None:
    """Remove contexts that FRR does not show when nothing is in them, unless this router does."""
    for name, child in list(node.contexts()):
        shown = running.children.get(name) if running else None
        _drop_hidden(child, shown)
        if child.kind in _HIDDEN_WHEN_EMPTY and not child.children and not (shown and not shown.children):
            del node.children[name]
