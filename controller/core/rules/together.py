"""Upstreams that go bad together have something in common, declared or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from controller.core.explain import duration, names
from controller.core.model import Health, Policy, Reason, Together, Verdict

RULE = "together"
WITHIN_S = 5.0  # one cause is seen on two links so far apart at most: detection takes its own time on each
RECENT_S = 600.0  # for so long it belongs into the sentence
TELLING = 2  # times, before what is not declared is more than a coincidence
FORGOTTEN_S = 90 * 86400.0
MOST_PAIRS = 64  # remembered
_BAD = frozenset({Verdict.DOWN, Verdict.DEGRADED})


@dataclass(frozen=True, slots=True)
class Joint:
    """Two upstreams that went bad together, and still are."""

    upstreams: tuple[str, str]  # by name
    at: float  # of the later
    apart_s: float
    shared: tuple[str, ...]  # risks that both declare

    @property
    def text(self) -> str:
        """Continues a sentence."""
        apart = (
            "in the same instant" if self.apart_s < 0.1 else f"within {duration(self.apart_s)} of each other"
        )
        went = f"{names(self.upstreams)} went bad {apart}"
        return f"{went}; both share {names(self.shared)}" if self.shared else went


def joints(policy: Policy, health: Mapping[str, Health]) -> list[Joint]:
    """Every pair of upstreams that went bad together; none where no upstream is left, for that may be me.

    An upstream is bad when all of its links are. Two whose bad links are all on one router share that router.
    """
    bad_at: dict[str, float] = {}
    for name in policy.upstreams:
        links = [health[link.name] for link in policy.links_of(name) if link.name in health]
        if links and all(link.verdict in _BAD for link in links):
            bad_at[name] = max(link.since for link in links)
    if len(bad_at) == len(policy.upstreams):
        return []
    found = []
    for one, two in combinations(sorted(bad_at), 2):
        apart_s = abs(bad_at[one] - bad_at[two])
        routers = {link.router for name in (one, two) for link in policy.links_of(name)}
        shared = policy.upstreams[one].risks & policy.upstreams[two].risks
        if apart_s <= WITHIN_S and (shared or len(routers) > 1):
            found.append(Joint((one, two), max(bad_at[one], bad_at[two]), apart_s, tuple(sorted(shared))))
    return found


def hit(found: Sequence[Joint]) -> frozenset[str]:
    """The shared risks that must have struck: two of their members went bad together."""
    return frozenset(risk for joint in found for risk in joint.shared)


def remember(
    known: Mapping[str, Together], found: Sequence[Joint], policy: Policy, now: float
) -> dict[str, Together]:
    """How often pairs that declare nothing in common have failed together. Bounded; forgotten in a season."""
    kept = {
        pair: each
        for pair, each in known.items()
        if each.at + FORGOTTEN_S > now and not _declared(policy, pair.split())
    }
    for joint in found:
        pair = " ".join(joint.upstreams)
        before = kept.get(pair)
        if not joint.shared and (before is None or joint.at > before.at + WITHIN_S):
            kept[pair] = Together(before.times + 1 if before else 1, joint.at)
    newest = sorted(kept.items(), key=lambda item: (-item[1].at, item[0]))[:MOST_PAIRS]
    return dict(sorted(newest))


def notices(found: Sequence[Joint], known: Mapping[str, Together]) -> list[Reason]:
    """What to look at: risks that struck, and pairs that seem to share one."""
    told = [Reason(RULE, " ".join(joint.upstreams), joint.text) for joint in found if joint.shared]
    for pair, each in known.items():
        if each.times >= TELLING:
            both = f"{names(pair.split())} have failed together {each.times} times"
            text = f"{both}: consider a shared_risk for them"
            told.append(Reason(RULE, f"{pair} suggestion", text))
    return told


def _declared(policy: Policy, pair: Sequence[str]) -> bool:
    """Whether a pair declares a risk in common, or is no pair of upstreams any more."""
    if any(name not in policy.upstreams for name in pair):
        return True
    one, two = (policy.upstreams[name].risks for name in pair)
    return bool(one & two)
