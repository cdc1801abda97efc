"""Schemas of Nornir's own files: ``hosts.yaml``, ``groups.yaml``, ``defaults.yaml``, ``config.yaml``.

The keys are Nornir's (SimpleInventory); below ``data`` stand the facts about links that this project
reads. Other keys of ``data`` are the operator's own and pass untouched.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, RootModel

from controller.config.addresses import Asn
from controller.config.scalars import BitRate, HostName, Interface, Name, PolicyName, refusal
from controller.config.spec import AddressesSpec, Spec

Port = Annotated[int, Field(ge=1, le=65535)]


class BasePolicySpec(Spec):
    """The operator's own routing policies for a neighbor; role policies call them first."""

    into: PolicyName | None = Field(
        default=None, alias="in", description="attached inbound before the controller came"
    )
    out: PolicyName | None = Field(default=None, description="attached outbound before the controller came")


class LinkSpec(Spec):
    """One attachment to an upstream."""

    upstream: str = Field(description="a name from policy.yaml", examples=["azerbaijan"])
    interface: Interface = Field(description="the router's interface towards the upstream", examples=["eth1"])
    neighbors: AddressesSpec = Field(
        description="the upstream's end of each BGP session", examples=["{ipv4: 198.18.1.1}"]
    )
    probe_source: AddressesSpec = Field(
        default=AddressesSpec(),
        description="addresses of the controller's host whose return path is this link",
    )
    probe_device: Interface | None = Field(
        default=None, description="an interface of the controller's host that leads through this link"
    )
    probe: Literal["router"] | None = Field(
        default=None,
        description="router: the router itself pings, from its address on the link or `probe_source`",
    )
    base_policy: BasePolicySpec = Field(
        default=BasePolicySpec(), description="the operator's own policies for these neighbors"
    )
    shared_risk: list[Name] = Field(
        default_factory=list,
        description="what this link shares beside what its upstream does: a building, a local loop",
        examples=[["building-1"]],
    )
    capacity: BitRate | None = Field(
        default=None, description="what it carries at most, each way", examples=["10Gbps"]
    )


class HostData(Spec):
    """Facts about one router."""

    model_config = ConfigDict(extra="allow")

    asn: Asn | None = Field(default=None, description="the router's own AS number")
    links: dict[Name, LinkSpec] | None = Field(
        default=None, description="its attachments to upstreams, by name"
    )


class SharedData(Spec):
    """Facts about every router of a group."""

    model_config = ConfigDict(extra="allow")

    asn: Asn | None = None


class ConnectionSpec(Spec):
    """How one connection plugin reaches a router."""

    hostname: HostName | None = None
    port: Port | None = None
    username: str | None = None
    password: str | None = None
    platform: str | None = None
    extras: dict[str, Any] | None = None


class ElementSpec(Spec):
    """What Nornir takes for hosts, groups and defaults alike."""

    hostname: HostName | None = Field(default=None, description="the management address")
    port: Port | None = None
    username: str | None = None
    password: str | None = None
    platform: str | None = None
    connection_options: dict[str, ConnectionSpec] = Field(default_factory=dict)


class HostSpec(ElementSpec):
    """A router."""

    groups: list[str] = Field(default_factory=list)
    data: HostData = HostData()


class GroupSpec(ElementSpec):
    """What several routers have in common."""

    groups: list[str] = Field(default_factory=list)
    data: SharedData = SharedData()


class SharedSpec(ElementSpec):
    """What stands below a key that begins with a dot, for aliases to repeat: a part of a host, or anything.

    Nornir takes it for a host or group that nobody asks for, so what Nornir reads of it must be sound.
    """

    model_config = ConfigDict(extra="allow")

    groups: list[str] = Field(default_factory=list)
    data: dict[str, Any] = Field(default_factory=dict)


class SharedParts(RootModel[dict[str, SharedSpec]]):
    """All of those of one file."""


class HostsFile(RootModel[dict[HostName, HostSpec]]):
    """``hosts.yaml``."""


class GroupsFile(RootModel[dict[str, GroupSpec]]):
    """``groups.yaml``."""


class DefaultsFile(ElementSpec):
    """``defaults.yaml``."""

    data: SharedData = SharedData()


class RunnerSpec(Spec):
    """How Nornir runs a task over many routers."""

    plugin: str = "threaded"
    options: dict[str, Any] = Field(default_factory=dict)


class LoggingSpec(Spec):
    """Nornir's own log."""

    enabled: bool = False
    level: str | None = None
    log_file: str | None = None
    format: str | None = None
    to_console: bool | None = None
    loggers: list[str] | None = None


def _refuse_inventory(_: object) -> None:
    raise refusal("the inventory is the files beside this one", "Remove this section.")


class NornirFile(Spec):
    """``config.yaml``: Nornir's options, except where its inventory is: in the files beside it."""

    inventory: Annotated[None, BeforeValidator(_refuse_inventory)] = Field(default=None, exclude=True)
    runner: RunnerSpec = RunnerSpec()
    logging: LoggingSpec = LoggingSpec()
