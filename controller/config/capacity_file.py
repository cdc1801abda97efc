"""Schema of what fits where and what it costs: below upstreams, and ``limits`` of policy.yaml."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from controller.config.scalars import BitRate, Percent, described, matching
from controller.config.spec import Spec

_SUBJECT = re.compile(r"[a-z][a-z0-9-]{0,31}|country [A-Z]{2}|owner [a-z][a-z0-9-]{0,31}", re.ASCII)

Subject = Annotated[
    str,
    BeforeValidator(
        matching(
            _SUBJECT,
            "something to depend on",
            "Write the name of a shared risk, or 'country GE', or 'owner NAME'.",
        )
    ),
    described("shared risk, country or owner", "black-sea", f"({_SUBJECT.pattern})"),
]


class CostSpec(Spec):
    """What an upstream charges, by the 95th percentile of a month's five-minute averages."""

    commit: BitRate | None = Field(
        default=None,
        description=(
            "what is paid for in any case. Up to here its use costs nothing more, so among equals it is "
            "used first. Default: nothing, so that all is paid for by use"
        ),
        examples=["20Gbps"],
    )
    per_mbps: float = Field(
        ge=0,
        allow_inf_nan=False,
        description=(
            "price of each Mbit/s beyond the commit, in a currency of your own. Among equals the cheaper "
            "one is chosen; a working path is never left for it"
        ),
        examples=[0.4],
    )


class LimitsSpec(Spec):
    """How full a path may be, how much may depend on one thing, and whether commits may be exceeded."""

    headroom: Percent = Field(
        default=10.0,
        description=(
            "share of every capacity that is left free. Queues grow and packets are lost before a path is "
            "full to the last bit"
        ),
        examples=["10%"],
    )
    dependence: dict[Subject, Percent] = Field(
        default_factory=dict,
        description=(
            "the most of all traffic that may go over one shared risk, 'country GE' or 'owner NAME', while "
            "another path can carry it. What fails then takes no more than that along. Default: no limit"
        ),
        examples=["{black-sea: 70%}"],
    )
    over_commit: Literal["allow", "avoid"] = Field(
        default="allow",
        description=(
            "avoid: traffic goes by choice to no upstream that would bill it beyond its commit while "
            "another would not. A dead path is left all the same; allow leaves cost to break ties only"
        ),
    )
