"""What must hold of windows, of what refers to them, and of what a class requires."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.convert_classes import permits
from controller.config.document import Steps
from controller.config.policy_file import ClassSpec
from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.config.time_file import WindowSpec
from controller.config.validate import did_you_mean
from controller.core.explain import written

LONGEST_S = 31 * 86400.0  # a window that is longer is no window


def check_times(sources: Sources) -> Iterator[Problem]:
    """Every such problem."""
    policy = sources.policy
    for name, spec in policy.draft.windows.items():
        yield from _window(sources, name, spec)
    known = policy.document.names("windows")
    for steps, window in _references(sources):
        if window not in known:
            otherwise = f"Known here: {', '.join(known)}." if known else "Add it below 'windows'."
            hint = did_you_mean(window, known, otherwise)
            yield policy.problem(steps, f"there is no window {quoted(window)}", hint)
    yield from _drains(sources)
    for name, each in policy.draft.classes.items():
        yield from _requirements(sources, name, each)


def _window(sources: Sources, name: str, spec: WindowSpec) -> Iterator[Problem]:
    policy, steps = sources.policy, ("windows", name)
    if not policy.intact(*steps):
        return
    if spec.cron is None and spec.starts is None and spec.rrule is None:
        hint = "Add 'cron', or 'starts', with 'rrule' if it comes again."
        yield policy.problem(steps, f"nothing says when window {quoted(name)} opens", hint)
    if spec.cron is not None and (spec.starts is not None or spec.rrule is not None):
        hint = "Keep 'cron', or 'starts' and 'rrule'."
        yield policy.problem(
            (*steps, "cron"), f"window {quoted(name)} has two answers to when it opens", hint
        )
    if spec.rrule is not None and spec.starts is None and spec.cron is None:
        hint = "Add 'starts', the first time."
        yield policy.problem((*steps, "rrule"), "a rule goes on from a first time, which is not given", hint)
    if not 0 < spec.lasts <= LONGEST_S:
        message = "a window is open for some time" if spec.lasts == 0 else "this is more than a month"
        yield policy.problem(
            (*steps, "lasts"), message, f"Write {written(LONGEST_S)} or less, and more than 0."
        )


def _references(sources: Sources) -> Iterator[tuple[Steps, str]]:
    draft = sources.policy.draft
    yield from ((("maintenance", n, "window"), each.window) for n, each in enumerate(draft.maintenance))
    yield from ((("freezes", n), name) for n, name in enumerate(draft.freezes))
    for name, each in draft.classes.items():
        yield from (
            (("classes", name, "prefer_in", n, "window"), one.window) for n, one in enumerate(each.prefer_in)
        )
        if each.stability.fail_back.only_in is not None:
            yield ("classes", name, "stability", "fail_back", "only_in"), each.stability.fail_back.only_in
    if draft.stability is not None and draft.stability.fail_back.only_in is not None:
        yield ("stability", "fail_back", "only_in"), draft.stability.fail_back.only_in


def _drains(sources: Sources) -> Iterator[Problem]:
    policy = sources.policy
    if not sources.links_are_known() or not policy.intact("upstreams"):
        return
    known = {risk for each in policy.draft.upstreams.values() for risk in each.shared_risk}
    for link in sources.links():
        known |= {link.name, link.router, link.spec.upstream, *link.spec.shared_risk}
    for number, each in enumerate(policy.draft.maintenance):
        if each.drain not in known:
            hint = did_you_mean(
                each.drain, sorted(known), "Name a link, an upstream, a router or a shared risk."
            )
            message = f"there is nothing called {quoted(each.drain)} to drain"
            yield policy.problem(("maintenance", number, "drain"), message, hint)


def _requirements(sources: Sources, name: str, spec: ClassSpec) -> Iterator[Problem]:
    policy, known = sources.policy, sources.policy.draft.upstreams
    if spec.require is None or not policy.intact("upstreams") or not policy.intact("classes", name):
        return
    lists: list[tuple[Steps, list[list[str]]]] = [(("classes", name, "prefer"), spec.prefer)]
    lists += [
        (("classes", name, "prefer_in", n, "prefer"), each.prefer) for n, each in enumerate(spec.prefer_in)
    ]
    for steps, tiers in lists:
        named = [upstream for tier in tiers for upstream in tier if upstream in known]
        if named and not any(permits(spec.require, known[upstream]) for upstream in named):
            message = f"no upstream here is what class {quoted(name)} requires"
            hint = "Look at 'country' and 'owner' of the upstreams, and at 'require'."
            yield policy.problem(steps, message, hint)
