"""Ended, killed, started again: at the end routers run what is intended, and nothing waits on them."""

from __future__ import annotations

import time

import pytest

from controller.core.model import Applied
from controller.lab.lab import Lab
from tests.lab.operate import Controller, Site, exits, pending, running, wait_for

pytestmark = pytest.mark.lab

EDGES = ("edge1", "edge2")
STOPS_WITHIN_S = 5.0
REVERTS_WITHIN_S = 40.0  # routers go back by themselves 30 s after a push that nobody confirmed


def make_a_commit_wait(lab: Lab) -> None:
    """Make azerbaijan fail; return the moment a commit waits for its confirmation on edge1."""
    lab.fault("blackhole", "azerbaijan")
    give_up = time.monotonic() + 10
    while not pending(lab, "edge1"):
        assert time.monotonic() < give_up, "no commit was seen to wait"


def kill_between_commit_and_confirm(lab: Lab, controller: Controller) -> None:
    make_a_commit_wait(lab)
    controller.kill()
    assert pending(lab, "edge1"), "it was confirmed before it could be killed: nothing is tested"


def test_stopped_and_started_again_it_reconciles_and_pushes_nothing(lab: Lab, site: Site) -> None:
    with site.start() as controller:
        controller.wait_settled()
        before, number = running(lab), site.last()
        code, took_s = controller.stop()
    assert (code, took_s < STOPS_WITHIN_S) == (0, True), took_s
    assert controller.events[-1] == "stopped; traffic stays where it is"
    assert running(lab) == before
    with site.start() as controller:
        controller.wait_settled()
        wait_for("the first decision of its own", 10, lambda: site.last() > number)
        time.sleep(2)
        assert site.acted(number) == []
    assert running(lab) == before


def test_stopped_in_the_middle_of_a_push_it_finishes_that_first(lab: Lab, site: Site) -> None:
    with site.start() as controller:
        controller.wait_settled()
        number = site.last()
        make_a_commit_wait(lab)
        code, took_s = controller.stop()
    assert (code, took_s < STOPS_WITHIN_S) == (0, True), took_s
    assert not any(pending(lab, edge) for edge in EDGES)
    assert [type(outcome) for outcome in site.acted(number)] == [Applied, Applied]
    assert exits(lab) == ("georgia", "georgia")


def test_killed_between_commit_and_confirmation_its_successor_settles_it(lab: Lab, site: Site) -> None:
    with site.start() as controller:
        controller.wait_settled()
        kill_between_commit_and_confirm(lab, controller)
    with site.start() as controller:
        controller.wait_carried_by("georgia")
        assert "had an unconfirmed commit of an earlier run: confirmed" in controller.said
        assert not any(pending(lab, edge) for edge in EDGES)
        lab.clear()
        controller.wait_settled()
    assert site.plan()[0] == 0
    assert not any(pending(lab, edge) for edge in EDGES)


def test_killed_and_left_alone_routers_go_back_by_themselves(lab: Lab, site: Site) -> None:
    with site.start() as controller:
        controller.wait_settled()
        before = running(lab)
        kill_between_commit_and_confirm(lab, controller)
    assert running(lab)["edge1"] != before["edge1"]
    wait_for(
        "the routers to go back", REVERTS_WITHIN_S, lambda: not any(pending(lab, edge) for edge in EDGES)
    )
    assert running(lab) == before
    lab.clear()
    with site.start() as controller:
        controller.wait_settled()
    assert running(lab) == before
