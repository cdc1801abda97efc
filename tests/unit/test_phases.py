"""In which steps an assignment is reached."""

from collections.abc import Mapping

from controller.core.model import BACKUP, DRAINED, PRIMARY, Placement
from controller.core.phases import phases


def placed(**roles: str) -> Mapping[str, Placement]:
    return {link: Placement(role) for link, role in roles.items()}


CALM = placed(a=PRIMARY, b=BACKUP)
MOVED = placed(a=DRAINED, b=PRIMARY)
BOTH = placed(a=PRIMARY, b=PRIMARY)


def test_the_new_path_is_made_before_the_old_one_is_broken() -> None:
    assert phases({"all": CALM}, {"all": MOVED}, escape=False) == [{"all": BOTH}, {"all": MOVED}]


def test_a_dead_path_is_left_in_one_step() -> None:
    assert phases({"all": CALM}, {"all": MOVED}, escape=True) == [{"all": MOVED}]


def test_so_is_one_that_loses_packets_until_it_is_left() -> None:
    assert phases({"all": CALM}, {"all": MOVED}, escape=False, bad={"a"}) == [{"all": MOVED}]


def test_a_class_that_leaves_a_sound_path_takes_its_two_steps_beside_one_that_does_not() -> None:
    current = {"bad": CALM, "sound": placed(a=BACKUP, b=BACKUP, c=PRIMARY)}
    target = {"bad": MOVED, "sound": placed(a=BACKUP, b=PRIMARY, c=BACKUP)}
    first = {"bad": MOVED, "sound": placed(a=BACKUP, b=PRIMARY, c=PRIMARY)}
    assert phases(current, target, escape=False, bad={"a"}) == [first, target]


def test_with_one_of_two_primary_links_sound_there_is_something_to_break() -> None:
    target = placed(a=DRAINED, b=DRAINED, c=PRIMARY)
    current = placed(a=PRIMARY, b=PRIMARY, c=BACKUP)
    first = placed(a=PRIMARY, b=PRIMARY, c=PRIMARY)
    assert phases({"all": current}, {"all": target}, escape=False, bad={"a"}) == [
        {"all": first},
        {"all": target},
    ]
    assert phases({"all": current}, {"all": target}, escape=False, bad={"a", "b"}) == [{"all": target}]


def test_first_contact_takes_one_step() -> None:
    assert phases({}, {"all": CALM}, escape=False) == [{"all": CALM}]
