"""What policy.yaml may say: as JSON Schema for editors, and as sections and rows for the reference.

Both come from the fields of the pydantic models: see ``spec.py`` for how these are described.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.config.document import read
from controller.config.policy_file import PolicyFile
from controller.core.explain import written

_DEFAULT = re.compile(r"\s*Default: (.+)\.$")
_REF = "#/$defs/"
_SHARED = (
    "A key that begins with a dot holds what anchors name and aliases repeat elsewhere in the file, and is"
    " nothing by itself: forty upstreams need no forty copies."
)
_WRITTEN: dict[str, Callable[[Any], str]] = {  # defaults as the file writes them
    "duration": written,
    "percent": lambda value: f"{value:g}%",
    "per hour": lambda value: f"{value} per hour",
    "per link-year": lambda value: f"{value:g} per link-year",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One key of a section."""

    name: str
    effect: str
    why: str
    unit: str
    default: str | None  # None: it must be given


@dataclass(frozen=True, slots=True)
class Section:
    """One mapping of the file. ``paths`` is where it may stand: ``upstreams.NAME``, ``health.catch[]``."""

    paths: tuple[str, ...]
    about: str
    rows: tuple[Row, ...]


def schema() -> dict[str, Any]:
    """The JSON Schema of policy.yaml. Every description tells effect, reason, unit and default."""
    whole = PolicyFile.model_json_schema()
    defs = whole["$defs"]
    for model in (whole, *defs.values()):
        rows = {row.name: row for row in _rows(model, defs)}
        for name, node in model["properties"].items():
            _tell(node, rows[name])
    whole["patternProperties"] = {r"^\.": {"description": _SHARED}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_marks(whole),
        "title": "policy.yaml",
    }


def sections() -> list[Section]:
    """Every mapping that policy.yaml may have, the outer ones first, in the order of the file."""
    whole = PolicyFile.model_json_schema()
    defs = whole["$defs"]
    paths: dict[str, list[str]] = {}
    waiting = [("", "")]
    while waiting:
        path, of = waiting.pop(0)
        if of:
            paths.setdefault(of, []).append(path)
        waiting[:0] = [
            (f"{path}.{name}{place}".lstrip("."), target)
            for name, node in (defs[of] if of else whole)["properties"].items()
            for place, target in _references(node)
        ]
    found = [Section(("",), whole["description"], tuple(_rows(whole, defs)))]
    for target, where in paths.items():
        model = defs[target]
        found.append(Section(tuple(where), model["description"], tuple(_rows(model, defs))))
    return found


def _rows(model: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Row]:
    for name, node in model["properties"].items():
        told = f"{node.get('description', '').rstrip('.')}."
        default = _DEFAULT.search(told)
        effect, _, why = _DEFAULT.sub("", told).partition(". ")
        unit = _unit(node, defs)
        if name in model.get("required", ()):
            text = None
        elif default is not None:
            text = default[1]
        else:
            text = _as_written(node.get("default"), unit)
        yield Row(name, _capital(effect.rstrip(".")), why.rstrip("."), unit, text)


def _unit(node: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """In which notation a value is written, in words."""
    if "anyOf" in node:
        return _unit(node["anyOf"][0], defs)  # the other one is null
    if "$ref" in node:
        return "section"
    if "patternProperties" in node:
        (each,) = node["patternProperties"].values()
        unit = _unit(each, defs)
        return f"{'a ' * unit.startswith(('section', 'list'))}{unit} for each name"
    if "enum" in node or "const" in node:
        return " or ".join(node.get("enum", (node.get("const"),)))
    if node["type"] == "array":
        return f"list of: {_unit(node['items'], defs)}"
    words = {"integer": "number", "number": "number", "boolean": "true or false", "string": "text"}
    unit = str(node.get("unit", words[node["type"]]))
    if node["type"] == "integer" and "minimum" in node and "maximum" in node:
        unit += f", {node['minimum']} to {node['maximum']}"
    return unit


def _as_written(value: Any, unit: str) -> str:
    if unit in _WRITTEN:
        return _WRITTEN[unit](value)
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tell(node: dict[str, Any], row: Row) -> None:
    """Put what people should know into a field's schema, and its default as the file writes it."""
    default = "Required" if row.default is None else f"Default: {row.default}"
    why = f" {row.why}." if row.why else ""
    node["description"] = f"{row.effect}.{why} Unit: {row.unit}. {default}."
    value = node.pop("default", None)
    if row.unit in _WRITTEN and value is not None:
        value = row.default
    if value is not None and not isinstance(value, Mapping):  # of a section, each field tells its own
        node["default"] = value
    examples = [_example(each) for each in node.pop("examples", ())]
    if examples and None not in examples:
        node["examples"] = examples
    if "patternProperties" in node:
        node["additionalProperties"] = False


def _example(value: Any) -> Any:
    """A value of the kind that the field takes; None for one that is only hinted at."""
    if not isinstance(value, str):
        return value
    return None if "..." in value else read("example", value.encode()).data


def _references(node: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The sections a field leads to, each with what stands between: nothing, ``.NAME`` or ``[]``."""
    if "$ref" in node:
        yield "", node["$ref"].removeprefix(_REF)
    for each in node.get("anyOf", ()):
        yield from _references(each)
    for each in node.get("patternProperties", {}).values():
        yield from ((f".NAME{place}", target) for place, target in _references(each))
    if "items" in node:
        yield from ((f"[]{place}", target) for place, target in _references(node["items"]))


def _without_marks(node: Any, *, names: bool = False) -> Any:
    """The schema without titles, which say nothing new, and units, which are ours.

    ``names``: keys are those of fields.
    """
    if isinstance(node, dict):
        return {
            key: _without_marks(value, names=key in ("properties", "$defs"))
            for key, value in node.items()
            if names or key not in ("title", "unit")
        }
    return [_without_marks(each) for each in node] if isinstance(node, list) else node


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
