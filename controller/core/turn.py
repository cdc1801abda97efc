"""A verdict that changed, kept with the samples that drove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from controller.core.model import Verdict
from controller.core.samples import Probe
from controller.core.sight import LinkSight, View, look

DRIVING: Final = 40  # probes a target: a second even where suspicion has made them four times as many


@dataclass(frozen=True, slots=True)
class Change:
    """What was at hand when a link's verdict changed. ``view`` is of that link."""

    was: Verdict
    view: View
    at: float
    utc: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What drove a verdict: figures, evidence against limits, and each target's latest probes."""

    utc: float
    was: Verdict
    sight: LinkSight
    # Target -> its latest probes, oldest first; sent so many seconds before (below zero) or at the verdict.
    probes: Mapping[str, tuple[Probe, ...]]


def turn(change: Change, window_s: float) -> Turn:
    """The change as it is kept: bounded, with times that mean something on any clock.

    ``window_s``: of the figures.
    """
    (sight,) = look(change.view, change.at, change.utc, window_s, "").links
    latest = change.view.latest.get(sight.link, {})
    return Turn(
        change.utc,
        change.was,
        sight,
        {
            series.target: tuple(
                Probe(
                    round(probe.sent_at - change.at, 3),
                    probe.state,
                    None if probe.rtt_ms is None else round(probe.rtt_ms, 2),
                )
                for probe in probes[-DRIVING:]
            )
            for series, probes in latest.items()
        },
    )
