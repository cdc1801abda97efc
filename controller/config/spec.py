"""What the schemas of our files have in common.

A field's description is for people who write the file. Its first sentence says what the field does, and is
what errors show; the next ones say why one would want it so. What follows where it is left out is said after
``Default:``, unless the default says so itself. ``schema.py`` adds the unit, and a default that is a value.
"""

from pydantic import BaseModel, ConfigDict, Field

from controller.config.addresses import Ipv4, Ipv6
from controller.core.model import Address, Family


class Spec(BaseModel):
    """A mapping in one of the files: no unknown keys, no silent conversion, nothing changes once read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AddressesSpec(Spec):
    """One address for each family that is in use."""

    ipv4: Ipv4 | None = Field(
        default=None,
        description=(
            "the IPv4 address. Families are told apart, for one may work where the other does not. "
            "Default: none."
        ),
    )
    ipv6: Ipv6 | None = Field(
        default=None,
        description=(
            "the IPv6 address. Put quotes around it inside braces: colons mean something there. Default: "
            "none."
        ),
    )

    def by_family(self) -> dict[Family, Address]:
        """The addresses that are given."""
        found: dict[Family, Address | None] = {Family.IPV4: self.ipv4, Family.IPV6: self.ipv6}
        return {family: address for family, address in found.items() if address is not None}
