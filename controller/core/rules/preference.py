"""Rule 3: who should carry this class? The operator's order, less what shares the failed thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from controller.core.explain import names as listed
from controller.core.model import Held, Policy, Reason, TrafficClass, Verdict, members
from controller.core.rules.eligibility import Option, Standing
from controller.core.rules.snapshot import Snapshot, links_of, once

RULE = "preference"
SLOWER_MS = 50.0  # where the policy does not say what is worse


class Path(IntEnum):
    """State of what carries a class now: the best of its primary links."""

    UP = 0
    BROWNOUT = 1
    UNFIT = 2  # works, but is not good enough for what this class asks
    DEGRADED = 3
    DRAINED = 4  # by people: works, and is to carry nothing
    UNKNOWN = 5
    DEAD = 6


PATH_OF = {
    Verdict.UP: Path.UP,
    Verdict.DEGRADED: Path.DEGRADED,
    Verdict.UNKNOWN: Path.UNKNOWN,
    Verdict.DOWN: Path.DEAD,
}


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The choice that carries a class now, and by which links."""

    choice: str
    links: tuple[str, ...]
    path: Path
    presumed: bool = False  # nothing seen carries; these are not seen, being on routers that do not answer


def position(snapshot: Snapshot, traffic_class: TrafficClass, choice: str) -> tuple[bool, int]:
    """Place in the queue, best first: those that share nothing with what failed, then the operator's tiers.

    A risk that has struck two of its members at once is passed over whatever the class says. Beyond that,
    what shares with a failed choice is passed over for classes that ask for it.

    A preferred choice counts as failed until traffic can return to it (its clean time is served, its
    router answers), not just while it is down: else the class would visit a third one on its way back.
    """
    prefer = traffic_class.prefer
    tier = prefer.tier(choice)
    risks = risks_of(snapshot, choice)
    if risks & snapshot.hit:
        return True, tier
    if not traffic_class.backups_disjoint:
        return False, tier
    return any(
        risks & risks_of(snapshot, other) and _failed(snapshot, other)
        for other in prefer.choices
        if other != choice and prefer.tier(other) <= tier
    ), tier


def order(snapshot: Snapshot, traffic_class: TrafficClass, choice: str) -> tuple[tuple[bool, int], int, int]:
    """By what choices are told apart, best first: position; among equals how fast they are, then the file."""
    return (
        position(snapshot, traffic_class, choice),
        _slowness(snapshot, choice),
        traffic_class.prefer.choices.index(choice),
    )


@once
def _slowness(snapshot: Snapshot, choice: str) -> int:
    """Round trips in steps of what the policy calls worse: a smaller difference is none."""
    rule = snapshot.policy.health.latency
    step_ms = rule.worse_by_ms if rule and rule.worse_by_ms > 0 else SLOWER_MS
    tails = [
        max((part.tail_ms or 0.0 for part in snapshot.health[link].families.values()), default=0.0)
        for link in links_of(snapshot, choice)
        if snapshot.destination(link)
    ]
    return int(min(tails, default=0.0) // step_ms)


@once
def _failed(snapshot: Snapshot, choice: str) -> bool:
    links = links_of(snapshot, choice)
    return bool(links) and all(snapshot.on_probation(link) or not snapshot.reachable(link) for link in links)


@once
def risks_of(snapshot: Snapshot, choice: str) -> frozenset[str]:
    """What would take the whole choice with it: what all of its links have in common."""
    policy = snapshot.policy
    links = [policy.risks_of(policy.links[link]) for link in links_of(snapshot, choice)]
    return frozenset.intersection(*links) if links else frozenset()


def best(snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option]) -> str | None:
    """What to choose if nothing else were to be considered, or None."""
    return min(options, key=lambda name: _rank(snapshot, traffic_class, options, name), default=None)


def _rank(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], name: str
) -> tuple[object, ...]:
    """Order of destinations: what is bad last, then what is too small; of equals the cheaper comes first."""
    option = options[name]
    bad = option.standing if option.standing >= Standing.UNFIT else Standing.READY
    place, slowness, number = order(snapshot, traffic_class, name)
    return bad, option.fit, option.standing, place, slowness, option.fit.price, number


def better(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], than: str
) -> list[str]:
    """Choices that the operator prefers to a working one, best first.

    A working path is left only for one of an earlier tier, never merely to share less or to be faster.
    """
    shares, place = position(snapshot, traffic_class, than)
    positions = {name: position(snapshot, traffic_class, name) for name in options}
    wanted = [name for name, (risky, at) in positions.items() if at < place and risky <= shares]
    return sorted(wanted, key=lambda name: order(snapshot, traffic_class, name))


def queue(policy: Policy, traffic_class: TrafficClass, active: str) -> dict[str, int]:
    """Backup rank of every upstream beside the active choice: the order in which they would be chosen.

    BGP itself follows these ranks when a session drops, before any decision, so they must agree with what
    would be decided: with ``backups_disjoint``, those that share a risk with the active one come last.
    Health has no say, so that ranks change only when the active choice does.
    """
    choices = traffic_class.prefer.choices
    ordered = [name for name in choices if name != active]
    if traffic_class.backups_disjoint:
        after = choices[choices.index(active) :]
        risks = _declared(policy, active)
        ordered.sort(key=lambda name: name in after and bool(_declared(policy, name) & risks))  # stable
    ranks: dict[str, int] = {}
    for rank, choice in enumerate(ordered, start=1):
        for upstream in members(choice):
            if upstream not in members(active):
                ranks.setdefault(upstream, rank)
    return ranks


def _declared(policy: Policy, choice: str) -> frozenset[str]:
    """What all upstreams of a choice declare in common."""
    known = [policy.upstreams[name].risks for name in members(choice) if name in policy.upstreams]
    return frozenset.intersection(*known) if known else frozenset()


def first_look(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], chosen: str
) -> Held | None:
    """At first contact: links that are still being looked at are worth a moment's wait.

    Verdicts arrive one by one after a start. Installing what happens to be known first would cost a
    fail-back minutes later. All links are waited for, not just those of this class, because a router's
    neighbor has one policy for all classes. A link unknown for longer than a look takes is not waited for.
    """
    rule = snapshot.policy.health
    preferred = earlier(traffic_class, chosen)
    quiet = [
        name
        for name in preferred
        if name not in options
        and any(
            snapshot.health[link].suspect and snapshot.verdict(link) is Verdict.UP
            for link in links_of(snapshot, name)
        )
    ]
    if quiet:
        return Held(traffic_class.name, f"install on {chosen}", f"{quiet[0]} has gone quiet for a moment")
    unknown = {
        link: health.since + rule.fresh_s + rule.recover_s
        for link, health in snapshot.health.items()
        if health.verdict is Verdict.UNKNOWN and health.since + rule.fresh_s + rule.recover_s > snapshot.now
    }
    if not unknown:
        return None
    why = f"still looking at {listed(list(unknown))}"
    return Held(traffic_class.name, f"install on {chosen}", why, max(unknown.values()))


def earlier(traffic_class: TrafficClass, than: str) -> list[str]:
    """Choices of earlier tiers."""
    prefer = traffic_class.prefer
    return [name for name in prefer.choices if prefer.tier(name) < prefer.tier(than)]


def incumbent(snapshot: Snapshot, traffic_class: TrafficClass) -> Incumbent | None:
    """What carries the class now; None where nothing is known to.

    Several choices have primary links after a push that got only half way, or while a router cannot be
    reached: the one in the best state is taken. Links on unreachable routers that are not seen at all are
    presumed to carry like their siblings, and, where no primary link is seen anywhere, all together.
    """
    placed = snapshot.placements(traffic_class)
    carriers = snapshot.carriers(traffic_class)
    carrying: dict[str, list[str]] = {}
    hidden: dict[str, list[str]] = {}
    for choice in traffic_class.prefer.choices:
        for link in _out_of_reach(snapshot, choice):
            if link not in placed:
                hidden.setdefault(choice, []).append(link)
        carry = [link for link in links_of(snapshot, choice) if link in carriers] if carriers else []
        if carry:
            carrying[choice] = carry
    if placed and hidden and not carrying:
        all_hidden = tuple(link for links in hidden.values() for link in links)
        return Incumbent(next(iter(hidden)), all_hidden, path(snapshot, all_hidden), presumed=True)
    found = []
    for choice, seen in carrying.items():
        its_links = (*seen, *hidden.get(choice, []))
        found.append(Incumbent(choice, its_links, path(snapshot, its_links)))

    def rank(one: Incumbent) -> tuple[Path, bool, tuple[bool, int], int]:
        proven = any(not snapshot.on_probation(link) for link in one.links)
        place = traffic_class.prefer.choices.index(one.choice)
        return one.path, not proven, position(snapshot, traffic_class, one.choice), place

    return min(found, key=rank, default=None)


@once
def _out_of_reach(snapshot: Snapshot, choice: str) -> tuple[str, ...]:
    if not snapshot.unreachable:
        return ()
    return tuple(link for link in links_of(snapshot, choice) if not snapshot.reachable(link))


@once
def path(snapshot: Snapshot, links: tuple[str, ...]) -> Path:
    """State of links that carry together: that of the best."""

    def of(link: str) -> Path:
        if snapshot.drained(link) and snapshot.usable(link):
            return Path.DRAINED
        if snapshot.verdict(link) is Verdict.UP and link in snapshot.unfit:
            return Path.UNFIT
        slow = snapshot.verdict(link) is Verdict.UP and snapshot.in_brownout(link)
        return Path.BROWNOUT if slow else PATH_OF[snapshot.verdict(link)]

    return min(of(link) for link in links)


def reasons(snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option]) -> list[Reason]:
    """Which choices could carry the class, in the order they would be chosen, and which are passed over."""
    ordered = sorted(options, key=lambda name: _rank(snapshot, traffic_class, options, name))
    told = ", ".join(f"{name} ({options[name].standing.name.lower()})" for name in ordered) or "none"
    found = [Reason(RULE, traffic_class.name, f"possible destinations, best first: {told}")]
    found += [
        Reason(RULE, traffic_class.name, f"{name} shares a risk with what failed: last in the queue")
        for name in ordered
        if position(snapshot, traffic_class, name)[0]
    ]
    return found
