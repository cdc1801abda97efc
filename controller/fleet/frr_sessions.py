"""BGP sessions as an FRR configuration has them: who is configured, in which family, with which policy."""

from __future__ import annotations

from collections.abc import Sequence

from controller.core.guard import ATTACHMENT
from controller.core.model import Direction, Family
from napalm_frr.lines import Line


def bgp_line(asn: int) -> str:
    """The line that opens our BGP."""
    return f"router bgp {asn}"


def family_line(family: Family) -> str:
    """The line that opens an address family in it."""
    return f"address-family {family} unicast"


class Sessions:
    """The BGP sessions of one router as its configuration has them."""

    def __init__(self, lines: Sequence[Line], asn: int) -> None:
        bgp = bgp_line(asn)
        inside = [line for line in lines if line.context[:1] == (bgp,)]
        self._session = [line.text for line in inside if line.context == (bgp,)]
        self._family = {
            family: [line.text for line in inside if line.context == (bgp, family_line(family))]
            for family in Family
        }
        words = [text.split() for text in self._session]
        self._known = {each[1] for each in words if each[0] == "neighbor" and len(each) > 2}
        self._group = {each[1]: each[3] for each in words if each[2:3] == ["peer-group"] and len(each) == 4}
        self._policy = {
            (family, found[1], found[3]): found[2]
            for family, texts in self._family.items()
            for text in texts
            if (found := ATTACHMENT.fullmatch(text))
        }

    def has(self, neighbor: str) -> bool:
        """Whether the neighbor is configured at all."""
        return neighbor in self._known

    def is_active(self, family: Family, neighbor: str) -> bool:
        """Whether the address family is exchanged with the neighbor."""
        texts = self._family[family]
        for name in (neighbor, self._group.get(neighbor)):
            if f"neighbor {name} activate" in texts:
                return True
            if f"no neighbor {name} activate" in texts:
                return False
        default = "no bgp default ipv4-unicast" if family is Family.IPV4 else "bgp default ipv6-unicast"
        return (default in self._session) == (family is Family.IPV6)

    def policy(self, family: Family, neighbor: str, direction: Direction) -> str | None:
        """The policy in force."""
        own = self._policy.get((family, neighbor, direction))
        return own or self.inherited(family, neighbor, direction)

    def inherited(self, family: Family, neighbor: str, direction: Direction) -> str | None:
        """The peer-group's policy, where the neighbor has none of its own."""
        if (family, neighbor, direction) in self._policy:
            return None
        return self._policy.get((family, self._group.get(neighbor, ""), direction))
