"""The health section as the core's value, with what follows from it where operators left it open."""

from __future__ import annotations

from dataclasses import replace

from controller.config.convert_targets import to_targets
from controller.config.convert_witnesses import to_interface, to_prefixes
from controller.config.health_file import HealthSpec, LatencySpec
from controller.core.model import Catch, HealthPolicy, LatencyPolicy
from controller.core.promise import calm_interval_s

FRESH_INTERVALS = 10  # a target's say outlives this many missed probes, unless `fresh` says otherwise


def to_health(spec: HealthSpec) -> HealthPolicy:
    """The section, complete."""
    given = spec.interval or 0.0
    health = HealthPolicy(
        targets=tuple(target for _, target in to_targets(spec.targets)),
        anchors=tuple(spec.anchors),
        interval_s=given,
        timeout_s=spec.timeout,
        ride_out_s=spec.ride_out,
        false_per_year=spec.false_failovers,
        recover_s=spec.recover,
        fresh_s=0.0,
        prefixes=to_prefixes(spec.prefixes),
        interface=to_interface(spec.interface),
        router_ping_s=spec.router_ping.every,
        latency=None if spec.latency is None else _latency(spec.latency),
        catch=tuple(Catch(wish.loss, wish.within) for wish in spec.catch),
    )
    interval_s = given if spec.interval is not None else calm_interval_s(health)
    fresh_s = interval_s * FRESH_INTERVALS if spec.fresh is None else spec.fresh
    return replace(health, interval_s=interval_s, fresh_s=fresh_s)


def _latency(spec: LatencySpec) -> LatencyPolicy:
    jitter = spec.jitter
    return LatencyPolicy(
        worse_by_ms=spec.worse_by * 1000,
        held_s=spec.held,
        limit_ms=None if spec.limit is None else spec.limit * 1000,
        jitter_worse_by_ms=None if jitter is None else jitter.worse_by * 1000,
        jitter_limit_ms=None if jitter is None or jitter.limit is None else jitter.limit * 1000,
    )
