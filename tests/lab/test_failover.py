"""Traffic moves when it should, where it should, and comes back: one controller, fault after fault."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.core.model import Applied
from controller.lab.lab import Lab
from tests.lab.operate import (
    MOVE_WITHIN_S,
    Controller,
    Site,
    attached,
    entries,
    exits,
    no_leaks,
    pending,
    running,
    wait_for,
)

pytestmark = pytest.mark.lab

AZERBAIJAN, GEORGIA, IRAN = 64501, 64502, 64503
WATCHED_S = 3.0  # several times what a failover takes
BGP_WITHIN_S = 5.0  # best paths and kernel routes after the routers took a change
RECONCILE_WITHIN_S = 25.0  # routers are read every 15 s


def wait_ways(lab: Lab, out: str | None, into: int | None, edge: str = "edge1") -> None:
    """Wait until traffic goes out by a device of an edge and comes in by an upstream, in both families."""
    if out is not None:
        wait_for(f"traffic out by {out}", BGP_WITHIN_S, lambda: exits(lab, edge) == (out, out))
    if into is not None:
        wait_for(f"traffic in by {into}", BGP_WITHIN_S, lambda: entries(lab) == (into, into))


def assert_nothing_left_to_do(lab: Lab, site: Site) -> None:
    code, report = site.plan()
    assert (code, [plan["diff"] for plan in report["routers"].values()]) == (0, ["", ""])
    assert not any(pending(lab, edge) for edge in site.policy.routers)


# --- one upstream ------------------------------------------------------------------------------


def test_a_blackhole_in_an_upstream_moves_traffic_both_ways_and_back_again(
    lab: Lab, site: Site, controller: Controller
) -> None:
    wait_ways(lab, "azerbaijan", AZERBAIJAN)
    before = running(lab)
    with no_leaks(lab):
        lab.fault("blackhole", "azerbaijan")
        controller.wait_carried_by("georgia")
        wait_ways(lab, "georgia", GEORGIA)
        lab.clear()
        controller.wait_settled(on="azerbaijan")
        wait_ways(lab, "azerbaijan", AZERBAIJAN)
    assert running(lab) == before
    assert_nothing_left_to_do(lab, site)


@pytest.mark.parametrize(
    ("kind", "place", "value", "carrier", "out", "into"),
    [
        ("carrier", "edge1-azerbaijan", None, "georgia", "georgia", GEORGIA),
        # The upstream cannot be told; the world is: georgia's path is one prepend shorter than what is left there.
        ("silent", "edge1-azerbaijan", None, "georgia", "georgia", GEORGIA),
        ("loss", "azerbaijan", 40, "georgia", "georgia", GEORGIA),
        ("delay", "azerbaijan", 60, "azerbaijan", "azerbaijan", AZERBAIJAN),  # slow, but it answers
        # The routes are gone, the link is not: BGP itself sends elsewhere what the upstream no longer takes, at
        # once. The controller follows when the table has been short for ten seconds: see test_routers_say.
        ("withdraw", "azerbaijan", None, "azerbaijan", "georgia", AZERBAIJAN),
        ("router", "azerbaijan", None, "georgia", "georgia", GEORGIA),
        ("ssh", "edge1", None, "azerbaijan", "azerbaijan", AZERBAIJAN),
    ],
    ids=["carrier", "silent", "loss", "delay", "withdraw", "router", "ssh"],
)
def test_after_any_other_fault_the_network_is_as_it_was_too(
    lab: Lab,
    site: Site,
    controller: Controller,
    kind: str,
    place: str,
    value: float | None,
    carrier: str,
    out: str,
    into: int | None,
) -> None:
    before, number = running(lab), site.last()
    with no_leaks(lab):
        lab.fault(kind, place, value)
        if carrier == "azerbaijan":
            time.sleep(WATCHED_S)
            assert site.acted(number) == []
        controller.wait_carried_by(carrier)
        wait_ways(lab, out, into)
        lab.clear()
        controller.wait_settled()
    assert all(isinstance(outcome, Applied) for outcome in site.acted(number))
    assert running(lab) == before
    assert_nothing_left_to_do(lab, site)


# --- several at once ---------------------------------------------------------------------------


def test_a_cut_of_the_segment_two_upstreams_share_moves_traffic_straight_to_the_third(
    lab: Lab, site: Site, controller: Controller
) -> None:
    number = site.last()
    with no_leaks(lab):
        lab.fault("blackhole", "black-sea")
        controller.wait_carried_by("iran")
        wait_ways(lab, "lan", IRAN)
        wait_ways(lab, "iran", IRAN, edge="edge2")
        assert len(site.moves(number)) == 1, "it took more than one move"
        why = "; both share black-sea"
        wait_for("the shared risk named", MOVE_WITHIN_S, lambda: why in controller.sentence)
        lab.clear()
        controller.wait_settled()
    assert_nothing_left_to_do(lab, site)


@pytest.mark.parametrize("places", [("azerbaijan", "georgia", "iran"), ("black-sea", "iran")], ids="+".join)
def test_with_every_upstream_dark_at_once_nothing_is_pushed_and_status_says_why(
    lab: Lab, site: Site, controller: Controller, places: tuple[str, ...]
) -> None:
    before, number = running(lab), site.last()
    lab.faults("blackhole", places)
    why = "every link looks bad at once; suspecting my own view; nothing changed"
    wait_for(why, MOVE_WITHIN_S, lambda: why in controller.sentence)
    time.sleep(WATCHED_S)
    assert why in site.failover("status").stdout
    assert running(lab) == before
    lab.clear()
    controller.wait_settled()
    assert site.acted(number) == []
    assert running(lab) == before


def test_upstreams_that_go_dark_one_after_another_cost_one_move_at_most(
    lab: Lab, site: Site, controller: Controller
) -> None:
    """Guaranteed: one move at most, kept whole on every router; then it stays put, and returns in the end.

    When the first is left, the next may have been dark for too short to be noticed: that one move is right by
    all that is known then. Which of the others it goes to is not guaranteed.
    """
    number = site.last()
    with no_leaks(lab):
        for place in ("azerbaijan", "georgia", "iran"):
            lab.fault("blackhole", place)
            time.sleep(0.2)
        wait_for(
            "doubt", MOVE_WITHIN_S, lambda: controller.sentence.startswith("every link looks bad at once")
        )
        moves, outcomes, dark = site.moves(number), site.acted(number), running(lab)
        assert len(moves) <= 1
        assert all(isinstance(outcome, Applied) for outcome in outcomes)
        time.sleep(WATCHED_S)
        assert running(lab) == dark
        assert len(site.moves(number)) == len(moves)
        assert not any(pending(lab, edge) for edge in site.policy.routers)
        lab.clear()
        controller.wait_settled()
    assert_nothing_left_to_do(lab, site)


# --- hands on the routers ----------------------------------------------------------------------


@pytest.fixture
def described(lab: Lab) -> Iterator[str]:
    """An edge1 whose operator describes a neighbor, and takes that back in the end."""
    edge, about = lab.router("edge1"), "neighbor 198.18.1.1 description"
    edge.vtysh("configure terminal", "router bgp 64500", f"{about} by hand", "end")
    yield f"{about} by hand"
    edge.vtysh("configure terminal", "router bgp 64500", f"no {about}", "end", "write memory")


def test_an_attachment_changed_by_hand_is_put_right_and_what_is_not_ours_is_left_alone(
    lab: Lab, site: Site, controller: Controller, described: str
) -> None:
    before, number = running(lab), site.last()
    assert described in before["edge1"]
    words = "neighbor 198.18.1.1 route-map AZERBAIJAN-OUT out"
    where = ("configure terminal", "router bgp 64500", "address-family ipv4 unicast")
    lab.router("edge1").vtysh(*where, words, "end")
    assert attached(lab, "edge1")["198.18.1.1", "out"] == "AZERBAIJAN-OUT"
    wait_for("the reconcile", RECONCILE_WITHIN_S, lambda: site.acted(number))
    assert running(lab) == before
    controller.wait_settled()
    assert [outcome.router for outcome in site.acted(number)] == ["edge1"]
    assert_nothing_left_to_do(lab, site)
