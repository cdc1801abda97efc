"""Addresses, prefixes, AS numbers and communities as our files write them.

Each is a pydantic type whose validator says in words what is wrong and what to write instead.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from pydantic import BeforeValidator

from controller.config.problems import quoted
from controller.config.scalars import as_text, described, kind, refusal
from controller.core.model import Address, Network

_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 in IPv6 notation (RFC 4291)
_LARGEST_ASN = 4294967294  # RFC 7300
_RESERVED_ASNS = {23456: "AS_TRANS (RFC 6793)", 65535: "reserved (RFC 7300)"}


def checked_address(value: object) -> Address:
    """An address that one host can have. Raises the error that says why not."""
    text = as_text(value, "an IP address", "198.51.100.1 or 2001:db8::1")
    try:
        address = ip_address(text)
    except ValueError:
        hint = "Leave out the prefix length." if "/" in text else "Write it like 198.51.100.1 or 2001:db8::1."
        raise refusal(f"{quoted(text)} is not an IP address", hint) from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise refusal(f"{quoted(text)} has a scope", "Write a global address.")
    unfit = {
        "unspecified": address.is_unspecified,
        "loopback": address.is_loopback,
        "multicast": address.is_multicast,
        "link-local": address.is_link_local,
    }
    for word, applies in unfit.items():
        if applies:
            raise refusal(f"{address} is a {word} address", "Write the unicast address of one host.")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise refusal(f"{text} is an IPv4 address in IPv6 notation", f"Write {address.ipv4_mapped}.")
    return address


def _ipv4(value: object) -> IPv4Address:
    address = checked_address(value)
    if not isinstance(address, IPv4Address):
        raise refusal(f"{address} is an IPv6 address and stands under ipv4", "Move it to ipv6.")
    return address


def _ipv6(value: object) -> IPv6Address:
    address = checked_address(value)
    if not isinstance(address, IPv6Address):
        raise refusal(f"{address} is an IPv4 address and stands under ipv6", "Move it to ipv4.")
    return address


def _prefix(value: object) -> Network:
    text = as_text(value, "a prefix", "203.0.113.0/24 or 2001:db8:500::/48")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        hint = "Write it like 203.0.113.0/24 or 2001:db8:500::/48."
        if len(text.split()) > 1:
            hint = "Put a comma between two prefixes."
        raise refusal(f"{quoted(text)} is not a prefix", hint) from None
    if "/" not in text:
        raise refusal(f"{text} has no prefix length", f"Write {network} if one address is meant.")
    if ip_address(text.split("/")[0]) != network.network_address:
        raise refusal(f"{text} has host bits set", f"Write {network} if that network is meant.")
    if network.prefixlen == 0:
        raise refusal(f"{network} is the whole Internet", "Write the prefixes that are meant.")
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = f"{network.network_address.ipv4_mapped}/{network.prefixlen - _MAPPED.prefixlen}"
        raise refusal(f"{text} is an IPv4 prefix in IPv6 notation", f"Write {mapped}.")
    unfit = {
        "loopback": network.is_loopback,
        "multicast": network.is_multicast,
        "link-local": network.is_link_local,
    }
    for word, applies in unfit.items():
        if applies:
            raise refusal(f"{network} is a {word} prefix", "Write prefixes that are routed.")
    return network


def _community(value: object) -> str:
    text = _carried(value)
    if text == "65535:0":
        raise refusal("65535:0 is graceful shutdown", "Write graceful_shutdown: true instead.")
    return text


def _carried(value: object) -> str:
    """Any community that a route may have."""
    example = "65000:70 or 64501:1:2"
    text = as_text(value, "a BGP community", example)
    parts = text.split(":")
    largest = {2: 0xFFFF, 3: 0xFFFFFFFF}.get(len(parts))  # RFC 1997, RFC 8092
    if largest is None or not all(re.fullmatch("[0-9]{1,10}", part) for part in parts):
        raise refusal(f"{quoted(text)} is not a BGP community", f"Write numbers, like {example}.")
    if any(int(part) > largest for part in parts):
        hint = (
            "Use a large community, such as 4200000000:1:2."
            if len(parts) == 2
            else f"Write it like {example}."
        )
        raise refusal(f"{text} has a part above {largest}", hint)
    return ":".join(str(int(part)) for part in parts)


def _asn(value: object) -> int:
    if type(value) is float:
        raise refusal("an AS number has no point in it", "Write it as one number: 65546 for 1.10.")
    if type(value) is not int:
        digits = (
            re.fullmatch(r"\s*(?:[Aa][Ss])?\s*([0-9]{1,10})\s*", value, re.ASCII)
            if isinstance(value, str)
            else None
        )
        hint = f"Write {digits[1]}, without quotes or AS." if digits else "Write it like 64501."
        raise refusal(f"an AS number is a whole number, not {kind(value)}", hint)
    if not 1 <= value <= _LARGEST_ASN:
        raise refusal(f"{quoted(value)} is no AS number", f"It is from 1 to {_LARGEST_ASN}.")
    if value in _RESERVED_ASNS:
        raise refusal(f"AS {value} is {_RESERVED_ASNS[value]}", "Write the AS number itself.")
    return value


_ADDRESS_PATTERN = r"[0-9A-Fa-f:.]+"

AnyAddress = Annotated[
    Address, BeforeValidator(checked_address), described("address", "198.51.100.1", _ADDRESS_PATTERN)
]
Ipv4 = Annotated[
    IPv4Address, BeforeValidator(_ipv4), described("IPv4 address", "198.51.100.1", r"[0-9.]+", format="ipv4")
]
Ipv6 = Annotated[
    IPv6Address,
    BeforeValidator(_ipv6),
    described("IPv6 address", "2001:db8::1", _ADDRESS_PATTERN, format="ipv6"),
]
Prefix = Annotated[
    IPv4Network | IPv6Network,
    BeforeValidator(_prefix),
    described("prefix", "203.0.113.0/24", _ADDRESS_PATTERN + r"/([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8])"),
]
_ABOUT_COMMUNITY = described("community", "65000:70", r"[0-9]{1,10}(:[0-9]{1,10}){1,2}")

Community = Annotated[str, BeforeValidator(_community), _ABOUT_COMMUNITY]
CarriedCommunity = Annotated[str, BeforeValidator(_carried), _ABOUT_COMMUNITY]
Asn = Annotated[
    int,
    BeforeValidator(_asn),
    described("AS number", type="integer", minimum=1, maximum=_LARGEST_ASN, examples=[64501]),
]
