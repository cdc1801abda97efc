"""What would happen if something failed now, by ``decide`` itself: every single failure, or pairs of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from controller.core.explain import names
from controller.core.model import (
    JOINT,
    PRIMARY,
    Assignment,
    ControlState,
    Decision,
    Health,
    LinkMemory,
    Moment,
    Policy,
    Verdict,
    Window,
    members,
)
from controller.core.policy import decide
from controller.core.rules.capacity import crowded
from controller.core.rules.snapshot import USABLE, complete

LONG_CLEAN_S: Final = 7 * 86400.0  # that what is taken to be well has been so


@dataclass(frozen=True, slots=True)
class Failure:
    """What may fail: what people call it, and what dies with it."""

    name: str  # "router edge1"; "upstream iran (edge2-iran)"
    links: frozenset[str]
    routers: frozenset[str] = frozenset()  # that could not be changed any more
    is_pair: bool = False

    def __add__(self, other: Failure) -> Failure:
        """Both at once."""
        return Failure(
            f"{self.name} and {other.name}",
            self.links | other.links,
            self.routers | other.routers,
            is_pair=True,
        )


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one class."""

    traffic_class: str
    carrier: str | None  # the upstream that would carry it, or several joined by "+"; None: none could
    links: tuple[str, ...]  # by which
    moves: bool  # another upstream than now
    backups: tuple[str, ...]  # upstreams that would still be there, next in line first
    disjoint: tuple[str, ...]  # those of them that share no risk with the carrier


@dataclass(frozen=True, slots=True)
class Answer:
    """What a failure would lead to."""

    failure: Failure
    decision: Decision
    fates: tuple[Fate, ...]
    crowded: tuple[str, ...] = ()  # what would not fit: ``iran would carry 60 of 18 Gbit/s``

    @property
    def stranded(self) -> tuple[str, ...]:
        """Classes that nothing would carry."""
        return tuple(fate.traffic_class for fate in self.fates if fate.carrier is None)

    @property
    def exposed(self) -> tuple[str, ...]:
        """Classes that would be carried, with nothing left that does not share the carrier's risk."""
        return tuple(fate.traffic_class for fate in self.fates if fate.carrier and not fate.disjoint)


def calm(policy: Policy, now: float, windows: Mapping[str, Window]) -> Moment:
    """The moment at which every link has long been well, and the routers run what is wanted then."""
    since = now - LONG_CLEAN_S
    well = {link: Health(link, Verdict.UP, since, "taken to be well") for link in policy.links}
    memory = ControlState(links={link: LinkMemory(clean_since=since) for link in policy.links})
    first = Moment(well, memory, now, {}, windows=windows)
    return replace(first, current=decide(policy, first)[0].assignment)


def failures(policy: Policy) -> list[Failure]:
    """Every single failure: a link, an upstream, a router, a shared risk. The same links are named once."""
    named: list[tuple[str, frozenset[str], frozenset[str]]] = [
        (f"link {link}", frozenset((link,)), frozenset()) for link in sorted(policy.links)
    ]
    named += [(f"upstream {each}", _links(policy, {each}), frozenset()) for each in policy.upstreams]
    for router in policy.routers:
        own = frozenset(name for name, link in policy.links.items() if link.router == router)
        named.append((f"router {router}", own, frozenset((router,))))
    for risk, struck in sorted(_risks(policy).items()):
        named.append((f"shared risk {risk}", struck, frozenset()))
    found: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for name, links, routers in named:
        if links:
            found.setdefault((links, routers), []).append(name)
    return [Failure(", ".join(names), *dead) for dead, names in found.items()]


def _risks(policy: Policy) -> dict[str, frozenset[str]]:
    """What each risk would take: those that are named, and countries and owners of several upstreams."""
    found: dict[str, set[str]] = {}
    for name, link in policy.links.items():
        for risk in policy.risks_of(link):
            found.setdefault(risk, set()).add(name)
    named = {each for upstream in policy.upstreams.values() for each in upstream.shared_risk}
    named |= {each for link in policy.links.values() for each in link.shared_risk}
    return {
        risk: frozenset(links)
        for risk, links in found.items()
        if risk in named or len({policy.links[link].upstream for link in links}) > 1
    }


def pairs(policy: Policy) -> list[Failure]:
    """Every two of them at once, where neither contains the other."""
    return [
        one + other
        for one, other in combinations(failures(policy), 2)
        if not (one.links <= other.links or other.links <= one.links)
    ]


def answer(failure: Failure, policy: Policy, moment: Moment) -> Answer:
    """What would be decided if this failed at this moment, everything else staying as it is seen."""
    seen = complete(policy, moment.health)
    dead = {link: Health(link, Verdict.DOWN, moment.now, f"{failure.name} failed") for link in failure.links}
    seen_to_run = {
        name: {link: each for link, each in placed.items() if not _on(policy, link, failure.routers)}
        for name, placed in (moment.current or {}).items()
    }
    decision, _ = decide(
        policy,
        replace(
            moment,
            health={**moment.health, **seen, **dead},
            current=seen_to_run,
            unreachable=moment.unreachable | failure.routers,
        ),
    )
    alive = {name for name, each in seen.items() if each.verdict in USABLE and name not in failure.links}
    fates = tuple(_fate(policy, name, decision, moment.current or {}, alive) for name in policy.classes)
    carried = {
        name: tuple(
            sorted(
                {
                    policy.links[link].upstream
                    for link, each in placed.items()
                    if each.role == PRIMARY and link in alive
                }
            )
        )
        for name, placed in decision.assignment.items()
    }
    return Answer(failure, decision, fates, tuple(crowded(policy, moment.traffic, carried, alive)))


def _fate(policy: Policy, name: str, decision: Decision, current: Assignment, alive: set[str]) -> Fate:
    placed = decision.assignment.get(name, {})
    carrying = [link for link, each in placed.items() if each.role == PRIMARY and link in alive]
    found = dict.fromkeys(policy.links[link].upstream for link in carrying)
    first = next(iter(found), None)
    together = members(policy.classes[name].prefer.choice_of(first) or first) if first else ()
    carriers = [upstream for upstream in found if upstream in together]
    before = {
        policy.links[link].upstream
        for link, each in current.get(name, {}).items()
        if each.role == PRIMARY and link in policy.links
    }
    living = {policy.links[link].upstream for link in alive}
    backups = [each for each in policy.classes[name].upstreams if each in living and each not in carriers]
    shared = [policy.upstreams[upstream].risks for upstream in carriers]
    risks = frozenset.intersection(*shared) if shared else frozenset()
    return Fate(
        traffic_class=name,
        carrier=JOINT.join(carriers) or None,
        links=tuple(sorted(link for link in carrying if policy.links[link].upstream in carriers)),
        moves=not before.issuperset(carriers),
        backups=tuple(backups),
        disjoint=tuple(each for each in backups if not policy.upstreams[each].risks & risks),
    )


def _on(policy: Policy, link: str, routers: frozenset[str]) -> bool:
    return link in policy.links and policy.links[link].router in routers


def _links(policy: Policy, upstreams: set[str]) -> frozenset[str]:
    return frozenset(name for name, link in policy.links.items() if link.upstream in upstreams)


def told(answer: Answer) -> list[str]:
    """One line a class that fares alike: ``residential to georgia (edge1-georgia), then iran``."""
    lines: dict[str, list[str]] = {}
    for fate in answer.fates:
        lines.setdefault(_way(fate), []).append(fate.traffic_class)
    ways = [f"{names(classes)} {text}" if text else lost(classes) for text, classes in lines.items()]
    return [*ways, *answer.crowded]


def lost(classes: Sequence[str]) -> str:
    """``nothing is left to carry residential``."""
    return f"nothing is left to carry {names(classes)}"


def _way(fate: Fate) -> str:
    if fate.carrier is None:
        return ""
    text = f"{'to' if fate.moves else 'stays on'} {fate.carrier} ({names(fate.links)})"
    text += f", then {', '.join(fate.backups)}" if fate.backups else ", then nothing"
    if fate.backups and not fate.disjoint:
        text += ", which shares its risk" if len(fate.backups) == 1 else ", which all share its risk"
    return text
