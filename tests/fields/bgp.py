"""Fields of roles, everybody's and a class's own: the lines of the routers' configuration that they change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.core.model import ROLE_NAMES
from tests.fields.versions import GONE, Field
from tests.fields.views import GE1, problems, told, warnings

CALLS = (
    "call AZERBAIJAN-IN",
    "call AZERBAIJAN-OUT",
)  # our own policies call the operator's where they announce
MORE = {"classes.NAME.more_specifics": ["203.0.113.0/25"]}
OWN = ("match ip address prefix-list FO-RESIDENTIAL", "match ipv6 address prefix-list FO-RESIDENTIAL")
OURS = "64500"

PREFERENCES = {"primary": (300, 400), "backup": (200, 250), "drained": (50, 60), "withdrawn": (10, 20)}
PREPENDS = {"primary": (1, 2), "backup": (3, 4), "drained": (5, 6)}
SHUTDOWN = {"primary": False, "backup": False, "drained": True}  # what the starter files have


def roles() -> Iterator[Field]:
    """Every field of every role, twice: for all classes and for one."""
    for place in ("roles", "classes.NAME.roles"):
        for role in ROLE_NAMES:
            values = PREFERENCES[role]
            yield Field(
                f"{place}.{role}.local_preference",
                *values,
                told("set local-preference", role),
                (_lines("set local-preference", values[0]), _lines("set local-preference", values[1])),
            )
            yield from _unheard(place) if role == "withdrawn" else _heard(place, role)
        yield from _announce(place)
        yield from _steps(place)


def _heard(place: str, role: str) -> Iterator[Field]:
    """What others see of a role that announces."""
    few, more = PREPENDS[role]
    asked = ["graceful-shutdown"] if SHUTDOWN[role] else []
    without = _communities(asked)

    def field(name: str, one: Any, other: Any, word: str, then: tuple[Any, Any], **given: Any) -> Field:
        return Field(f"{place}.{role}.{name}", one, other, told(word, role), then, given)

    yield field("prepend", few, more, "set as-path", (_prepended(few), _prepended(more)))
    yield field("med", GONE, 100, "set metric", ((), _lines("set metric", 100)))
    community = ["64501:70"]
    with_it = _communities([*community, *asked])
    yield field("communities", GONE, community, "set community", (without, with_it))
    for_one = {"azerbaijan": community, "georgia": ["64502:5"]}
    yield field("upstream_communities", GONE, for_one, "set community", (without, with_it))
    yield field("graceful_shutdown", False, True, "set community", ((), _communities(["graceful-shutdown"])))
    listed = (*OWN, "match ip address prefix-list FO-RESIDENTIAL-MORE")
    yield field("more_specifics", False, True, "match ip", (OWN, _sorted(listed)), **MORE)


def _unheard(place: str) -> Iterator[Field]:
    """A role that announces nothing has nothing to add to it: those who write so are told."""
    values: Mapping[str, Any] = {
        "prepend": 5,
        "med": 100,
        "communities": ["64501:70"],
        "upstream_communities": {"azerbaijan": ["64501:70"]},
        "graceful_shutdown": True,
        "more_specifics": True,
    }
    for name, value in values.items():
        said = f"withdrawn announces nothing, so its '{name}' does nothing"
        yield Field(f"{place}.withdrawn.{name}", GONE, value, warnings(said), (False, True), MORE)


def _announce(place: str) -> Iterator[Field]:
    for role in ("backup", "drained"):
        yield Field(f"{place}.{role}.announce", True, False, told("call", role), (CALLS, CALLS[:1]))
    for role, told_so in (
        ("primary", "a primary link without announcements gets no inbound traffic"),
        ("withdrawn", "withdrawn means that own prefixes are not announced"),
    ):
        yield Field(
            f"{place}.{role}.announce",
            role == "primary",
            role != "primary",
            problems(told_so),
            (False, True),
        )


def _steps(place: str) -> Iterator[Field]:
    """What makes one choice differ from the next."""
    med = {"roles.primary.med": 100, "roles.backup.med": 100}

    def field(role: str, name: str, one: int, other: int, word: str, then: tuple[Any, Any]) -> Field:
        shows = told(word, role, link=GE1) if role == "primary" else told(word, role, 2)
        path = f"{place}.{role}.each_further.{name}"
        return Field(path, one, other, shows, then, med if name == "med" else {})

    yield field("primary", "prepend", 0, -1, "set as-path", (_prepended(1), ()))
    yield field("primary", "med", 0, -10, "set metric", (_lines("set metric", 100), _lines("set metric", 90)))
    yield field("backup", "prepend", 1, 2, "set as-path", (_prepended(4), _prepended(5)))
    yield field("backup", "med", 0, 10, "set metric", (_lines("set metric", 100), _lines("set metric", 110)))
    lower = (_lines("set local-preference", 190), _lines("set local-preference", 180))
    yield field("backup", "local_preference", -10, -20, "set local-preference", lower)


def _lines(word: str, value: object) -> tuple[str, ...]:
    return (f"{word} {value}",)


def _prepended(times: int) -> tuple[str, ...]:
    return _lines("set as-path prepend", " ".join([OURS] * times))


def _communities(communities: list[str]) -> tuple[str, ...]:
    return _lines("set community", f"{' '.join(communities)} additive") if communities else ()


def _sorted(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(lines))
