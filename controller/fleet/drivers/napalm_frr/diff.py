"""The difference between two configurations as a unified diff that says where each line stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .settings import LIST_ENTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .tree import Node

_AROUND = 2  # unchanged lines shown on either side of a change
_SECRET = re.compile(
    r"^(\s*(?:no )?(?:.* )?(?:password|key-string|authentication-key|secret)(?: \d(?= ))?) .+$"
)
_Place = tuple[int, str, int, int, int]
_SECTIONS = ("interface", "vrf", "ip route", "ipv6 route", "list", "route-map", "router")


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the diff: sign, text with indentation, and the context it belongs to."""

    sign: str  # " ", "-", "+"
    text: str
    path: tuple[str, ...]


def unified(before: Node, after: Node) -> str:
    """A unified diff, "" without differences.

    Hunks hold lines of one context only, named after the second ``@@``, or contexts that are new as a
    whole. Sections stand in one order whatever the version of FRR. Secrets are not shown.
    """
    rows = list(_rows(before, after, (), 0))
    hunks = list(_hunks(rows))
    return "\n".join(["--- running", "+++ candidate", *hunks]) if hunks else ""


def hide_secrets(text: str) -> str:
    """The line, passwords and keys replaced by ``<removed>``."""
    return _SECRET.sub(r"\1 <removed>", text)


def _rows(before: Node | None, after: Node | None, path: tuple[str, ...], depth: int) -> Iterator[_Row]:
    """Both trees, merged: an overwritten line is followed by its new text, a new one by its likes."""
    old = before.children if before else {}
    new = after.children if after else {}
    for name in sorted({**old, **new}, key=_position(old, new, top=not path)):
        was, now = old.get(name), new.get(name)
        opens = any(each is not None and each.kind is not None for each in (was, now))
        shown = now or was
        inner = (*path, shown.text) if opens and shown else path
        if was is not None and now is not None and was.text == now.text:
            yield _Row(" ", " " * depth + now.text, inner)
        else:
            for sign, node in (("-", was), ("+", now)):
                if node is not None:
                    yield _Row(sign, hide_secrets(" " * depth + node.text), inner)
        if opens:
            yield from _rows(was, now, inner, depth + 1)


def _position(old: dict[str, Node], new: dict[str, Node], *, top: bool) -> Callable[[str], _Place]:
    """Where a line is shown: plain lines before contexts, policy in one order, else as on the router."""
    order = {name: index for index, name in enumerate({**old, **new})}
    last: dict[str | None, int] = {}
    for name, node in old.items():
        last[_about(node.text)] = order[name]

    def place(name: str) -> _Place:
        node = new.get(name) or old[name]
        if not top:
            like = _about(node.text)
            near = last.get(like, len(order)) if name not in old and like else order[name]
            return (int(node.kind is not None), "", near, int(name not in old), order[name])
        section = _section(node)
        if section < _SECTIONS.index("list"):
            return (section, "", 0, 0, order[name])
        return (section, *_sorted_name(node.text), 0, order[name])

    return place


def _about(text: str) -> str | None:
    words = text.removeprefix("no ").split()
    return words[1] if words[0] == "neighbor" and len(words) > 1 else None


def _section(node: Node) -> int:
    kind = "list" if LIST_ENTRY.fullmatch(node.text) or " prefix-list " in node.text else ""
    for index, name in enumerate(_SECTIONS):
        if kind == name or node.text.startswith(f"{name} "):
            return index
    return len(_SECTIONS) if node.kind is not None else -1


def _sorted_name(text: str) -> tuple[str, int]:
    entry = LIST_ENTRY.fullmatch(text)
    if entry:
        return entry["list"], int(entry["seq"] or 0)
    words = text.split()
    if words[0] == "route-map":
        return words[1], int(words[3])
    return text, 0


def _hunks(rows: list[_Row]) -> Iterator[str]:
    for start, end in _merged(rows):
        part = rows[start:end]
        old_before = sum(row.sign != "+" for row in rows[:start])
        new_before = sum(row.sign != "-" for row in rows[:start])
        old_length = sum(row.sign != "+" for row in part)
        new_length = sum(row.sign != "-" for row in part)
        old_at = old_before + (1 if old_length else 0)
        new_at = new_before + (1 if new_length else 0)
        where = " / ".join(part[0].path) if len({row.path for row in part}) == 1 else ""
        yield f"@@ -{old_at},{old_length} +{new_at},{new_length} @@ {where or 'top level'}"
        yield from (row.sign + row.text for row in part)


def _merged(rows: list[_Row]) -> Iterator[tuple[int, int]]:
    """The stretches; top-level contexts that are new, or gone, as a whole share one: they name themselves."""
    open_start: int | None = None
    open_end = 0
    for start, end in _ranges(rows):
        whole = _is_whole(rows, start, end)
        if open_start is not None and not (
            whole and start == open_end and rows[start].sign == rows[start - 1].sign
        ):
            yield open_start, open_end
            open_start = None
        if not whole:
            yield start, end
        else:
            open_start = start if open_start is None else open_start
            open_end = end
    if open_start is not None:
        yield open_start, open_end


def _is_whole(rows: list[_Row], start: int, end: int) -> bool:
    """Whether these rows are all of a top-level context, opener included, added or removed."""
    opener = rows[start]
    return (
        opener.path == (opener.text,)
        and opener.sign != " "
        and all(row.sign == opener.sign for row in rows[start:end])
    )


def _ranges(rows: list[_Row]) -> Iterator[tuple[int, int]]:
    """Stretches of rows in one context around changes; changes close to each other share one."""
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and rows[end].path == rows[start].path:
            end += 1
        yield from _around(rows, start, end)
        start = end


def _around(rows: list[_Row], start: int, end: int) -> Iterator[tuple[int, int]]:
    first: int | None = None
    last = 0
    for index in range(start, end):
        if rows[index].sign == " ":
            continue
        if first is not None and index - last > 2 * _AROUND:
            yield first, min(end, last + 1 + _AROUND)
            first = None
        if first is None:
            first = max(start, index - _AROUND)
        last = index
    if first is not None:
        yield first, min(end, last + 1 + _AROUND)
