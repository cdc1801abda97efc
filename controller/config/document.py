"""A YAML file as plain data that still knows the line and column of every part.

Composing nodes, instead of loading, lets one pass report every duplicate key and keeps the places of
scalars. Dates and the like stay text: nothing in our files is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from controller.config.problems import Problem, quoted

Steps = tuple[str | int, ...]  # where a value stands: ("upstreams", "iran", "asn")

_CORE = "tag:yaml.org,2002:"
_TEXT = {f"{_CORE}str", f"{_CORE}timestamp", "!"}
_MERGE = f"{_CORE}merge"


@dataclass(frozen=True, slots=True)
class Document:
    """One file as read. ``root`` is None when it has no content or could not be read at all."""

    file: str
    root: Node | None = None
    data: Any = None
    problems: tuple[Problem, ...] = ()

    def place(self, steps: Steps, *, key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at ``steps`` (of its key, if ``key``).

        Where nothing stands at ``steps``, the place of the nearest thing around it.
        """
        node, found = self.root, self.root
        for step in steps:
            pair = _child(node, step)
            if pair is None:
                break
            name, node = pair
            found = name if key or isinstance(node, MappingNode | SequenceNode) else node
        return (found.start_mark.line + 1, found.start_mark.column + 1) if found is not None else (1, 1)

    def problem(self, steps: Steps, message: str, hint: str, *, key: bool = False) -> Problem:
        """A problem with the value (or key) at ``steps``."""
        return Problem(self.file, *self.place(steps, key=key), message, hint)

    def value(self, *steps: str | int) -> Any:
        """The raw value at ``steps``, or None."""
        value = self.data
        for step in steps:
            if isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def names(self, *steps: str | int) -> tuple[str, ...]:
        """The keys of the mapping at ``steps``; none when there is no mapping."""
        value = self.value(*steps)
        return tuple(value) if isinstance(value, Mapping) else ()


def read(file: str, content: bytes) -> Document:
    """Parse ``content``; whatever is wrong with it as YAML is in the document's ``problems``."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem(file, line, 1, "this is not UTF-8 text", "Save the file in UTF-8.")
        return Document(file, problems=(problem,))
    try:
        root = _compose(text)
        if root is None:
            return Document(file)
        build = _Build(file)
        data = build.value(root)
    except RecursionError:
        problem = Problem(
            file, 1, 1, "values are nested too deeply", "Nothing here needs more than ten levels."
        )
        return Document(file, problems=(problem,))
    except YAMLError as error:
        return Document(file, problems=(_syntax(file, text, error),))
    except (ArithmeticError, LookupError, ValueError) as error:
        # ruamel lets these out for escapes and tags that name no character
        problem = Problem(file, 1, 1, f"YAML cannot be read: {error}", "Look for odd escapes such as \\U.")
        return Document(file, problems=(problem,))
    return Document(file, root, data, tuple(build.problems))


def _compose(text: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    node: Node | None = yaml.compose(StringIO(text))
    return node


def _syntax(file: str, text: str, error: YAMLError) -> Problem:
    hint = "Look at this line and the one above it: indentation, colons, quotes and brackets."
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        return Problem(file, line, column, "a control character stands here", "Delete it.")
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(file, 1, 1, "this is not YAML", hint)
    line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
    said = " ".join(str(error.problem).split())
    if "'\\t'" in said:
        return Problem(file, line, column, "a tab indents this line", "YAML indents with spaces only.")
    if "another document" in said:
        return Problem(file, line, column, "a second document starts here", "Remove the line '---'.")
    return Problem(file, line, column, f"not YAML: {said}", hint)


@dataclass(slots=True)
class _Build:
    """Turns nodes into data and notes what YAML allows and we do not. Shared nodes are built once."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    _built: dict[int, Any] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def value(self, node: Node) -> Any:
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
                self._check_merge(value)
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
        for source in _merged(node):
            merged = self.value(source)
            data = {**merged, **data} if isinstance(merged, dict) else data
        return data

    def _check_merge(self, value: Node) -> None:
        sources = value.value if isinstance(value, SequenceNode) else [value]
        for source in sources:
            if not isinstance(source, MappingNode):
                self._note(source, "'<<' merges mappings, and this is none", "Name an anchor of a mapping.")

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


def _merged(node: MappingNode) -> Iterator[MappingNode]:
    """The mappings that ``<<`` names, in order of precedence."""
    for key, value in node.value:
        if key.tag == _MERGE:
            sources = value.value if isinstance(value, SequenceNode) else [value]
            yield from (source for source in sources if isinstance(source, MappingNode))


def _child(node: Node | None, step: str | int) -> tuple[Node, Node] | None:
    """The key node (for list items: the item) and value node at ``step``."""
    if isinstance(node, SequenceNode):
        return (node.value[step],) * 2 if isinstance(step, int) and step < len(node.value) else None
    if not isinstance(node, MappingNode):
        return None
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.tag != _MERGE and key.value == step:
            return key, value
    return next((pair for source in _merged(node) if (pair := _child(source, step))), None)
