"""What must hold of capacities, limits and classes that are split."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.config.validate import did_you_mean
from controller.core.parts import part_names


def check_capacity(sources: Sources) -> Iterator[Problem]:
    """Every such problem."""
    yield from _subjects(sources)
    yield from _parts(sources)


def _subjects(sources: Sources) -> Iterator[Problem]:
    """A limit on what nothing depends on would never hold anything."""
    policy = sources.policy
    if not policy.intact("upstreams"):
        return
    known = dict.fromkeys(
        subject
        for each in policy.draft.upstreams.values()
        for subject in (
            *each.shared_risk,
            *([f"country {each.country}"] if each.country else []),
            *([f"owner {each.owner}"] if each.owner else []),
        )
    )
    for name in policy.draft.limits.dependence:
        if name not in known:
            there = f"There are: {', '.join(known)}." if known else "The upstreams name none."
            message = f"no upstream has a risk, country or owner {quoted(name)}"
            hint = did_you_mean(name, known, there)
            yield policy.problem(("limits", "dependence", name), message, hint, key=True)


def _parts(sources: Sources) -> Iterator[Problem]:
    """The parts of a class have names that no other class may have."""
    classes = sources.policy.draft.classes
    for name, spec in classes.items():
        taken = [part for part in part_names(name, len(spec.prefixes)) if spec.split and part in classes]
        for part in taken:
            message = f"this is also the name of a part of class {quoted(name)}, which is split"
            yield sources.policy.problem(("classes", part), message, "Rename one of them.", key=True)
