"""Rule 2: who may carry this class? Links known to work; lossy ones only where nothing better is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from controller.core.model import Delay, Reason, TrafficClass, Verdict
from controller.core.rules.claims import FITS, Fit
from controller.core.rules.snapshot import Snapshot, links_of, once
from controller.core.rules.trust import judged

RULE = "eligibility"
DESTINATION_CLEAN_S = 60.0  # own clean evidence asked of the place to which a lossy path is left


class Standing(IntEnum):
    """How good a destination is. The best comes first."""

    READY = 0  # up, and clean for long enough if it ever failed
    BROWNOUT = 1  # up, but slower than it uses to be
    PROBATION = 2  # up again, but not for long enough
    DOUBTFUL = 3  # up, but it may be losing packets itself: what ails the one may ail the other
    UNFIT = 4  # up, but not good enough for what this class asks
    DEGRADED = 5


@dataclass(frozen=True, slots=True)
class Option:
    """A choice to which the class could be moved."""

    standing: Standing
    links: frozenset[str]  # those of the best standing: the ground it would stand on
    fail_back_at: float  # when traffic may return to it; infinite unless up and as fast as usual
    refuge_at: float  # when traffic may flee to it from a lossy path; infinite unless up
    fit: Fit = FITS  # beside what others carry: see ``capacity.fitted``


def options(snapshot: Snapshot, traffic_class: TrafficClass) -> dict[str, Option]:
    """Choices of the class with a link that traffic may be moved to, in order of preference."""
    found = {choice: _option(snapshot, choice) for choice in traffic_class.prefer.choices}
    return {choice: option for choice, option in found.items() if option is not None}


@once
def _option(snapshot: Snapshot, choice: str) -> Option | None:
    standings = {
        link: _standing(snapshot, link) for link in links_of(snapshot, choice) if snapshot.destination(link)
    }
    if not standings:
        return None
    best = min(standings.values())
    up = [link for link, standing in standings.items() if standing < Standing.UNFIT]
    return Option(
        standing=best,
        links=frozenset(link for link, standing in standings.items() if standing is best),
        fail_back_at=min(
            (max(snapshot.release[link], snapshot.swift_at(link)) for link in up), default=math.inf
        ),
        refuge_at=min((refuge_at(snapshot, link) for link in up), default=math.inf),
    )


def _standing(snapshot: Snapshot, link: str) -> Standing:
    if snapshot.verdict(link) is Verdict.DEGRADED:
        return Standing.DEGRADED
    if link in snapshot.unfit:
        return Standing.UNFIT
    if snapshot.health[link].doubt is not None:
        return Standing.DOUBTFUL
    if snapshot.on_probation(link):
        return Standing.PROBATION
    return Standing.BROWNOUT if snapshot.in_brownout(link) else Standing.READY


def refuge_at(snapshot: Snapshot, link: str) -> float:
    """When traffic may flee to a link from a lossy path, should it stay clean; infinite while it fails."""
    if not snapshot.has_failed(link):
        return snapshot.now
    clean_since = snapshot.state.links[link].clean_since
    return math.inf if clean_since is None else min(snapshot.release[link], clean_since + DESTINATION_CLEAN_S)


def reasons(snapshot: Snapshot) -> list[Reason]:
    """What speaks against links, one reason a link; silent about links that are simply up."""
    found: list[Reason] = []
    for link, health in snapshot.health.items():
        consequences: Mapping[Verdict, str] = {
            Verdict.DOWN: "carries nothing",
            Verdict.DEGRADED: "only where no link that is up can carry",
            Verdict.UNKNOWN: "keeps what it has, is no destination",
            Verdict.UP: "keeps what it has, is no destination",
        }
        if health.verdict is not Verdict.UP or health.suspect:
            text = f"{judged(health)} ({health.why}): {consequences[health.verdict]}"
            found.append(Reason(RULE, link, text))
        elif health.delay is not Delay.USUAL:
            text = f"{health.delay} ({health.delay_why}): no class returns to it while that lasts"
            found.append(Reason(RULE, link, text))
        if not snapshot.reachable(link):
            router = snapshot.policy.links[link].router
            found.append(
                Reason(RULE, link, f"router {router} cannot be reached: its placement cannot change")
            )
    return found
