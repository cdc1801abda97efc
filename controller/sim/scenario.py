"""A scenario as values: what befalls which path when, and what is expected of the controller.

Times are seconds of scenario time, which begins at 0 in calm: every link has been well for a week.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from controller.core.model import Override, Verdict

USUAL_MS: Final = 40.0  # round trip over a link of which nothing else is said


@dataclass(frozen=True, slots=True)
class Condition:
    """How a path is. The default is well."""

    loss: float = 0.0  # share of packets lost; 1: nothing passes
    extra_ms: float = 0.0  # round trips take so much longer than usual
    missing: float = 0.0  # share of the usual prefixes that the upstream does not announce
    measured: bool = True  # False: no measurement arrives, good or bad
    jitter_ms: float = 0.0  # round trips vary by so much more than usual, from their median to nine of ten
    witness: Verdict = Verdict.UP  # what another witness than the probes says


WELL: Final = Condition()
_GRAVITY: Final = {Verdict.UP: 0, Verdict.DEGRADED: 1, Verdict.DOWN: 2}


def worst(conditions: Iterable[Condition]) -> Condition:
    """Several things befall one path: the worst of each counts, whatever their order."""
    found = WELL
    for each in conditions:
        found = Condition(
            max(found.loss, each.loss),
            max(found.extra_ms, each.extra_ms),
            max(found.missing, each.missing),
            found.measured and each.measured,
            max(found.jitter_ms, each.jitter_ms),
            max(found.witness, each.witness, key=_GRAVITY.__getitem__),
        )
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """Paths that are in some condition from ``start_s`` to ``end_s``."""

    paths: tuple[str, ...]  # links; model.USER_PATH and model.ANCHORS where the prober's own way is hit
    start_s: float
    end_s: float
    condition: Condition
    seen_only: bool = False  # probes have it so, users do not


@dataclass(frozen=True, slots=True)
class Outage:
    """A router that cannot be reached; ``dead``: because it is off, so that nobody uses its links."""

    router: str
    start_s: float
    end_s: float
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What one class carries from ``start_s`` to ``end_s``, the larger direction."""

    traffic_class: str
    start_s: float
    end_s: float
    bps: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """One claim. Of those below the blank line exactly one is made; ``start_s`` to ``end_s`` bounds it."""

    text: str  # as people read it
    traffic_class: str | None  # None: each class
    start_s: float
    end_s: float

    carried_by: str | None = None  # at ``end_s``
    most_moves: int | None = None
    most_false_moves: int | None = None
    least_availability: float | None = None  # share of the time
    says: str | None = None  # some decision's sentence has this in it
    frozen: bool = False  # with ``says``, or alone: and that decision changes nothing out of doubt


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of it. Neither the order of spans nor that of outages matters."""

    title: str
    lasts_s: float
    spans: tuple[Span, ...] = ()
    outages: tuple[Outage, ...] = ()
    loads: tuple[Load, ...] = ()
    usual_ms: Mapping[str, float] = field(default_factory=dict)  # link -> round trip, where not USUAL_MS
    expected: tuple[Expectation, ...] = ()
    about: str = ""
    orders: tuple[Override, ...] = ()  # what people order; times are of the scenario
    begins_utc: float = 0.0  # of 0 s
