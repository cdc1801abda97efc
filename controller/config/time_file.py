"""Schema of what ``policy.yaml`` says of time: windows, maintenance, freezes."""

from typing import Annotated

from pydantic import Field

from controller.config.scalars import Duration, described
from controller.config.spec import Spec
from controller.config.times import Cron, LocalTime, Recurrence, TimeZone

WindowName = Annotated[str, described("name of a window")]


class WindowSpec(Spec):
    """A stretch of time, once or again and again."""

    lasts: Duration = Field(
        description="how long it is open each time. Summer time neither shortens nor lengthens it",
        examples=["4h"],
    )
    cron: Cron | None = Field(
        default=None,
        description=(
            "when it opens, as in crontab: minute, hour, day, month, weekday. It is what most know by heart. "
            "Default: not by cron"
        ),
        examples=["0 2 * * SUN"],
    )
    rrule: Recurrence | None = Field(
        default=None,
        description=(
            "when it opens again after 'starts', as a rule of RFC 5545. It says what cron cannot, like the "
            "last Sunday of a month. Default: it does not"
        ),
        examples=["FREQ=MONTHLY;BYDAY=-1SU"],
    )
    starts: LocalTime | None = Field(
        default=None,
        description=(
            "when it opens for the first time, or, without 'rrule', the only time. It is local time, as "
            "people announce such things. Default: by 'cron'"
        ),
        examples=["2026-12-31T18:00"],
    )
    timezone: TimeZone = Field(
        default="UTC",
        description="the time zone of these times. It follows summer time where that has any",
        examples=["Asia/Yerevan"],
    )


class MaintenanceSpec(Spec):
    """Work that is planned: something is drained while a window is open."""

    window: WindowName = Field(
        description="while this window is open. Traffic leaves before the work begins, losing nothing",
        examples=["fibre-work"],
    )
    drain: Annotated[str, described("name of a link, an upstream, a router or a shared risk")] = Field(
        description=(
            "what is drained. It carries nothing while anything else can, and traffic returns in its own time"
        ),
        examples=["azerbaijan"],
    )
