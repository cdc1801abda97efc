"""Budgets and waits that are allowed, and yet keep traffic where it should not be."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.core.explain import written
from controller.core.model import Policy


def sense_numbers(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about stability."""
    rule = policy.stability
    longest = max(policy.classes.values(), key=lambda each: len(each.prefer.upstreams))
    needed = len(longest.prefer.upstreams) - 1
    if rule.escapes_per_hour < needed:
        message = (
            f"class {quoted(longest.name)} has {needed + 1} upstreams: should one after the other fail within"
            f" an hour, it would stay on a dead one after {rule.escapes_per_hour}"
        )
        hint = f"Write {needed} per hour or more: a dead path is better left at once."
        yield sources.policy.problem(("stability", "escapes"), message, hint)
    if rule.hold_down_s > rule.fail_back_forgotten_after_s:
        message = (
            "'hold_down' is longer than 'forgotten_after', so failures are forgotten before a class may move"
        )
        hint = f"Write {written(rule.fail_back_forgotten_after_s)} or less, or a longer 'forgotten_after'."
        yield sources.policy.problem(("stability", "hold_down"), message, hint)
    if rule.hold_down_s == 0:
        message = "nothing lies between two routine moves of one class, so traffic may flap"
        yield sources.policy.problem(("stability", "hold_down"), message, "Write 10min or the like.")
    if rule.fail_back_clean_s == 0:
        message = "traffic returns to a link the moment it is up, so it may flap"
        yield sources.policy.problem(("stability", "fail_back", "clean"), message, "Write 60s or the like.")
