"""Detection delay against false failovers on simulated links: ``python -m tests.benchmarks.bench_detection``.

Simulates what is not in the results file yet, and prints tables. Ours is silence and grey loss side by side at
an adaptive pace, each with half of one false alarm a link-year. ``--write`` puts the tables into tests/README.md
and the figure beside this file. Asserts nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from controller.core.grey_threshold import YEAR_S
from tests.benchmarks import detection_figure, detection_report, results
from tests.benchmarks.detection_links import Fault, Link
from tests.benchmarks.detection_measure import (
    FAULTS,
    LOSSES,
    History,
    a_dead_target,
    good_time,
    ours_found,
    predicted,
    usual_found,
    usual_in_good_time,
)
from tests.benchmarks.detection_rules import variants
from tests.benchmarks.detection_store import Found, NotKeptError, Store, from_plain, summary, to_plain

HERE = Path(__file__).parent
YEAR = 365  # days
AMBIENT_DAYS = 14
DEAD_DAYS = 1
RATES = (2.0, 10.0, 20.0)  # of the tables that compare
GOALS = (
    "**Ours against the goals.** Median / 95th percentile of seconds to an alarm. Probes/s of a link, all targets "
    "together: in calm 4, 5.2 or 10 to each target, on average with the fast stretches that ambient loss sets off. "
    "False failovers a year: counted in 49 days (5 x 4/s: 91), or where there were none ~ by the fitted tail. What "
    "falls short: bursts of three probes last longer where probes are fewer, so total loss takes 5 x 4/s longer than "
    "the goal; 3 x 10/s exceeds 30 probes/s on average."
)
FALSE = (
    "**False failovers per link-year**, all rules. `5 x 4/s`: five targets, 4 probes/s each. The usual rules keep "
    "to the pace of calm, for 14 or 28 days each, as configured usually: none is tuned to its link."
)
DELAYS = (
    "**Median seconds to an alarm** at total, 30, 10 and 5 % loss; `-`: not within 120 s (600 s at 2 probes/s). "
    "†: one dead target is taken for a fault of the link. Lower bound: at the steady pace of calm, for one alarm a year; for bursts it is asymptotic, "
    "and a long first burst can be found sooner."
)
TAILS = (
    "**Does the fitted tail tell the truth?** Crossings of a level of evidence per link-year: predicted from the "
    "first 14 days / counted in all."
)
AMBIENT = (
    f"**Ambient loss taken for 0.5 %** while it is something else; {AMBIENT_DAYS} days, 60 faults a cell."
)
DEAD = (
    "**One target dead** for good, ambient loss of 0.5 % besides: alarms of grey loss only, not of silence."
)


@dataclass(frozen=True)
class Cell:
    """One link, for so many days of good time; the usual rules for fewer; so many faults of each kind."""

    link: Link
    days: int
    usual_days: int
    runs: int

    @property
    def name(self) -> str:
        """In the results file."""
        return f"{self.link} {self.days} d"

    def runs_of(self, fault: Fault) -> int:
        """Faults with a dead target take long."""
        return min(self.runs, 100) if fault.dead_target else self.runs


def goals() -> list[Cell]:
    """What the goals are about: five targets 4 times a second each as by default, and as many as are allowed."""
    return [
        Cell(Link(kind, 0.005, targets, rate), days, 28, runs)
        for targets, rate, days, runs in ((5, 20.0, 91, 200), (5, 26.0, 49, 100), (3, 30.0, 49, 100))
        for kind in ("iid", "ge3")
    ]


def grid() -> list[Cell]:
    """All rates, kinds and levels of ambient loss, five targets each."""
    return [
        Cell(Link(kind, loss, 5, rate), 56 if rate == 2.0 else 14, 14, 40)
        for rate in (2.0, 10.0, 20.0)
        for loss in (0.001, 0.005, 0.01)
        for kind in ("iid", "ge3")
        if (loss, rate) != (0.005, 20.0)  # among the goals already
    ]


def long() -> list[tuple[Link, int]]:
    """Good time, in days, enough to see whether the tail fitted to a fortnight tells the truth."""
    return [
        (Link(kind, 0.005, 5, rate), days)
        for rate, days in ((2.0, 4 * YEAR), (20.0, YEAR))
        for kind in ("ge3", "iid")
    ]


def quick() -> list[Cell]:
    """A taste of it."""
    return [Cell(Link(kind, 0.005, 5, 20.0), 28, 14, 60) for kind in ("iid", "ge3")]


def good(store: Store, link: Link, days: int) -> History:
    """Good time of one link."""
    return from_plain(store.once(f"{link} {days} d: good time", partial(_good, link, days)))


def measured(store: Store, cell: Cell) -> History:
    """All about one cell."""
    link = cell.link
    history = good(store, link, cell.days)
    store.once(
        f"{link}: usual rules, {cell.usual_days} d", partial(usual_in_good_time, link, cell.usual_days)
    )
    for fault in FAULTS:
        runs = cell.runs_of(fault)
        store.once(f"{cell.name}: {fault.name}, ours, {runs}", partial(_ours, history, fault, runs))
        store.once(f"{link}: {fault.name}, usual rules", partial(_usual, link, fault))
    return history


def _good(link: Link, days: int, ambient: float | None = None) -> dict[str, Any]:
    return to_plain(good_time(link, days, ambient, _tell))


def _variants(link: Link, fault: Fault) -> dict[str, Found]:
    return {name: summary(each) for name, each in usual_found(link, fault, 40, variants()).items()}


def _ours(history: History, fault: Fault, runs: int) -> Found:
    return summary(ours_found(history, fault, runs))


def _usual(link: Link, fault: Fault) -> dict[str, Found]:
    return {name: summary(each) for name, each in usual_found(link, fault, 100).items()}


def _tell(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def wrong_ambient(store: Store) -> list[tuple[History, list[Found]]]:
    """The null hypothesis scaled to 0.5 %, whatever the link's own loss."""
    rows = []
    for link in (Link(kind, loss) for kind in ("iid", "ge3") for loss in (0.001, 0.01)):
        name = f"{link} taken for 0.5%"
        plain = store.once(f"{name}, {AMBIENT_DAYS} d", partial(_good, link, AMBIENT_DAYS, 0.005))
        history = from_plain(plain)
        found = [store.once(f"{name}: {fault.name}", partial(_ours, history, fault, 60)) for fault in LOSSES]
        rows.append((history, found))
    return rows


def trade_off(store: Store, history: History) -> dict[str, list[detection_figure.Point]]:
    """For the figure: ours at several thresholds and ride-outs, the usual rules at several settings."""
    link, days = history.link, 28
    counts = store.once(f"{link}: variants, {days} d", partial(usual_in_good_time, link, days, variants()))
    panels = {}
    for fault, settings in (
        (LOSSES[0], (0.4, 0.6, 0.8, 1.0, 1.4, 1.8)),
        (LOSSES[2], (9.0, 11.0, 13.0, 16.0, 20.0)),
    ):
        usual = store.once(
            f"{link}: {fault.name}, variants",
            partial(_variants, link, fault),
        )
        points: list[detection_figure.Point] = [
            (name, max(count, 1) * YEAR_S / 86400 / days, count > 0, usual[name]["median"])
            for name, count in counts.items()
        ]
        for setting in settings:
            silence = fault is LOSSES[0]
            seconds = store.once(
                f"{link}: {fault.name} at {setting:g}",
                partial(_at, history, fault, None if silence else setting, setting if silence else None),
            )
            rate = history.false_silences(setting) if silence else history.counted(setting) / history.years
            told = rate or (0.0 if silence else predicted(history.calibrator, setting) or 0.0)
            unit = "s" if silence else " nats"
            points.append(
                (f"ours: {setting:g}{unit}", told or 1 / history.years, rate > 0, seconds["median"])
            )
        panels[f"{link}: {fault.name} loss"] = points
    return panels


def _at(history: History, fault: Fault, threshold: float | None, ride_out_s: float | None) -> Found:
    return summary(ours_found(history, fault, 60, threshold, ride_out_s))


class Report:
    """Reads the store; simulates nothing but bounds."""

    def __init__(self, store: Store, cells: list[Cell]) -> None:
        self._store = store
        self._cells = {cell.link: cell for cell in cells}
        self._histories = {cell.link: good(store, cell.link, cell.days) for cell in cells}

    def found(self, history: History, fault: Fault) -> Found:
        """By ours."""
        cell = self._cells[history.link]
        found: Found = self._store.get(f"{cell.name}: {fault.name}, ours, {cell.runs_of(fault)}")
        return found

    def usual(self, link: Link, fault: Fault) -> dict[str, Found]:
        """By the usual rules."""
        found: dict[str, Found] = self._store.get(f"{link}: {fault.name}, usual rules")
        return found

    def usual_false(self, link: Link) -> tuple[int, dict[str, int]]:
        """Days, and false alarms in them."""
        days = self._cells[link].usual_days
        return days, self._store.get(f"{link}: usual rules, {days} d")

    def of(self, cells: list[Cell]) -> list[History]:
        """Their good time."""
        return [self._histories[cell.link] for cell in cells]


def main() -> None:
    """Simulate, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two links and four weeks: a few minutes")
    parser.add_argument("--results", type=Path, help="keep results here, and start from what is there")
    parser.add_argument("--write", action="store_true", help="tables into tests/README.md, and the figure")
    parser.add_argument("--kept", action="store_true", help="report what is kept, simulate nothing")
    wanted = parser.parse_args()
    kept = "detection_quick.json" if wanted.quick else "detection_results.json"
    store = Store(wanted.results or HERE / kept, only_kept=wanted.kept)
    cells = [
        cell for cell in (quick() if wanted.quick else [*goals(), *grid()]) if _present(measured, store, cell)
    ]
    parts = report(store, cells) if wanted.quick else [*report(store, cells), *further(store)]
    text = "\n".join(parts)
    print(text)
    if wanted.write:
        results.write("detection", text)


def _present(measure: Callable[..., object], store: Store, *what: object) -> bool:
    """Measured now, or before."""
    _tell(" ".join(str(getattr(each, "name", each)) for each in what))
    try:
        measure(store, *what)
    except NotKeptError as missing:
        _tell(f"not there: {missing}")
        return False
    return True


def report(store: Store, cells: list[Cell]) -> list[str]:
    """What is simulated for all cells."""
    told = Report(store, cells)
    for_goals = [cell for cell in cells if cell in goals() or cell in quick()]
    by_rate = sorted(
        (cell for cell in cells if cell.link.targets == 5 and cell.link.rate in RATES), key=_place
    )
    return [
        f"{results.machine()}. One year is 365.25 days.\n",
        f"{GOALS}\n",
        detection_report.goals(told.of(for_goals), told.found, store),
        f"{FALSE}\n",
        detection_report.false_alarms(told.of(by_rate), told.usual_false),
        f"{DELAYS}\n",
        detection_report.delays(told.of(by_rate), told.found, told.usual, store),
    ]


def further(store: Store) -> list[str]:
    """What is simulated for a few links only: the tail, wrong ambient loss, a dead target; and the figure."""
    wanted = [(cell.link, cell.days) for cell in goals()] + long()
    tails = [good(store, *each) for each in wanted if _present(good, store, *each)]
    by_default = tails[:2]
    parts = [f"{TAILS}\n", detection_report.tails(tails)]
    if _present(wrong_ambient, store):
        parts += [f"{AMBIENT}\n", detection_report.wrong_ambient(wrong_ambient(store))]
    if _present(dead_targets, store, by_default):
        parts += [f"{DEAD}\n", detection_report.dead_targets(dead_targets(store, by_default))]
    if all(_present(trade_off, store, history) for history in by_default):
        panels = [trade_off(store, history) for history in by_default]
        detection_figure.draw({title: points for each in panels for title, points in each.items()})
    return parts


def dead_targets(store: Store, histories: list[History]) -> list[tuple[History, dict[str, float]]]:
    """A target of each dies, and stays dead."""
    return [
        (each, store.once(f"{each.link}: dead for days", partial(a_dead_target, each, DEAD_DAYS)))
        for each in histories
    ]


def _place(cell: Cell) -> tuple[float, float, str]:
    return cell.link.rate, cell.link.loss, cell.link.kind


if __name__ == "__main__":
    main()
