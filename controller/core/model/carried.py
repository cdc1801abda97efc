"""What is known of how much goes where. Bits per second, in the larger direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Traffic:
    """One moment. What is not known is missing, and nothing is held against anybody for it."""

    links: Mapping[str, float] = field(default_factory=dict)  # link -> measured now, smoothed
    classes: Mapping[str, float] = field(default_factory=dict)  # class -> its peak of the last hour
    others: Mapping[str, float] = field(default_factory=dict)  # upstream -> measured while no class was on it
    full_since: Mapping[str, float] = field(
        default_factory=dict
    )  # upstream -> when it, or a link of it, filled up
    # Upstream -> so many more five-minute averages of this month may exceed its commit without being billed.
    bursts: Mapping[str, int] = field(default_factory=dict)


NOTHING_KNOWN = Traffic()
