"""What the schemas of our files have in common."""

from pydantic import BaseModel, ConfigDict

from controller.config.scalars import Ipv4, Ipv6
from controller.core.model import Address, Family


class Spec(BaseModel):
    """A mapping in one of the files: no unknown keys, no silent conversion, nothing changes once read."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AddressesSpec(Spec):
    """One address for each family that is in use."""

    ipv4: Ipv4 | None = None
    ipv6: Ipv6 | None = None

    def by_family(self) -> dict[Family, Address]:
        """The addresses that are given."""
        found: dict[Family, Address | None] = {Family.IPV4: self.ipv4, Family.IPV6: self.ipv6}
        return {family: address for family, address in found.items() if address is not None}
