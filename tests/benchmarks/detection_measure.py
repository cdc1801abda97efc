"""What is simulated of each link: good time, for false alarms; faults, for delays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf

import numpy as np

from controller.core import silence
from controller.core.calibration import GREY_SHARE
from controller.core.grey_threshold import LEVELS, YEAR_S, Calibrator, formula_threshold
from controller.core.silence import unit_s
from tests.benchmarks.detection_links import Fault, FaultyTime, GoodTime, Link
from tests.benchmarks.detection_ours import Ours, Silences, interesting
from tests.benchmarks.detection_rules import USUAL, Rule, Rules

GREY_BUDGET = GREY_SHARE  # false alarms per link-year: one in all
SILENCE_BUDGET = 1 - GREY_SHARE
APART_S = 60.0  # alarms closer than this are one
DAY_S = 86400.0
PILOT_DAYS = 3  # for the threshold that decides what is suspicious in what follows
HISTORY_DAYS = 14  # what a controller remembers when it fits its threshold
SETTLED_S = 30.0  # good time before a fault
LEAST_RIDE_OUT_S = 0.4
LOSSES = (Fault("total", 1.0), Fault("30 %", 0.3), Fault("10 %", 0.1), Fault("5 %", 0.05))
DEAD_TARGET = Fault("one dead target", 0.0, dead_target=True)
FAULTS = (*LOSSES, Fault("10 % and a dead target", 0.1, dead_target=True), DEAD_TARGET)


@dataclass(frozen=True)
class History:
    """Good time of one link, by ours. ``early``: grey crossings within the first ``HISTORY_DAYS``."""

    link: Link
    days: int
    reference: float  # threshold, in nats, of which a share is suspicious
    fast_share: float  # of the time
    crossings: tuple[int, ...]
    early: tuple[int, ...]
    silences: tuple[int, ...]
    ambient: float | None = None  # what the null hypothesis takes for usual, if not the truth

    @property
    def years(self) -> float:
        """Link-years."""
        return self.days * DAY_S / YEAR_S

    @cached_property
    def calibrator(self) -> Calibrator:
        """With all of it."""
        return Calibrator(self.days * DAY_S, self.crossings)

    @cached_property
    def early_calibrator(self) -> Calibrator:
        """With what a controller would have seen when it fits for the first time."""
        return Calibrator(min(HISTORY_DAYS, self.days) * DAY_S, self.early)

    @property
    def formula(self) -> float:
        """The threshold before there is any history."""
        return formula_threshold(self.link.rate, GREY_BUDGET)

    @property
    def threshold(self) -> float:
        """As a controller would fit it after ``HISTORY_DAYS``."""
        return self.early_calibrator.threshold(GREY_BUDGET) or self.formula

    @property
    def ride_out_s(self) -> float:
        """As a controller would fit it, by all of the history."""
        return ride_out(self.link, self.silences, self.days)

    @property
    def probes_per_s(self) -> float:
        """On average in good time."""
        return self.link.rate * (1 + 3 * self.fast_share)

    def counted(self, threshold: float) -> int:
        """Crossings of the next whole level below a threshold: no fewer than of the threshold itself."""
        return self.crossings[min(len(LEVELS) - 1, max(0, int(threshold) - LEVELS[0]))]

    def per_year(self, threshold: float) -> str:
        """Grey alarms a year: counted, or ~ by the tail of the whole history where there were none."""
        if self.counted(threshold):
            return f"{self.counted(threshold) / self.years:.2g}"
        rate = predicted(self.calibrator, threshold)
        return "0" if rate is None else f"~{rate:.1g}"

    def false_silences(self, ride_out_s: float) -> float:
        """Per year, by count."""
        levels = Silences(self.link).levels
        reached = max((index for index, level in enumerate(levels) if level <= ride_out_s), default=0)
        return self.silences[reached] / self.years


def predicted(calibrator: Calibrator, threshold: float) -> float | None:
    """Crossings per year by the exponential tail; None without enough to fit."""
    tail = calibrator.fit()
    if tail is None:
        return None
    start, mean = tail
    per_year = calibrator.crossings[start - LEVELS[0]] * YEAR_S / calibrator.observed_s
    return per_year * exp((start - threshold) / mean)


def ride_out(link: Link, silences: Sequence[int], days: float) -> float:
    """The shortest ride-out that keeps to the budget, as ``controller.core.silence`` fits it."""
    below = Silences.FIRST - LEVELS[0]  # silences so short are not told apart
    crossings = (*[silences[0]] * below, *silences)[: len(LEVELS)]
    fitted_s = silence.fitted_s(Calibrator(days * DAY_S, crossings), unit_s(link.interval_s), SILENCE_BUDGET)
    return round(max(LEAST_RIDE_OUT_S, fitted_s), 2)


def good_time(
    link: Link, days: int, ambient: float | None = None, tell: Callable[[str], None] = lambda _: None
) -> History:
    """Ours on so many days of good time, after a pilot that settles what is suspicious."""
    pilot = Ours(link, formula_threshold(link.rate, GREY_BUDGET), 3.0, ambient)
    for day in range(PILOT_DAYS):
        _one_day(pilot, GoodTime(link, DAY_S, [7, day]), day, everything=True)
    history = pilot.calibrator.quiet(PILOT_DAYS * DAY_S)
    reference = history.threshold(GREY_BUDGET) or formula_threshold(link.rate, GREY_BUDGET)
    ride_out_s = ride_out(link, pilot.silences.crossings, PILOT_DAYS)
    ours = Ours(link, reference, ride_out_s, ambient)
    early, fast_s = ours.calibrator, 0.0
    for day in range(days):
        _one_day(ours, GoodTime(link, DAY_S, [1, day]), day, everything=day < HISTORY_DAYS)
        if day < HISTORY_DAYS:
            early, fast_s = ours.calibrator, ours.fast_s
        if day % 100 == 99:
            tell(f"{link}: day {day + 1} of {days}")
    return History(
        link=link,
        days=days,
        reference=reference,
        fast_share=fast_s / (min(days, HISTORY_DAYS) * DAY_S),
        crossings=ours.calibrator.crossings,
        early=early.crossings,
        silences=tuple(ours.silences.crossings),
        ambient=ambient,
    )


def _one_day(ours: Ours, world: GoodTime, day: int, *, everything: bool) -> None:
    number = 0
    for first in world.lost.tolist() if everything else interesting(ours.link, world):
        if first >= number:
            number = ours.run(world, first, day * DAY_S)


def a_dead_target(history: History, days: int) -> dict[str, float]:
    """So many days of ours with one target that never answers: alarms, and the most evidence there was."""
    link, alarms, most = history.link, 0, 0
    ours = Ours(link, history.threshold, history.ride_out_s)
    for day in range(days):
        ours.run(FaultyTime(link, DEAD_TARGET, 0.0, DAY_S, [5, day]), 0, day * DAY_S, DAY_S)
    for level, count in zip(LEVELS, ours.calibrator.crossings, strict=True):
        most = level if count else most
        alarms = count if level <= history.threshold else alarms
    fast_s = ours.fast_s / days
    return {"days": days, "alarms": alarms, "most": most, "fast_share": fast_s / DAY_S}


def usual_in_good_time(link: Link, days: int, rules: Rules = USUAL) -> dict[str, int]:
    """False alarms of the usual rules in so many days."""
    told: list[tuple[Rule, list[float]]] = [(make(link), [-inf, 0]) for make in rules.values()]
    per_day = int(DAY_S * link.rate)
    for day in range(days):
        for number in (GoodTime(link, DAY_S, [1, day]).lost + day * per_day).tolist():
            for rule, seen in told:
                alarm = rule.lost(number)
                if alarm is not None:
                    seen[1] += alarm - seen[0] > APART_S
                    seen[0] = alarm
    return {name: int(seen[1]) for name, (_, seen) in zip(rules, told, strict=True)}


def patience_s(link: Link) -> float:
    """A fault not found by then is not found."""
    return max(120.0, 1200 / link.rate)


def ours_found(
    history: History,
    fault: Fault,
    runs: int,
    threshold: float | None = None,
    ride_out_s: float | None = None,
) -> list[float]:
    """Seconds from a fault's beginning to an alarm of ours, ascending; infinite if it never comes."""
    link, found = history.link, []
    for seed in range(runs):
        begins_s = SETTLED_S + np.random.default_rng([seed, 2]).random() * link.interval_s
        until_s = begins_s + patience_s(link)
        world = FaultyTime(link, fault, begins_s, until_s, [seed, 3])
        ours = Ours(link, threshold or history.threshold, ride_out_s or history.ride_out_s, history.ambient)
        number, alarm = 0, inf
        while alarm == inf and number < until_s * link.rate:
            number = ours.run(world, number, until_s=until_s, stops=True)
            alarm = min(ours.grey_at, ours.silent_at)
            alarm = inf if alarm < begins_s else alarm
        found.append(alarm - begins_s)
    return sorted(found)


def usual_found(link: Link, fault: Fault, runs: int, rules: Rules = USUAL) -> dict[str, list[float]]:
    """Likewise for the usual rules."""
    found: dict[str, list[float]] = {name: [] for name in rules}
    for seed in range(runs):
        begins_s = SETTLED_S + np.random.default_rng([seed, 2]).random() * link.interval_s
        until_s = begins_s + patience_s(link)
        world = FaultyTime(link, fault, begins_s, until_s, [seed, 3])
        looking = {name: make(link) for name, make in rules.items()}
        number = 0
        while looking and (number := world.next_loss(number)) < until_s * link.rate:
            if world.lost_in_calm(number):
                for name, rule in list(looking.items()):
                    alarm = rule.lost(number)
                    if alarm is not None and alarm >= begins_s:
                        found[name].append(alarm - begins_s)
                        del looking[name]
            number += 1
        for name in looking:
            found[name].append(inf)
    return {name: sorted(each) for name, each in found.items()}
