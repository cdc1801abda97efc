"""An FRR configuration as a list of lines that know their context, and back to text.

The one place that understands the structure of FRR text. ``parse`` reads what routers show and what people
write (flat, badly indented, without ``exit``); ``emit`` writes what ``show running-config`` would show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .grammar import TOP, Opener, belongs, belongs_to_default_family, candidates_for, closing_of, opener_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NOISE = ("Building configuration...", "Current configuration:")
DEFAULT_FAMILY = "address-family ipv4 unicast"


@dataclass(frozen=True, slots=True)
class Line:
    """One meaningful line: where it stands, and its text without indentation."""

    context: tuple[str, ...]  # ("router bgp 64500", "address-family ipv4 unicast"); () for top level
    text: str

    @property
    def path(self) -> tuple[str, ...]:
        """The context that this line opens, if it opens one."""
        return (*self.context, self.text)


@dataclass(slots=True)
class _Open:
    """A context that is open while reading."""

    text: str
    kind: str
    indent: int
    has_indented_child: bool = False


class _Reader:
    """Finds the context of each line: by what the line can be, and by indentation where people used it."""

    def __init__(self) -> None:
        self.stack: list[_Open] = []
        self.lines: list[Line] = []
        self.opened: set[tuple[str, ...]] = set()

    def read(self, raw: str) -> None:
        text = " ".join(raw.split())  # FRR tokenises every line, descriptions included
        if not text or text[0] in "!#" or text in _NOISE:
            return
        indent = len(raw.expandtabs()) - len(raw.expandtabs().lstrip())
        if text in {"exit", "quit"}:
            del self.stack[-1:]
        elif text == "end":
            self.stack.clear()
        elif text.startswith("exit-"):
            self._close(text)
        else:
            self._place(text, indent)

    def _close(self, word: str) -> None:
        for depth in reversed(range(len(self.stack))):
            parent = self.stack[depth - 1].kind if depth else TOP
            if closing_of(self.stack[depth].text, parent) == word:
                del self.stack[depth:]
                return

    def _place(self, text: str, indent: int) -> None:
        opener = self._opener(text, indent)
        if opener is None:
            self._leave_for(text, indent)
        if self.stack and indent > self.stack[-1].indent:
            self.stack[-1].has_indented_child = True
        context = tuple(each.text for each in self.stack)
        if opener is not None:
            self.stack.append(_Open(text, opener.kind, indent))
            self.opened.add((*context, text))
        elif self.stack and self.stack[-1].kind == "bgp" and belongs_to_default_family(text):
            context = (*context, DEFAULT_FAMILY)
            if context not in self.opened:
                self.opened.add(context)
                self.lines.append(Line(context[:-1], DEFAULT_FAMILY))
        self.lines.append(Line(context, text))

    def _opener(self, text: str, indent: int) -> Opener | None:
        """The context that ``text`` opens, after closing those it cannot stand in; None for a plain line."""
        if not any(opener.pattern.match(text) for opener in candidates_for(text)):
            return None
        for depth in range(len(self.stack), -1, -1):
            if depth and self._outdented(self.stack[depth - 1], indent):
                continue
            kind = self.stack[depth - 1].kind if depth else TOP
            if kind == "bfd-peer" and text.startswith("profile "):
                return None  # a peer names its profile by the same words that open one
            opener = opener_for(text, kind)
            if opener is not None:
                del self.stack[depth:]
                return opener
        return None

    def _leave_for(self, text: str, indent: int) -> None:
        while self.stack:
            inner = self.stack[-1]
            if belongs(text, inner.kind) and not self._outdented(inner, indent):
                return
            self.stack.pop()

    @staticmethod
    def _outdented(context: _Open, indent: int) -> bool:
        return context.has_indented_child and indent <= context.indent


def parse(config: str) -> list[Line]:
    """Every meaningful line in order, context openers included.

    Drops ``!``, comments, ``exit``, ``exit-address-family``, ``end``, blank lines and the banner of
    ``show running-config``. A line that FRR accepts under ``router bgp`` but keeps in
    ``address-family ipv4 unicast`` is given that context.
    """
    reader = _Reader()
    for raw in config.splitlines():
        reader.read(raw)
    return reader.lines


def kind_of(path: Sequence[str]) -> str:
    """The kind of the context at ``path`` (grammar.OPENERS names them); ``TOP`` for ()."""
    kind = TOP
    for text in path:
        opener = opener_for(text, kind)
        kind = opener.kind if opener else "unknown"
    return kind


def is_opener(line: Line) -> bool:
    """Whether the line opens a context."""
    return opener_for(line.text, kind_of(line.context)) is not None


def emit(lines: Iterable[Line]) -> str:
    """Canonical text as ``show running-config`` shows it: indentation, exit lines, ``!`` separators.

    Contexts whose opening line is missing among ``lines`` are opened all the same.
    """
    out: list[str] = []
    path: tuple[str, ...] = ()
    sort = ""
    for line in lines:
        opens = is_opener(line)
        path = _move(out, path, line.path if opens else line.context)
        if not opens:
            if not line.context:
                if out and out[-1] != "!" and sort and sort != _sort(line.text):
                    out.append("!")
                sort = _sort(line.text)
            out.append(" " * len(line.context) + line.text)
    _move(out, path, ())
    if out and out[-1] != "!":
        out.append("!")
    return "".join(f"{each}\n" for each in out)


def _move(out: list[str], path: tuple[str, ...], target: tuple[str, ...]) -> tuple[str, ...]:
    """Close and open contexts to get from ``path`` to ``target``."""
    common = 0
    while common < min(len(path), len(target)) and path[common] == target[common]:
        common += 1
    for depth in reversed(range(common, len(path))):
        out.append(" " * depth + closing_of(path[depth], kind_of(path[:depth])))
        if not depth:
            out.append("!")
    for depth in range(common, len(target)):
        first_inside = depth > 0 and bool(out) and out[-1] == " " * (depth - 1) + target[depth - 1]
        if out and out[-1].strip() != "!" and not (first_inside and not target[depth].startswith("address-")):
            out.append(" " * depth + "!")
        out.append(" " * depth + target[depth])
    return target


_HEADER = frozenset({"frr", "hostname", "domainname", "log", "service", "agentx", "no"})


def _sort(text: str) -> str:
    """Lines of one sort stand together without a separator: a prefix-list, the header, static routes."""
    words = text.split()
    if words[0] in _HEADER:
        return "header"
    return " ".join(words[:2])


def changes(before: str, after: str) -> list[tuple[bool, tuple[str, ...], str]]:
    """What differs between two configurations: (added, context, text), duplicates and order ignored.

    Ordered by top-level section (as in ``before``, then those new in ``after``); within a section removals
    come before additions, each in the order of its own text.
    """
    old = dict.fromkeys(parse(before))
    new = dict.fromkeys(parse(after))
    sections = {section: index for index, section in enumerate(dict.fromkeys(map(_section, (*old, *new))))}
    found = [(False, line) for line in old if line not in new] + [
        (True, line) for line in new if line not in old
    ]
    found.sort(key=lambda each: (sections[_section(each[1])], each[0]))
    return [(added, line.context, line.text) for added, line in found]


def _section(line: Line) -> str:
    return line.context[0] if line.context else line.text
