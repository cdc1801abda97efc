"""The reference of policy.yaml for people, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from controller.config.schema import Row, Section, sections

_NOTATIONS = (
    ("duration", "`400ms`, `10s`, `10min`, `1h`, `1d`; always with its unit"),
    ("percent", "`10%`; always with its sign, above 0 and below 100"),
    ("bit rate", "`400Mbps`, `10Gbps`; bps, kbps, Mbps, Gbps or Tbps"),
    ("per hour", "`6 per hour`"),
    ("per link-year", "`1 per link-year`"),
    ("prefix", "`203.0.113.0/24`, `2001:db8:500::/48`; no host bits set"),
    ("community", '`"65000:70"`, or large: `"64501:1:2"`'),
    ("name", "lower-case letters, digits and hyphens, 32 at most, a letter first"),
    ("true or false", "these words; `yes`, `no`, `on` and `off` are text in YAML 1.2"),
)
_SHARED = (
    "A key at the top that begins with a dot is nothing by itself: it holds what `&name` names, `*name`"
    " repeats and `<<: *name` takes in elsewhere in the file."
)


def reference() -> str:
    """Every section with every key: what it does and why, its unit, its default."""
    top, *others = sections()
    parts = [
        "# policy.yaml",
        top.about,
        "Values are written so:",
        _table(("unit", "written"), _NOTATIONS),
        _SHARED,
        _keys(top),
    ]
    for each in others:
        parts += [f"## {', '.join(f'`{path}`' for path in each.paths)}", each.about, _keys(each)]
    return "\n\n".join(parts) + "\n"


def _keys(section: Section) -> str:
    return _table(("key", "what it does", "unit", "default"), [_cells(row) for row in section.rows])


def _cells(row: Row) -> tuple[str, ...]:
    told = f"{row.effect}. {row.why}." if row.why else f"{row.effect}."
    return f"`{row.name}`", told, row.unit, "required" if row.default is None else row.default


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [" | ".join(cell.replace("|", "\\|") for cell in line) for line in (head, *rows)]
    lines.insert(1, " | ".join("---" for _ in head))
    return "\n".join(f"| {line} |" for line in lines)
