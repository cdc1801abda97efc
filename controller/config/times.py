"""The notations for time of day and year: cron, RFC 5545 rules, local times, time zones."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from controller.config.problems import quoted
from controller.config.scalars import as_text, described, refusal
from controller.windows import cron_error, recurrence_error, zone_names, zone_of


def _cron(value: object) -> str:
    example = "0 2 * * SUN: minute, hour, day, month, weekday"
    text = " ".join(as_text(value, "a cron expression", example).split())
    if len(text.split()) != 5:
        raise refusal(f"{quoted(text)} has {len(text.split())} fields, not 5", f"Write it like {example}.")
    error = cron_error(text)
    if error is not None:
        raise refusal(f"{quoted(text)} is not a cron expression: {error}", f"Write it like {example}.")
    return text


def _recurrence(value: object) -> str:
    example = "FREQ=MONTHLY;BYDAY=-1SU"
    text = as_text(value, "a rule of RFC 5545", example).removeprefix("RRULE:")
    error = recurrence_error(text)
    if error is not None:
        raise refusal(
            f"{quoted(text)} is not a rule that is known here: {error}", f"Write it like {example}."
        )
    return text


def _local_time(value: object) -> str:
    example = "2026-12-31T18:00"
    text = as_text(value, "a date and time", example)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise refusal(f"{quoted(text)} is not a date and time", f"Write it like {example}.") from None
    if found.tzinfo is not None:
        raise refusal(f"{quoted(text)} has an offset", "Write local time, and the zone as 'timezone'.")
    if "T" not in text and " " not in text:
        raise refusal(f"{quoted(text)} has no time of day", f"Write it like {text}T02:00.")
    if not 1970 < found.year < 2100:
        raise refusal(f"the year {found.year} is hardly meant", f"Write it like {example}.")
    return found.isoformat()


def _time_zone(value: object) -> str:
    text = as_text(value, "a time zone", "Asia/Yerevan")
    if zone_of(text) is None:
        alike = sorted(name for name in zone_names() if name.rpartition("/")[2].lower() == text.lower())
        hint = f"Write {alike[0]}." if alike else "Write one of IANA's names, like Asia/Yerevan."
        raise refusal(f"there is no time zone {quoted(text)}", hint)
    return text


Cron = Annotated[str, BeforeValidator(_cron), described("cron expression", "0 2 * * SUN")]
Recurrence = Annotated[
    str, BeforeValidator(_recurrence), described("rule of RFC 5545", "FREQ=MONTHLY;BYDAY=-1SU")
]
LocalTime = Annotated[
    str,
    BeforeValidator(_local_time),
    described("local date and time", "2026-12-31T18:00", r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?"),
]
TimeZone = Annotated[str, BeforeValidator(_time_zone), described("time zone", "Asia/Yerevan")]
