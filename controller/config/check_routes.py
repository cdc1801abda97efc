"""What must hold of the routes that classes name: each belongs to one class, more-specifics lie inside it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.core.model import Network

_KINDS = ("prefixes", "destinations", "destination_as", "destination_communities", "more_specifics")


def check_routes(sources: Sources) -> Iterator[Problem]:
    """Every such problem."""
    yield from _shared(sources)
    yield from _more_specifics(sources)


def _shared(sources: Sources) -> Iterator[Problem]:
    """No route may be steered by two classes at once."""
    policy = sources.policy
    for what in _KINDS:
        listed: list[tuple[str, int, Any]] = [
            (name, index, each)
            for name, spec in policy.draft.classes.items()
            for index, each in enumerate(getattr(spec, what))
        ]
        for (first, _, one), (second, index, other) in combinations(listed, 2):
            told = f"AS {other}" if what == "destination_as" else other
            if first == second and one == other:
                message, hint = f"{told} stands in this list twice", "Keep one."
            elif first != second and what == "prefixes" and _overlap(one, other):
                message = f"{other} overlaps {one} of class {quoted(first)}"
                hint = "Give each prefix to one class."
            elif first != second and one == other:
                message, hint = f"{told} stands in class {quoted(first)} as well", "Give it to one class."
            else:
                continue
            yield policy.problem(("classes", second, what, index), message, hint)


def _more_specifics(sources: Sources) -> Iterator[Problem]:
    """Nothing but own address space may ever be announced."""
    policy = sources.policy
    for name, spec in policy.draft.classes.items():
        if not policy.intact("classes", name, "prefixes"):
            continue
        for index, network in enumerate(spec.more_specifics):
            steps = ("classes", name, "more_specifics", index)
            if network in spec.prefixes:
                message = f"{network} is an own prefix already, and announced in any case"
                yield policy.problem(steps, message, "Write prefixes inside it, or remove this one.")
            elif not any(_inside(network, own) for own in spec.prefixes):
                message = f"{network} lies in no prefix of this class: only own address space is announced"
                own = " or ".join(map(str, spec.prefixes[:3]))
                yield policy.problem(steps, message, f"Write prefixes inside {own}.")


def _overlap(one: Network, other: Network) -> bool:
    """Whether the two have addresses in common."""
    return one.version == other.version and one.overlaps(other)


def _inside(one: Network, other: Network) -> bool:
    return _overlap(one, other) and one.prefixlen > other.prefixlen
