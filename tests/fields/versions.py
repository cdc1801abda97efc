"""Two versions of the starter files that differ in one field, and what a field is to show with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, Final

from ruamel.yaml import YAML

from controller.config import default_inventory
from controller.config.loader import examine
from controller.config.sources import FILES, HOSTS, POLICY
from controller.core.model import Policy

GONE: Final = "left out"
NAMES: Final = {
    "upstreams": "azerbaijan",
    "classes": "residential",
    "windows": "night",
    "links": "edge1-azerbaijan",
}


@dataclass(frozen=True)
class Version:
    """What the files came to."""

    read: Policy | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def policy(self) -> Policy:
        """The policy. The files must be without problems."""
        assert self.read is not None, "\n".join(self.problems)
        return self.read


Shows = Callable[[Version], Any]


@dataclass(frozen=True)
class Field:
    """One field: two values of it, and what differs because of them."""

    path: str  # as ``schema.sections`` has it: classes.NAME.prefer_in[].window
    one: Any
    other: Any  # GONE: the field is left out
    shows: Shows
    then: tuple[Any, Any]  # what it shows of each
    given: Mapping[str, Any] = field(default_factory=dict)  # what both versions have besides; by place

    def versions(self) -> tuple[Version, Version]:
        """The files with the one value and with the other."""
        return version({**self.given, self.path: self.one}), version({**self.given, self.path: self.other})


def version(changes: Mapping[str, Any]) -> Version:
    """The starter files with these changes, by place.

    ``NAME`` stands for the one that NAMES has, ``[]`` for the first of a list; ``links.NAME`` and ``hosts`` are
    in hosts.yaml.
    """
    files = deepcopy(_starter())
    for path, value in changes.items():
        steps = _steps(path)
        if steps[0] == "hosts":
            _put(files[HOSTS], steps[1:], deepcopy(value))
        elif steps[0] == "links":
            router = str(steps[1]).partition("-")[0]
            _put(files[HOSTS], [router, "data", *steps], deepcopy(value))
        else:
            _put(files[POLICY], steps, deepcopy(value))
    read, problems, warnings = examine({name: json.dumps(data).encode() for name, data in files.items()})
    return Version(read, tuple(map(_words, problems)), tuple(map(_words, warnings)))


@cache
def _starter() -> dict[str, Any]:
    return {name: YAML(typ="safe").load(default_inventory() / name) for name in FILES}


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for word in path.replace("[]", ".0").split("."):
        place = NAMES[str(steps[-1])] if word == "NAME" else word
        steps.append(int(place) if place.isdecimal() else place)
    return steps


def _put(data: Any, steps: list[str | int], value: Any) -> None:
    """Set what stands at a place; what leads there is made where it is missing."""
    for step, following in pairwise(steps):
        if isinstance(step, str) and data.get(step) is None:
            data[step] = [] if isinstance(following, int) else {}
        elif isinstance(step, int) and step == len(data):
            data.append({})
        data = data[step]
    if value == GONE:
        data.pop(steps[-1], None)
    elif isinstance(data, list):
        data[int(steps[-1]) :] = [value]
    else:
        data[steps[-1]] = value


def _words(problem: object) -> str:
    """Without file, line and column: these versions are on one line."""
    return str(problem).partition(" ")[2]
