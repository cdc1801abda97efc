"""What routers say of their links: every session's table, every interface. Gives signals and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.core.interface import Port
from controller.core.model import (
    Family,
    InterfaceSample,
    InterfaceSeen,
    LinkSeen,
    Policy,
    SessionSample,
    Signal,
)
from controller.core.prefixes import Normal, Table

Key = tuple[str, Family]


@dataclass(frozen=True, slots=True)
class RoutersSay:
    """Treat as a value: ``follow`` gives the next one."""

    policy: Policy
    tables: Mapping[Key, Table] = field(default_factory=dict)
    ports: Mapping[str, Port] = field(default_factory=dict)

    def follow(self, sessions: Sequence[SessionSample], interfaces: Sequence[InterfaceSample]) -> RoutersSay:
        """After these words. Those on links that the policy does not know are ignored."""
        health, links = self.policy.health, self.policy.links
        tables, ports = dict(self.tables), dict(self.ports)
        for session in sessions:
            if session.link in links:
                key = session.link, session.family
                tables[key] = tables.get(key, Table()).follow(session, health.prefixes)
        for interface in interfaces:
            if interface.link in links:
                name = interface.link
                port = ports.get(name) or Port(links[name].interface, interface)
                ports[name] = port.follow(interface, health.interface)
        return replace(self, tables=tables, ports=ports)

    def signals(self, links: Sequence[str]) -> list[Signal]:
        """What is to be said of these links now."""
        health = self.policy.health
        found = [self.tables[key].signal(health.prefixes) for key in self.tables if key[0] in links]
        routers = {name: self.policy.links[name].router for name in links if name in self.ports}
        ports = [self.ports[name].signal(router, health.interface) for name, router in routers.items()]
        return [*(signal for signal in found if signal is not None), *ports]

    def seen(self) -> dict[str, LinkSeen]:
        """In figures, for people: every link of which anything is known."""
        found: dict[str, LinkSeen] = {}
        for name in self.policy.links:
            sessions = {
                family: seen
                for family in Family
                if (name, family) in self.tables and (seen := self.tables[name, family].seen()) is not None
            }
            port = self.ports.get(name)
            if sessions or port:
                found[name] = LinkSeen(sessions, self._interface(name, port) if port else None)
        return found

    def _interface(self, link: str, port: Port) -> InterfaceSeen:
        capacity = self.policy.links[link].capacity_bps
        return replace(port.seen(), capacity_mbps=None if capacity is None else capacity / 1e6)

    # --- what outlives the process -------------------------------------------------------------

    def normals(self) -> dict[str, dict[str, Normal]]:
        """Link -> family -> what is usual there."""
        found: dict[str, dict[str, Normal]] = {}
        for (link, family), table in self.tables.items():
            found.setdefault(link, {})[family.value] = table.normal
        return found

    def knowing(self, normals: Mapping[str, Mapping[str, Normal]]) -> RoutersSay:
        """With what an earlier process had learned; links that are gone are forgotten."""
        tables = {
            (link, family): Table(normals[link][family.value])
            for link in normals
            if link in self.policy.links
            for family in Family
            if family.value in normals[link]
        }
        return replace(self, tables={**tables, **self.tables})
