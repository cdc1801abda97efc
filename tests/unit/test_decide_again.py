"""When to decide again: whatever time alone will change is announced, else the move comes late."""

from __future__ import annotations

from dataclasses import replace

from tests.decide_world import (
    AZ,
    B1,
    B2,
    BROWNOUT,
    DOWN,
    GE1,
    GE2,
    IR,
    STABILITY,
    UP,
    D,
    P,
    World,
    policy,
    traffic_class,
    world,
)
from tests.unit.test_decide_doubt import doubt

DISJOINT = traffic_class("residential", "azerbaijan", "georgia", "iran", disjoint=True)
EAGER = replace(STABILITY, hold_down_s=0)
ONE_CHANGE = replace(STABILITY, changes_per_hour=1)


def test_a_link_that_is_to_join_is_announced_while_the_one_that_carries_has_gone_quiet() -> None:
    w = World(policy(DISJOINT, stability=ONE_CHANGE, shared=True))
    w.step()
    w.unreachable = frozenset({"edge2"})
    w.turn({AZ: DOWN})
    assert w.step().escape
    w.unreachable = frozenset()
    w.turn({GE1: UP}, suspect=(GE1,))
    decision = w.step()
    assert "edge1-georgia has gone quiet: that comes first" in decision.sentence
    assert w.of() == {AZ: D, GE1: P, GE2: B2, IR: B1}, "neither tidied nor joined"
    assert decision.decide_again_at == w.now + 600, "the hold-down of the link that is to join"
    w.step(600)
    assert w.of()[GE2] == P


def test_a_return_is_announced_while_the_link_that_carries_has_gone_quiet() -> None:
    w = World(policy(DISJOINT, stability=replace(STABILITY, hold_down_s=0, escapes_per_hour=1)))
    w.step()
    w.turn({AZ: DOWN})
    assert w.step().escape
    w.turn({AZ: UP, GE2: DOWN, IR: DOWN})
    w.step()
    w.turn({GE2: UP}, suspect=(GE2,))
    decision = w.step()
    assert "edge2-georgia has gone quiet: that comes first" in decision.sentence
    assert decision.decide_again_at == w.now + 60, "azerbaijan is clean for long enough"
    w.step(60)
    assert w.of()[AZ] == P


def test_a_return_is_not_announced_to_what_may_be_losing_packets_itself() -> None:
    w = world()
    w.turn({AZ: DOWN})
    w.step()
    w.turn({AZ: UP})
    doubt(w, 0.5, AZ)
    decision = w.step(1)
    (back,) = (hold for hold in decision.held if hold.move == "georgia -> azerbaijan")
    assert back.until is None, "once clean it is doubtful still"
    assert decision.decide_again_at == w.now + 60, "as a backup it is good enough then"
    w.step(60)
    assert w.of()[AZ] == B1


def test_a_dead_link_has_no_say_in_whether_a_slow_upstream_is_left() -> None:
    """Else it is left for a third one only once the dead link is drained: a moment later, and unannounced."""
    w = world(traffic_class("residential", "georgia", "iran", "azerbaijan"), stability=EAGER)
    w.delay({GE1: BROWNOUT})
    w.turn({GE2: DOWN})
    w.step(1)
    assert w.of()[IR] == P
    settled = w.current
    w.step()
    assert w.current == settled
