"""The policy in plain sentences: who carries what, when traffic moves, what the hour changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controller.core.explain import names, written
from controller.core.model import (
    Policy,
    Preference,
    Requirement,
    StabilityPolicy,
    TrafficClass,
    WindowRule,
    members,
)


def policy_told(policy: Policy) -> list[str]:
    """The policy, a line each; what belongs to the line before is indented."""
    lines = [line for each in policy.classes.values() for line in _class(policy, each)]
    lines += ["A dead path is left at once.", *(f"  {line}" for line in _stability(policy.stability))]
    lines.append(f"  A link that is down is {policy.when_down}.")
    for window in policy.windows.values():
        lines += _window(policy, window)
    return lines


def _class(policy: Policy, each: TrafficClass) -> Iterator[str]:
    prefixes = names([str(prefix) for prefix in each.prefixes])
    yield f"{each.name} ({prefixes}) goes over {_order(each.prefer)}."
    if each.backups_disjoint:
        first = each.prefer.upstreams[0]
        risks = policy.upstreams[first].risks
        near = [
            name for name in each.prefer.upstreams if name != first and policy.upstreams[name].risks & risks
        ]
        whom = names(near) if near else "what shares a risk with it"
        yield f"  If {first} fails, {whom} is passed over while another is usable."
    for window, preference in each.prefer_in:
        yield f"  While {window} is open: {_order(preference)}."
    if each.require is not None:
        yield f"  {_requirement(each.require)}"
    if each.when_down is not None:
        yield f"  A link that is down is {each.when_down} for it."
    if each.stability is not None:
        common = set(_stability(policy.stability))
        yield from (f"  {line}" for line in _stability(each.stability) if line not in common)


def _order(preference: Preference) -> str:
    """``azerbaijan, else georgia or iran, whichever is faster``."""
    tiers: dict[int, list[str]] = {}
    for choice in preference.choices:
        tiers.setdefault(preference.tier(choice), []).append(choice)
    return ", else ".join(_tier(choices) for choices in tiers.values())


def _tier(choices: Sequence[str]) -> str:
    joint = [
        f"{names(members(choice))} together" if len(members(choice)) > 1 else choice for choice in choices
    ]
    return joint[0] if len(joint) == 1 else f"{', '.join(joint[:-1])} or {joint[-1]}, whichever is faster"


def _requirement(require: Requirement) -> str:
    limits = [
        f"loses more than {require.loss_percent:g} %" if require.loss_percent is not None else "",
        f"takes more than {require.rtt_ms:g} ms" if require.rtt_ms is not None else "",
    ]
    what = " or ".join(each for each in limits if each)
    return f"What {what} for {written(require.held_s)} is left for what does not."


def _stability(rule: StabilityPolicy) -> Iterator[str]:
    yield f"Everything else waits: {written(rule.hold_down_s)} between two moves of a class."
    changes, escapes = rule.changes_per_hour, rule.escapes_per_hour
    yield f"At most {changes} routine changes an hour, and {escapes} off dead paths."
    clean, most = written(rule.fail_back_clean_s), written(rule.fail_back_doubles_up_to_s)
    forgotten = written(rule.fail_back_forgotten_after_s)
    yield f"Traffic returns to a link that has been clean for {clean}; each further failure doubles that,"
    yield f"up to {most}; {forgotten} without one, and all are forgotten."
    if rule.fail_back_manual:
        yield "To what it had to leave, a class returns once somebody runs `failover acknowledge`."
    if rule.fail_back_in is not None:
        yield f"To what it had to leave, a class returns only while {rule.fail_back_in} is open."
    if rule.block is not None:
        within = written(rule.block.within_s)
        yield f"After {rule.block.moves} moves within {within} a class stays where it is until somebody runs"
        yield "`failover acknowledge`."


def _window(policy: Policy, window: WindowRule) -> Iterator[str]:
    yield f"Window {window.name}: {_when(window)}, for {written(window.lasts_s)}."
    for each in policy.maintenance:
        if each.window == window.name:
            yield f"  {each.drains} is drained while it is open."
    if window.name in policy.freezes:
        yield "  While it is open nothing routine is changed."


def _when(window: WindowRule) -> str:
    zone = window.timezone
    if window.cron is not None:
        return f"by cron, {window.cron} ({zone})"
    if window.rrule is not None:
        return f"from {window.starts} ({zone}) by {window.rrule}"
    return f"once, at {window.starts} ({zone})"
