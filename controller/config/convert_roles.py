"""Checked roles to the core's values."""

from __future__ import annotations

from controller.config.role_file import BackupSpec, PrimarySpec, RoleSpec
from controller.core.model import Role


def to_role(name: str, spec: RoleSpec) -> Role:
    """One role, resolved."""
    return Role(
        name=name,
        local_preference=spec.local_preference,
        prepend=spec.prepend,
        communities=tuple(spec.communities),
        graceful_shutdown=spec.graceful_shutdown,
        announce=spec.announce,
        further_local_preference=spec.each_further.local_preference if isinstance(spec, BackupSpec) else 0,
        further_prepend=spec.each_further.prepend if isinstance(spec, BackupSpec | PrimarySpec) else 0,
        med=spec.med,
        further_med=spec.each_further.med if isinstance(spec, BackupSpec | PrimarySpec) else 0,
        upstream_communities={name: tuple(each) for name, each in spec.upstream_communities.items()},
        more_specifics=spec.more_specifics,
    )
