"""What came of a scenario, as values, and as plain data for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.core.model import Override
from controller.core.rules.people import told
from controller.sim.ledger import Account, Lane, Move
from controller.sim.scenario import Expectation, Scenario
from controller.sim.words import clock


@dataclass(frozen=True, slots=True)
class Said:
    """A decision that said something new."""

    at_s: float
    sentence: str
    frozen: bool
    pushed: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """What was expected, whether it is so, and what was found."""

    expectation: Expectation
    met: bool
    found: str


@dataclass(frozen=True, slots=True)
class Run:
    """One policy's way through one scenario."""

    policy: str  # what people call it
    scenario: Scenario
    said: tuple[Said, ...]
    accounts: Mapping[str, Account]  # by class
    lanes: Mapping[str, Lane]  # by link: how it really was
    upstreams: Mapping[str, str]  # link -> upstream
    checked: tuple[Checked, ...]
    full_s: Mapping[str, float] = field(default_factory=dict)  # class -> on a path that carried too much
    costs: Mapping[str, float] = field(
        default_factory=dict
    )  # upstream -> of a month like this, beyond its commit

    @property
    def met(self) -> bool:
        """Whether all that was expected is so."""
        return all(each.met for each in self.checked)

    @property
    def moves(self) -> list[Move]:
        """Of all classes, in order."""
        found = [move for account in self.accounts.values() for move in account.moves]
        return sorted(found, key=lambda move: move.at_s)

    @property
    def timeline(self) -> list[tuple[float, str]]:
        """What people ordered, and what was decided, in order."""
        lines = [(order.since, _ordered(order)) for order in self.scenario.orders]
        lines += [(each.at_s, each.sentence) for each in self.said]
        return sorted(lines, key=lambda line: line[0])

    def availability(self, traffic_class: str) -> float:
        """Share of the time that the class's path worked."""
        return 1 - self.accounts[traffic_class].dead_s / self.scenario.lasts_s

    def minutes(self, traffic_class: str) -> dict[str, float]:
        """On each upstream that carried the class at all."""
        return {name: seconds / 60 for name, seconds in self.accounts[traffic_class].on_s.items()}

    def route(self, links: Iterable[str]) -> str:
        """``georgia``, or ``georgia (edge1-georgia)`` where that is not all of it."""
        chosen = tuple(links)
        told = []
        for upstream in dict.fromkeys(self.upstreams[link] for link in chosen):
            own = [link for link, name in self.upstreams.items() if name == upstream]
            used = [link for link in chosen if self.upstreams[link] == upstream]
            told.append(upstream if len(used) == len(own) else f"{upstream} ({', '.join(used)})")
        return " and ".join(told) or "nothing"


def _ordered(order: Override) -> str:
    return f"ordered: {told(order)}{'' if order.until is None else f', until {clock(order.until)}'}"


def plain(runs: Sequence[Run]) -> dict[str, Any]:
    """Everything, for JSON. Times in seconds since the scenario began, shares from 0 to 1."""
    scenario = runs[0].scenario
    return {
        "scenario": scenario.title,
        "about": scenario.about,
        "lasts_s": scenario.lasts_s,
        "orders": [
            {
                "at_s": order.since,
                "kind": order.kind.value,
                "subject": order.subject,
                "upstream": order.upstream,
                "owner": order.owner,
                "reason": order.reason,
                "until_s": order.until,
            }
            for order in sorted(scenario.orders, key=lambda each: (each.since, each.number))
        ],
        "met": all(run.met for run in runs),
        "policies": [_plain(run) for run in runs],
    }


def _plain(run: Run) -> dict[str, Any]:
    lasts_s = run.scenario.lasts_s
    return {
        "policy": run.policy,
        "met": run.met,
        "costs": dict(run.costs),
        "classes": {
            name: {
                "availability": run.availability(name),
                "lost_share": account.lost_s / lasts_s,
                "dead_s": account.dead_s,
                "poor_s": account.poor_s,
                "minutes": run.minutes(name),
                "full_s": run.full_s.get(name),
                "moves": len(account.moves),
                "false_moves": sum(move.false for move in account.moves),
                "carried": [{"from_s": at, "upstreams": list(names)} for at, names in account.carried],
            }
            for name, account in run.accounts.items()
        },
        "moves": [
            {
                "at_s": move.at_s,
                "class": move.traffic_class,
                "from": list(move.before),
                "to": list(move.after),
                "false": move.false,
            }
            for move in run.moves
        ],
        "decisions": [
            {"at_s": each.at_s, "sentence": each.sentence, "frozen": each.frozen, "pushed": each.pushed}
            for each in run.said
        ],
        "expectations": [
            {"expected": each.expectation.text, "met": each.met, "found": each.found} for each in run.checked
        ],
    }
