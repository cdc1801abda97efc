"""Schema of ``policy.yaml``: what operators want. Field descriptions are what editors and errors show."""

from typing import Annotated, Literal

from pydantic import Field

from controller.config.addresses import Asn, Prefix
from controller.config.health_file import HealthSpec
from controller.config.role_file import RolesSpec
from controller.config.scalars import Country, Duration, Name, Rate, described
from controller.config.spec import AddressesSpec, Spec


class UpstreamSpec(Spec):
    """A provider of transit."""

    asn: Asn = Field(
        description=("the upstream's AS number. It tells its routes from others', and must not be our own"),
        examples=[64501],
    )
    country: Country | None = Field(
        default=None,
        description=(
            "where its road leads, ISO 3166-1 alpha-2. Roads through one country have borders, cables and "
            "politics in common. Default: not said"
        ),
        examples=["GE"],
    )
    shared_risk: list[Name] = Field(
        default_factory=list,
        description=(
            "names of what it shares with others: a cable, a border, a building. When two that share one "
            "fail together, the others that share it are passed over. Default: none"
        ),
        examples=[["black-sea"]],
    )


class ClassSpec(Spec):
    """Own prefixes that are steered together."""

    prefixes: list[Prefix] = Field(
        min_length=1,
        description=(
            "own prefixes, exactly as the routers announce them. They steer inbound traffic, and nothing "
            "else is ever announced"
        ),
        examples=["[203.0.113.0/24]"],
    )
    prefer: list[Annotated[str, described("name of an upstream")]] = Field(
        min_length=1,
        description="upstreams, best first. One that is left out never carries the class",
        examples=["[azerbaijan]"],
    )
    destinations: list[Prefix] = Field(
        default_factory=list,
        description=(
            "where this class's outbound traffic goes. BGP chooses exits by destination, not by source. "
            "Default: whatever no other class names, for the first class without any"
        ),
        examples=[["192.0.2.0/24"]],
    )
    backups_disjoint: bool = Field(
        default=False,
        description=(
            "while another is usable, leave alone a backup that shares a risk with what failed. It costs "
            "the order of 'prefer', and spares a second move when the shared thing is what broke"
        ),
    )


class FailBackSpec(Spec):
    """When traffic returns to a link that failed."""

    clean: Duration = Field(
        description=(
            "after this long without trouble. A repair often comes back broken, and returning costs a move"
        ),
        examples=["60s"],
    )
    doubles_up_to: Duration = Field(
        description=(
            "each further failure doubles that, up to this. A link that flaps is trusted less and less, "
            "but never given up"
        ),
        examples=["1h"],
    )
    forgotten_after: Duration = Field(
        description=(
            "failures are forgotten after this long without one. From then on 'clean' alone is waited for"
        ),
        examples=["2h"],
    )


class StabilitySpec(Spec):
    """When a move may happen."""

    hold_down: Duration = Field(
        description=(
            "between two routine moves of one class. It bounds flapping for better; a dead path is left "
            "regardless"
        ),
        examples=["10min"],
    )
    fail_back: FailBackSpec = Field(
        description="when traffic returns. The way back is never urgent: the other way works",
        examples=["{clean: 60s, doubles_up_to: 1h, forgotten_after: 2h}"],
    )
    changes: Rate = Field(
        description=(
            "routine moves, all classes together. Should everything else fail to keep it calm, this does"
        ),
        examples=["6 per hour"],
    )
    escapes: Rate = Field(
        description=(
            "moves off a dead path. They have a budget of their own, so that no routine move uses up what "
            "an outage needs"
        ),
        examples=["12 per hour"],
    )


class PolicyFile(Spec):
    """Failover policy: who may carry traffic, how links are judged, when traffic moves."""

    upstreams: dict[Name, UpstreamSpec] = Field(
        description=(
            "providers of transit, by name. The names stand in hosts.yaml, in 'prefer' and in the names "
            "of policies on routers"
        ),
        min_length=1,
    )
    health: HealthSpec = Field(
        description=("how links are judged. Every link is seen at every moment, whichever BGP prefers")
    )
    classes: dict[Name, ClassSpec] = Field(
        description=(
            "own prefixes that are steered together, by name. What one class prefers is nothing to another"
        ),
        min_length=1,
    )
    stability: StabilitySpec = Field(
        description=("when a move may happen. A dead path is left at once; everything else waits for these")
    )
    roles: RolesSpec = Field(
        description=(
            "what a link can be to a class. Routing policies for all four are installed in calm weather, "
            "and a move only re-attaches them"
        )
    )
    when_down: Literal["drained", "withdrawn"] = Field(
        default="drained",
        description=(
            "the role of a link that is down. Drained is a last resort; withdrawn carries nothing until "
            "the link is up again"
        ),
    )
    user_path: AddressesSpec = Field(
        default=AddressesSpec(),
        description=(
            "own addresses to probe from: they prove that a move worked. They belong to the controller's "
            "host and lie in a class's prefixes. Default: users' path is not seen"
        ),
        examples=["{ipv4: 203.0.113.20}"],
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
