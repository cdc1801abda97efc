"""What the hour changes: maintenance drains links, and classes prefer others in a window of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from controller.core.model import OrderKind, Override, Policy, TrafficClass, Window

PLANNED = 0  # the number of orders that nobody gave: the policy has them


def maintenance(policy: Policy, windows: Mapping[str, Window]) -> Iterator[Override]:
    """Drains of this moment, as if somebody had ordered them."""
    for each in policy.maintenance:
        window = windows.get(each.window)
        if window is not None and window.is_open:
            yield Override(
                PLANNED,
                OrderKind.DRAIN,
                each.drains,
                "",
                "policy",
                f"window {each.window}",
                0.0,
                window.until,
            )


def preferring(traffic_class: TrafficClass, windows: Mapping[str, Window]) -> TrafficClass:
    """The class with what it prefers at this hour."""
    for name, preference in traffic_class.prefer_in:
        if name in windows and windows[name].is_open:
            return replace(traffic_class, prefer=preference)
    return traffic_class


def next_at(windows: Mapping[str, Window]) -> float | None:
    """When the next window opens or closes; None: none does."""
    return min((each.until for each in windows.values() if each.until is not None), default=None)
