"""Schema of ``roles`` in ``policy.yaml``: what each role means in BGP."""

from typing import Annotated

from pydantic import Field

from controller.config.addresses import Community
from controller.config.scalars import Name
from controller.config.spec import Spec

LocalPreference = Annotated[int, Field(ge=0, le=4294967295)]  # RFC 4271: four octets
LARGEST_PREPEND = 10  # more convinces nobody, and long paths are filtered
LARGEST_MED = 4294967295  # RFC 4271: four octets
_TIMES = {"unit": "times"}
Prepend = Annotated[int, Field(ge=0, le=LARGEST_PREPEND, json_schema_extra=_TIMES)]
Med = Annotated[int, Field(ge=0, le=LARGEST_MED)]


class RoleSpec(Spec):
    """A named set of BGP knobs."""

    local_preference: LocalPreference = Field(
        description=(
            "set on routes heard over the link: the highest wins outbound traffic. It decides before "
            "anything else in BGP, and only inside your own AS. Leave room between the roles"
        ),
        examples=[200],
    )
    prepend: Prepend = Field(
        default=0,
        description=(
            "how often our AS number is added, to make inbound traffic look elsewhere. Longer paths are "
            "liked less by most, but whoever prefers by other rules does not look at them"
        ),
    )
    communities: list[Community] = Field(
        default_factory=list,
        description=(
            "added to what is announced: most upstreams publish some that steer. An upstream obeys these "
            "where prepends are overruled by its own preference for customers. Default: none"
        ),
        examples=[["64501:70"]],
    )
    upstream_communities: dict[Name, list[Community]] = Field(
        default_factory=dict,
        description=(
            "added over links of the upstream named, beside 'communities'. Each upstream publishes its own, "
            "and what one obeys is noise to the next. Default: none"
        ),
        examples=['{azerbaijan: ["64501:70"]}'],
    )
    med: Med | None = Field(
        default=None,
        description=(
            "MULTI_EXIT_DISC set on announcements (RFC 4271): the lowest wins. It is compared only between "
            "links to one neighbor AS, so it ranks two links of one upstream and never two upstreams. "
            "Default: what base_policy says"
        ),
        examples=[100],
    )
    graceful_shutdown: bool = Field(
        default=False,
        description=(
            "add community 65535:0, which asks the upstream to prefer others (RFC 8326). Where it is "
            "honoured, traffic leaves before the path does, and hardly a packet is lost"
        ),
    )
    announce: bool = Field(
        default=True,
        description=(
            "whether own prefixes are announced over the link at all. Not announcing is the one knob that "
            "everybody obeys; it also leaves nothing to fall back on"
        ),
    )
    more_specifics: bool = Field(
        default=False,
        description=(
            "announce the more_specifics that a class lists as well. The longest match wins everywhere, "
            "whatever paths and preferences say, so give this to the roles that are to get the traffic"
        ),
    )


class FurtherSpec(Spec):
    """What every backup after the first gets on top."""

    local_preference: Annotated[int, Field(ge=-4294967295, le=0)] = Field(
        default=0,
        description=(
            "added for each place further back in the queue. Without it BGP chooses among backups by "
            "itself when a session drops, before anybody decides"
        ),
        examples=[-10],
    )
    prepend: Prepend = Field(
        default=0,
        description=(
            "added for each place further back in the queue. It puts the same order before others, for "
            "inbound traffic"
        ),
        examples=[1],
    )
    med: Med = Field(
        default=0,
        description=(
            "added to 'med' for each place further back in the queue. It counts between upstreams only "
            "where two of them are one AS"
        ),
        examples=[10],
    )


class ReserveSpec(Spec):
    """What every choice after the first gets on top while it is primary."""

    prepend: Annotated[int, Field(ge=-LARGEST_PREPEND, le=0, json_schema_extra=_TIMES)] = Field(
        default=0,
        description=(
            "added for each place further back in prefer: a shorter path than the one before it announced "
            "also wins against an announcement that a silent link leaves behind. Give primary the "
            "prepends that this takes away: they are what it holds in reserve"
        ),
        examples=[-1],
    )
    med: Annotated[int, Field(ge=-LARGEST_MED, le=0)] = Field(
        default=0,
        description=(
            "added to 'med' for each place further back in prefer. It counts between upstreams only where "
            "two of them are one AS"
        ),
        examples=[-10],
    )


class PrimarySpec(RoleSpec):
    """The role of links that carry the traffic."""

    each_further: ReserveSpec = Field(
        default=ReserveSpec(),
        description=(
            "steps that put a further choice, once primary, before the first. They win back inbound "
            "traffic while the first one's announcement cannot be taken back. Default: no steps"
        ),
        examples=["{prepend: -1}"],
    )


class BackupSpec(RoleSpec):
    """The role of links that wait for their turn."""

    each_further: FurtherSpec = Field(
        default=FurtherSpec(),
        description=(
            "steps that put the second backup behind the first, and so on. BGP follows them when a "
            "session drops, so that it does at once what would be decided. Default: no steps"
        ),
        examples=["{local_preference: -10, prepend: 1}"],
    )


class RolesSpec(Spec):
    """What a link can be to a class."""

    primary: PrimarySpec = Field(
        description=("carries the traffic. It needs the highest local preference and the fewest prepends"),
        examples=["{local_preference: 300}"],
    )
    backup: BackupSpec = Field(
        description="next in line. It stays usable, so that BGP itself can fall back on it",
        examples=["{local_preference: 200, prepend: 2}"],
    )
    drained: RoleSpec = Field(
        description=(
            "used only when nothing else is left. Its announcement stays, so a link that was misjudged "
            "still carries what cannot go elsewhere"
        ),
        examples=["{local_preference: 50, prepend: 5, graceful_shutdown: true}"],
    )
    withdrawn: RoleSpec = Field(
        description=(
            "own prefixes are not announced at all. It is the role of upstreams that a class does not "
            "prefer; the session stays up, so that the link can be watched"
        ),
        examples=["{local_preference: 10, announce: false}"],
    )
