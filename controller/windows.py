"""Which windows of the policy are open by the wall clock: cron expressions, RFC 5545 rules, time zones."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrule, rrulestr

from controller.core.model import Window, WindowRule

MOST_JOINED: Final = 500  # occurrences that overlap, followed to find the end of it all
_SECOND: Final = timedelta(seconds=1)
_NEVER: Final = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Known:
    """The state of a window between two moments of the wall clock."""

    since: float
    is_open: bool
    until: float | None


class Windows:
    """The windows of a policy. Asking costs next to nothing while none opens or closes."""

    def __init__(self, rules: Mapping[str, WindowRule]) -> None:
        self._starts = {name: (rule.lasts_s, _starts(rule)) for name, rule in rules.items()}
        self._known: dict[str, _Known] = {}

    def at(self, utc: float, now: float) -> dict[str, Window]:
        """Every window at this moment: ``utc`` by the wall clock, which is ``now`` by the monotonic one."""
        found = {}
        for name, (lasts_s, starts) in self._starts.items():
            known = self._known.get(name)
            if known is None or utc < known.since or (known.until is not None and utc >= known.until):
                known = self._known[name] = _look(utc, lasts_s, starts)
            until = None if known.until is None else now + known.until - utc
            found[name] = Window(known.is_open, until)
        return found


@dataclass(frozen=True, slots=True)
class _Starts:
    """When a window opens: the last time up to a moment, and the first after it."""

    last: Callable[[datetime], datetime | None]
    following: Callable[[datetime], datetime | None]


def _look(utc: float, lasts_s: float, starts: _Starts) -> _Known:
    at, lasts = datetime.fromtimestamp(utc, UTC), timedelta(seconds=lasts_s)
    began = starts.last(at)
    if began is None or began + lasts <= at:
        opens = starts.following(at)
        return _Known(utc, is_open=False, until=None if opens is None else opens.timestamp())
    for _ in range(MOST_JOINED):  # it may open again before it closes
        again = starts.following(began)
        if again is None or again > began + lasts:
            break
        began = again
    return _Known(utc, is_open=True, until=(began + lasts).timestamp())


def _starts(rule: WindowRule) -> _Starts:
    zone = zoneinfo.ZoneInfo(rule.timezone)
    if rule.cron is not None:
        return _by_cron(rule.cron, zone)
    first = datetime.fromisoformat(rule.starts or _NEVER.replace(tzinfo=None).isoformat())
    if rule.rrule is not None:
        return _by_rule(_parsed(rule.rrule, first), zone)
    only = first.replace(tzinfo=zone).astimezone(UTC)
    return _Starts(lambda at: only if only <= at else None, lambda at: only if only > at else None)


def _by_cron(expression: str, zone: zoneinfo.ZoneInfo) -> _Starts:
    def last(at: datetime) -> datetime | None:
        past = CronSim(expression, at.astimezone(zone) + _SECOND, reverse=True)
        return next((each for each in (one.astimezone(UTC) for one in past) if each <= at), None)

    def following(at: datetime) -> datetime | None:
        ahead = CronSim(expression, at.astimezone(zone))
        return next((each for each in (one.astimezone(UTC) for one in ahead) if each > at), None)

    return _Starts(last, following)


def _by_rule(rule: rrule, zone: zoneinfo.ZoneInfo) -> _Starts:
    """Rules are followed in local time, as people mean them."""

    def local(at: datetime) -> datetime:
        return at.astimezone(zone).replace(tzinfo=None)

    def utc(at: datetime | None) -> datetime | None:
        return None if at is None else at.replace(tzinfo=zone).astimezone(UTC)

    return _Starts(
        lambda at: utc(rule.before(local(at), inc=True)), lambda at: utc(rule.after(local(at), inc=False))
    )


def cron_error(expression: str) -> str | None:
    """What is wrong with a cron expression, or None. One that never comes true is wrong, too."""
    try:
        next(CronSim(expression, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return str(error)
    except StopIteration:
        return "there is no such day"
    return None


def recurrence_error(text: str) -> str | None:
    """What is wrong with an RFC 5545 rule, or None. Rules by the hour or finer are no windows."""
    words = dict(part.partition("=")[::2] for part in text.upper().split(";"))
    interval = words.get("INTERVAL", "1")
    if not interval.isdecimal() or int(interval) < 1:
        return "INTERVAL is 1 or more"
    if words.get("FREQ") not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY") or ":" in text or "\n" in text:
        return "one rule is wanted, with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, and without DTSTART"
    try:
        rule = _parsed(text, datetime(2024, 1, 1))  # noqa: DTZ001 - rules are followed in local time
        first = rule.after(datetime(2024, 1, 1), inc=True)  # noqa: DTZ001
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, IndexError) as error:
        return str(error) or "it cannot be read"
    return None if first is not None else "it never comes true"


def _parsed(text: str, first: datetime) -> rrule:
    rule = rrulestr(text, dtstart=first, cache=True)
    if not isinstance(rule, rrule):
        raise ValueError("one rule is wanted")  # noqa: TRY004 - what people wrote, not what we call
    return rule


def zone_of(name: str) -> zoneinfo.ZoneInfo | None:
    """The time zone of this name, or None."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder's name, an odd path, no such zone
        return None


def zone_names() -> set[str]:
    """The names of all time zones."""
    return zoneinfo.available_timezones()
