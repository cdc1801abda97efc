"""How long a link may be silent before it is dead: ``ride_out``, or longer where its own bursts ask for that.

Operators say how long an outage is nobody's business, and how many false failovers a year they put up with. A
link whose bursts of total loss outlast ``ride_out`` time and again cannot keep both; two weeks of its history
tell by how much. Each silence of a quorum that ended by itself counts as one of its bursts, at its longest:
a few answers shorten a silence before they end it. Not counted: what lasted longer than ``LONGEST`` units,
for that is an outage; what befell every link at once, for that is the prober's own way.

The tail is fitted as that of grey loss is (``grey_threshold``), in units of time in place of nats. A link
without bursts keeps ``ride_out`` as written; none waits longer than ``LONGEST`` units unless policy says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from controller.core.calibration import HISTORY_S, OLD, REFIT_S
from controller.core.grey_threshold import LEVELS, Calibrator, Tail

UNIT_S: Final = 0.05  # or a tenth of the interval between probes, where that is more
LONGEST: Final = LEVELS[-1]  # units: 3 s, where every target is probed twice a second or more
# Rare bursts count too, if they are long. Where bursts matter there are many: the margin can be small.
TAIL: Final = Tail(few=5, enough=100, margin=1.0)
FLUSH_S: Final = 60.0  # history is told of the time that passed this often
STALE_S: Final = 300.0  # not told for so long: nobody looked


@dataclass(frozen=True, slots=True)
class SilenceState:
    """What is known of one link and family. Treat as a value."""

    policy_s: float  # ``ride_out``, as written
    unit_s: float  # of the calibrator's levels
    ride_out_s: float  # in force
    at: float  # monotonic seconds; the calibrator was told of the time up to here
    fitted_at: float
    calibrator: Calibrator
    silent: tuple[float, float] | None = None  # a quorum is: for so long, as of then
    longest_s: float = 0.0  # it was, since it began to be
    everywhere: bool = False  # so has every other link, at some moment of that

    @property
    def stretched(self) -> bool:
        """Longer than policy says, for the link's own bursts."""
        return self.ride_out_s > self.policy_s


def unit_s(interval_s: float) -> float:
    """What lengths are counted in, for targets probed so often."""
    return max(UNIT_S, interval_s / 10)


def initial(
    policy_s: float, unit_s: float, false_per_year: float, now: float, calibrator: Calibrator | None = None
) -> SilenceState:
    """With what is remembered of the link. ``false_per_year``: how often silence may be wrong here."""
    known = Calibrator() if calibrator is None else calibrator
    return SilenceState(policy_s, unit_s, ride_out(known, policy_s, unit_s, false_per_year), now, now, known)


def ride_out(calibrator: Calibrator, policy_s: float, unit_s: float, false_per_year: float) -> float:
    """The shortest ride-out, in seconds, that keeps to both ``ride_out`` and the false failovers allowed."""
    if calibrator.observed_s < HISTORY_S:
        return policy_s
    return max(policy_s, fitted_s(calibrator, unit_s, false_per_year))


def fitted_s(calibrator: Calibrator, unit_s: float, false_per_year: float) -> float:
    """The silence that this history says is exceeded so often, within bounds; 0 where it knows no bursts."""
    units = calibrator.level_for(false_per_year, TAIL)
    return 0.0 if units is None else min(LONGEST, units) * unit_s


def follow(state: SilenceState, silent_s: float | None, now: float, *, everywhere: bool) -> SilenceState:
    """A quorum has been silent for so long as of ``now``; None: answers have come, or it was not silent.

    ``everywhere``: so it is on every other link.
    """
    if state.silent is None:
        if silent_s is None:
            return state
        return replace(state, silent=(silent_s, now), longest_s=silent_s, everywhere=everywhere)
    length_s, at = state.silent
    longest_s = max(state.longest_s, length_s + now - at)  # until answers came, just now at the latest
    if silent_s is not None:
        everywhere = everywhere or state.everywhere
        return replace(state, silent=(silent_s, now), longest_s=longest_s, everywhere=everywhere)
    length, calibrator = longest_s / state.unit_s, state.calibrator
    if length <= LONGEST and not state.everywhere:
        calibrator = calibrator.quiet(now - state.at).note(length, now)
    return replace(state, at=now, calibrator=calibrator, silent=None, longest_s=0.0, everywhere=False)


def timed(state: SilenceState, false_per_year: float, now: float) -> SilenceState:
    """Time passes: it is noted, and once a day the ride-out follows what is known by then."""
    if state.silent is not None or now - state.at < FLUSH_S:
        return state
    seen_s = now - state.at if now - state.at < STALE_S else 0.0
    state = replace(state, at=now, calibrator=state.calibrator.quiet(seen_s))
    if now - state.fitted_at < REFIT_S:
        return state
    if state.calibrator.observed_s >= OLD * HISTORY_S:
        state = replace(state, calibrator=state.calibrator.forgotten(1 / OLD))
    fitted = ride_out(state.calibrator, state.policy_s, state.unit_s, false_per_year)
    return replace(state, fitted_at=now, ride_out_s=fitted)


def to_plain(state: SilenceState) -> dict[str, Any]:
    """What is worth keeping of a link's history."""
    return {"unit_s": state.unit_s, **state.calibrator.to_plain()}


def from_plain(plain: Mapping[str, Any], unit_s: float) -> Calibrator:
    """What ``to_plain`` gave; nothing, if counted in other units. Raises ``ValueError`` for nonsense."""
    kept = Calibrator.from_plain(plain)
    return kept if plain.get("unit_s") == unit_s else Calibrator()
