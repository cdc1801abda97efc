"""When to decide again: whatever time alone will change is announced, else the move comes late."""

from __future__ import annotations

from dataclasses import replace

from controller.core.rules.vantage import Disbelief, settle_s
from tests.decide_world import (
    AZ,
    B1,
    B2,
    BROWNOUT,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    STABILITY,
    UP,
    USUAL,
    D,
    P,
    World,
    policy,
    traffic_class,
    world,
)
from tests.unit.test_decide_doubt import doubt
from tests.unit.test_decide_vantage import QUIET, every, turn, well

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


def test_the_end_of_what_an_upstream_is_passed_over_for_is_announced() -> None:
    """Georgia shares a sea with azerbaijan, which is back but slow, and is a backup already: it waits for nothing."""
    w = World(policy(DISJOINT, stability=EAGER, shared=True))
    w.step()
    w.unreachable = frozenset({"edge1"})
    w.turn({AZ: DOWN})
    w.step()
    w.unreachable = frozenset()
    w.turn({AZ: UP})
    w.delay({AZ: BROWNOUT})
    assert w.step(1).decide_again_at == w.now + 60
    assert w.of() == {AZ: B1, GE1: B2, GE2: B2, IR: P}
    w.step(60)
    assert w.of()[GE1] == P, "azerbaijan has not failed any more, so georgia shares with nothing that has"


def test_that_a_failure_is_forgotten_while_the_link_is_quiet_is_announced() -> None:
    w = World(policy(DISJOINT, stability=EAGER, shared=True))
    w.step()
    w.turn({AZ: DOWN})
    w.step()
    w.turn({AZ: UP}, suspect=(AZ,))
    decision = w.step()
    assert w.of()[IR] == P
    assert decision.decide_again_at == w.now + 7200


def test_a_second_choice_that_is_ready_before_the_first_is_announced() -> None:
    w = world(stability=EAGER, current={"residential": {AZ: D, GE1: B2, GE2: B2, IR: P}})
    w.turn({AZ: DOWN, GE1: DEGRADED, GE2: DEGRADED})
    w.step(1)
    w.turn({AZ: UP})
    w.step(1)
    w.turn({AZ: DOWN})
    w.step(1)
    w.turn({AZ: UP, GE1: UP, GE2: UP})
    decision = w.step(1)
    assert [hold.move for hold in decision.held] == ["iran -> azerbaijan"]
    assert decision.decide_again_at == w.now + 60, "georgia's clean time; that of azerbaijan has doubled"
    w.step(60)
    assert w.of()[GE1] == P


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


def test_what_was_passed_over_is_not_returned_to_while_the_brownout_lasts() -> None:
    w = world()
    w.delay({AZ: BROWNOUT, GE1: USUAL, GE2: USUAL}, {GE1: 80.0, GE2: 80.0})
    w.step(1)
    assert w.of()[IR] == P
    decision = w.step(600)
    assert w.of()[IR] == P, "georgia is an earlier choice, but was no reason to leave azerbaijan"
    assert [(hold.move, hold.until) for hold in decision.held] == [("iran -> azerbaijan", None)]
    w.turn({AZ: UP}, suspect=(AZ,))
    w.step(1)
    assert w.of()[IR] == P, "a moment's silence is not the end of it"
    w.turn({AZ: DOWN})
    w.step(1)
    assert (w.of()[GE1], w.of()[GE2]) == (P, P), "it is azerbaijan's brownout that spoke against it"


def test_a_freeze_ends_when_a_family_is_believed_again() -> None:
    w = well()
    turn(w, **every((DOWN, UP)))
    w.step()
    turn(w, **every((UP, QUIET)))
    decision = w.step()
    assert decision.frozen
    assert decision.decide_again_at == w.now + settle_s(w.policy, Disbelief.ALL)
    assert not w.step(1.5).frozen
