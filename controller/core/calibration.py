"""How much evidence of grey loss a link needs: by formula at first, by its own quiet history after two weeks.

Operators say how many false failovers a year they put up with (``false_failovers``). Most of that is left to
silence (``silence``), whose limit costs time in proportion to bursts; the families of a link share the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Any, Final

from controller.core import grey
from controller.core.grey_ambient import DAY_S, DAYS, Ambient, bounded
from controller.core.grey_threshold import Calibrator, formula_threshold

HISTORY_S: Final = DAYS * DAY_S  # quiet time that a fit needs
REFIT_S: Final = DAY_S
OLD: Final = 2.0  # histories: beyond so much, old days lose weight
GREY_SHARE: Final = 0.25  # of the false failovers


@dataclass(frozen=True, slots=True)
class Fit:
    """A threshold and where it comes from."""

    threshold: float  # nats
    at: float  # monotonic seconds, when it was made
    quiet_s: float  # of history, outside alarms
    fitted: bool  # to that history; else by formula

    def __str__(self) -> str:
        days = f"{self.quiet_s / DAY_S:.1f} quiet days"
        return f"{self.threshold:.1f} nats, " + (
            f"fitted to {days}" if self.fitted else f"by formula until there are {DAYS}, {days} so far"
        )


def fit(calibrator: Calibrator, probes_per_s: float, false_per_year: float, now: float) -> Fit:
    """The threshold at which one link and family is wrong ``false_per_year`` times a year."""
    tail = calibrator.threshold(false_per_year) if calibrator.observed_s >= HISTORY_S else None
    safe = formula_threshold(probes_per_s, false_per_year)
    return Fit(safe if tail is None else tail, now, calibrator.observed_s, tail is not None)


def refitted(
    state: grey.GreyState, last: Fit, false_per_year: float, now: float
) -> tuple[grey.GreyState, Fit]:
    """Once a day, and never while anything is suspected: the threshold by what is known by then."""
    if now - last.at < REFIT_S or state.evidence or state.grey:
        return state, last
    calibrator = state.calibrator
    if calibrator.observed_s >= OLD * HISTORY_S:
        calibrator = calibrator.forgotten(1 / OLD)
        state = replace(state, calibrator=calibrator, trial=calibrator)
    new = fit(calibrator, len(state.targets) / state.interval_s, false_per_year, now)
    return grey.with_threshold(state, new.threshold), new


def to_plain(state: grey.GreyState) -> dict[str, Any]:
    """What is worth keeping of a link's history."""
    ambient = {"days": list(state.ambient.days), "value": state.ambient.value}
    return {"calibrator": state.calibrator.to_plain(), "ambient": ambient}


def from_plain(plain: Mapping[str, Any], now: float) -> tuple[Calibrator, Ambient]:
    """What ``to_plain`` gave. Raises ``ValueError`` for anything else."""
    calibrator, ambient = plain.get("calibrator"), plain.get("ambient")
    if not (isinstance(calibrator, Mapping) and isinstance(ambient, Mapping)):
        raise ValueError("history of loss: no calibrator and ambient")  # noqa: TRY004 - a file, no argument
    days, value = ambient.get("days"), ambient.get("value")
    if not isinstance(days, list):
        raise ValueError("history of loss: no list of days")  # noqa: TRY004 - likewise
    shares = tuple(map(_share, days[-DAYS:]))
    return Calibrator.from_plain(calibrator), Ambient((), now, shares, bounded(_share(value)), -inf)


def _share(value: object) -> float:
    if not isinstance(value, int | float) or not isfinite(value) or not 0 <= value <= 1:
        raise ValueError(f"history of loss: {value!r} is no share of 1")
    return float(value)
