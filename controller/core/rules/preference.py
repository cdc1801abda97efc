"""Rule 3: who should carry this class? The operator's order, less what shares the failed thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from controller.core.explain import names as listed
from controller.core.model import Held, Policy, Reason, TrafficClass, Verdict
from controller.core.rules.eligibility import Option
from controller.core.rules.snapshot import Snapshot, once
from controller.core.stability import primaries

RULE = "preference"


class Path(IntEnum):
    """State of what carries a class now: the best of its primary links."""

    UP = 0
    BROWNOUT = 1
    DEGRADED = 2
    DRAINED = 3  # by people: works, and is to carry nothing
    UNKNOWN = 4
    DEAD = 5


PATH_OF = {
    Verdict.UP: Path.UP,
    Verdict.DEGRADED: Path.DEGRADED,
    Verdict.UNKNOWN: Path.UNKNOWN,
    Verdict.DOWN: Path.DEAD,
}


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The upstream that carries a class now, and by which links."""

    upstream: str
    links: tuple[str, ...]
    path: Path
    presumed: bool = False  # nothing seen carries; these are not seen, being on routers that do not answer


def position(snapshot: Snapshot, traffic_class: TrafficClass, upstream: str) -> tuple[bool, int]:
    """Place in the queue, best first: those that share nothing with what failed, then the operator's order.

    A risk that has struck two of its members at once is passed over whatever the class says. Beyond that,
    what shares with a failed upstream is passed over for classes that ask for it.

    A preferred upstream counts as failed until traffic can return to it (its clean time is served, its
    router answers), not just while it is down: else the class would visit a third upstream on its way back.
    """
    place = traffic_class.prefer.index(upstream)
    risks = _risks(snapshot.policy, upstream)
    if risks & snapshot.hit:
        return True, place
    if not traffic_class.backups_disjoint:
        return False, place
    return any(
        risks & _risks(snapshot.policy, better) and _failed(snapshot, better)
        for better in traffic_class.prefer[:place]
    ), place


@once
def _failed(snapshot: Snapshot, upstream: str) -> bool:
    links = snapshot.links_of.get(upstream, ())
    return bool(links) and all(snapshot.on_probation(link) or not snapshot.reachable(link) for link in links)


def _risks(policy: Policy, upstream: str) -> frozenset[str]:
    known = policy.upstreams.get(upstream)
    return known.shared_risk if known else frozenset()


def best(snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option]) -> str | None:
    """The upstream to choose if nothing else were to be considered, or None."""
    return min(
        options,
        key=lambda name: (options[name].standing, position(snapshot, traffic_class, name)),
        default=None,
    )


def better(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], than: str
) -> list[str]:
    """Upstreams that the operator prefers to a working one, best first.

    A working path is left only for one earlier in the operator's order, never merely to share less.
    """
    shares, place = position(snapshot, traffic_class, than)
    positions = {name: position(snapshot, traffic_class, name) for name in options}
    wanted = [name for name, (risky, at) in positions.items() if at < place and risky <= shares]
    return sorted(wanted, key=lambda name: positions[name])


def queue(policy: Policy, traffic_class: TrafficClass, active: str) -> dict[str, int]:
    """Backup rank of every upstream but the active one: the order in which they would be chosen.

    BGP itself follows these ranks when a session drops, before any decision, so they must agree with what
    would be decided: with ``backups_disjoint``, those that share a risk with the active one come last.
    Health has no say, so that ranks change only when the active upstream does.
    """
    ordered = [name for name in traffic_class.prefer if name != active]
    if traffic_class.backups_disjoint:
        after = traffic_class.prefer[traffic_class.prefer.index(active) :]
        risks = _risks(policy, active)
        ordered.sort(key=lambda name: name in after and bool(_risks(policy, name) & risks))  # stable
    return {name: rank for rank, name in enumerate(ordered, start=1)}


def first_look(
    snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option], chosen: str
) -> Held | None:
    """At first contact: links that are still being looked at are worth a moment's wait.

    Verdicts arrive one by one after a start. Installing what happens to be known first would cost a
    fail-back minutes later. All links are waited for, not just those of this class, because a router's
    neighbor has one policy for all classes. A link unknown for longer than a look takes is not waited for.
    """
    rule = snapshot.policy.health
    preferred = traffic_class.prefer[: traffic_class.prefer.index(chosen)]
    quiet = [
        name
        for name in preferred
        if name not in options
        and any(
            snapshot.health[link].suspect and snapshot.verdict(link) is Verdict.UP
            for link in snapshot.links_of.get(name, ())
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


def incumbent(snapshot: Snapshot, traffic_class: TrafficClass) -> Incumbent | None:
    """The upstream that carries the class now; None where nothing is known to.

    Several upstreams have primary links after a push that got only half way, or while a router cannot be
    reached: the one in the best state is taken. Links on unreachable routers that are not seen at all are
    presumed to carry like their siblings, and, where no primary link is seen anywhere, all together.
    """
    placed = snapshot.placements(traffic_class)
    carriers = primaries(placed)
    carrying: dict[str, list[str]] = {}
    hidden: dict[str, list[str]] = {}
    for upstream in traffic_class.prefer:
        links = snapshot.links_of.get(upstream, ())
        for link in _out_of_reach(snapshot, upstream):
            if link not in placed:
                hidden.setdefault(upstream, []).append(link)
        carry = [link for link in links if link in carriers] if carriers else []
        if carry:
            carrying[upstream] = carry
    if placed and hidden and not carrying:
        all_hidden = tuple(link for links in hidden.values() for link in links)
        return Incumbent(next(iter(hidden)), all_hidden, path(snapshot, all_hidden), presumed=True)
    found = []
    for upstream, seen in carrying.items():
        its_links = (*seen, *hidden.get(upstream, []))
        found.append(Incumbent(upstream, its_links, path(snapshot, its_links)))

    def order(one: Incumbent) -> tuple[Path, bool, tuple[bool, int]]:
        proven = any(not snapshot.on_probation(link) for link in one.links)
        return one.path, not proven, position(snapshot, traffic_class, one.upstream)

    return min(found, key=order, default=None)


@once
def _out_of_reach(snapshot: Snapshot, upstream: str) -> tuple[str, ...]:
    if not snapshot.unreachable:
        return ()
    return tuple(link for link in snapshot.links_of.get(upstream, ()) if not snapshot.reachable(link))


@once
def path(snapshot: Snapshot, links: tuple[str, ...]) -> Path:
    """State of links that carry together: that of the best."""

    def of(link: str) -> Path:
        if snapshot.drained(link) and snapshot.usable(link):
            return Path.DRAINED
        slow = snapshot.verdict(link) is Verdict.UP and snapshot.in_brownout(link)
        return Path.BROWNOUT if slow else PATH_OF[snapshot.verdict(link)]

    return min(of(link) for link in links)


def reasons(snapshot: Snapshot, traffic_class: TrafficClass, options: dict[str, Option]) -> list[Reason]:
    """Which upstreams could carry the class, in the order they would be chosen, and which are passed over."""
    ordered = sorted(
        options, key=lambda name: (options[name].standing, position(snapshot, traffic_class, name))
    )
    told = ", ".join(f"{name} ({options[name].standing.name.lower()})" for name in ordered) or "none"
    found = [Reason(RULE, traffic_class.name, f"possible destinations, best first: {told}")]
    found += [
        Reason(RULE, traffic_class.name, f"{name} shares a risk with what failed: last in the queue")
        for name in ordered
        if position(snapshot, traffic_class, name)[0]
    ]
    return found
