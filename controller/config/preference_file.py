"""Schema of who may and should carry a class: tiers of upstreams, other ones at other hours, requirements."""

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from controller.config.scalars import Country, Duration, Name, Percent, described
from controller.config.spec import Spec
from controller.config.time_file import WindowName

_UPSTREAM = "name of an upstream"


def _tier(value: object) -> object:
    return [value] if isinstance(value, str) else value


Tier = Annotated[
    list[Annotated[str, described(_UPSTREAM)]],
    BeforeValidator(_tier),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "unit": f"{_UPSTREAM}, or several in brackets"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]


class PreferInSpec(Spec):
    """What a class prefers while a window is open."""

    window: WindowName = Field(
        description="while this window is open. Moves at its ends are routine ones: they wait their turn",
        examples=["night"],
    )
    prefer: list[Tier] = Field(
        min_length=1,
        description="upstreams, best first, as in the class. One that is left out carries nothing meanwhile",
        examples=["[iran, azerbaijan]"],
    )


class RequireSpec(Spec):
    """What a class asks of what carries it."""

    loss: Percent | None = Field(
        default=None,
        description=(
            "no more than this is lost. Voice suffers from what bulk traffic does not notice. Default: any "
            "that is not found to be bad"
        ),
        examples=["1%"],
    )
    rtt: Duration | None = Field(
        default=None,
        description=(
            "nine of ten round trips keep within this. A detour that is fast enough for most may be too slow "
            "for some. Default: any"
        ),
        examples=["80ms"],
    )
    held: Duration = Field(
        default=60.0,
        description=(
            "a link fails 'loss' or 'rtt' once it has been worse for so long, until it has been better for "
            "as long. Short peaks move nothing"
        ),
        examples=["60s"],
    )
    countries: list[Country] = Field(
        default_factory=list,
        description="only upstreams of these countries. Some traffic may not take every road. Default: any",
        examples=[["AZ", "GE"]],
    )
    not_countries: list[Country] = Field(
        default_factory=list,
        description="no upstream of these countries. It spares a list of all the others. Default: none",
        examples=[["IR"]],
    )
    owners: list[Name] = Field(
        default_factory=list,
        description="only upstreams of these owners. Contracts may ask for it. Default: any",
        examples=[["example-holding"]],
    )
    not_owners: list[Name] = Field(
        default_factory=list,
        description="no upstream of these owners. It spares a list of all the others. Default: none",
        examples=[["example-holding"]],
    )
