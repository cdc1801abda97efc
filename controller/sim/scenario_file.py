"""Schema of a scenario. Field descriptions are what errors show."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from controller.config.problems import quoted
from controller.config.scalars import BitRate, Duration, Name, as_text, refusal
from controller.config.spec import Spec
from controller.config.times import LocalTime
from controller.sim.ordered import NO_REASON, SOMEBODY


def _share(value: object) -> float:
    text = f"{value}" if type(value) in (int, float) else as_text(value, "a percentage", "10%")
    number, sign, rest = text.partition("%")
    try:
        percent = float(number) if sign and not rest else -1.0
    except ValueError:
        percent = -1.0
    if not 0 < percent <= 100:
        raise refusal(f"{quoted(text)} is not a percentage", "Write it like 10%, up to 100%.")
    return percent / 100


def _moment(value: object) -> Any:
    return "0s" if type(value) is int and value == 0 else value


Share = Annotated[float, BeforeValidator(_share)]  # 0 to 1
Moment = Annotated[Duration, BeforeValidator(_moment)]  # seconds since the scenario began
Count = Annotated[int, Field(ge=0)]
BEGINS = "2026-06-01T00:00:00"  # a Monday
What = Literal["down", "lossy", "slow", "jittery", "short", "unknown", "unreachable"]


class EventSpec(Spec):
    """Something that happens, once or again and again."""

    at: Moment = Field(description="when it begins, since the scenario began", examples=["10min"])
    link: Name | None = Field(default=None, description="the link it happens to")
    upstream: Name | None = Field(default=None, description="or every link of this upstream")
    risk: Name | None = Field(default=None, description="or of all upstreams that share this risk")
    router: Name | None = Field(default=None, description="or all links of this router, or the router")
    all: Literal["links"] | None = Field(default=None, description="or every link there is: write links")
    becomes: What = Field(
        description="down (nothing passes), lossy, slow, jittery (round trips vary), short (of prefixes),"
        " unknown (not measured) or, of a router, unreachable",
        examples=["down"],
    )
    loss: Share | None = Field(default=None, description="lossy: so much is lost")
    by: Duration | None = Field(
        default=None,
        description="slow: round trips take so much longer; jittery: they vary by so much more, from their"
        " median to nine of ten",
    )
    missing: Share | None = Field(default=None, description="short: so much of its usual table is gone")
    lasts: Duration | None = Field(default=None, description="for so long; to the end, if left out")
    every: Duration | None = Field(default=None, description="and again after this long, start to start")
    until: Moment | None = Field(default=None, description="with every: no further start from then on")
    only: Literal["probes"] | None = Field(
        default=None, description="write probes if only the controller has it so, and users do not"
    )


class OrderSpec(Spec):
    """What somebody orders, as with `failover drain`, `pin`, `pause` and `acknowledge`."""

    at: Moment = Field(description="when it is ordered, since the scenario began", examples=["50min"])
    drain: Name | None = Field(default=None, description="a link, upstream, router or risk to be emptied")
    pin: Name | None = Field(default=None, description="or a class that is to stay on one upstream")
    to: Name | None = Field(default=None, description="with pin: the upstream")
    pause: Literal["all"] | None = Field(default=None, description="or nothing is to be pushed: write all")
    acknowledge: Name | None = Field(default=None, description="or a class that may move again, and return")
    until: Moment | None = Field(default=None, description="when it ends; it holds to the end, if left out")
    by: str = Field(default=SOMEBODY, min_length=1, description="who orders it")
    reason: str = Field(default=NO_REASON, min_length=1, description="why")


class LoadSpec(Spec):
    """What a class carries for a while, once or again and again; of several at once the largest counts."""

    traffic_class: Name = Field(alias="class", description="the class", examples=["residential"])
    at: Moment = Field(description="when it begins, since the scenario began", examples=["18h"])
    load: BitRate = Field(
        description="so much, the larger direction; else what the policy expects", examples=["60Gbps"]
    )
    lasts: Duration | None = Field(default=None, description="for so long; to the end, if left out")
    every: Duration | None = Field(default=None, description="and again after this long, start to start")
    until: Moment | None = Field(default=None, description="with every: no further start from then on")


class ExpectSpec(Spec):
    """Something that must turn out so."""

    traffic_class: Name | None = Field(
        default=None, alias="class", description="of this class; of each, if left out"
    )
    carried_by: Name | None = Field(
        default=None, description="this upstream alone carries it, by `at`+`within`"
    )
    at: Moment | None = Field(default=None, description="with carried_by: the moment")
    within: Duration | None = Field(default=None, description="with at: allowed so much later")
    most_moves: Count | None = Field(default=None, description="it moves no more often than this")
    most_false_moves: Count | None = Field(
        default=None, description="it leaves a path that was well no more often than this"
    )
    availability: Share | None = Field(default=None, description="its path works for this share of the time")
    says: str | None = Field(
        default=None, min_length=1, description="some decision's sentence has these words"
    )
    frozen: bool = Field(
        default=False, description="write true: some decision changes nothing because the view is in doubt"
    )
    after: Moment | None = Field(default=None, description="only what is from then on")
    before: Moment | None = Field(default=None, description="only what is up to then")


class ScenarioFile(Spec):
    """What happens, and what is expected."""

    title: str = Field(min_length=1, description="one line", examples=["a cable breaks"])
    about: str = Field(default="", description="what it is modelled on, and what is assumed")
    lasts: Duration = Field(description="how long it is watched", examples=["2h"])
    begins: LocalTime = Field(
        default=BEGINS, description="the UTC date and time of 0s, for what the policy says of the hour"
    )
    usual: dict[Name, Duration] = Field(
        default_factory=dict, description="round trips over an upstream in calm; 40ms unless given"
    )
    traffic: list[LoadSpec] = Field(
        default_factory=list,
        description="what classes carry; with any of it, loads are measured as routers' counters would",
    )
    events: list[EventSpec] = Field(default_factory=list, description="what happens, in any order")
    orders: list[OrderSpec] = Field(default_factory=list, description="what people order, in any order")
    expect: list[ExpectSpec] = Field(default_factory=list, description="what must come of it")


class ScenarioDraft(Spec):
    """What is left of a scenario without its broken parts: enough to check the rest."""

    title: str = ""
    about: str = ""
    lasts: Duration | None = None
    begins: LocalTime = BEGINS
    usual: dict[Name, Duration] = Field(default_factory=dict)
    traffic: list[LoadSpec] = Field(default_factory=list)
    events: list[EventSpec] = Field(default_factory=list)
    orders: list[OrderSpec] = Field(default_factory=list)
    expect: list[ExpectSpec] = Field(default_factory=list)
