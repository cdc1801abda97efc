"""Users see one thing and links another: said, in the sentence too; nothing is moved by it."""

from __future__ import annotations

import pytest

from controller.core.model import USER_PATH, Family, FamilyHealth, Health, Verdict
from controller.core.rules.users import LASTS_S
from tests.decide_world import AZ, CALM, DEGRADED, DOWN, GE1, LINKS, UNKNOWN, UP, World, see, world


def users(verdict: Verdict, since: float, loss: float | None = None, *, suspect: bool = False) -> Health:
    part = FamilyHealth(verdict, f"looks {verdict}", loss_percent=loss)
    return Health(USER_PATH, verdict, since, f"IPv4: looks {verdict}", suspect, {Family.IPV4: part})


def scene(path: Health, links: dict[str, Verdict] | None = None) -> World:
    """As seen for a quarter of an hour."""
    w = world()
    w.health = see(links or {}) | {USER_PATH: path}
    return w


@pytest.mark.parametrize(
    ("path", "clause"),
    [
        (users(DEGRADED, 0.0, 12.3), "users lose 12 % though every link looks clean"),
        (users(DEGRADED, 0.0), "users fare badly though every link looks clean"),
        (users(DOWN, 0.0), "users reach nothing though every link looks clean"),
    ],
)
def test_users_that_suffer_while_every_link_is_clean_are_said_to(path: Health, clause: str) -> None:
    w = scene(path)
    decision = w.step(1)
    assert w.current == CALM
    assert decision.sentence.endswith(f"all 4 links up; {clause}")
    (notice,) = decision.notices
    advice = "look inside the own network, or at a target set that users do not use"
    assert notice.text == f"{clause}: {advice} (IPv4: looks {path.verdict})"


def test_links_that_are_bad_while_users_lose_nothing_are_said_to_be() -> None:
    bad = {AZ: DEGRADED, **dict.fromkeys(LINKS[1:], UNKNOWN)}  # nowhere to go, so azerbaijan still carries
    w = scene(users(UP, 0.0), bad)
    decision = w.step(1)
    assert w.current["residential"][AZ].role == "primary"
    (notice,) = decision.notices
    assert notice.text.startswith(
        "users lose nothing though edge1-azerbaijan, which should carry them, looks degraded: look where its probes"
    )
    assert "users lose nothing though edge1-azerbaijan" in decision.sentence


@pytest.mark.parametrize(
    ("path", "links"),
    [
        (users(UP, 0.0), {}),
        (users(UNKNOWN, 0.0), {}),
        (users(DEGRADED, 0.0, 12.0), {GE1: DEGRADED}),  # links have their share in it, perhaps
        (users(UP, 0.0, suspect=True), {AZ: DEGRADED, **dict.fromkeys(LINKS[1:], UNKNOWN)}),
        (users(DOWN, 10_000.0 + 1 - LASTS_S / 2), {}),  # not for long: one fault, seen at two moments
    ],
)
def test_where_they_agree_or_nobody_knows_nothing_is_said(path: Health, links: dict[str, Verdict]) -> None:
    assert scene(path, links).step(1).notices == ()


def test_right_after_a_move_nothing_is_said() -> None:
    w = scene(users(DOWN, 0.0))
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP})
    assert w.step(1).notices == ()
    assert w.step(LASTS_S).notices != ()
