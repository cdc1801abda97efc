"""Schema of ``policy.yaml``: what operators want. Field descriptions are what editors and errors show."""

from typing import Literal

from pydantic import Field

from controller.config.addresses import Asn, CarriedCommunity, Prefix
from controller.config.capacity_file import CostSpec, LimitsSpec
from controller.config.class_role_file import ClassRolesSpec
from controller.config.health_file import HealthSpec
from controller.config.preference_file import PreferInSpec, RequireSpec, Tier
from controller.config.role_file import RolesSpec
from controller.config.scalars import BitRate, Country, Name
from controller.config.spec import AddressesSpec, Spec
from controller.config.stability_file import OwnStabilitySpec, StabilitySpec
from controller.config.time_file import MaintenanceSpec, WindowName, WindowSpec


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
    owner: Name | None = Field(
        default=None,
        description=(
            "the name of whoever owns its road. Two upstreams of one owner share more than a contract. "
            "Default: not said"
        ),
        examples=["example-holding"],
    )
    shared_risk: list[Name] = Field(
        default_factory=list,
        description=(
            "names of what it shares with others: a cable, a border, a building. When two that share one "
            "fail together, the others that share it are passed over. Default: none"
        ),
        examples=[["black-sea"]],
    )
    capacity: BitRate | None = Field(
        default=None,
        description=(
            "what it carries at most, all its links together, each way. Traffic that goes there by choice "
            "must fit. Default: the sum of its links' capacities, where hosts.yaml has each of them"
        ),
        examples=["100Gbps"],
    )
    cost: CostSpec | None = Field(
        default=None,
        description="what it charges. It breaks ties between equals. Default: as if it cost nothing",
        examples=["{commit: 20Gbps, per_mbps: 0.4}"],
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
    prefer: list[Tier] = Field(
        min_length=1,
        description=(
            "upstreams, best first; those in brackets are equals, and the faster is taken. One that is left "
            "out never carries the class"
        ),
        examples=["[azerbaijan]"],
    )
    share: bool = Field(
        default=False,
        description=(
            "whether equals in 'prefer' carry the class together. Each takes what BGP gives it; one that "
            "fails is left to the others"
        ),
    )
    prefer_in: list[PreferInSpec] = Field(
        default_factory=list,
        description=(
            "what is preferred instead while a window is open; the first that is open counts. Some roads are "
            "cheaper at night, or crowded in the evening. Default: nothing else"
        ),
        examples=[[{"window": "night", "prefer": ["iran"]}]],
    )
    require: RequireSpec | None = Field(
        default=None,
        description=(
            "what carries the class must be at least so good. What is not is left for what is, as a routine "
            "move. Default: no more than that it is up"
        ),
        examples=["{rtt: 80ms}"],
    )
    stability: OwnStabilitySpec = Field(
        default=OwnStabilitySpec(),
        description=(
            "when moves of this class may happen, where that differs. One class may be calmer than another. "
            "Default: as for all"
        ),
        examples=["{hold_down: 30min}"],
    )
    when_down: Literal["drained", "withdrawn"] | None = Field(
        default=None,
        description=(
            "the role of a link that is down, for this class. What must not fall back on a bad link is "
            "withdrawn from it. Default: as for all"
        ),
        examples=["withdrawn"],
    )
    destinations: list[Prefix] = Field(
        default_factory=list,
        description=(
            "where this class's outbound traffic goes. BGP chooses exits by destination, not by source. "
            "Default: whatever no other class names, for the first class without any"
        ),
        examples=[["192.0.2.0/24"]],
    )
    destination_as: list[Asn] = Field(
        default_factory=list,
        description=(
            "besides destinations, whatever these ASes originate: the last AS in the path. Routes that only "
            "pass through one are not meant. Where several classes name a route, the first of them has it. "
            "Default: none"
        ),
        examples=[[64510]],
    )
    destination_communities: list[CarriedCommunity] = Field(
        default_factory=list,
        description=(
            "besides destinations, whatever carries one of these communities as base_policy leaves it. "
            "Upstreams mark where routes come from, and your own policies can mark any. Default: none"
        ),
        examples=[["64501:70"]],
    )
    more_specifics: list[Prefix] = Field(
        default_factory=list,
        description=(
            "prefixes inside 'prefixes' that roles with 'more_specifics: true' announce too. The routers "
            "must have them in BGP by your own doing: nothing is originated here. Most networks filter what "
            "is longer than /24 and /48. Default: none"
        ),
        examples=['[203.0.113.0/25, "2001:db8:500:8000::/49"]'],
    )
    roles: ClassRolesSpec = Field(
        default=ClassRolesSpec(),
        description=(
            "what differs from 'roles' for this class, field by field. One class may lean on communities "
            "where the others prepend. Default: nothing"
        ),
        examples=["{backup: {prepend: 5}}"],
    )
    backups_disjoint: bool = Field(
        default=False,
        description=(
            "while another is usable, leave alone a backup that shares a risk with what failed. It costs "
            "the order of 'prefer', and spares a second move when the shared thing is what broke"
        ),
    )
    load: BitRate | None = Field(
        default=None,
        description=(
            "what it carries at its peak, the larger direction. It tells where the class fits until the "
            "routers' counters have told more. Default: not said"
        ),
        examples=["40Gbps"],
    )
    importance: int = Field(
        default=0,
        ge=0,
        le=100,
        description=(
            "the higher, the sooner it is given room. Where not all classes fit, the least important one "
            "is moved away"
        ),
        examples=[1],
    )
    split: bool = Field(
        default=False,
        description=(
            "make a class of each prefix, named NAME-1, NAME-2 and so on, that shares the load evenly. What "
            "is too large to move as one can then be moved in part"
        ),
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
    limits: LimitsSpec = Field(
        default=LimitsSpec(),
        description=(
            "how full paths may be and how much may depend on one thing. Of what is not known, nothing is "
            "held against anybody. Default: a tenth of each capacity is left free"
        ),
        examples=["{headroom: 10%}"],
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
    windows: dict[Name, WindowSpec] = Field(
        default_factory=dict,
        description=(
            "stretches of time, by name, for 'maintenance', 'freezes', 'prefer_in' and 'only_in'. By "
            "themselves they do nothing. Default: none"
        ),
        examples=["{night: {cron: 0 22 * * *, lasts: 8h, timezone: Asia/Yerevan}}"],
    )
    maintenance: list[MaintenanceSpec] = Field(
        default_factory=list,
        description=(
            "work that is planned: what is drained in which window. Nobody has to be awake for it. Default: "
            "none"
        ),
        examples=[[{"window": "fibre-work", "drain": "azerbaijan"}]],
    )
    freezes: list[WindowName] = Field(
        default_factory=list,
        description=(
            "windows in which nothing routine is changed. A dead path is left all the same, and what people "
            "order is done. Default: none"
        ),
        examples=[["new-year"]],
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
    limits: LimitsSpec = LimitsSpec()
    roles: RolesSpec | None = None
    when_down: str = "drained"
    windows: dict[Name, WindowSpec] = Field(default_factory=dict)
    maintenance: list[MaintenanceSpec] = Field(default_factory=list)
    freezes: list[WindowName] = Field(default_factory=list)
    user_path: AddressesSpec = AddressesSpec()
