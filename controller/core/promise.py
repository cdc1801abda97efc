"""How soon a fault is found: what the detectors can promise for a rate of probing and a threshold.

Total loss is found by silence: ``ride_out``, or what a link's own bursts make of it, and half a round of
probes. So is loss of most probes, only later, for every answer takes back some of the silence.

Grey loss is found when the evidence reaches the threshold, and each probe brings so much: the
Kullback-Leibler divergence of the loss from what is usual is the most that any test can gain (Lorden 1971),
and at heavy loss the bursts that the null hypothesis allows for take their share of it. The first part of the
way goes at the pace of calm, the rest at that of suspicion while its credit lasts. ``GAIN`` is fitted to the
simulations of ``tests/benchmarks``: beside their medians this is right within a tenth at 30 %, and mostly a
tenth to a third on the safe side at 10 and 5 %. All medians.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, log
from typing import Final

from controller.core.calibration import GREY_SHARE, Fit
from controller.core.evidence import TAKES_BACK
from controller.core.grey import GreyState
from controller.core.grey_ambient import PRIOR
from controller.core.grey_jury import FEWEST, GROUPS
from controller.core.grey_threshold import formula_threshold
from controller.core.model import Family, HealthPolicy, family_of
from controller.core.pacing import FASTER, FIRST_SIGN, MOST_SLICES, SLICE_INTERVALS, SLICE_S
from controller.core.silence import SilenceState

NEVER: Final = 0.0
CALM_INTERVALS_S: Final = (1.0, 0.5, 0.25)  # no more than four a second at a stranger's host
GAIN: Final = 1.45  # nats that a lost probe brings at most, in the middle of bursts that might be ordinary
TOLD: Final = (1.0, 0.3, 0.1, 0.05)  # losses that people are told of
BURST_FREE: Final = 15.0  # nats: what links without bursts are fitted to
MUCH: Final = 1.5  # times that: worth a word


@dataclass(frozen=True, slots=True)
class Promise:
    """What one family of one link can be promised. Times in seconds, medians."""

    targets: int
    probes_per_s: float  # in calm
    threshold: float  # nats
    ambient: float  # share of probes usually lost
    ride_out_s: float
    timeout_s: float
    stretched: bool = False  # ``ride_out_s`` is longer than policy says, for the link's own bursts

    @property
    def total_s(self) -> float:
        """Until total loss is found: silence since the last answered probe, which is half a round old.

        No less than a round, however short ``ride_out`` is: several answers must be missing.
        """
        round_s = self.targets / self.probes_per_s
        return max(self.ride_out_s + round_s / 2, round_s)

    def within_s(self, loss: float) -> float | None:
        """Until loss of this share of the probes (0 to 1) is found; None: never.

        Never: too few targets to leave one out, or hardly more than is usual.
        """
        times = (self.silence_s(loss), self.grey_s(loss))
        return min((each for each in times if each is not None), default=None)

    def grey_s(self, loss: float) -> float | None:
        """Until loss that leaves some answers is found for what it is; None: never. See ``within_s``."""
        if loss >= 1 or self.targets < FEWEST or loss <= 2 * self.ambient:
            return None
        jurors = min(self.targets, GROUPS)
        nats_per_s = self.probes_per_s * (jurors - 1) / jurors * _gain(loss, self.ambient)
        calm_s = FIRST_SIGN * self.threshold / nats_per_s
        hurried_s = (1 - FIRST_SIGN) * self.threshold / nats_per_s / FASTER
        credit_s = MOST_SLICES * max(SLICE_S, SLICE_INTERVALS * self.targets / self.probes_per_s)
        return self.timeout_s + calm_s + hurried_s + max(0.0, hurried_s - credit_s) * (FASTER - 1)

    def silence_s(self, loss: float) -> float | None:
        """Until silence has grown to ``ride_out``, though some probes may be answered; None: never."""
        grows = loss - TAKES_BACK * (1 - loss)
        return self.total_s + self.ride_out_s * (1 / grows - 1) if grows > 0 else None

    def __str__(self) -> str:
        told = [(loss, self.within_s(loss)) for loss in TOLD]
        text = ", ".join(f"{loss:.0%} in {seconds:.1f} s" for loss, seconds in told if seconds is not None)
        said = f"loss is found: {text}"
        if self.threshold >= MUCH * BURST_FREE and self.targets >= FEWEST:
            calm = replace(self, threshold=BURST_FREE).within_s(0.1)
            said += f" (10% in {calm:.1f} s where loss is known to come without bursts)"
        if self.stretched:
            said += f"; this link's own bursts of silence are ridden out for {self.ride_out_s:.1f} s"
        return said


def _gain(loss: float, ambient: float) -> float:
    """Nats of evidence that one probe brings on average while this share of them is lost."""
    divergence = loss * log(loss / ambient) + (1 - loss) * log((1 - loss) / (1 - ambient))
    return min(divergence, GAIN * loss)


def promised(loss: GreyState, fit: Fit, silence: SilenceState, health: HealthPolicy) -> Promise:
    """What a link can be promised by what is known of it."""
    rate = sum(1 / health.interval_of(target) for target in loss.targets)
    targets = len(loss.targets)
    return Promise(
        targets,
        rate,
        fit.threshold,
        loss.ambient.value,
        silence.ride_out_s,
        health.timeout_s,
        silence.stretched,
    )


def by_formula(health: HealthPolicy, family: Family, families: int) -> Promise:
    """What a link of so many families can be promised before it has a history of its own."""
    targets = health.targets_of(family)
    rate = sum(1 / health.interval_of(target) for target in targets)
    threshold = formula_threshold(rate, health.false_per_year * GREY_SHARE / families) if targets else inf
    timeout_s = max(map(health.timeout_of, targets), default=health.timeout_s)
    return Promise(len(targets), rate, threshold, PRIOR, health.ride_out_s, timeout_s)


def calm_interval_s(health: HealthPolicy) -> float:
    """The slowest rhythm that keeps ``ride_out`` and every wish; the fastest of them if none does."""
    families = sorted({family_of(target) for target in health.targets})
    for interval_s in CALM_INTERVALS_S:
        kept = replace(health, interval_s=interval_s)
        if 2 * interval_s <= health.ride_out_s and not broken(kept, families):
            return interval_s
    return CALM_INTERVALS_S[-1]


def broken(health: HealthPolicy, families: Sequence[Family]) -> dict[int, float]:
    """The wishes that cannot be met, by their place: the nearest that can, in whole seconds, or NEVER."""
    found = {}
    for index, wish in enumerate(health.catch):
        promises = [by_formula(health, family, len(families)) for family in families]
        times = [promise.within_s(wish.loss_percent / 100) for promise in promises]
        worst = max((time for time in times if time is not None), default=0.0)
        if any(time is None for time in times):
            found[index] = NEVER
        elif worst > wish.within_s:
            found[index] = float(ceil(worst))
    return found
