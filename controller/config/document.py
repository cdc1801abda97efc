"""A YAML file as plain data that still knows the line and column of every part.

Composing nodes, instead of loading, lets one pass report every duplicate key and keeps the places of
scalars.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from controller.config.build import MOST_REPEATED, Build, is_merge, merged, too_large
from controller.config.problems import Problem
from controller.config.syntax import explain

Steps = tuple[str | int, ...]  # where a value stands: ("upstreams", "iran", "asn")


@dataclass(frozen=True, slots=True)
class Document:
    """One file as read. ``root`` is None when it has no content or could not be read at all."""

    file: str
    root: Node | None = None
    data: Any = None  # without ``shared``
    problems: tuple[Problem, ...] = ()
    shared: Mapping[str, Any] = field(
        default_factory=dict
    )  # keys that begin with a dot, where a file may have any

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
            of_key = key or isinstance(node, MappingNode | SequenceNode) or _is_left_out(node)
            found = name if of_key else node
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


def read(file: str, content: bytes, *, shared: bool = False) -> Document:
    """Parse ``content``; whatever is wrong with it as YAML is in the document's ``problems``.

    ``shared``: top-level keys that begin with a dot hold what aliases elsewhere in the file repeat. They are
    no part of ``data``.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Document(file, problems=(_not_text(file, content, error),))
    try:
        root = _compose(text)
        bomb = None if root is None else too_large(root)
        build = Build(file)
        data = None if root is None or bomb is not None else build.value(root)
    except RecursionError:
        hint = "Nothing here needs more than ten levels."
        return Document(file, problems=(Problem(file, 1, 1, "values are nested too deeply", hint),))
    except YAMLError as error:
        return Document(file, problems=(explain(file, text, error),))
    except (ArithmeticError, LookupError, ValueError) as error:
        # ruamel lets these out for escapes and tags that name no character
        problem = Problem(file, 1, 1, f"YAML cannot be read: {error}", "Look for odd escapes such as \\U.")
        return Document(file, problems=(problem,))
    if bomb is not None:
        message = f"written out, the aliases here would repeat more than {MOST_REPEATED:,} values"
        hint = "Write out what is meant, and name fewer anchors inside anchors."
        mark = bomb.start_mark
        return Document(file, problems=(Problem(file, mark.line + 1, mark.column + 1, message, hint),))
    aside: dict[str, Any] = {}
    if shared and isinstance(data, dict):
        aside = {key: value for key, value in data.items() if key.startswith(".")}
        data = {key: value for key, value in data.items() if key not in aside}
    return Document(file, root, data, tuple(build.problems), aside)


def _not_text(file: str, content: bytes, error: UnicodeDecodeError) -> Problem:
    line = content.count(b"\n", 0, error.start) + 1
    begins = content.rfind(b"\n", 0, error.start) + 1
    column = len(content[begins : error.start].decode("utf-8", "replace")) + 1  # characters, not bytes
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return Problem(file, 1, 1, "this is UTF-16 text", "Save the file in UTF-8.")
    message = f"this is not UTF-8 text: the byte 0x{content[error.start]:02x} is not of it"
    return Problem(file, line, column, message, "Save the file in UTF-8.")


def _compose(text: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    node: Node | None = yaml.compose(StringIO(text))
    return node


def _child(
    node: Node | None, step: str | int, seen: frozenset[int] = frozenset()
) -> tuple[Node, Node] | None:
    """The key node (for list items: the item) and value node at ``step``."""
    if isinstance(node, SequenceNode):
        return (node.value[step],) * 2 if isinstance(step, int) and step < len(node.value) else None
    if not isinstance(node, MappingNode) or id(node) in seen:  # seen: a mapping merged into itself
        return None
    for key, value in node.value:
        if isinstance(key, ScalarNode) and not is_merge(key) and key.value == step:
            return key, value
    sources = (_child(source, step, seen | {id(node)}) for source in merged(node))
    return next((pair for pair in sources if pair), None)


def _is_left_out(node: Node) -> bool:
    """Whether there is nothing but the key: such a value's own place is that of whatever comes next."""
    return isinstance(node, ScalarNode) and node.start_mark.index == node.end_mark.index
