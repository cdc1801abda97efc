"""What was measured, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from controller.core.grey_threshold import YEAR_S
from tests.benchmarks.detection_bounds import bound_s
from tests.benchmarks.detection_links import Fault, Link
from tests.benchmarks.detection_measure import (
    DEAD_TARGET,
    FAULTS,
    LEAST_RIDE_OUT_S,
    LOSSES,
    SILENCE_BUDGET,
    History,
    predicted,
)
from tests.benchmarks.detection_rules import USUAL
from tests.benchmarks.detection_store import Found, Store
from tests.benchmarks.results import table

DAYS_A_YEAR = YEAR_S / 86400
GOALS_S = {"iid": (0.6, None, 3.5, 8.0), "ge3": (1.5, None, 6.0, 14.0)}  # as LOSSES
LEVELS_SHOWN = (8, 9, 10, 11, 12, 13)


def goals(histories: Sequence[History], found: Callable[[History, Fault], Found], store: Store) -> str:
    """Ours where the goals are, beside goals and bounds."""
    rows = []
    for history in histories:
        link = history.link
        seconds = [found(history, fault) for fault in FAULTS]
        rows.append(
            [
                f"**{link}**",
                f"{history.probes_per_s:.1f}",
                f"{history.threshold:.1f}, {history.ride_out_s:g} s",
                _false(history),
                *(f"**{_s(each['median'])}** / {_s(each['p95'])}" for each in seconds[:-1]),
                f"{seconds[-1]['runs'] - seconds[-1]['missed']} of {seconds[-1]['runs']}",
            ]
        )
        wanted = [_s(each) if each else "" for each in GOALS_S[link.kind]]
        rows.append(["goal", "30", "", "1", *wanted, "", "0"])
        for faster, name in ((1, "lower bound, steady pace"), (4, "lower bound, always fast")):
            bounds = [_s(bound(store, link, fault, faster)) for fault in LOSSES]
            rows.append([name, f"{link.rate * faster:g}", "", "1", *bounds, "", ""])
    head = ["0.5 % ambient loss", "probes/s, mean", "threshold, ride-out", "false a year, grey + silence"]
    return table([*head, *(fault.name for fault in FAULTS)], rows)


def bound(store: Store, link: Link, fault: Fault, faster: int = 1) -> float:
    """From the store, if it was worked out before."""
    seconds: float = store.worked_out(
        f"{link}: bound {fault.name} x{faster}", lambda: bound_s(link, fault.loss, faster)
    )
    return seconds


def false_alarms(histories: Sequence[History], usual: Callable[[Link], tuple[int, dict[str, int]]]) -> str:
    """Per link-year, all rules."""
    rows = []
    for history in histories:
        days, counts = usual(history.link)
        told = [counts[name] / days * DAYS_A_YEAR if counts[name] else None for name in USUAL]
        others = [f"<{DAYS_A_YEAR / days:.0f}" if each is None else f"{each:,.0f}" for each in told]
        rows.append([str(history.link), f"{history.days}", _false(history), *others])
    return table(["link", "days", "ours, grey + silence", *USUAL], rows)


def delays(
    histories: Sequence[History],
    found: Callable[[History, Fault], Found],
    usual: Callable[[Link, Fault], dict[str, Found]],
    store: Store,
) -> str:
    """Medians of total, 30, 10 and 5 % loss; then of all rules which take one dead target for a fault."""
    rows = []
    for history in histories:
        link = history.link
        others = {fault.name: usual(link, fault) for fault in FAULTS}
        cells = [_medians([found(history, fault) for fault in LOSSES], found(history, DEAD_TARGET))]
        cells += [
            _medians([others[fault.name][name] for fault in LOSSES], others[DEAD_TARGET.name][name])
            for name in USUAL
        ]
        bounds = " ".join(_s(bound(store, link, fault)) for fault in LOSSES)
        rows.append([str(link), *cells, bounds])
    return table(["link", "ours", *USUAL, "lower bound"], rows)


def _medians(seconds: Iterable[Found], dead: Found) -> str:
    fires = dead["missed"] < dead["runs"] / 2
    return " ".join(_s(each["median"]) for each in seconds) + (" †" if fires else "")


def tails(histories: Sequence[History]) -> str:
    """What a fortnight's fit says of rare levels, and what was counted."""
    rows = []
    for history in histories:
        cells = []
        for level in LEVELS_SHOWN:
            said = predicted(history.early_calibrator, level)
            counted = history.counted(level) / history.years
            cells.append("" if said is None else f"{_rate(said)} / {_rate(counted)}")
        rows.append([str(history.link), f"{history.years:.2g}", f"{history.threshold:.1f}", *cells])
    return table(
        ["link", "link-years", "threshold fitted", *(f"{level} nats" for level in LEVELS_SHOWN)], rows
    )


def wrong_ambient(rows: Iterable[tuple[History, Sequence[Found]]]) -> str:
    """The null hypothesis taken for another loss than the link's."""
    cells = [
        [
            str(history.link),
            f"{history.ambient or history.link.loss:.1%}",
            history.per_year(history.formula),
            f"{history.threshold:.1f}",
            history.per_year(history.threshold),
            *(_s(each["median"]) for each in seconds),
        ]
        for history, seconds in rows
    ]
    head = ["link", "taken for", "false a year, formula", "fitted", "false a year, fitted"]
    return table([*head, *(fault.name for fault in LOSSES)], cells)


def dead_targets(rows: Iterable[tuple[History, dict[str, float]]]) -> str:
    """One target dead for days."""
    cells = [
        [
            str(history.link),
            f"{dead['days']:g}",
            f"{dead['alarms']:g}",
            f"{dead['most'] + 1:g} of {history.threshold:.1f}"
            if dead["most"]
            else f"4 of {history.threshold:.1f}",
            f"{history.link.rate * (1 + 3 * dead['fast_share']):.1f}",
        ]
        for history, dead in rows
    ]
    return table(["link", "days", "alarms", "evidence, below", "probes/s, mean"], cells)


def _false(history: History) -> str:
    """Grey and silence; where no silence as long as the ride-out was seen, it was fitted to the budget."""
    silences = history.false_silences(history.ride_out_s)
    fitted = history.ride_out_s > LEAST_RIDE_OUT_S
    silent = f"{silences:.2g}" if silences else f"~{SILENCE_BUDGET:g}" if fitted else "0"
    return f"{history.per_year(history.threshold)} + {silent}"


def _rate(per_year: float) -> str:
    return f"{per_year:,.0f}" if per_year >= 9.5 else f"{per_year:.1g}"


def _s(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:.1f}"
