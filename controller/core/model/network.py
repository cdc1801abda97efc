"""What there is, and what operators want of it: upstreams, links, classes, roles, the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from controller.core.model.targets import Address, Endpoint, Family, Network, Target, family_of
from controller.core.witnesses import Prometheus, RouterTests


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider of transit."""

    name: str
    asn: int
    country: str | None = None  # ISO 3166-1 alpha-2
    shared_risk: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """One attachment to an upstream at one router: eBGP sessions, an interface, a way to probe through it."""

    name: str
    router: str
    upstream: str
    interface: str
    neighbors: Mapping[Family, Address]
    probe_source: Mapping[Family, Address]
    probe_device: str | None = None  # SO_BINDTODEVICE, where each link has its own interface
    pinged_by_router: bool = False  # by NAPALM's ping on the router; probe_source is then the router's own
    base_policy_in: str | None = None  # the operator's own policy for this neighbor; role policies call it
    base_policy_out: str | None = None


@dataclass(frozen=True, slots=True)
class Router:
    """A router the controller may change."""

    name: str
    platform: str
    asn: int


@dataclass(frozen=True, slots=True)
class TrafficClass:
    """Own prefixes (inbound) and, where wanted, destinations (outbound) that are steered together.

    A class without destinations steers outbound whatever no other class names; BGP chooses exits by
    destination, so only the first such class in the policy does that.
    """

    name: str
    prefixes: tuple[Network, ...]
    prefer: tuple[str, ...]  # upstream names, best first
    destinations: tuple[Network, ...] = ()
    backups_disjoint: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of BGP knobs.

    The ``further_*`` steps are added n-1 times: for backup, n is the place in the queue; for primary, the
    upstream's place in the class's preference.
    """

    name: str
    local_preference: int
    prepend: int = 0
    communities: tuple[str, ...] = ()
    graceful_shutdown: bool = False  # RFC 8326, community 65535:0
    announce: bool = True  # False: own prefixes are not announced over this link
    further_local_preference: int = 0
    further_prepend: int = 0


class Placement(NamedTuple):
    """What a link is to a class: a role, and for backups the place in the queue (1 is next in line).

    A tuple, because a decision compares one for every link and class.
    """

    role: str
    rank: int = 1

    def __str__(self) -> str:
        return self.role if self.rank == 1 else f"{self.role}-{self.rank}"


PRIMARY = "primary"
BACKUP = "backup"
DRAINED = "drained"
WITHDRAWN = "withdrawn"
ROLE_NAMES = (PRIMARY, BACKUP, DRAINED, WITHDRAWN)


@dataclass(frozen=True, slots=True)
class LatencyPolicy:
    """When round trips are so much worse that other links are to be preferred."""

    worse_by_ms: float  # than what is usual for the same target over the same link
    held_s: float  # a brownout once it has lasted for so long, and until it has been clean for as long
    limit_ms: float | None = None  # worse in any case, whatever is usual
    jitter_worse_by_ms: float | None = None  # None: jitter is not watched
    jitter_limit_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Catch:
    """A wish: so much loss is to be noticed within so long."""

    loss_percent: float
    within_s: float


@dataclass(frozen=True, slots=True)
class PrefixPolicy:
    """When a session that is up carries too little: accepted prefixes against their own normal."""

    missing_percent: float = 50.0  # more than this share of the normal gone: degraded; all of it: down
    held_s: float = 10.0  # for this long
    settle_s: float = 180.0  # a new session's table is taken to be loading for at most this long


@dataclass(frozen=True, slots=True)
class InterfacePolicy:
    """When an interface that is up is bad."""

    errors_percent: float = 1.0  # more packets than this are errors, in either direction: degraded
    over_s: float = 30.0


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """How links are judged."""

    targets: tuple[Target, ...]
    interval_s: float  # between probes of one target through one link, unless it has its own
    timeout_s: float  # a probe unanswered for this long is lost, unless its target has its own
    ride_out_s: float  # outages shorter than this are nobody's business
    false_per_year: float  # false failovers per link that operators put up with
    recover_s: float  # a link that was down or degraded must look well for this long to be up again
    fresh_s: float  # a target not probed for this long has no say; too few with a say: unknown
    latency: LatencyPolicy | None = None  # None: round trips move nothing
    router_ping_s: float = 2.0  # between two pings of one target by a router, where routers ping
    anchors: tuple[Address, ...] = ()  # near: silent only if the controller's own way to anything is bad
    catch: tuple[Catch, ...] = ()  # checked against what can be promised; nothing else follows from it
    prefixes: PrefixPolicy = PrefixPolicy()
    interface: InterfacePolicy = InterfacePolicy()

    def targets_of(self, family: Family) -> tuple[Target, ...]:
        """The targets of one family."""
        return tuple(target for target in self.targets if family_of(target) is family)

    def interval_of(self, target: Target) -> float:
        """Seconds between two probes of this target through one link: no fewer than its own interval."""
        own = target.interval_s if isinstance(target, Endpoint) else None
        return self.interval_s if own is None else max(own, self.interval_s)

    def timeout_of(self, target: Target) -> float:
        """Seconds after which a probe of this target is lost."""
        own = target.timeout_s if isinstance(target, Endpoint) else None
        return self.timeout_s if own is None else own

    def fresh_of(self, target: Target) -> float:
        """Seconds for which this target keeps its say unprobed: longer where it is probed less often."""
        return self.fresh_s * max(1.0, self.interval_of(target) / self.interval_s)


@dataclass(frozen=True, slots=True)
class StabilityPolicy:
    """When a move may happen. Durations in seconds."""

    hold_down_s: float  # between two routine moves of one class
    fail_back_clean_s: float  # clean time a link needs before traffic returns to it
    fail_back_doubles_up_to_s: float  # repeat offenders: the clean time doubles up to this
    fail_back_forgotten_after_s: float  # and is forgotten after this long without a failure
    changes_per_hour: int  # routine moves, all classes together
    escapes_per_hour: int  # moves off a dead path have a budget of their own


@dataclass(frozen=True, slots=True)
class Policy:
    """All that operators wrote, checked."""

    upstreams: Mapping[str, Upstream]
    routers: Mapping[str, Router]
    links: Mapping[str, Link]
    classes: Mapping[str, TrafficClass]  # in the order of the file
    roles: Mapping[str, Role]  # every name in ROLE_NAMES
    health: HealthPolicy
    stability: StabilityPolicy
    when_down: str = DRAINED  # the role of a link that is down: drained or withdrawn
    user_path: Mapping[Family, Address] = field(default_factory=dict)  # own addresses to probe from
    prometheus: Prometheus | None = None
    router_tests: RouterTests | None = None

    def probed_through(self, link: Link) -> tuple[Target, ...]:
        """The targets that are looked at through a link: a router can do no more than ping."""
        targets = self.health.targets
        if link.pinged_by_router:
            return tuple(target for target in targets if not isinstance(target, Endpoint))
        return targets

    def links_of(self, upstream: str) -> tuple[Link, ...]:
        """The links of one upstream, in the order of the inventory."""
        return tuple(link for link in self.links.values() if link.upstream == upstream)
