"""Detection delay against false alarms on simulated links: ``python -m tests.benchmarks.bench_detection``.

Prints markdown tables and asserts nothing. ``--years`` link-years of good time are simulated for every kind of
link; what is rarer than that comes from the tail that ``Calibrator`` fits, and is marked ``~``. Ours is silence
and grey loss side by side, each with half of one false alarm a link-year. Takes about ten minutes as it is,
and eight minutes for every further link-year of one link with 0.5 % loss.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from math import exp, inf

from controller.core.grey_threshold import LEVELS, YEAR_S, Calibrator, formula_threshold
from tests.benchmarks.detection_links import Fault, Link, ambient, faulty
from tests.benchmarks.detection_rules import Grey, PooledCusum, Rule, Streaks, Window

BUDGET = 0.5  # false alarms per link-year: half of one for grey, the other half for silence
APART_S = 60.0  # alarms closer than this are one
SETTLED_S = 60.0  # good time before a fault
PATIENCE_S = 120.0  # a fault not found by then is not found
RIDE_OUT_S = {"iid": 0.4, "ge3": 1.3, "ge20": 1.3}  # what burst-free links, and links with bursts, call for
FAULTS = (
    Fault("total", 1.0),
    Fault("65 %", 0.65),
    Fault("30 %", 0.3),
    Fault("10 %", 0.1),
    Fault("5 %", 0.05),
    Fault("bursty 30 %", 0.3, bursty=True),
    Fault("10 % and a dead target", 0.1, dead_target=True),
    Fault("one dead target", 0.0, dead_target=True),
)
Rules = dict[str, Callable[[Link], Rule]]


class Both:
    """Ours: whichever of silence and grey loss speaks first."""

    def __init__(self, link: Link, threshold: float) -> None:
        self._parts = (Streaks.silence(link, RIDE_OUT_S[link.kind]), Grey(link, threshold))

    def lost(self, number: int) -> float | None:
        alarms = [alarm for part in self._parts if (alarm := part.lost(number)) is not None]
        return min(alarms, default=None)


def usual_rules() -> Rules:
    """What others run, as they run it."""
    return {
        "3 in a row, quorum": lambda link: Streaks.in_a_row(link, 3),
        "5 in a row, quorum": lambda link: Streaks.in_a_row(link, 5),
        "dpinger: 20 % of 60 s, any target": Window,
        "CUSUM, pooled, independent null": PooledCusum,
    }


def good_time(link: Link, rules: Iterable[Rule], years: float, seed: int) -> list[int]:
    """False alarms of each rule in so much good time."""
    told = [(rule, [-inf, 0]) for rule in rules]
    end = years * YEAR_S * link.rate
    for number in ambient(link, random.Random(seed)):
        if number > end:
            break
        for rule, seen in told:
            alarm = rule.lost(number)
            if alarm is not None:
                seen[1] += alarm - seen[0] > APART_S
                seen[0] = alarm
    return [int(seen[1]) for _, seen in told]


def delays(link: Link, fault: Fault, rules: list[Rule], seed: int) -> list[float]:
    """Seconds from a fault's beginning to each rule's alarm; infinite if it never comes."""
    chance = random.Random(seed)
    begins = int(SETTLED_S * link.rate) + chance.randrange(link.targets)
    ends = begins + int(PATIENCE_S * link.rate)
    began_s = (begins - chance.random()) / link.rate
    found = [inf] * len(rules)
    for number in faulty(link, fault, begins, ends, chance):
        for index, rule in enumerate(rules):
            if found[index] == inf:
                alarm = rule.lost(number)
                if alarm is not None and number >= begins:
                    found[index] = max(0.0, alarm - began_s)
        if max(found) < inf:
            break
    return found


def per_year(calibrator: Calibrator, threshold: float, years: float) -> str:
    """How often evidence reaches a threshold: counted, or predicted by the tail where it never did."""
    level = min(len(LEVELS) - 1, int(threshold) - LEVELS[0])
    counted = calibrator.crossings[level] / years
    tail = calibrator.fit()
    if counted or tail is None:
        return f"{counted:.2g}"
    start, mean = tail
    return f"~{calibrator.crossings[start - LEVELS[0]] / years * exp((start - threshold) / mean):.1g}"


def false_alarms(links: list[Link], years: float) -> dict[Link, float]:
    """Print the first table; hand back the threshold fitted to each link's good time."""
    others = usual_rules()
    print(f"\nFalse alarms per link-year; {years:g} link-years simulated for each row\n")
    print(
        "| link | threshold: formula | fitted | tail 1/theta | grey at formula | grey at fitted | silence |"
    )
    print("|---|" + "---|" * 6, flush=True)
    fitted, rest = {}, []
    for seed, link in enumerate(links):
        formula = formula_threshold(link.rate, BUDGET)
        grey, silence = Grey(link), Streaks.silence(link, RIDE_OUT_S[link.kind])
        counts = good_time(link, [grey, silence, *(make(link) for make in others.values())], years, seed)
        history = grey.calibrator.quiet(years * YEAR_S)
        fitted[link] = history.threshold(BUDGET) or formula
        tail = history.fit()
        print(
            f"| {link} | {formula:.1f} | {fitted[link]:.1f} | {tail[1] if tail else 0:.2f} "
            f"| {per_year(history, formula, years)} | {per_year(history, fitted[link], years)} "
            f"| {counts[1] / years:.2g} (ride out {RIDE_OUT_S[link.kind]:g} s) |",
            flush=True,
        )
        rest.append((link, counts[2:]))
    print("\n| link | " + " | ".join(others) + " |\n|---|" + "---|" * len(others))
    for link, counts in rest:
        print(f"| {link} | " + " | ".join(f"{count / years:.3g}" for count in counts) + " |")
    return fitted


def found_after(links: dict[Link, float], runs: int) -> None:
    """Print the second table."""
    print(f"\nSeconds to an alarm, median / p99 of {runs} faults (- : not within {PATIENCE_S:g} s)\n")
    print("| link | rule | " + " | ".join(fault.name for fault in FAULTS) + " |")
    print("|---|---|" + "---|" * len(FAULTS), flush=True)
    for link, threshold in links.items():
        formula = formula_threshold(link.rate, BUDGET)
        rules: Rules = {
            f"ours, fitted ({threshold:.1f})": partial(Both, threshold=threshold),
            f"ours, formula ({formula:.1f})": partial(Both, threshold=formula),
            **usual_rules(),
        }
        cells: dict[str, list[str]] = {name: [] for name in rules}
        for fault in FAULTS:
            found = [
                delays(link, fault, [make(link) for make in rules.values()], seed) for seed in range(runs)
            ]
            for index, name in enumerate(rules):
                seconds = sorted(each[index] for each in found)
                cells[name].append(f"{_s(seconds[runs // 2])} / {_s(seconds[int(0.99 * (runs - 1))])}")
        for name, texts in cells.items():
            print(f"| {link} | {name} | " + " | ".join(texts) + " |", flush=True)


def _s(seconds: float) -> str:
    return "-" if seconds == inf else f"{seconds:.1f}"


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=float, default=0.02, help="link-years of good time per link")
    parser.add_argument("--runs", type=int, default=100, help="faults of each kind per link")
    parser.add_argument("--loss", type=float, nargs="+", default=[0.1, 0.5, 1.0], help="ambient, in percent")
    parser.add_argument("--kind", nargs="+", default=["iid", "ge3", "ge20"])
    parser.add_argument("--targets", type=int, default=5)
    parser.add_argument("--rate", type=float, default=30.0, help="probes/s of a link")
    wanted = parser.parse_args()
    links = [
        Link(kind, loss / 100, wanted.targets, wanted.rate) for loss in wanted.loss for kind in wanted.kind
    ]
    print(f"{wanted.targets} targets, {wanted.rate:g} probes/s a link, timeout 0.3 s, RTT 20 ms")
    began = time.monotonic()
    fitted = false_alarms(links, wanted.years)
    found_after(fitted, wanted.runs)
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
