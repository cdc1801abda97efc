"""Incidents, shortened: the lab and the simulation of the same policy decide the same, in the same order."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.core.model import Family
from controller.core.prefixes import KIND as PREFIXES
from controller.core.prefixes import Normal
from controller.lab.lab import Lab
from controller.sim import simulate
from controller.sim.load import scenario
from controller.store.sqlite import SqliteStore
from tests.lab.operate import SETTLE_WITHIN_S, Controller, Site, make_site, strip, wait_for
from tests.lab.test_routers_say import USUAL

pytestmark = pytest.mark.lab

CLEAN_S = 6.0
PATIENCE = {
    "stability": {
        "hold_down": "1s",
        "fail_back": {"clean": f"{CLEAN_S:g}s", "doubles_up_to": "12s", "forgotten_after": "1h"},
        "changes": "1000 per hour",
        "escapes": "1000 per hour",
    },
    "health": {"recover": "1s", "prefixes": {"missing": "50%", "held": "1s", "settle": "5s"}},
}


@dataclass(frozen=True)
class Stage:
    """What happens next: faults that begin, or all that end; and for how long that is left alone."""

    lasts_s: float
    faults: tuple[tuple[str, str, float | None], ...] = ()  # kind, place, value; none: all is well again
    events: tuple[str, ...] = ()  # the same for the simulation


def dark(*places: str) -> tuple[tuple[str, str, float | None], ...]:
    return tuple(("blackhole", place, None) for place in places)


WELL = Stage(13.0)
KSANI = [
    Stage(6.0, dark("black-sea"), ("risk: black-sea, becomes: down",)),
    WELL,
]
BAKU = [
    Stage(6.0, (("withdraw", "azerbaijan", 94.0),), ("upstream: azerbaijan, becomes: short, missing: 94%",)),
    Stage(20.0),  # the table comes back by BGP, and a new table is given time
]
KUTAISI = [
    Stage(5.0, dark("azerbaijan"), ("upstream: azerbaijan, becomes: down",)),
    Stage(
        5.0,
        dark("georgia"),
        ("upstream: azerbaijan, becomes: down", "upstream: georgia, becomes: down"),
    ),
    Stage(20.0),
]
ALL_DARK = [
    Stage(4.0, dark("azerbaijan", "georgia", "iran"), ("all: links, becomes: down",)),
    Stage(8.0),
]
REPAIR = [
    Stage(5.0, dark("azerbaijan"), ("upstream: azerbaijan, becomes: down",)),
    Stage(3.0),  # it answers, for less than the clean time
    Stage(5.0, dark("azerbaijan"), ("upstream: azerbaijan, becomes: down",)),
    Stage(3.0),
    Stage(5.0, dark("azerbaijan"), ("upstream: azerbaijan, becomes: down",)),
    Stage(20.0),
]


def text_of(stages: list[Stage]) -> str:
    """The stages as a scenario."""
    lines, at = [], 10.0
    for stage in stages:
        lines += [f"  - {{at: {at:g}s, {event}, lasts: {stage.lasts_s:g}s}}" for event in stage.events]
        at += stage.lasts_s
    return f"title: shortened\nlasts: {at:g}s\nevents:\n" + "\n".join(lines) + "\n"


def course(said: Iterable[tuple[str, bool]]) -> list[str]:
    """Moves and doubts in the words of decisions, each once."""
    found: list[str] = []
    for sentence, frozen in said:
        move = re.search(r"residential (?:moved|stays) .*?(?=[:;]|$)", sentence)
        step = move[0] if move and " moved " in move[0] else ""
        if frozen:
            step = "frozen" if "every link looks bad at once" in sentence else ""
        if step and (not found or found[-1] != step):
            found.append(step)
    return found


@pytest.fixture(scope="module")
def site(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(_session_lab, tmp_path_factory.mktemp("incidents"), PATIENCE)
    strip(_session_lab, site.policy)
    store = SqliteStore(site.state / "failover.db")  # the tables have been watched for an hour
    usual = {family.value: Normal((USUAL,)).to_plain() for family in Family}
    store.save_learned(PREFIXES, dict.fromkeys(site.policy.links, usual))
    store.close()
    yield site
    strip(_session_lab, site.policy)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (KSANI, ["azerbaijan to iran", "iran to azerbaijan"]),
        (BAKU, ["azerbaijan to georgia", "georgia to azerbaijan"]),
        (KUTAISI, ["azerbaijan to georgia", "georgia to iran", "iran to azerbaijan"]),
        (REPAIR, ["azerbaijan to georgia", "georgia to azerbaijan"]),
        # The last: it leaves every link on probation, unseen, for nothing was moved.
        (ALL_DARK, ["frozen"]),
    ],
    ids=["the cut of 2011", "the fire of 2015", "the two cuts of 2006", "a repair that flaps", "all dark"],
)
def test_the_lab_and_the_simulation_decide_the_same_in_the_same_order(
    lab: Lab, site: Site, controller: Controller, stages: list[Stage], expected: list[str]
) -> None:
    wanted = [each if each == "frozen" else f"residential moved from {each}" for each in expected]
    played, problems = scenario(Path("shortened.yaml"), text_of(stages).encode(), site.policy)
    assert played is not None, problems
    foretold = simulate(site.policy, played)
    assert course((each.sentence, each.frozen) for each in foretold.said) == wanted

    number = site.last()
    for stage in stages:
        began = time.monotonic()
        if not stage.faults:
            lab.clear()
        for kind in dict.fromkeys(kind for kind, _, _ in stage.faults):
            lab.faults(kind, [place for what, place, _ in stage.faults if what == kind], stage.faults[0][2])
        time.sleep(max(0.0, stage.lasts_s - (time.monotonic() - began)))
    wait_for("calm", SETTLE_WITHIN_S, controller.settled)
    records = site.records(number)
    said = [each.decision.sentence for each in records]
    decided = course((each.decision.sentence, each.decision.frozen) for each in records)
    assert decided == wanted, "\n".join(said)
