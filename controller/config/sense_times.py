"""Windows that change nothing, and moves that policy says will wait for what never comes."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from controller.config.document import Steps
from controller.config.policy_file import ClassSpec
from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.config.stability_file import BlockSpec
from controller.core.explain import written
from controller.core.model import Policy, StabilityPolicy

HOUR_S = 3600


def sense_times(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about windows, and about what waits for one or for people."""
    yield from _unused(sources)
    for name, spec in sources.policy.draft.classes.items():
        yield from _same_in_window(sources, name, spec)
    yield from _manual(sources, policy)
    for steps, block, rule in _blocks(sources, policy):
        yield from _out_of_reach(sources, steps, block, rule)


def _unused(sources: Sources) -> Iterator[Problem]:
    draft = sources.policy.draft
    waits = [spec.stability.fail_back.only_in for spec in draft.classes.values()]
    waits += [draft.stability.fail_back.only_in] if draft.stability else []
    used = {each.window for each in draft.maintenance} | set(draft.freezes)
    used |= {name for name in waits if name is not None}
    used |= {each.window for spec in draft.classes.values() for each in spec.prefer_in}
    for name in draft.windows:
        if name not in used:
            message = f"nothing refers to window {quoted(name)}, and by itself it does nothing"
            hint = "Name it in 'maintenance', 'freezes', 'prefer_in' or 'only_in', or remove it."
            yield sources.policy.problem(("windows", name), message, hint)


def _same_in_window(sources: Sources, name: str, spec: ClassSpec) -> Iterator[Problem]:
    """The last of them only: an earlier one may be there to keep a later one off."""
    for number, each in reversed(list(enumerate(spec.prefer_in))):
        if each.prefer != spec.prefer:
            return
        message = f"class {quoted(name)} prefers this anyway, so window {quoted(each.window)} changes nothing"
        hint = "Write another order, or remove this entry."
        yield sources.policy.problem(("classes", name, "prefer_in", number, "prefer"), message, hint)


def _manual(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Once people have allowed a class to return, no window is waited for."""
    common = "manual" if policy.stability.fail_back_manual else "auto"
    modes: list[tuple[Steps, str]] = [(("stability", "fail_back"), common)]
    modes += [
        (("classes", name, "stability", "fail_back"), spec.stability.fail_back.mode or common)
        for name, spec in sources.policy.draft.classes.items()
    ]
    for steps, mode in modes:
        if mode == "manual" and sources.policy.given(*steps, "only_in"):
            message = "with 'mode: manual' people say when a class returns, and no window has a say"
            hint = "Remove this line, or write 'mode: auto'."
            yield sources.policy.problem((*steps, "only_in"), message, hint)


def _blocks(sources: Sources, policy: Policy) -> Iterator[tuple[Steps, BlockSpec, StabilityPolicy]]:
    draft = sources.policy.draft
    if draft.stability is not None and draft.stability.block is not None:
        yield ("stability", "block"), draft.stability.block, policy.stability
    for name, spec in draft.classes.items():
        if spec.stability.block is not None:
            yield ("classes", name, "stability", "block"), spec.stability.block, policy.stability


def _out_of_reach(
    sources: Sources, steps: Steps, block: BlockSpec, rule: StabilityPolicy
) -> Iterator[Problem]:
    """More moves than the budgets of so many hours allow."""
    most = ceil(block.within / HOUR_S) * (rule.changes_per_hour + rule.escapes_per_hour)
    if block.moves > most:
        budgets = f"'changes' and 'escapes' together allow {most} within {written(block.within)}"
        fewer = f"Write {most} or fewer, or a longer 'within'." if most else "Write a longer 'within'."
        yield sources.policy.problem((*steps, "moves"), f"{budgets}, so this block never comes", fewer)
