"""Schema of ``health`` in ``policy.yaml``: when a link is bad."""

from typing import Any

from pydantic import Field

from controller.config.addresses import AnyAddress
from controller.config.scalars import Duration, Percent, YearlyRate
from controller.config.spec import Spec
from controller.config.target_file import TargetsSpec
from controller.config.witness_file import (
    InterfaceSpec,
    PrefixesSpec,
    PrometheusSpec,
    RouterPingSpec,
    RouterTestsSpec,
)


def _limit(worse: str, example: str) -> Any:
    why = "For what users cannot bear, however used they are to it. Default: no limit"
    told = f"{worse} worse, whatever is usual. {why}"
    return Field(default=None, description=told, examples=[example])


class CatchSpec(Spec):
    """A wish: so much loss is noticed within so long. One that cannot be met is refused."""

    loss: Percent = Field(
        description="so much loss. Loss below what links usually have cannot be told from it",
        examples=["10%"],
    )
    within: Duration = Field(
        description=("is noticed within this long, usually (median). The sooner, the more probes it takes"),
        examples=["10s"],
    )


class JitterSpec(Spec):
    """How much more round trips may vary, from their median to what nine of ten keep within."""

    worse_by: Duration = Field(
        description=("more jitter than usual by this much. Links differ, so each is held against itself"),
        examples=["30ms"],
    )
    limit: Duration | None = _limit("more jitter than this is", "100ms")


class LatencySpec(Spec):
    """What makes a brownout: a link that others are preferred to, as a routine move, while it lasts."""

    worse_by: Duration = Field(
        description=(
            "round trips longer than is usual for the link by this much. Each target is held against its "
            "own past, so that far targets may be far"
        ),
        examples=["50ms"],
    )
    held: Duration = Field(
        description=(
            "for this long, and over after as long without. Congestion comes and goes: the longer, the "
            "fewer moves for nothing"
        ),
        examples=["60s"],
    )
    limit: Duration | None = _limit("round trips from this on are", "250ms")
    jitter: JitterSpec | None = Field(
        default=None,
        description=(
            "likewise for jitter. Voice and games suffer from it long before anything is lost. Default: "
            "jitter is not watched"
        ),
        examples=["{worse_by: 30ms}"],
    )


class HealthSpec(Spec):
    """How links are judged."""

    targets: TargetsSpec = Field(
        description=(
            "far hosts to probe. Three or more of each family, in different networks, so that one dead "
            "target misleads nobody"
        ),
        examples=["{icmp: [...]}"],
    )
    interval: Duration | None = Field(
        default=None,
        description=(
            "between two probes of one target through one link. Shorter finds trouble sooner and asks "
            "more of the targets, whose owners may mind. Default: it follows from 'catch' and 'ride_out', "
            "250ms or longer"
        ),
        examples=["250ms"],
    )
    timeout: Duration = Field(
        description=(
            "a probe unanswered for this long is lost. Above the longest usual round trip, and not above "
            "'ride_out'"
        ),
        examples=["300ms"],
    )
    ride_out: Duration = Field(
        description=(
            "outages shorter than this are nobody's business. It is the choice between fast and calm: no "
            "detector can both ignore a burst and react within it"
        ),
        examples=["400ms"],
    )
    false_failovers: YearlyRate = Field(
        default=1.0,
        description=(
            "how often a link may be left for nothing; the calmer, the slower loss is noticed. What "
            "certainty that takes follows from it, at first by formula, later from the link's own quiet "
            "weeks"
        ),
        examples=["1 per link-year"],
    )
    catch: list[CatchSpec] = Field(
        default_factory=list,
        description=(
            "what must be noticed how soon; the probe rate follows from it. A wish that cannot be met is "
            "refused, with the nearest that can. Default: none"
        ),
        examples=["[{loss: 10%, within: 10s}]"],
    )
    latency: LatencySpec | None = Field(
        default=None,
        description=(
            "what makes a brownout. A brownout evacuates nothing: traffic moves in its own time. Default: "
            "latency moves nothing"
        ),
        examples=["{worse_by: 50ms, held: 60s}"],
    )
    recover: Duration = Field(
        description=(
            "a link must look well for this long to be up again. When traffic returns to it is another "
            "matter: see 'fail_back'"
        ),
        examples=["5s"],
    )
    fresh: Duration | None = Field(
        default=None,
        description=(
            "a target not probed for this long has no say. No data is no evidence, neither of health nor "
            "of death. Default: ten intervals"
        ),
        examples=["1s"],
    )
    prefixes: PrefixesSpec = Field(
        default=PrefixesSpec(),
        description=(
            "when a session that is up carries too little. Half a table is half the Internet, though "
            "every probe may answer. Default: each of its own"
        ),
        examples=["{missing: 50%}"],
    )
    interface: InterfaceSpec = Field(
        default=InterfaceSpec(),
        description=(
            "when an interface that is up is bad. Its error counters tell of a failing optic before "
            "probes do. Default: each of its own"
        ),
        examples=["{errors: 1%, over: 30s}"],
    )
    router_ping: RouterPingSpec = Field(
        default=RouterPingSpec(),
        description=(
            "how routers ping, over links with 'probe: router' in hosts.yaml. For links that no address "
            "of the controller's host leads through. Default: each of its own"
        ),
        examples=["{every: 2s}"],
    )
    anchors: list[AnyAddress] = Field(
        default_factory=list,
        description=(
            "near hosts that always answer: silent only if the controller's own path is bad. They keep it "
            "from taking its own trouble for the links'. Default: none"
        ),
        examples=[["203.0.113.1"]],
    )
    router_tests: RouterTestsSpec | None = Field(
        default=None,
        description=(
            "measurements that routers make by themselves: RPM, IP SLA. Another witness, from where the "
            "traffic is. Default: none are read"
        ),
        examples=["{tests: [...]}"],
    )
    prometheus: PrometheusSpec | None = Field(
        default=None,
        description=(
            "a Prometheus server that knows more of the links. What is measured already need not be "
            "measured again. Default: none is asked"
        ),
        examples=["{url: 'http://127.0.0.1:9090', queries: [...]}"],
    )
