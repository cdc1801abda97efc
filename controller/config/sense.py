"""What a policy says that is allowed and hardly meant: findings for people, which stop nothing."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.problems import Problem
from controller.config.sense_announced import sense_announced
from controller.config.sense_capacity import sense_capacity
from controller.config.sense_classes import sense_classes
from controller.config.sense_numbers import sense_numbers
from controller.config.sense_prefixes import sense_prefixes
from controller.config.sense_roles import sense_roles
from controller.config.sense_times import sense_times
from controller.config.sources import Sources
from controller.core.model import Policy


def sense(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every such finding. ``policy`` is what ``sources``, which are without problems, came to."""
    findings = (
        sense_classes,
        sense_prefixes,
        sense_roles,
        sense_announced,
        sense_numbers,
        sense_times,
        sense_capacity,
    )
    for each in findings:
        yield from each(sources, policy)
