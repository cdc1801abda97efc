"""Schema of a class's own ``roles`` in ``policy.yaml``: what differs from everybody's."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from controller.config.addresses import Community
from controller.config.role_file import (
    FurtherSpec,
    LocalPreference,
    Med,
    Prepend,
    ReserveSpec,
    RoleSpec,
    RolesSpec,
)
from controller.config.scalars import Name
from controller.config.spec import Spec
from controller.core.model import ROLE_NAMES


def _told(field: str) -> str:
    """What ``roles`` says of the field, and where its value comes from when it is left out."""
    told = RoleSpec.model_fields[field].description or ""
    return f"{told.partition(' Default:')[0].rstrip('.')}. Default: as in 'roles'"


class RoleChangesSpec(Spec):
    """What differs from a role of everybody's. What is left out is as there."""

    local_preference: LocalPreference | None = Field(default=None, description=_told("local_preference"))
    prepend: Prepend | None = Field(default=None, description=_told("prepend"))
    communities: list[Community] | None = Field(default=None, description=_told("communities"))
    upstream_communities: dict[Name, list[Community]] | None = Field(
        default=None, description=_told("upstream_communities")
    )
    med: Med | None = Field(default=None, description=_told("med"))
    graceful_shutdown: bool | None = Field(default=None, description=_told("graceful_shutdown"))
    announce: bool | None = Field(default=None, description=_told("announce"))
    more_specifics: bool | None = Field(default=None, description=_told("more_specifics"))


class PrimaryChangesSpec(RoleChangesSpec):
    """What differs from the primary role of everybody's."""

    each_further: ReserveSpec | None = Field(
        default=None,
        description=(
            "steps that put a further choice, once primary, before the first. Given here, all of them are: "
            "what is left out inside is no step. Default: as in 'roles'"
        ),
    )


class BackupChangesSpec(RoleChangesSpec):
    """What differs from the backup role of everybody's."""

    each_further: FurtherSpec | None = Field(
        default=None,
        description=(
            "steps that put the second backup behind the first, and so on. Given here, all of them are: "
            "what is left out inside is no step. Default: as in 'roles'"
        ),
    )


class ClassRolesSpec(Spec):
    """What a link can be to this class, where that differs from ``roles``."""

    primary: PrimaryChangesSpec = Field(
        default=PrimaryChangesSpec(),
        description=(
            "while it carries the class. One class may hold back a prepend that others need not. "
            "Default: as in 'roles'"
        ),
        examples=["{prepend: 1}"],
    )
    backup: BackupChangesSpec = Field(
        default=BackupChangesSpec(),
        description=(
            "while it waits for its turn. A class whose users suffer from a second way in prepends more. "
            "Default: as in 'roles'"
        ),
        examples=["{prepend: 5}"],
    )
    drained: RoleChangesSpec = Field(
        default=RoleChangesSpec(),
        description=(
            "while nothing else is left. A class may rather be silent than arrive over a bad link. "
            "Default: as in 'roles'"
        ),
        examples=["{announce: false}"],
    )
    withdrawn: RoleChangesSpec = Field(
        default=RoleChangesSpec(),
        description=(
            "while it is not to carry the class at all. Local preference is all that differs there: own "
            "prefixes are not announced. Default: as in 'roles'"
        ),
        examples=["{local_preference: 5}"],
    )


def changed(roles: RolesSpec, changes: ClassRolesSpec) -> Mapping[str, RoleSpec]:
    """The roles that a class has changed, by name, each as a whole."""
    found: dict[str, RoleSpec] = {}
    for name in ROLE_NAMES:
        given: RoleChangesSpec = getattr(changes, name)
        values = {field: getattr(given, field) for field in type(given).model_fields}
        update = {field: value for field, value in values.items() if value is not None}
        if update:
            found[name] = getattr(roles, name).model_copy(update=update)
    return found
