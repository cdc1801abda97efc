"""Checked classes, stability and windows to the core's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.config.class_role_file import changed
from controller.config.convert_roles import to_role
from controller.config.policy_file import ClassSpec, PolicyFile, UpstreamSpec
from controller.config.preference_file import RequireSpec
from controller.config.stability_file import BlockSpec, OwnStabilitySpec, StabilitySpec
from controller.config.time_file import WindowSpec
from controller.core.model import (
    JOINT,
    Block,
    Preference,
    Requirement,
    StabilityPolicy,
    TrafficClass,
    WindowRule,
)


def to_class(name: str, spec: ClassSpec, policy: PolicyFile) -> TrafficClass:
    """One class; at least one of its upstreams must be what it requires."""
    allowed = {each for each, upstream in policy.upstreams.items() if permits(spec.require, upstream)}
    return TrafficClass(
        name=name,
        prefixes=tuple(spec.prefixes),
        prefer=_preference(spec.prefer, allowed, share=spec.share),
        destinations=tuple(spec.destinations),
        backups_disjoint=spec.backups_disjoint,
        prefer_in=tuple(
            (each.window, _preference(each.prefer, allowed, share=spec.share)) for each in spec.prefer_in
        ),
        require=_requirement(spec.require),
        stability=_own_stability(spec.stability, policy.stability),
        when_down=spec.when_down,
        destination_as=tuple(spec.destination_as),
        destination_communities=tuple(spec.destination_communities),
        more_specifics=tuple(spec.more_specifics),
        roles={role: to_role(role, each) for role, each in changed(policy.roles, spec.roles).items()},
        load_bps=spec.load,
        importance=spec.importance,
        split=spec.split,
    )


def permits(require: RequireSpec | None, upstream: UpstreamSpec) -> bool:
    """Whether an upstream may carry a class at all. One that does not say its country is of no country."""
    if require is None:
        return True
    wanted = (
        not require.countries or upstream.country in require.countries,
        not require.owners or upstream.owner in require.owners,
        upstream.country not in require.not_countries,
        upstream.owner not in require.not_owners,
    )
    return all(wanted)


def _preference(tiers: Sequence[Sequence[str]], allowed: set[str], *, share: bool) -> Preference:
    def places() -> Iterator[tuple[str, int]]:
        for number, tier in enumerate(tiers):
            names = [name for name in tier if name in allowed]
            if share and names:
                yield JOINT.join(names), number
            else:
                yield from ((name, number) for name in names)

    found = tuple(places())
    alone = len({tier for _, tier in found}) == len(found)
    return Preference(tuple(name for name, _ in found), () if alone else tuple(tier for _, tier in found))


def _requirement(spec: RequireSpec | None) -> Requirement | None:
    """What must be measured; what can be told from the files was, in ``permits``."""
    if spec is None or (spec.loss is None and spec.rtt is None):
        return None
    return Requirement(spec.loss, None if spec.rtt is None else 1000 * spec.rtt, spec.held)


def to_stability(spec: StabilitySpec) -> StabilityPolicy:
    """When a move may happen."""
    return StabilityPolicy(
        hold_down_s=spec.hold_down,
        fail_back_clean_s=spec.fail_back.clean,
        fail_back_doubles_up_to_s=spec.fail_back.doubles_up_to,
        fail_back_forgotten_after_s=spec.fail_back.forgotten_after,
        changes_per_hour=spec.changes,
        escapes_per_hour=spec.escapes,
        fail_back_manual=spec.fail_back.mode == "manual",
        fail_back_in=spec.fail_back.only_in,
        block=_block(spec.block),
    )


def _own_stability(own: OwnStabilitySpec, common: StabilitySpec) -> StabilityPolicy | None:
    back = own.fail_back
    differs: Mapping[str, Any] = {
        "hold_down_s": own.hold_down,
        "fail_back_clean_s": back.clean,
        "fail_back_doubles_up_to_s": back.doubles_up_to,
        "fail_back_manual": None if back.mode is None else back.mode == "manual",
        "fail_back_in": back.only_in,
        "block": _block(own.block),
    }
    said = {name: value for name, value in differs.items() if value is not None}
    return replace(to_stability(common), **said) if said else None


def _block(spec: BlockSpec | None) -> Block | None:
    return None if spec is None else Block(spec.moves, spec.within)


def to_window(name: str, spec: WindowSpec) -> WindowRule:
    """When a window is open."""
    return WindowRule(name, spec.lasts, spec.timezone, spec.cron, spec.rrule, spec.starts)
