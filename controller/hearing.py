"""What routers say of their links when polled: put into signals, and what is usual of it remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.core.model import LinkSeen, Policy, Signal
from controller.core.prefixes import KIND as PREFIXES
from controller.core.prefixes import Normal
from controller.core.routers_say import RoutersSay
from controller.ports import Polled, Store, StoreError


class Hearing:
    """Follows every session's table and every interface. Never raises: what ails it is logged."""

    def __init__(self, policy: Policy, store: Store, log: Any) -> None:
        self._policy, self._store, self._log = policy, store, log
        self._say = RoutersSay(policy)
        self._unknown: frozenset[str] = frozenset()  # links whose interface their router does not have

    def hear(self, router: str, polled: Polled) -> list[Signal]:
        """What follows from a router's words for its links."""
        links = [name for name, link in self._policy.links.items() if link.router == router]
        told = {interface.link for interface in polled.interfaces}
        missing = frozenset(links) - told
        for link in sorted(missing - self._unknown):
            self._log.warning(
                f"{router} has no interface {self._policy.links[link].interface}: state and load of {link} "
                "are not seen; correct `interface` in hosts.yaml"
            )
        self._unknown = (self._unknown - told) | missing
        self._say = self._say.follow(polled.sessions, polled.interfaces)
        return self._say.signals(links)

    def seen(self) -> Mapping[str, LinkSeen]:
        """What routers say, in figures."""
        return self._say.seen()

    # --- what outlives the process -------------------------------------------------------------

    def recall(self) -> None:
        """Take up what an earlier process had learned."""
        try:
            kept = self._store.load_learned(PREFIXES)
            normals = {
                link: {family: Normal.from_plain(plain) for family, plain in families.items()}
                for link, families in kept.items()
            }
        except (StoreError, ValueError, AttributeError) as error:
            self._log.error("how many prefixes are usual cannot be read; learning afresh", error=str(error))
        else:
            self._say = self._say.knowing(normals)

    def keep(self) -> None:
        """Write down what was learned."""
        plain = {
            link: {family: normal.to_plain() for family, normal in families.items()}
            for link, families in self._say.normals().items()
        }
        try:
            self._store.save_learned(PREFIXES, plain)
        except StoreError as error:
            self._log.error("how many prefixes are usual could not be kept", error=str(error))
