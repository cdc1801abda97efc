"""The small notations of our files: ``400ms``, ``10%``, ``6 per hour``, addresses, prefixes, names.

Each is a pydantic type whose validator says in words what is wrong and what to write instead.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from controller.config.problems import quoted
from controller.core.model import Address, Network

REFUSED = "refused"  # error type of everything raised here: message and hint are in its context

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]*)", re.ASCII)
_ABOUT_DURATION = re.compile(r"(\d*\.?\d+)\s*([a-z]+)", re.ASCII)
_UNITS = {  # what people write, and what it is here
    **dict.fromkeys(("msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
}
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", re.ASCII)
_RATE = re.compile(r"(\d{1,6})\s+per\s+hour", re.ASCII)
_ABOUT_RATE = re.compile(r"(\d{1,6})\s*(?:/|per|an?)\s*h(?:ou)?r?s?", re.ASCII)
_YEARLY = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s+per\s+link-year", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_POLICY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,62}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}", re.ASCII)
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_./:-]{0,62}", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4 in IPv6 notation (RFC 4291)

_LARGEST_ASN = 4294967294  # RFC 7300
_RESERVED_ASNS = {23456: "AS_TRANS (RFC 6793)", 65535: "reserved (RFC 7300)"}


def refusal(message: str, hint: str) -> PydanticCustomError:
    """The error to raise from a validator."""
    return PydanticCustomError(REFUSED, "{message}", {"message": message, "hint": hint})


def kind(value: object) -> str:
    """What a YAML value is, in words."""
    words = {
        str: "text",
        bool: "true/false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a mapping",
    }
    return words.get(type(value), "nothing")


def as_text(value: object, wanted: str, example: str) -> str:
    """The value, without space around it. Raises the error that says what is wanted."""
    if value is None:
        raise refusal(f"{wanted} is missing here", f"Write it like {example}, or remove the key.")
    if isinstance(value, dict) and any(key.endswith(":") and value[key] is None for key in value):
        raise refusal("YAML takes this for a mapping, because it ends in a colon", "Put quotes around it.")
    if not isinstance(value, str):
        raise refusal(f"this must be {wanted}, not {kind(value)}", f"Write it like {example}.")
    return value.strip()


def _duration(value: object) -> float:
    example = "400ms, 10s, 10min, 1h or 1d"
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise refusal(f"the duration {value} has no unit", f"Write it like {example}.")
    text = as_text(value, "a duration", example)
    found = _DURATION.fullmatch(text)
    if found is None and text.startswith("-"):
        raise refusal(f"{quoted(text)} is less than no time", f"Write it like {example}.")
    if found is None or found[2] not in _SECONDS:
        hint = _nearest_duration(text) or f"Write it like {example}."
        what = "is not a duration" if found is None else "has no unit that is known here"
        raise refusal(f"{quoted(text)} {what}", hint)
    seconds = float(found[1]) * _SECONDS[found[2]]
    if seconds > 366 * _SECONDS["d"]:
        raise refusal(f"{quoted(text)} is more than a year", "Write a shorter duration.")
    return seconds


def _nearest_duration(text: str) -> str | None:
    """What someone who wrote this will have meant, as a hint."""
    found = _ABOUT_DURATION.fullmatch(text.lower())
    unit = _UNITS.get(found[2], found[2]) if found else ""
    if found is None or unit not in _SECONDS:
        return None
    return f"Write {'0' if found[1].startswith('.') else ''}{found[1]}{unit}."


def _percent(value: object) -> float:
    if type(value) in (int, float):
        share = f", or {100 * value:g}% if that share is meant" if 0 < value < 1 else ""  # type: ignore[operator]
        raise refusal(f"the percentage {value} has no % sign", f"Write {value}%{share}.")
    text = as_text(value, "a percentage", "10%")
    found = _PERCENT.fullmatch(text)
    if found is None:
        number = re.match(r"\d{1,3}(?:\.\d{1,6})?", text, re.ASCII)
        raise refusal(
            f"{quoted(text)} is not a percentage", f"Write {number[0]}%." if number else "Write it like 10%."
        )
    percent = float(found[1])
    if not 0 < percent < 100:
        raise refusal(f"{text} is out of range", "Write more than 0% and less than 100%.")
    return percent


def _rate(value: object) -> int:
    if type(value) is int and value > 0:
        raise refusal(f"the rate {value} does not say per what", f"Write {value} per hour.")
    text = "0 per hour" if type(value) is int and value == 0 else as_text(value, "a rate", "6 per hour")
    found = _RATE.fullmatch(text)
    if found is None:
        about = _ABOUT_RATE.fullmatch(text)
        hint = f"Write {about[1]} per hour." if about else "Write it like 6 per hour."
        raise refusal(f"{quoted(text)} is not a rate", hint)
    if int(found[1]) < 1:
        raise refusal(
            "no change at all would be allowed", "Write 1 per hour or more; to stop changes, pause."
        )
    return int(found[1])


def _yearly(value: object) -> float:
    text = f"{value}" if type(value) in (int, float) else as_text(value, "a rate", "1 per link-year")
    found = _YEARLY.fullmatch(text)
    if found is None:
        raise refusal(f"{quoted(text)} is not a rate of false failovers", "Write it like 1 per link-year.")
    rate = float(found[1])
    if not 0.01 <= rate <= 1000:
        raise refusal(f"{text} is out of range", "Write 0.01 to 1000 per link-year.")
    return rate


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
    example = "65000:70 or 64501:1:2"
    text = as_text(value, "a BGP community", example)
    if text == "65535:0":
        raise refusal("65535:0 is graceful shutdown", "Write graceful_shutdown: true instead.")
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


def _base_url(value: object) -> str:
    example = "http://127.0.0.1:9090 or https://metrics.example.net/prometheus"
    text = as_text(value, "a URL", example)
    hint = f"Write it like {example}."
    try:
        parts = urlsplit(text)
        sound = (
            parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        sound = False
    if not sound or not text.isascii() or not text.isprintable() or " " in text:
        raise refusal("this is not an http:// or https:// URL", hint)  # not repeated: a password may be in it
    if "@" in parts.netloc:
        raise refusal("a login stands in the URL", "Remove it; there is a key 'login' for that.")
    if parts.query or parts.fragment:
        raise refusal("this URL goes on after its path", hint)
    return text.rstrip("/")


def _environment_name(value: object) -> str:
    if not isinstance(value, str) or _ENVIRONMENT.fullmatch(value) is None:
        hint = "Write the name of the variable, like METRICS_TOKEN, and not what is in it."
        raise refusal("this is not the name of an environment variable", hint)  # it may be the secret
    return value


def _matching(
    pattern: re.Pattern[str], what: str, hint: str, nearest: Callable[[str], str] | None = None
) -> Callable[[object], str]:
    """``nearest``: what someone may have meant; it is a hint if it fits."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise refusal(f"{what} is text, not {kind(value)}", hint)
        if pattern.fullmatch(value) is None:
            meant = nearest(value) if nearest else ""
            told = f"Write {meant}." if pattern.fullmatch(meant) else hint
            raise refusal(f"{quoted(value)} is not {what}", told)
        return value

    return check


def _as_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def described(
    unit: str, example: str | None = None, pattern: str | None = None, **more: Any
) -> WithJsonSchema:
    """What editors are told of a notation. ``unit`` is for people: ``schema.py`` takes it out."""
    schema: dict[str, Any] = {"type": "string", "unit": unit, **more}
    if pattern is not None:
        schema["pattern"] = f"^{pattern}$"
    if example is not None:
        schema["examples"] = [example]
    return WithJsonSchema(schema)


_NAME_HINT = "Use lower-case letters, digits and hyphens, starting with a letter, 32 at most."

_ADDRESS_PATTERN = r"[0-9A-Fa-f:.]+"

Duration = Annotated[
    float,
    BeforeValidator(_duration),
    described("duration", "400ms", r"[0-9]{1,9}(\.[0-9]{1,6})?\s*(ms|s|min|h|d)"),
]  # seconds
Percent = Annotated[
    float,
    BeforeValidator(_percent),
    described("percent", "10%", r"(?=.*[1-9])0?[0-9]{1,2}(\.[0-9]{1,6})?\s*%"),
]
Rate = Annotated[
    int, BeforeValidator(_rate), described("per hour", "6 per hour", r"(?=.*[1-9])[0-9]{1,6}\s+per\s+hour")
]
YearlyRate = Annotated[
    float,
    BeforeValidator(_yearly),
    described("per link-year", "1 per link-year", r"(?=.*[1-9])[0-9]{1,4}(\.[0-9]{1,3})?\s+per\s+link-year"),
]
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
Community = Annotated[
    str, BeforeValidator(_community), described("community", "65000:70", r"[0-9]{1,10}(:[0-9]{1,10}){1,2}")
]
Asn = Annotated[
    int,
    BeforeValidator(_asn),
    described("AS number", type="integer", minimum=1, maximum=_LARGEST_ASN, examples=[64501]),
]
Name = Annotated[
    str,
    BeforeValidator(_matching(_NAME, "a name as used here", _NAME_HINT, _as_name)),
    described("name", pattern=_NAME.pattern),
]
Country = Annotated[
    str,
    BeforeValidator(
        _matching(_COUNTRY, "a country code", "Write two capital letters of ISO 3166-1, like AZ.", str.upper)
    ),
    described("country code", "AZ", _COUNTRY.pattern),
]
PolicyName = Annotated[
    str,
    BeforeValidator(
        _matching(_POLICY_NAME, "a routing policy's name", "Write the name as it stands on the router.")
    ),
    described("name of a policy", pattern=_POLICY_NAME.pattern),
]
Interface = Annotated[
    str,
    BeforeValidator(_matching(_INTERFACE, "an interface name", "Write the name as it stands on the router.")),
    described("name of an interface", pattern=_INTERFACE.pattern),
]
HostName = Annotated[
    str,
    BeforeValidator(
        _matching(_HOST, "a host name or address", "Write letters, digits, dots, hyphens, colons.")
    ),
    described("host name", pattern=_HOST.pattern),
]
BaseUrl = Annotated[str, BeforeValidator(_base_url), described("URL", "http://127.0.0.1:9090", format="uri")]
EnvironmentName = Annotated[
    str,
    BeforeValidator(_environment_name),
    described("environment variable", "METRICS_TOKEN", _ENVIRONMENT.pattern),
]
