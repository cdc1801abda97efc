"""Edits to the text that an FRR router prints as its running configuration; no other byte changes.

Relies on the layout of ``show running-config``: top level at the margin, one space deeper in each context.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from controller.core.guard import ATTACHMENT, owned_object
from controller.core.model import Attachment, Family
from napalm_frr.lines import Line

_KINDS = (  # of the objects that we own
    "ip prefix-list",
    "ipv6 prefix-list",
    "bgp as-path access-list",
    "bgp community-list",
    "bgp large-community-list",
    "route-map",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of text as it stands, and what it says."""

    raw: str  # with its line end
    context: tuple[str, ...]
    text: str  # "" where the line only separates

    @property
    def top(self) -> str:
        """The line at the margin that this one belongs to: itself, if it stands there."""
        return self.context[0] if self.context else self.text


def replace_objects(config: str, wanted: Mapping[str, Sequence[Line]], stale: Collection[str]) -> str:
    """Put these texts where objects of these keys (``guard.owned_object``) stand; drop the stale ones.

    Objects of ``wanted`` that do not stand anywhere are added after the last of their kind.
    """
    out: list[str] = []
    placed: set[str] = set()
    after_block = False
    for row in _rows(config):
        key = owned_object(row.context, row.text)
        ours = key in wanted or key in stale
        separator = after_block and not row.text and not row.context  # goes with the block before it
        after_block = ours and row.text == "exit"
        if key is not None and key in wanted and key not in placed:
            placed.add(key)
            out.append(_object_text(wanted[key]))
        elif not ours and not separator:
            out.append(row.raw)
    added = {key: lines for key, lines in wanted.items() if key not in placed}
    return _add_objects("".join(out), added) if added else "".join(out)


def _add_objects(config: str, objects: Mapping[str, Sequence[Line]]) -> str:
    rows = list(_rows(config))
    inserts: dict[int, list[str]] = {}
    for kind in _KINDS:
        text = "".join(_object_text(lines) for key, lines in objects.items() if key.startswith(f"{kind} "))
        if not text:
            continue
        last = max((n for n, row in enumerate(rows) if row.top.startswith(f"{kind} ")), default=None)
        if last is None:
            end = len(rows) - 1 if rows and rows[-1].text == "end" else len(rows)
            inserts.setdefault(end, []).append(text if kind == "route-map" else f"{text}!\n")
        else:
            separated = kind == "route-map" and last + 1 < len(rows) and not rows[last + 1].text
            inserts.setdefault(last + 1 + separated, []).append(text)
    return _inserted(rows, inserts)


def attach(config: str, bgp: str, attached: Sequence[Attachment]) -> str:
    """Let neighbors use these policies: rewrites their lines below ``bgp``, or adds them."""
    rows = list(_rows(config))
    inserts: dict[int, list[str]] = {}
    for family in Family:
        context = (bgp, f"address-family {family} unicast")
        is_open = any((*row.context, row.text) == context for row in rows)
        homeless = ""
        for each in attached:
            if each.family is not family:
                continue
            line = f"neighbor {each.neighbor} route-map {each.policy} {each.direction}"
            at = _attached_at(rows, context, each)
            if at is not None and rows[at].text != line:
                rows[at] = _Row(f"  {line}\n", context, line)
            elif at is None and is_open:
                inserts.setdefault(_place(rows, context, each), []).append(f"  {line}\n")
            elif at is None:
                homeless += f"  {line}\n"
        if homeless:
            block = f" !\n {context[1]}\n{homeless} exit-address-family\n"
            inserts.setdefault(_end_of(rows, bgp), []).append(block)
    return _inserted(rows, inserts)


def _attached_at(rows: Sequence[_Row], context: tuple[str, ...], wanted: Attachment) -> int | None:
    for n, row in enumerate(rows):
        found = ATTACHMENT.fullmatch(row.text) if row.context == context else None
        if found and (found[1], found[3]) == (str(wanted.neighbor), wanted.direction):
            return n
    return None


def _place(rows: Sequence[_Row], context: tuple[str, ...], wanted: Attachment) -> int:
    """Where a neighbor's line goes: after its others, or at the end of the address family."""
    opener = next(n for n, row in enumerate(rows) if (*row.context, row.text) == context)
    inside = [n for n, row in enumerate(rows) if row.context == context and row.text]
    own = [n for n in inside if rows[n].text.startswith(f"neighbor {wanted.neighbor} ")]
    return max(own or inside, default=opener) + 1


def _end_of(rows: Sequence[_Row], top: str) -> int:
    """Where the last line inside a top-level context ends."""
    inside = [n for n, row in enumerate(rows) if row.top == top and row.text and row.text != "exit"]
    return max(inside, default=len(rows) - 1) + 1


def _object_text(lines: Sequence[Line]) -> str:
    """The lines of one object as FRR prints them."""
    blocks: list[str] = []
    for line in lines:
        if line.context:
            blocks[-1] += f" {line.text}\n"
        else:
            blocks.append(f"{line.text}\n")
    closing = "exit\n!\n" if lines[0].text.startswith("route-map ") else ""
    return "".join(block + closing for block in blocks)


def _inserted(rows: Sequence[_Row], inserts: Mapping[int, Sequence[str]]) -> str:
    out: list[str] = []
    for n in range(len(rows) + 1):
        for text in inserts.get(n, ()):
            if out and not out[-1].endswith("\n"):
                out.append("\n")
            out.append(text)
        if n < len(rows):
            out.append(rows[n].raw)
    return "".join(out)


def _rows(config: str) -> Iterator[_Row]:
    path: tuple[str, ...] = ()
    for raw in config.splitlines(keepends=True):
        text = " ".join(raw.split())
        depth = len(raw) - len(raw.lstrip(" "))
        if not text or text[0] in "!#":
            yield _Row(raw, path, "")
        elif depth == 0 and text in {"exit", "end"}:
            yield _Row(raw, path if text == "exit" else (), text)
            path = ()
        elif depth == 0:
            path = (text,)
            yield _Row(raw, (), text)
        elif depth == 1 and text == "exit-address-family":
            path = path[:1]
            yield _Row(raw, path, text)
        elif depth == 1:
            path = path[:1]
            yield _Row(raw, path, text)
            if text.startswith("address-family "):
                path = (*path, text)
        else:
            yield _Row(raw, path, text)
