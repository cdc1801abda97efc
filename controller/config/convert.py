"""Checked files to the core's values."""

from __future__ import annotations

from controller.config.capacity_file import CostSpec, LimitsSpec
from controller.config.convert_classes import to_class, to_stability, to_window
from controller.config.convert_roles import to_role
from controller.config.convert_witnesses import to_prometheus, to_router_tests
from controller.config.health import to_health
from controller.config.policy_file import PolicyFile, UpstreamSpec
from controller.config.sources import FoundLink, Sources
from controller.core.model import (
    ROLE_NAMES,
    Cost,
    Limits,
    Link,
    Maintenance,
    Policy,
    Router,
    Upstream,
)


def to_policy(policy: PolicyFile, sources: Sources) -> Policy:
    """All of it. ``sources`` must be without problems."""
    links = tuple(link.name for link in sources.links())
    return Policy(
        upstreams={name: _upstream(name, spec) for name, spec in policy.upstreams.items()},
        routers={
            name: Router(name, sources.platform_of(host) or "", sources.asn_of(host) or 0)
            for name, host in sources.managed()
        },
        links={link.name: _link(link) for link in sources.links()},
        classes={name: to_class(name, spec, policy) for name, spec in policy.classes.items()},
        roles={name: to_role(name, getattr(policy.roles, name)) for name in ROLE_NAMES},
        health=to_health(policy.health),
        stability=to_stability(policy.stability),
        when_down=policy.when_down,
        windows={name: to_window(name, spec) for name, spec in policy.windows.items()},
        maintenance=tuple(Maintenance(each.window, each.drain) for each in policy.maintenance),
        freezes=tuple(policy.freezes),
        user_path=policy.user_path.by_family(),
        prometheus=to_prometheus(policy.health.prometheus, links),
        router_tests=to_router_tests(policy.health.router_tests),
        limits=_limits(policy.limits),
    )


def _upstream(name: str, spec: UpstreamSpec) -> Upstream:
    return Upstream(
        name=name,
        asn=spec.asn,
        country=spec.country,
        shared_risk=frozenset(spec.shared_risk),
        owner=spec.owner,
        capacity_bps=spec.capacity,
        cost=None if spec.cost is None else _cost(spec.cost),
    )


def _cost(spec: CostSpec) -> Cost:
    return Cost(spec.per_mbps, spec.commit or 0.0)


def _limits(spec: LimitsSpec) -> Limits:
    return Limits(
        headroom=spec.headroom / 100,
        dependence={name: percent / 100 for name, percent in spec.dependence.items()},
        avoid_over_commit=spec.over_commit == "avoid",
    )


def _link(link: FoundLink) -> Link:
    spec = link.spec
    return Link(
        name=link.name,
        router=link.router,
        upstream=spec.upstream,
        interface=spec.interface,
        neighbors=spec.neighbors.by_family(),
        probe_source=spec.probe_source.by_family(),
        probe_device=spec.probe_device,
        pinged_by_router=spec.probe == "router",
        base_policy_in=spec.base_policy.into,
        base_policy_out=spec.base_policy.out,
        shared_risk=frozenset(spec.shared_risk),
        capacity_bps=spec.capacity,
    )
