"""Schema of ``policy.yaml``: what operators want. Field descriptions are what editors and errors show."""

from typing import Annotated, Literal

from pydantic import Field

from controller.config.scalars import (
    AnyAddress,
    Asn,
    Community,
    Country,
    Duration,
    Name,
    Percent,
    Prefix,
    Rate,
    YearlyRate,
)
from controller.config.spec import AddressesSpec, Spec
from controller.config.target_file import TargetsSpec
from controller.config.witness_file import (
    InterfaceSpec,
    PrefixesSpec,
    PrometheusSpec,
    RouterPingSpec,
    RouterTestsSpec,
)

LocalPreference = Annotated[int, Field(ge=0, le=4294967295)]  # RFC 4271: four octets
LARGEST_PREPEND = 10  # more convinces nobody, and long paths are filtered
Prepend = Annotated[int, Field(ge=0, le=LARGEST_PREPEND)]


class UpstreamSpec(Spec):
    """A provider of transit."""

    asn: Asn = Field(description="the upstream's AS number", examples=[64501])
    country: Country | None = Field(default=None, description="where its road leads, ISO 3166-1 alpha-2")
    shared_risk: list[Name] = Field(
        default_factory=list, description="names of what it shares with others: a cable, a border, a building"
    )


class CatchSpec(Spec):
    """A wish: so much loss is noticed within so long. One that cannot be met is refused."""

    loss: Percent = Field(description="so much loss", examples=["10%"])
    within: Duration = Field(description="is noticed within this long, usually (median)", examples=["10s"])


class JitterSpec(Spec):
    """How much more round trips may vary, from their median to what nine of ten keep within."""

    worse_by: Duration = Field(description="more jitter than usual by this much", examples=["30ms"])
    limit: Duration | None = Field(
        default=None, description="more jitter than this is worse, whatever is usual", examples=["100ms"]
    )


class LatencySpec(Spec):
    """What makes a brownout: a link that others are preferred to, as a routine move, while it lasts."""

    worse_by: Duration = Field(
        description="round trips longer than is usual for the link by this much", examples=["50ms"]
    )
    held: Duration = Field(description="for this long, and over after as long without", examples=["60s"])
    limit: Duration | None = Field(
        default=None, description="round trips from this on are worse, whatever is usual", examples=["250ms"]
    )
    jitter: JitterSpec | None = Field(
        default=None,
        description="likewise for jitter; not watched unless given",
        examples=["{worse_by: 30ms}"],
    )


class HealthSpec(Spec):
    """How links are judged."""

    targets: TargetsSpec = Field(description="far hosts to probe", examples=["{icmp: [...]}"])
    interval: Duration | None = Field(
        default=None,
        description=(
            "between two probes of one target through one link; unless given, it follows from 'catch' and"
            " 'ride_out', and is 250ms or longer"
        ),
        examples=["250ms"],
    )
    timeout: Duration = Field(description="a probe unanswered for this long is lost", examples=["300ms"])
    ride_out: Duration = Field(
        description="outages shorter than this are nobody's business", examples=["400ms"]
    )
    false_failovers: YearlyRate = Field(
        default=1.0,
        description="how often a link may be left for nothing; the calmer, the slower loss is noticed",
        examples=["1 per link-year"],
    )
    catch: list[CatchSpec] = Field(
        default_factory=list,
        description="what must be noticed how soon; the probe rate follows from it",
        examples=["[{loss: 10%, within: 10s}]"],
    )
    latency: LatencySpec | None = Field(
        default=None,
        description="what makes a brownout; latency moves nothing unless given",
        examples=["{worse_by: 50ms, held: 60s}"],
    )
    recover: Duration = Field(
        description="a link must look well for this long to be up again", examples=["5s"]
    )
    fresh: Duration | None = Field(
        default=None,
        description="a target not probed for this long has no say; ten intervals unless given",
        examples=["1s"],
    )
    prefixes: PrefixesSpec = Field(
        default=PrefixesSpec(), description="when a session that is up carries too little"
    )
    interface: InterfaceSpec = Field(
        default=InterfaceSpec(), description="when an interface that is up is bad"
    )
    router_ping: RouterPingSpec = Field(
        default=RouterPingSpec(),
        description="how routers ping, over links with `probe: router` in hosts.yaml",
    )
    anchors: list[AnyAddress] = Field(
        default_factory=list,
        description="near hosts that always answer: silent only if the controller's own path is bad",
        examples=[["203.0.113.1"]],
    )
    router_tests: RouterTestsSpec | None = Field(
        default=None, description="measurements that routers make by themselves: RPM, IP SLA"
    )
    prometheus: PrometheusSpec | None = Field(
        default=None, description="a Prometheus server that knows more of the links"
    )


class ClassSpec(Spec):
    """Own prefixes that are steered together."""

    prefixes: list[Prefix] = Field(
        min_length=1,
        description="own prefixes, exactly as the routers announce them",
        examples=["[203.0.113.0/24]"],
    )
    prefer: list[str] = Field(min_length=1, description="upstreams, best first", examples=["[azerbaijan]"])
    destinations: list[Prefix] = Field(
        default_factory=list,
        description="where this class's outbound traffic goes; whatever no other class names, if left out",
    )
    backups_disjoint: bool = Field(
        default=False,
        description="while another is usable, leave alone a backup that shares a risk with what failed",
    )


class FailBackSpec(Spec):
    """When traffic returns to a link that failed."""

    clean: Duration = Field(description="after this long without trouble", examples=["60s"])
    doubles_up_to: Duration = Field(
        description="each further failure doubles that, up to this", examples=["1h"]
    )
    forgotten_after: Duration = Field(
        description="failures are forgotten after this long without one", examples=["2h"]
    )


class StabilitySpec(Spec):
    """When a move may happen."""

    hold_down: Duration = Field(description="between two routine moves of one class", examples=["10min"])
    fail_back: FailBackSpec = Field(
        description="when traffic returns",
        examples=["{clean: 60s, doubles_up_to: 1h, forgotten_after: 2h}"],
    )
    changes: Rate = Field(description="routine moves, all classes together", examples=["6 per hour"])
    escapes: Rate = Field(description="moves off a dead path", examples=["12 per hour"])


class RoleSpec(Spec):
    """A named set of BGP knobs."""

    local_preference: LocalPreference = Field(
        description="set on routes heard over the link: the highest wins outbound traffic", examples=[200]
    )
    prepend: Prepend = Field(
        default=0, description="how often our AS number is added, to make inbound traffic look elsewhere"
    )
    communities: list[Community] = Field(
        default_factory=list, description="added to what is announced: most upstreams publish some that steer"
    )
    graceful_shutdown: bool = Field(
        default=False,
        description="add community 65535:0, which asks the upstream to prefer others (RFC 8326)",
    )
    announce: bool = Field(
        default=True, description="whether own prefixes are announced over the link at all"
    )


class FurtherSpec(Spec):
    """What every backup after the first gets on top."""

    local_preference: Annotated[int, Field(ge=-4294967295, le=0)] = Field(
        default=0, description="added for each place further back in the queue", examples=[-10]
    )
    prepend: Prepend = Field(default=0, description="added for each place further back in the queue")


class ReserveSpec(Spec):
    """What every choice after the first gets on top while it is primary."""

    prepend: Annotated[int, Field(ge=-LARGEST_PREPEND, le=0)] = Field(
        default=0,
        description="added for each place further back in prefer: a shorter path than the one before it "
        "announced also wins against an announcement that a silent link leaves behind",
        examples=[-1],
    )


class PrimarySpec(RoleSpec):
    """The role of links that carry the traffic."""

    each_further: ReserveSpec = Field(
        default=ReserveSpec(), description="steps that put a further choice, once primary, before the first"
    )


class BackupSpec(RoleSpec):
    """The role of links that wait for their turn."""

    each_further: FurtherSpec = Field(
        default=FurtherSpec(), description="steps that put the second backup behind the first, and so on"
    )


class RolesSpec(Spec):
    """What a link can be to a class."""

    primary: PrimarySpec = Field(description="carries the traffic", examples=["{local_preference: 300}"])
    backup: BackupSpec = Field(description="next in line", examples=["{local_preference: 200, prepend: 2}"])
    drained: RoleSpec = Field(
        description="used only when nothing else is left",
        examples=["{local_preference: 50, prepend: 5, graceful_shutdown: true}"],
    )
    withdrawn: RoleSpec = Field(
        description="own prefixes are not announced at all",
        examples=["{local_preference: 10, announce: false}"],
    )


class PolicyFile(Spec):
    """Failover policy: who may carry traffic, how links are judged, when traffic moves."""

    upstreams: dict[Name, UpstreamSpec] = Field(description="providers of transit, by name", min_length=1)
    health: HealthSpec = Field(description="how links are judged")
    classes: dict[Name, ClassSpec] = Field(
        description="own prefixes that are steered together, by name", min_length=1
    )
    stability: StabilitySpec = Field(description="when a move may happen")
    roles: RolesSpec = Field(description="what a link can be to a class")
    when_down: Literal["drained", "withdrawn"] = Field(
        default="drained", description="the role of a link that is down"
    )
    user_path: AddressesSpec = Field(
        default=AddressesSpec(), description="own addresses to probe from: they prove that a move worked"
    )


class PolicyDraft(Spec):
    """What is left of a policy file without its broken parts: enough to check the rest."""

    upstreams: dict[Name, UpstreamSpec] = Field(default_factory=dict)
    health: HealthSpec | None = None
    classes: dict[Name, ClassSpec] = Field(default_factory=dict)
    stability: StabilitySpec | None = None
    roles: RolesSpec | None = None
    when_down: str = "drained"
    user_path: AddressesSpec = AddressesSpec()
