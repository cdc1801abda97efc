"""The small notations of our files: ``400ms``, ``10%``, ``6 per hour``, names. Addresses: ``addresses.py``.

Each is a pydantic type whose validator says in words what is wrong and what to write instead.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from controller.config.problems import quoted

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
_BITS = {"bps": 1.0, "kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9, "Tbps": 1e12}
_BIT_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([A-Za-z]*)", re.ASCII)
_ABOUT_BITS = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([kmgt]?)(?:b|bit|bits)?(?:/s|ps)?", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_POLICY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,62}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}", re.ASCII)
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_./:-]{0,62}", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


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
    if isinstance(value, int | float) and not isinstance(value, bool):
        share = f", or {100 * value:g}% if that share is meant" if 0 < value < 1 else ""
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


def _bit_rate(value: object) -> float:
    example = "400Mbps, 10Gbps or 1Tbps"
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise refusal(f"the bit rate {value} has no unit", f"Write it like {example}.")
    text = as_text(value, "a bit rate", example)
    found = _BIT_RATE.fullmatch(text)
    if found is None or found[2] not in _BITS:
        about = _ABOUT_BITS.fullmatch(text.lower())
        unit = next((each for each in _BITS if about and each.lower() == f"{about[2]}bps"), None)
        hint = f"Write {about[1]}{unit}." if about and unit else f"Write it like {example}."
        raise refusal(f"{quoted(text)} is not a bit rate", hint)
    bps = float(found[1]) * _BITS[found[2]]
    if not 0 < bps <= 1e15:
        raise refusal(f"{quoted(text)} is out of range", "Write more than 0bps, up to 1000Tbps.")
    return bps


def _yearly(value: object) -> float:
    text = f"{value}" if type(value) in (int, float) else as_text(value, "a rate", "1 per link-year")
    found = _YEARLY.fullmatch(text)
    if found is None:
        raise refusal(f"{quoted(text)} is not a rate of false failovers", "Write it like 1 per link-year.")
    rate = float(found[1])
    if not 0.01 <= rate <= 1000:
        raise refusal(f"{text} is out of range", "Write 0.01 to 1000 per link-year.")
    return rate


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


def matching(
    pattern: re.Pattern[str], what: str, hint: str, nearest: Callable[[str], str] | None = None
) -> Callable[[object], str]:
    """A validator. ``nearest``: what someone may have meant; it is a hint if it fits."""

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
BitRate = Annotated[
    float,
    BeforeValidator(_bit_rate),
    described("bit rate", "10Gbps", r"(?=.*[1-9])[0-9]{1,9}(\.[0-9]{1,6})?\s*(bps|kbps|Mbps|Gbps|Tbps)"),
]  # bits per second
YearlyRate = Annotated[
    float,
    BeforeValidator(_yearly),
    described("per link-year", "1 per link-year", r"(?=.*[1-9])[0-9]{1,4}(\.[0-9]{1,3})?\s+per\s+link-year"),
]
Name = Annotated[
    str,
    BeforeValidator(matching(_NAME, "a name as used here", _NAME_HINT, _as_name)),
    described("name", pattern=_NAME.pattern),
]
LinkName = Annotated[str, described("name of a link")]
RouterName = Annotated[str, described("name of a router")]
Country = Annotated[
    str,
    BeforeValidator(
        matching(_COUNTRY, "a country code", "Write two capital letters of ISO 3166-1, like AZ.", str.upper)
    ),
    described("country code", "AZ", _COUNTRY.pattern),
]
PolicyName = Annotated[
    str,
    BeforeValidator(
        matching(_POLICY_NAME, "a routing policy's name", "Write the name as it stands on the router.")
    ),
    described("name of a policy", pattern=_POLICY_NAME.pattern),
]
Interface = Annotated[
    str,
    BeforeValidator(matching(_INTERFACE, "an interface name", "Write the name as it stands on the router.")),
    described("name of an interface", pattern=_INTERFACE.pattern),
]
HostName = Annotated[
    str,
    BeforeValidator(
        matching(_HOST, "a host name or address", "Write letters, digits, dots, hyphens, colons.")
    ),
    described("host name", pattern=_HOST.pattern),
]
BaseUrl = Annotated[str, BeforeValidator(_base_url), described("URL", "http://127.0.0.1:9090", format="uri")]
EnvironmentName = Annotated[
    str,
    BeforeValidator(_environment_name),
    described("environment variable", "METRICS_TOKEN", _ENVIRONMENT.pattern),
]
