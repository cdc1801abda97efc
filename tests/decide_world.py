"""A small network for tests of ``decide``: three upstreams, four links, two routers; and a hand to turn it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_network

from controller.core.model import (
    BACKUP,
    DRAINED,
    NOTHING_KNOWN,
    PRIMARY,
    ROLE_NAMES,
    WITHDRAWN,
    Assignment,
    ControlState,
    Decision,
    Delay,
    Family,
    FamilyHealth,
    Health,
    HealthPolicy,
    LatencyPolicy,
    Link,
    Moment,
    Override,
    Placement,
    Policy,
    Preference,
    Role,
    Router,
    StabilityPolicy,
    Traffic,
    TrafficClass,
    Upstream,
    Verdict,
    Window,
)
from controller.core.policy import decide, record_move

USUAL, SLOW, BROWNOUT = Delay.USUAL, Delay.SLOW, Delay.BROWNOUT
UP, DEGRADED, DOWN, UNKNOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN, Verdict.UNKNOWN
P, B1, B2, D, W = (
    Placement(PRIMARY),
    Placement(BACKUP, 1),
    Placement(BACKUP, 2),
    Placement(DRAINED),
    Placement(WITHDRAWN),
)

AZ, GE1, GE2, IR = "edge1-azerbaijan", "edge1-georgia", "edge2-georgia", "edge2-iran"
LINKS = (AZ, GE1, GE2, IR)

STABILITY = StabilityPolicy(
    hold_down_s=600,
    fail_back_clean_s=60,
    fail_back_doubles_up_to_s=3600,
    fail_back_forgotten_after_s=7200,
    changes_per_hour=6,
    escapes_per_hour=4,
)
HEALTH = HealthPolicy(
    targets=(IPv4Address("198.51.100.1"),),
    interval_s=0.1,
    timeout_s=0.5,
    ride_out_s=1.0,
    false_per_year=1.0,
    recover_s=5,
    fresh_s=3,
    latency=LatencyPolicy(worse_by_ms=50, held_s=60),
)


def traffic_class(name: str, *prefer: str, disjoint: bool = False) -> TrafficClass:
    return TrafficClass(name, (ip_network("203.0.113.0/24"),), Preference(prefer), backups_disjoint=disjoint)


RESIDENTIAL = traffic_class("residential", "azerbaijan", "georgia", "iran")


def policy(
    *classes: TrafficClass,
    stability: StabilityPolicy = STABILITY,
    shared: bool = False,
    when_down: str = DRAINED,
) -> Policy:
    """The network; ``shared``: azerbaijan and georgia leave by the same sea."""
    sea = frozenset({"black-sea"}) if shared else frozenset()
    named = classes or (RESIDENTIAL,)
    return Policy(
        upstreams={
            "azerbaijan": Upstream("azerbaijan", 64501, "AZ", sea),
            "georgia": Upstream("georgia", 64502, "GE", sea),
            "iran": Upstream("iran", 64503, "IR"),
        },
        routers={name: Router(name, "frr", 64500) for name in ("edge1", "edge2")},
        links={
            name: Link(
                name,
                router=name.split("-")[0],
                upstream=name.split("-")[1],
                interface=name.split("-")[1],
                neighbors={Family.IPV4: IPv4Address("198.18.1.1")},
                probe_source={},
            )
            for name in LINKS
        },
        classes={each.name: each for each in named},
        roles={name: Role(name, 100) for name in ROLE_NAMES},
        health=HEALTH,
        stability=stability,
        when_down=when_down,
    )


CALM: Assignment = {"residential": {AZ: P, GE1: B1, GE2: B1, IR: B2}}
ON_GEORGIA: Assignment = {"residential": {AZ: D, GE1: P, GE2: P, IR: B2}}


def see(
    verdicts: Mapping[str, Verdict] | None = None, *, suspect: tuple[str, ...] = (), since: float = 0.0
) -> dict[str, Health]:
    """Health of every link: up but for those named."""
    told = {**dict.fromkeys(LINKS, UP), **(verdicts or {})}
    families = {Family.IPV4: FamilyHealth(UP, "", tail_ms=30.0)}
    return {
        name: Health(name, verdict, since, f"{name} looks {verdict}", name in suspect, families)
        for name, verdict in told.items()
    }


@dataclass
class World:
    """Routers that do as they are told at once, and the memory that goes with them."""

    policy: Policy
    current: Assignment = field(default_factory=dict)
    state: ControlState = field(default_factory=ControlState)
    now: float = 10_000.0
    health: dict[str, Health] = field(default_factory=see)
    unreachable: frozenset[str] = frozenset()
    overrides: tuple[Override, ...] = ()
    windows: dict[str, Window] = field(default_factory=dict)
    traffic: Traffic = NOTHING_KNOWN

    def turn(self, verdicts: Mapping[str, Verdict], *, suspect: tuple[str, ...] = ()) -> None:
        """Links take a verdict now; ``since`` moves only where the verdict does."""
        for name, verdict in verdicts.items():
            before = self.health.get(name) or Health(name, verdict, self.now, "")
            since = before.since if before.verdict is verdict else self.now
            self.health[name] = replace(
                before, verdict=verdict, since=since, why=f"{name} looks {verdict}", suspect=name in suspect
            )

    def delay(self, delays: Mapping[str, Delay], tails_ms: Mapping[str, float] | None = None) -> None:
        """Links take a delay now; ``tails_ms``: what nine of ten round trips keep within, 30 ms unless given."""
        for name, delay in delays.items():
            why = "" if delay is USUAL else f"{name} takes longer"
            tail_ms = (tails_ms or {}).get(name, 30.0 if delay is USUAL else 90.0)
            family = FamilyHealth(UP, "", delay=delay, delay_why=why, tail_ms=tail_ms)
            self.health[name] = replace(
                self.health[name], delay=delay, delay_why=why, families={Family.IPV4: family}
            )

    def visible(self) -> dict[str, dict[str, Placement]]:
        """What the loop would read: nothing of routers that do not answer."""
        return {
            name: {
                link: placement
                for link, placement in placements.items()
                if self.policy.links[link].router not in self.unreachable
            }
            for name, placements in self.current.items()
        }

    def look(self) -> Decision:
        """Decide, and change nothing but what is remembered of links."""
        moment = Moment(
            self.health,
            self.state,
            self.now,
            self.visible(),
            unreachable=self.unreachable,
            overrides=self.overrides,
            windows=self.windows,
            traffic=self.traffic,
        )
        decision, self.state = decide(self.policy, moment)
        return decision

    def step(self, after_s: float = 0.0) -> Decision:
        """Let time pass, decide, apply and book."""
        self.now += after_s
        decision = self.look()
        if not decision.frozen:
            self.apply(decision)
        return decision

    def apply(self, decision: Decision) -> None:
        """What the loop does after a push."""
        self.state = record_move(self.state, decision, self.visible(), self.now)
        self.current = {
            name: {**self.current.get(name, {}), **placements}
            for name, placements in decision.assignment.items()
        }

    def of(self, name: str = "residential") -> Mapping[str, Placement]:
        return self.current[name]


def world(
    *classes: TrafficClass,
    current: Assignment | None = None,
    stability: StabilityPolicy = STABILITY,
    shared: bool = False,
) -> World:
    """A network that has been watched for hours; in its calm state unless ``current`` says otherwise."""
    made = World(policy(*classes, stability=stability, shared=shared))
    made.step()
    if current is not None:
        made.current = {name: dict(placements) for name, placements in current.items()}
    return made
