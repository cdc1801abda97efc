"""Names of what the controller owns on a router, and the way back from a name to its meaning.

Routers are the memory: the name of the policy that a neighbor uses says which role the link has, so that a
controller which starts with nothing can read the current assignment from the routers.

Everything is ASCII upper case, digits, ``-``, ``_``, ``+`` and ``.``: FRR 8.4 accepts these in names of
route-maps and prefix lists (``tests/lab/test_role_policies.py`` shows it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from controller.core.model import ROLE_NAMES, Direction, Placement

PREFIX = "FO-"
"""Begins the name of every object that the controller owns, and of nothing else."""

MAX_LENGTH = 128
"""FRR 8.4 refuses longer names of prefix lists; names of route-maps above 240 stopped its daemons."""

_UNSAFE = re.compile(r"[^A-Z0-9_-]")
_WORD = re.compile(f"({'|'.join(role.upper() for role in ROLE_NAMES)})(?:-([1-9][0-9]*))?")
_LETTER = re.compile(f"([{''.join(role[0].upper() for role in ROLE_NAMES)}])([1-9][0-9]*)?")
_ROLE_BY_LETTER = {role[0].upper(): role for role in ROLE_NAMES}


def is_owned(name: str) -> bool:
    """Whether an object of this name is the controller's."""
    return name.startswith(PREFIX)


def list_name(traffic_class: str) -> str:
    """The prefix list that holds a class's own prefixes."""
    return f"{PREFIX}{_safe(traffic_class)}"


def destinations_name(traffic_class: str) -> str:
    """The prefix list that holds the destinations a class steers outbound."""
    return f"{list_name(traffic_class)}-DEST"


def origins_name(traffic_class: str) -> str:
    """The AS path list that holds whose routes a class steers outbound."""
    return f"{destinations_name(traffic_class)}-AS"


def communities_name(traffic_class: str) -> str:
    """The community list that holds what routes carry that a class steers outbound."""
    return f"{destinations_name(traffic_class)}-COMMUNITY"


def large_communities_name(traffic_class: str) -> str:
    """The same for large communities, which routers keep in lists of their own."""
    return f"{destinations_name(traffic_class)}-LARGE"


def more_specifics_name(traffic_class: str) -> str:
    """The prefix list that holds a class's more-specifics."""
    return f"{list_name(traffic_class)}-MORE"


def policy_name(link: str, placements: Sequence[Placement], direction: Direction) -> str:
    """The role policy of a link whose classes, in the order of the policy, have these placements.

    One placement for all: ``FO-EDGE1-IRAN-BACKUP-2-OUT``. Different ones:
    ``FO-EDGE1-IRAN-PRIMARY+BACKUP-2-OUT``, and, where that were longer than routers take, letters:
    ``FO-EDGE1-IRAN-P.B2.B2.D-OUT``.
    """
    if len(set(placements)) == 1:
        return _framed(link, str(placements[0]).upper(), direction)
    name = _framed(link, "+".join(str(each).upper() for each in placements), direction)
    if len(name) <= MAX_LENGTH:
        return name
    return _framed(link, ".".join(_letters(each) for each in placements), direction)


def belongs_to(name: str, link: str, direction: Direction) -> bool:
    """Whether the name is one that ``policy_name`` gives to some policy of this link and direction."""
    return _placements(name, link, direction) is not None


def placements_of(name: str, link: str, direction: Direction, classes: int) -> tuple[Placement, ...] | None:
    """The placements, one for each of ``classes`` classes; None where the name is not one of this link's.

    The inverse of ``policy_name``. None as well when the name speaks of another number of classes: what
    operators wrote has changed since it was attached.
    """
    found = _placements(name, link, direction)
    if found is None:
        return None
    if len(found) == 1:
        return found * classes
    return found if len(found) == classes else None


def _placements(name: str, link: str, direction: Direction) -> tuple[Placement, ...] | None:
    head, tail = f"{PREFIX}{_safe(link)}-", f"-{direction.upper()}"
    if not (name.startswith(head) and name.endswith(tail) and len(name) > len(head) + len(tail)):
        return None
    middle = name[len(head) : -len(tail)]
    if "." in middle:
        return _all(_from_letters(part) for part in middle.split("."))
    return _all(_from_word(part) for part in middle.split("+"))


def _all(parts: Iterable[Placement | None]) -> tuple[Placement, ...] | None:
    known = tuple(parts)
    placements = tuple(part for part in known if part is not None)
    return placements if len(placements) == len(known) else None


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name.upper())


def _framed(link: str, middle: str, direction: Direction) -> str:
    return f"{PREFIX}{_safe(link)}-{middle}-{direction.upper()}"


def _letters(placement: Placement) -> str:
    return placement.role[0].upper() + (str(placement.rank) if placement.rank != 1 else "")


@cache
def _from_word(text: str) -> Placement | None:
    match = _WORD.fullmatch(text)
    return Placement(match[1].lower(), int(match[2] or 1)) if match else None


@cache
def _from_letters(text: str) -> Placement | None:
    match = _LETTER.fullmatch(text)
    return Placement(_ROLE_BY_LETTER[match[1]], int(match[2] or 1)) if match else None
