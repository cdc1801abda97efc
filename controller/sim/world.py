"""What really is, moment by moment: the condition of every link, and which routers are out of reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from controller.core.model import Override, Policy
from controller.sim.scenario import WELL, Condition, Outage, Scenario, Span, worst


class Turn(NamedTuple):
    """What changes at one moment of the scenario."""

    at: float
    users: Mapping[str, Condition]  # path -> how it is for users from now on
    probes: Mapping[str, Condition]  # path -> how it is for probes
    routers: Mapping[str, Outage | None]  # router -> what ails it
    orders: tuple[Override, ...]  # what people order now


def turns(scenario: Scenario) -> Iterator[Turn]:
    """Every moment at which something changes, in order; what happens at the same moment comes together."""
    events: list[Span | Outage | Override] = [*scenario.spans, *scenario.outages, *scenario.orders]
    moments = [(at, number) for number, each in enumerate(events) for at in _moments(each)]
    moments.sort()
    under_way: dict[str, dict[int, Span]] = {}
    out: dict[str, dict[int, Outage]] = {}
    for at, together in groupby(moments, key=lambda moment: moment[0]):
        paths: set[str] = set()
        routers: set[str] = set()
        orders: list[Override] = []
        for _, number in together:
            each = events[number]
            if isinstance(each, Override):
                orders.append(each)
                continue
            begins = at == each.start_s
            if isinstance(each, Span):
                for path in each.paths:
                    _note(under_way.setdefault(path, {}), number, each, begins=begins)
                paths.update(each.paths)
            else:
                _note(out.setdefault(each.router, {}), number, each, begins=begins)
                routers.add(each.router)
        yield Turn(
            at,
            {path: _worst(under_way[path], for_users=True) for path in sorted(paths)},
            {path: _worst(under_way[path], for_users=False) for path in sorted(paths)},
            {name: _gravest(out[name]) for name in sorted(routers)},
            tuple(orders),
        )


def _moments(each: Span | Outage | Override) -> tuple[float, ...]:
    """When it matters. An order tells itself when it is over."""
    return (each.since,) if isinstance(each, Override) else (each.start_s, each.end_s)


def _note(under_way: dict[int, Any], number: int, each: Any, *, begins: bool) -> None:
    if begins:
        under_way[number] = each
    else:
        under_way.pop(number, None)


def _worst(spans: Mapping[int, Span], *, for_users: bool) -> Condition:
    found = [span.condition for span in spans.values() if not (for_users and span.seen_only)]
    return found[0] if len(found) == 1 else worst(found)


def _gravest(outages: Mapping[int, Outage]) -> Outage | None:
    return max(outages.values(), key=lambda each: (each.dead, each.end_s), default=None)


class World:
    """Links and routers as they are at one moment."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.links: dict[str, Condition] = dict.fromkeys(policy.links, WELL)
        self.ailing: dict[str, Outage] = {}  # router -> what ails it

    def befall(self, turn: Turn) -> None:
        """The scenario goes on."""
        self.links.update({name: each for name, each in turn.users.items() if name in self.links})
        for name, outage in turn.routers.items():
            if outage is None:
                self.ailing.pop(name, None)
            else:
                self.ailing[name] = outage

    def is_gone(self, link: str) -> bool:
        """Its router is off: nobody is sent there any more."""
        outage = self.ailing.get(self._policy.links[link].router)
        return outage is not None and outage.dead
