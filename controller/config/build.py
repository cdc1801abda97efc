"""YAML nodes to plain data, noting what YAML allows and we do not. Dates and the like stay text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from controller.config.problems import Problem, quoted

MOST_REPEATED = 1_000_000  # parts that aliases may add: ten thousand routers that share a template add less

_CORE = "tag:yaml.org,2002:"
_TEXT = {f"{_CORE}str", f"{_CORE}timestamp", "!"}
_MERGE = f"{_CORE}merge"


@dataclass(slots=True)
class Build:
    """Turns nodes into data and notes what YAML allows and we do not. Shared nodes are built once."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    _built: dict[int, Any] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def value(self, node: Node) -> Any:
        """The node as data; None in place of what is wrong."""
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            self._note(node, "an alias stands inside its own anchor", "Write the value out.")
            return None
        if id(node) not in self._built:
            self._open.add(id(node))
            self._built[id(node)] = self._mapping(node) if isinstance(node, MappingNode) else self._list(node)
            self._open.discard(id(node))
        return self._built[id(node)]

    def _list(self, node: Node) -> list[Any]:
        self._check_tag(node, f"{_CORE}seq")
        return [self.value(item) for item in node.value]

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        self._check_tag(node, f"{_CORE}map")
        data: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                self._check_merge(key, value)
            elif not isinstance(key, ScalarNode) or key.tag not in _TEXT:
                self._note(key, "this key is not text", "Give it a name, or put quotes around it.")
                self.value(value)
            elif key.value in first:
                was = first[key.value]
                self._note(
                    key, f"{quoted(key.value)} stands here twice", f"Keep this or the one on line {was}."
                )
                self.value(value)
            else:
                first[key.value] = key.start_mark.line + 1
                data[key.value] = self.value(value)
        for source in merged(node):
            below = self.value(source)
            data = {**below, **data} if isinstance(below, dict) else data
        return data

    def _check_merge(self, key: Node, value: Node) -> None:
        sources = value.value if isinstance(value, SequenceNode) else [value]
        for source in sources:
            if not isinstance(source, MappingNode):
                self._note(key, "'<<' merges mappings, and this is none", "Name an anchor of a mapping.")

    def _scalar(self, node: ScalarNode) -> Any:
        tag = node.tag or ""
        if tag in _TEXT:
            return node.value
        if tag not in _READERS:
            self._check_tag(node, "")
            return None
        try:
            return _READERS[tag](node.value)
        except (KeyError, ValueError):
            self._note(node, f"{quoted(node.value)} is not a number or true/false", "Put quotes around it.")
            return None

    def _check_tag(self, node: Node, wanted: str) -> None:
        if node.tag not in (wanted, "!"):
            self._note(node, f"the tag {quoted(node.tag)} means nothing here", "Remove it.")

    def _note(self, node: Node, message: str, hint: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, message, hint))


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower()
    try:
        return int(digits, 0)  # 0x.., 0o.., 0b..
    except ValueError:
        return int(digits, 10)  # leading zeros


def _float(text: str) -> float:
    return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))


def _bool(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    return words[text.lower()]  # yes/no and on/off: YAML 1.1, where a file asks for it


_READERS: dict[str, Callable[[str], Any]] = {
    f"{_CORE}null": lambda _: None,
    f"{_CORE}bool": _bool,
    f"{_CORE}int": _integer,
    f"{_CORE}float": _float,
}


def is_merge(key: Node) -> bool:
    """Whether this key is ``<<``."""
    return bool(key.tag == _MERGE)


def merged(node: MappingNode) -> Iterator[MappingNode]:
    """The mappings that ``<<`` names, in order of precedence."""
    for key, value in node.value:
        if is_merge(key):
            sources = value.value if isinstance(value, SequenceNode) else [value]
            yield from (source for source in sources if isinstance(source, MappingNode))


def too_large(root: Node) -> Node | None:
    """The first node that is too large once every alias is written out: a small file can stand for billions.

    Sharing costs nothing here, but whoever walks over the data later would walk all of it.
    """
    most = MOST_REPEATED + _written(root)
    sizes: dict[int, int] = {}
    found: list[Node] = []

    def size(node: Node) -> int:
        if isinstance(node, ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = 0  # for an alias inside its own anchor, which is told of elsewhere
            sizes[id(node)] = min(1 + sum(map(size, _parts(node))), most + 1)
            if sizes[id(node)] > most:
                found.append(node)
        return sizes[id(node)]

    size(root)
    return found[0] if found else None


def _parts(node: Node) -> list[Node]:
    return [one for pair in node.value for one in pair] if isinstance(node, MappingNode) else list(node.value)


def _written(root: Node) -> int:
    """How many parts the file has as it is written, an alias being one."""
    seen: set[int] = set()
    count, waiting = 0, [root]
    while waiting:
        node = waiting.pop()
        count += 1
        if not isinstance(node, ScalarNode) and id(node) not in seen:
            seen.add(id(node))
            waiting += _parts(node)
    return count
