"""What the controller can do on each platform: one row a platform, and nothing about platforms elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from controller.core.model import Attachment, Change, Link, RouterIntent
from controller.fleet import frr_config


class RevertIn(StrEnum):
    """How finely a platform's driver takes NAPALM's ``commit_config(revert_in=...)``."""

    SECONDS = "seconds"
    MINUTES = "minutes"  # whole ones; fewer seconds are rounded by the driver
    NONE = "none"  # the controller holds the rollback, and the router none if the controller dies


@dataclass(frozen=True, slots=True)
class Platform:
    """One row: the names a platform has elsewhere, and how to read and write its configuration."""

    name: str  # Nornir's ``platform`` in the inventory
    driver: str  # NAPALM's name of the driver
    templates: str  # the folder below templates/
    revert_in: RevertIn
    pings_at_once: int  # over one connection; 1 where the driver is not made for several threads
    attachments: Callable[[str, int, Sequence[Link]], tuple[Attachment, ...]]  # running, own ASN, links
    splice: Callable[[str, str, RouterIntent], str]  # running, rendered, intent -> candidate
    changes: Callable[[str, str], tuple[Change, ...]]  # before, after


PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        "frr": Platform(
            name="frr",
            driver="frr",
            templates="frr",
            revert_in=RevertIn.SECONDS,
            pings_at_once=8,  # sshd takes ten sessions in one connection, unless told otherwise
            attachments=frr_config.attachments,
            splice=frr_config.splice,
            changes=frr_config.changes,
        ),
    }
)
