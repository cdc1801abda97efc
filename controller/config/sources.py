"""All files of an inventory directory, each as far as it could be read, and what they say together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from controller.config.document import Document, Steps
from controller.config.inventory_files import (
    DefaultsFile,
    GroupsFile,
    GroupSpec,
    HostsFile,
    HostSpec,
    LinkSpec,
    NornirFile,
)
from controller.config.policy_file import PolicyDraft, PolicyFile
from controller.config.validate import Checked, check

POLICY, HOSTS, GROUPS, DEFAULTS, NORNIR = (
    "policy.yaml",
    "hosts.yaml",
    "groups.yaml",
    "defaults.yaml",
    "config.yaml",
)
FILES = (NORNIR, DEFAULTS, GROUPS, HOSTS, POLICY)


@dataclass(frozen=True, slots=True)
class FoundLink:
    """A link and where hosts.yaml tells of it."""

    router: str
    name: str
    spec: LinkSpec

    @property
    def steps(self) -> Steps:
        """Where it stands in hosts.yaml."""
        return (self.router, "data", "links", self.name)


@dataclass(frozen=True, slots=True)
class Sources:
    """The five files. A file that could not be read counts as empty and not intact."""

    policy: Checked[PolicyDraft]
    hosts: Checked[HostsFile]
    groups: Checked[GroupsFile]
    defaults: Checked[DefaultsFile]
    nornir: Checked[NornirFile]
    platforms: Collection[str]  # those that we have templates and a driver for

    @classmethod
    def check(cls, documents: Mapping[str, Document], platforms: Collection[str]) -> Sources:
        """Check each file by itself."""
        return cls(
            policy=check(documents[POLICY], PolicyFile, PolicyDraft),
            hosts=check(documents[HOSTS], HostsFile, HostsFile),
            groups=check(documents[GROUPS], GroupsFile, GroupsFile),
            defaults=check(documents[DEFAULTS], DefaultsFile, DefaultsFile),
            nornir=check(documents[NORNIR], NornirFile, NornirFile),
            platforms=platforms,
        )

    def managed(self) -> Iterator[tuple[str, HostSpec]]:
        """The hosts that have ``links``: the routers we may change."""
        return ((name, host) for name, host in self.hosts.draft.root.items() if host.data.links is not None)

    def links(self) -> Iterator[FoundLink]:
        """Every link of every router, in the order of the file."""
        for router, host in self.managed():
            for name, spec in (host.data.links or {}).items():
                yield FoundLink(router, name, spec)

    def links_of(self, upstream: str) -> tuple[FoundLink, ...]:
        """The links of one upstream."""
        return tuple(link for link in self.links() if link.spec.upstream == upstream)

    def upstream_names(self) -> tuple[str, ...]:
        """What may be called an upstream: those there are, and what misspelt ones will be called."""
        names = self.policy.document.names("upstreams")
        return tuple(dict.fromkeys((*names, *map(str.lower, names))))

    def links_are_known(self) -> bool:
        """Whether the links can be counted: all could be read, and each names an upstream there is."""
        known = self.upstream_names()
        return self.hosts.intact() and all(link.spec.upstream in known for link in self.links())

    def platform_of(self, host: HostSpec) -> str | None:
        """As Nornir finds it: the host's own, else its groups' in order, else the default."""
        return next((one.platform for one in self._chain(host) if one.platform is not None), None)

    def asn_of(self, host: HostSpec) -> int | None:
        """The router's own AS number, found in the same way."""
        return next((one.data.asn for one in self._chain(host) if one.data.asn is not None), None)

    def _chain(self, host: HostSpec) -> Iterator[HostSpec | GroupSpec | DefaultsFile]:
        yield host
        seen: set[str] = set()
        waiting = list(host.groups)
        while waiting:
            name = waiting.pop(0)
            group = self.groups.draft.root.get(name)
            if group is not None and name not in seen:
                seen.add(name)
                yield group
                waiting[:0] = group.groups
        yield self.defaults.draft
