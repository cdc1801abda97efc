"""What there is, and what operators want of it: upstreams, links, classes, roles, the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.model.targets import Address, Endpoint, Family, Network, Target, family_of
from controller.core.witnesses import Prometheus, RouterTests


@dataclass(frozen=True, slots=True)
class Cost:
    """What an upstream charges: by the 95th percentile of a month's five-minute averages."""

    per_mbps: float  # of each Mbit/s beyond the commit
    commit_bps: float = 0.0  # paid for in any case


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider of transit."""

    name: str
    asn: int
    country: str | None = None  # ISO 3166-1 alpha-2
    shared_risk: frozenset[str] = frozenset()
    owner: str | None = None
    capacity_bps: float | None = None  # all its links together; None: as its links' tell
    cost: Cost | None = None  # None: as if it cost nothing

    @property
    def risks(self) -> frozenset[str]:
        """All that it may share with others: what is named, its country and its owner."""
        country = {f"country {self.country}"} if self.country else set()
        return self.shared_risk | country | ({f"owner {self.owner}"} if self.owner else set())


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
    shared_risk: frozenset[str] = frozenset()  # beside its upstream's: the building, the local loop
    capacity_bps: float | None = None  # each way


@dataclass(frozen=True, slots=True)
class Router:
    """A router the controller may change."""

    name: str
    platform: str
    asn: int


JOINT = "+"  # between upstreams that carry a class together: "georgia+iran"


def members(choice: str) -> tuple[str, ...]:
    """The upstreams of a choice: one, or those that carry together."""
    return tuple(choice.split(JOINT))


@dataclass(frozen=True, slots=True)
class Preference:
    """Who should carry a class, best first."""

    choices: tuple[str, ...]  # an upstream each, or several joined by "+" that carry together
    tiers: tuple[int, ...] = ()  # of each choice; equal ones are told apart by quality. (): each its own

    @property
    def upstreams(self) -> tuple[str, ...]:
        """Every upstream named, once."""
        return tuple(dict.fromkeys(name for choice in self.choices for name in members(choice)))

    def tier(self, choice: str) -> int:
        """The tier of a choice: the lower, the better."""
        place = self.choices.index(choice)
        return self.tiers[place] if self.tiers else place

    def choice_of(self, upstream: str) -> str | None:
        """The first choice that an upstream is in."""
        return next((choice for choice in self.choices if upstream in members(choice)), None)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a class asks of what carries it."""

    loss_percent: float | None = None  # not more than this is lost
    rtt_ms: float | None = None  # nine of ten round trips keep within this
    held_s: float = 60.0  # a link fails it once it was worse for so long, until it is better for as long


@dataclass(frozen=True, slots=True)
class TrafficClass:
    """Own prefixes (inbound) and, where wanted, destinations (outbound) that are steered together.

    A class without destinations of any kind steers outbound whatever no other class names; BGP chooses exits
    by destination, so only the first such class in the policy does that.
    """

    name: str
    prefixes: tuple[Network, ...]
    prefer: Preference
    destinations: tuple[Network, ...] = ()
    backups_disjoint: bool = False
    prefer_in: tuple[tuple[str, Preference], ...] = ()  # window and what is preferred in it; the first wins
    require: Requirement | None = None
    stability: StabilityPolicy | None = None  # None: the policy's
    when_down: str | None = None  # None: the policy's
    destination_as: tuple[int, ...] = ()  # whatever these originate
    destination_communities: tuple[str, ...] = ()  # whatever carries one of these
    more_specifics: tuple[Network, ...] = ()  # inside ``prefixes``: announced by roles that say so
    roles: Mapping[str, Role] = field(default_factory=dict, hash=False)  # in place of the policy's
    load_bps: float | None = None  # expected at its peak, the larger direction
    importance: int = 0  # the more important is given room first
    split: bool = False  # to become a class for each prefix
    part_of: str | None = None  # the class of the policy's file that it was split from

    @property
    def upstreams(self) -> tuple[str, ...]:
        """Every upstream that may ever carry it."""
        others = (name for _, preference in self.prefer_in for name in preference.upstreams)
        return tuple(dict.fromkeys((*self.prefer.upstreams, *others)))


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
    med: int | None = None  # MULTI_EXIT_DISC (RFC 4271); None: not set
    further_med: int = 0
    upstream_communities: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    more_specifics: bool = False  # a class's more-specifics are announced as well


@dataclass(frozen=True, slots=True, order=True)
class Placement:
    """What a link is to a class: a role, and for backups the place in the queue (1 is next in line)."""

    role: str
    rank: int = 1

    def __eq__(self, other: object) -> bool:
        if self is other:  # a decision compares one for every link and class, most of them the same
            return True
        return isinstance(other, Placement) and (self.role, self.rank) == (other.role, other.rank)

    def __hash__(self) -> int:
        return hash((self.role, self.rank))

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
    fail_back_manual: bool = False  # a person says when a class returns to what it had to leave
    fail_back_in: str | None = None  # it returns only while this window is open
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """So many moves of one class so close together, and a person is asked before the next routine one."""

    moves: int
    within_s: float


@dataclass(frozen=True, slots=True)
class WindowRule:
    """A stretch of time, once or again and again: by a cron expression, an RFC 5545 rule, or a start alone.

    Times are wall-clock times of ``timezone``.
    """

    name: str
    lasts_s: float
    timezone: str  # of the IANA database
    cron: str | None = None
    rrule: str | None = None
    starts: str | None = None  # ISO 8601 without an offset; the first of an RFC 5545 rule, or the only one


@dataclass(frozen=True, slots=True)
class Maintenance:
    """While the window is open, what is named is drained: a link, an upstream, a router or a shared risk."""

    window: str
    drains: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How full paths may be, and how much may depend on one thing."""

    headroom: float = 0.1  # share of every capacity that is left free
    dependence: Mapping[str, float] = field(default_factory=dict)  # subject -> most of all traffic, as share
    avoid_over_commit: bool = False


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
    windows: Mapping[str, WindowRule] = field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()
    freezes: tuple[str, ...] = ()  # windows in which only dead paths are left, and what people order is done
    user_path: Mapping[Family, Address] = field(default_factory=dict)  # own addresses to probe from
    prometheus: Prometheus | None = None
    router_tests: RouterTests | None = None
    limits: Limits = Limits()

    def role(self, traffic_class: TrafficClass, name: str) -> Role:
        """What a role is to this class: its own, or everybody's."""
        return traffic_class.roles.get(name) or self.roles[name]

    def probed_through(self, link: Link) -> tuple[Target, ...]:
        """The targets that are looked at through a link: a router can do no more than ping."""
        targets = self.health.targets
        if link.pinged_by_router:
            return tuple(target for target in targets if not isinstance(target, Endpoint))
        return targets

    def links_of(self, upstream: str) -> tuple[Link, ...]:
        """The links of one upstream, in the order of the inventory."""
        return tuple(link for link in self.links.values() if link.upstream == upstream)

    def risks_of(self, link: Link) -> frozenset[str]:
        """All that a link may share with others."""
        return self.upstreams[link.upstream].risks | link.shared_risk

    def subject(self, name: str) -> frozenset[str]:
        """The upstreams that depend on this: a shared risk, ``country GE`` or ``owner NAME``."""
        return frozenset(each.name for each in self.upstreams.values() if name in each.risks)
