"""What a class asks of what carries it: a link that is not good enough for it is left, by this class alone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from controller.core.model import Family, Health, Preference, Requirement, TrafficClass, Verdict
from tests.decide_world import AZ, DOWN, GE1, IR, UP, P, World, world

PREFIX = (ip_network("203.0.113.0/24"),)
PREFER = Preference(("azerbaijan", "georgia", "iran"))
BULK = TrafficClass("bulk", PREFIX, PREFER)
VOICE = TrafficClass("voice", PREFIX, PREFER, require=Requirement(loss_percent=1.0, rtt_ms=80.0, held_s=60.0))


def measure(w: World, link: str, *, rtt_ms: float = 30.0, loss_percent: float = 0.0) -> None:
    part = replace(w.health[link].families[Family.IPV4], tail_ms=rtt_ms, loss_percent=loss_percent)
    w.health[link] = replace(w.health[link], families={Family.IPV4: part})


def test_a_link_that_is_too_slow_for_a_class_is_left_by_it_and_by_nobody_else() -> None:
    w = world(VOICE, BULK)
    measure(w, AZ, rtt_ms=120.0)
    assert w.step(1).sentence.startswith("nothing to change")
    assert w.of("voice")[AZ] == P  # a moment is no reason
    decision = w.step(60)
    assert decision.sentence.startswith(
        "voice moved from azerbaijan to georgia: azerbaijan is not good enough (IPv4 takes 120 ms, more than 80 ms"
    )
    assert not decision.escape
    assert w.of("bulk")[AZ] == P


def test_loss_that_is_no_fault_may_still_be_too_much_for_a_class() -> None:
    w = world(VOICE, BULK)
    measure(w, AZ, loss_percent=2.0)
    w.step(1)
    w.step(60)
    assert w.of("voice")[GE1] == P
    assert w.of("bulk")[AZ] == P


def test_it_is_returned_to_once_it_has_been_good_enough_for_as_long() -> None:
    w = world(VOICE)
    measure(w, AZ, rtt_ms=120.0)
    w.step(1)
    w.step(60)
    measure(w, AZ, rtt_ms=40.0)
    w.step(600)
    assert w.of("voice")[GE1] == P
    w.step(59)
    assert w.of("voice")[GE1] == P
    w.step(2)
    assert w.of("voice")[AZ] == P


def test_a_moment_in_between_begins_the_wait_anew() -> None:
    w = world(VOICE)
    measure(w, AZ, rtt_ms=120.0)
    w.step(1)
    measure(w, AZ, rtt_ms=40.0)
    w.step(50)
    measure(w, AZ, rtt_ms=120.0)
    w.step(1)
    w.step(50)
    assert w.of("voice")[AZ] == P


def test_the_decision_wakes_when_a_link_has_been_too_slow_for_long_enough() -> None:
    w = world(VOICE)
    measure(w, AZ, rtt_ms=120.0)
    assert w.step(1).decide_again_at == w.now + 60


def test_what_is_not_good_enough_is_still_better_than_what_is_dead() -> None:
    w = world(VOICE)
    for link in (AZ, GE1, "edge2-georgia", IR):
        measure(w, link, rtt_ms=120.0)
    w.step(1)
    decision = w.step(60)
    assert w.of("voice")[AZ] == P
    assert "azerbaijan, which is not good enough" in decision.sentence
    w.turn({AZ: DOWN})
    decision = w.step(1)
    assert decision.escape
    assert w.of("voice")[GE1] == P


def test_an_escape_goes_to_what_is_good_enough_first() -> None:
    w = world(VOICE, BULK)
    for link in (GE1, "edge2-georgia"):
        measure(w, link, rtt_ms=120.0)
    w.step(1)
    w.step(60)
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.of("voice")[IR] == P
    assert w.of("bulk")[GE1] == P


def test_what_is_not_measured_is_no_objection() -> None:
    w = world(VOICE)
    w.health[AZ] = Health(AZ, Verdict.UP, 0.0, "no round trips here")
    w.step(1)
    w.step(600)
    assert w.of("voice")[AZ] == P
    w.turn({AZ: UP})
