"""Brownouts on simulated links, ours beside other rules: ``python -m tests.benchmarks.bench_latency``.

Prints a markdown table for each rate of probing and asserts nothing. Alarms less than a minute apart are one.
All rules but the absolute ones compare with a level of the target's own: ours with what it has learned, the others
with the median of the day before, which is a favour to them. All ask two of the targets to agree. A day of one
link takes about four seconds at 2 probes/s, about ten at 10 probes/s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from controller.core import latency
from controller.core.latency_usual import Thinned
from controller.core.model import LatencyPolicy
from tests.benchmarks.latency_links import Path, Trips

Moments = NDArray[np.bool_]  # a column a round of probes: does the rule say that the link is slow?
TARGETS, AGREE = 3, 2
APART_S = 60.0
BLOCK_S = latency.BLOCK_S
EWMA_TAPS = 160  # of weight 1/16: the rest weighs 0.003 %
SETTLED_S, FAULT_S, RUNS = 3600, 600, 40

OURS = {
    "ours: worse_by 50 ms, held 60 s": LatencyPolicy(50, 60),
    "ours: worse_by 30 ms, held 60 s": LatencyPolicy(30, 60),
    "ours: worse_by 30 ms, held 90 s": LatencyPolicy(30, 90),
    "ours: worse_by 15 ms, held 60 s": LatencyPolicy(15, 60),
    "ours: worse_by 50 ms, jitter 30 ms, held 60 s": LatencyPolicy(50, 60, jitter_worse_by_ms=30),
}


@dataclass(frozen=True)
class Fault:
    """What is added to round trips: to all alike, or to each by chance, or to one target only."""

    name: str
    shift_ms: float = 0.0
    jitter_ms: float = 0.0
    one: bool = False

    def on(self, trips: Trips, chance: np.random.Generator) -> Trips:
        extra = np.full_like(trips, self.shift_ms)
        if self.jitter_ms:
            extra += chance.exponential(self.jitter_ms, trips.shape)
        if self.one:
            extra[1:] = 0
        return trips + extra


FAULTS = (
    Fault("+20 ms", 20),
    Fault("+50 ms", 50),
    Fault("+200 ms", 200),
    Fault("jitter 30 ms", jitter_ms=30),
    Fault("one target +50 ms", 50, one=True),
)


# --- the other rules: (trips, level of each target, rate) -> moments ------------------------------


def _agreed(bad: NDArray[np.bool_]) -> Moments:
    agreed: Moments = bad.sum(axis=0) >= AGREE
    return agreed


def _running(values: Trips, width: int) -> Trips:
    """Mean of the last ``width``; of fewer at the beginning, 0."""
    sums = np.cumsum(values, axis=1)
    out = np.zeros_like(values)
    out[:, width:] = (sums[:, width:] - sums[:, :-width]) / width
    return out


def absolute(limit_ms: float) -> Callable[[Trips, Trips, float], Moments]:
    """dpinger's: the mean of a minute above a limit; any target does."""

    def rule(trips: Trips, level: Trips, rate: float) -> Moments:
        bad: Moments = (_running(trips, round(60 * rate)) > limit_ms).sum(axis=0) > 0
        return bad

    return rule


def minute_mean(trips: Trips, level: Trips, rate: float) -> Moments:
    return _agreed(_running(trips, round(60 * rate)) > level + 20)


def ewma(trips: Trips, level: Trips, rate: float) -> Moments:
    weights = (1 / 16) * (15 / 16) ** np.arange(EWMA_TAPS)
    smooth = np.array([np.convolve(row - row[0], weights)[: len(row)] + row[0] for row in trips])
    return _agreed(smooth > level + 30)


def in_a_row(trips: Trips, level: Trips, rate: float) -> Moments:
    return _agreed(_running((trips > level + 30).astype(float), 20) > 1 - 1e-6)


OTHERS: dict[str, Callable[[Trips, Trips, float], Moments]] = {
    "dpinger: mean of 60 s above 200 ms": absolute(200),
    "dpinger: mean of 60 s above 500 ms": absolute(500),
    "mean of 60 s 20 ms above usual": minute_mean,
    "EWMA 1/16 30 ms above usual": ewma,
    "20 in a row 30 ms above usual": in_a_row,
}


# --- ours ----------------------------------------------------------------------------------------


class Ours:
    """The rule as it is in service, fed a block at a time."""

    def __init__(self, policy: LatencyPolicy, rate: float) -> None:
        self._policy = policy
        self.state = latency.initial(range(TARGETS), 1 / rate)
        self._now = 0.0

    def live(self, trips: Trips, rate: float) -> Iterator[tuple[float, bool, bool]]:
        """Through whole blocks: when each ends, in s; whether the link is slow then, and in brownout."""
        size = round(BLOCK_S * rate)
        for index, begin in enumerate(range(0, trips.shape[1] - size + 1, size)):
            rows = trips[:, begin : begin + size].tolist()
            targets: dict[Hashable, latency.Target] = {
                name: replace(target, block=Thinned(tuple(rows[name]), 1, size))
                for name, target in zip(range(TARGETS), self.state.targets.values(), strict=True)
            }
            self.state = latency.step(replace(self.state, targets=targets), (), self._policy, self._now)
            self._now += BLOCK_S
            self.state = latency.step(self.state, (), self._policy, self._now)
            yield (index + 1) * BLOCK_S, self.state.is_slow, self.state.brownout


def starts(moments: Iterable[tuple[float, bool]]) -> list[float]:
    """When something begins, apart from what began less than a minute before."""
    found, was = [-inf], False
    for at, now in moments:
        if now and not was and at - found[-1] >= APART_S:
            found.append(at)
        was = now
    return found[1:]


# --- the tables ----------------------------------------------------------------------------------


def alarms(rate: float, days: int, seed: int) -> dict[str, list[int]]:
    """Of good days: how many alarms each rule gives; ours how often slow, and how often in brownout."""
    path = Path(TARGETS, rate, np.random.default_rng(seed))
    ours = {name: Ours(policy, rate) for name, policy in OURS.items()}
    counts = {name: [0, 0] for name in (*OURS, *OTHERS)}
    level = np.median(path.day(), axis=1)[:, None]
    for _ in range(days):
        trips = path.day()
        for name, rule in ours.items():
            lived = list(rule.live(trips, rate))
            counts[name][0] += len(starts((at, slow) for at, slow, _ in lived))
            counts[name][1] += len(starts((at, brownout) for at, _, brownout in lived))
        for name, other in OTHERS.items():
            bad = other(trips, level, rate)
            turns = np.flatnonzero(np.diff(bad.astype(np.int8)) == 1)
            counts[name][1] += len(
                starts((turn / rate + side, not side) for turn in turns for side in (0, 1e-9))
            )
        level = np.median(trips, axis=1)[:, None]
    return counts


def delays(rate: float, fault: Fault, seed: int) -> dict[str, tuple[float, float]]:
    """After a fault: seconds until each rule's alarm; ours until seen, and until brownout."""
    chance = np.random.default_rng([seed, 1])
    begin = SETTLED_S + float(chance.random()) * 60
    path = Path(TARGETS, rate, chance, episodes=0)
    trips = path.day(SETTLED_S + 60 + FAULT_S)
    first = round(begin * rate)
    level = np.median(trips[:, :first], axis=1)[:, None]
    trips[:, first:] = fault.on(trips[:, first:], chance)
    found = {}
    for name, policy in OURS.items():
        lived = [each for each in Ours(policy, rate).live(trips, rate) if each[0] > begin]
        seen = next((at - begin for at, slow, _ in lived if slow), inf)
        found[name] = seen, next((at - begin for at, _, brownout in lived if brownout), inf)
    for name, other in OTHERS.items():
        moments = np.flatnonzero(other(trips, level, rate)[first:])
        found[name] = inf, float(moments[0]) / rate if len(moments) else inf
    return found


def _told(seconds: list[float]) -> str:
    middle = sorted(seconds)[len(seconds) // 2]
    return "-" if middle == inf else f"{middle:.1f}" if middle < 10 else f"{middle:.0f}"


def table(rate: float, days: int, runs: int) -> None:
    """Print what came of one rate of probing."""
    began = time.monotonic()
    counts = alarms(rate, days, seed=1)
    print(
        f"\n{TARGETS} targets, {rate:g} probes/s each, {days} days without a fault, {runs} faults of each kind."
    )
    print("Seconds are medians, of ours: seen / brownout. - : not within ten minutes.\n")
    print("| rule | alarms a link-year | " + " | ".join(fault.name for fault in FAULTS) + " |")
    print("|---|---|" + "---|" * len(FAULTS), flush=True)
    found = {fault: [delays(rate, fault, seed) for seed in range(runs)] for fault in FAULTS}
    for name, (slow, brownouts) in counts.items():
        cells = []
        for fault in FAULTS:
            seen, acted = ([run[name][which] for run in found[fault]] for which in (0, 1))
            cells.append(f"{_told(seen)} / {_told(acted)}" if name in OURS else _told(acted))
        a_year = f"{brownouts * 365.25 / days:.0f}"
        if name in OURS:
            a_year += f" (slow {slow * 365.25 / days:.0f})"
        print(f"| {name} | {a_year} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60, help="days without a fault, for each rate")
    parser.add_argument("--runs", type=int, default=RUNS, help="faults of each kind, for each rate")
    parser.add_argument("--rate", type=float, nargs="+", default=[2.0, 10.0], help="probes/s of one target")
    wanted = parser.parse_args()
    for rate in wanted.rate:
        table(rate, wanted.days, wanted.runs)


if __name__ == "__main__":
    main()
