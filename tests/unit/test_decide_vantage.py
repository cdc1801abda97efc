"""Rule 1, family by family: what all links have at once, or my own anchors have too, is not the links' fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from controller.core.model import ANCHORS, Family, FamilyHealth, Health, Moment, Vantage, Verdict
from controller.core.policy import decide
from controller.core.rules.vantage import Disbelief, settle_s
from tests.decide_world import (
    AZ,
    B1,
    CALM,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    LINKS,
    UNKNOWN,
    UP,
    D,
    P,
    World,
    policy,
    world,
)

V4, V6 = Family.IPV4, Family.IPV6
QUIET = "quiet"  # up, and suspect
SEVERITY = [UP, UNKNOWN, DEGRADED, DOWN]
Looks = Verdict | str
BAD_VIEW = "every link looks bad at once; "


def part(looks: Looks, loss: float | None = None) -> FamilyHealth:
    if looks == QUIET:
        return FamilyHealth(UP, "quiet for 0.6 s", suspect=True)
    return FamilyHealth(Verdict(looks), f"looks {looks}", loss_percent=loss)


def dual(name: str, v4: Looks, v6: Looks, since: float = 0.0) -> Health:
    """A link, or what else is probed, of both families."""
    parts = {V4: part(v4, 9.1), V6: part(v6)}
    verdict = max((each.verdict for each in parts.values()), key=SEVERITY.index)
    suspect = verdict is not DOWN and any(each.suspect for each in parts.values())
    why = "; ".join(f"{each.why}" for each in parts.values())
    return Health(name, verdict, since, why, suspect, parts)


def turn(w: World, **looks: tuple[Looks, Looks]) -> None:
    names = {"az": AZ, "ge1": GE1, "ge2": GE2, "ir": IR, "anchors": ANCHORS}
    w.health |= {names[name]: dual(names[name], v4, v6, since=w.now) for name, (v4, v6) in looks.items()}


def well() -> World:
    w = world()
    turn(w, az=(UP, UP), ge1=(UP, UP), ge2=(UP, UP), ir=(UP, UP))
    w.step(1000)
    assert w.current == CALM
    return w


def every(looks: tuple[Looks, Looks]) -> Mapping[str, tuple[Looks, Looks]]:
    return dict.fromkeys(("az", "ge1", "ge2", "ir"), looks)


# --- one family -----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [{"az": (UP, DOWN), "ge1": (UP, QUIET)}, {"az": (UP, QUIET)}, {}])
def test_a_family_that_is_gone_from_every_link_moves_nothing_and_the_other_is_still_served(
    first: dict[str, tuple[Looks, Looks]],
) -> None:
    w = well()
    turn(w, **{**every((UP, QUIET)), **first})
    decision = w.step(0.1)
    assert not decision.frozen
    assert w.current == CALM
    turn(w, **every((UP, DOWN)))
    decision = w.step(1)
    assert w.current == CALM
    assert decision.sentence == (
        "nothing to change: residential on azerbaijan, all 4 links up; "
        "IPv6 looks bad through every link at once: left out"
    )
    turn(w, az=(DOWN, DOWN))
    decision = w.step(60)
    assert decision.escape
    assert w.of()[GE1] == P
    assert decision.sentence.endswith("IPv6 looks bad through every link at once: left out")


def test_the_link_whose_family_comes_back_first_wins_nothing() -> None:
    w = well()
    turn(w, **every((UP, DOWN)))
    w.step(60)
    turn(w, ir=(UP, UP))
    decision = w.step(0.1)
    assert w.current == CALM
    assert "IPv6 is only just coming back: left out" in decision.sentence
    assert decision.decide_again_at is not None
    assert decision.decide_again_at <= w.now + settle_s(w.policy, Disbelief.ALL)
    turn(w, **every((UP, UP)))
    decision = w.step(settle_s(w.policy, Disbelief.ALL))
    assert w.current == CALM
    assert "IPv6" not in decision.sentence
    assert [memory.failures for memory in w.state.links.values()] == [0, 0, 0, 0]


def recovering(name: str, now: float) -> Health:
    """IPv6 answers again, and has not for long enough to be trusted."""
    link = dual(name, UP, DOWN, since=now)
    return replace(link, families={**link.families, V6: replace(link.families[V6], fades=True)})


def test_a_link_that_answers_again_is_waited_for_though_another_is_trusted_first() -> None:
    w = well()
    turn(w, **every((UP, DOWN)))
    w.step(60)
    began, recover_s = w.now, w.policy.health.recover_s
    turn(w, ge1=(UP, UP), ge2=(UP, UP), ir=(UP, UP))
    w.health[AZ] = recovering(AZ, w.now)
    while w.now - began < recover_s - 1:
        decision = w.step(0.1)
        assert w.current == CALM
        assert "IPv6 is only just coming back: left out" in decision.sentence
    turn(w, az=(UP, UP))
    w.step(60)
    assert w.current == CALM


def test_a_link_that_never_gets_further_than_answering_again_is_not_waited_for_without_end() -> None:
    w = well()
    turn(w, **every((UP, DOWN)))
    w.step(60)
    turn(w, ge1=(UP, UP), ge2=(UP, UP), ir=(UP, UP))
    w.health[AZ] = recovering(AZ, w.now)
    for _ in range(round(10 * (w.policy.health.recover_s + settle_s(w.policy, Disbelief.ALL))) + 1):
        w.step(0.1)
    assert w.of()[GE1] == P


def test_a_link_that_goes_on_failing_after_the_family_came_back_elsewhere_is_not_waited_for() -> None:
    w = well()
    turn(w, **every((UP, DOWN)))
    w.step(60)
    turn(w, ge1=(UP, UP), ge2=(UP, UP), ir=(UP, UP))
    for _ in range(round(10 * settle_s(w.policy, Disbelief.ALL)) + 1):
        w.step(0.1)
    assert w.of()[GE1] == P


def test_a_family_that_stays_gone_from_one_link_after_it_came_back_elsewhere_is_that_links_fault() -> None:
    w = well()
    turn(w, **every((UP, DOWN)))
    w.step(60)
    turn(w, ge1=(UP, UP), ge2=(UP, UP), ir=(UP, UP))
    w.step(0.1)
    assert w.current == CALM
    assert w.step(settle_s(w.policy, Disbelief.ALL) + 0.1).escape
    assert w.of()[AZ] == D


def test_one_sound_link_is_enough_to_believe_a_family() -> None:
    w = well()
    turn(w, **{**every((UP, DOWN)), "ir": (UP, UP)})
    assert w.step(1).escape
    assert w.of()[IR] == P


def test_a_link_that_has_only_the_family_that_is_left_out_keeps_its_verdict() -> None:
    w = well()
    turn(w, **every((UP, DOWN)))
    w.health[IR] = replace(w.health[IR], families={V6: part(DOWN)})
    decision = w.step(1)
    assert "edge2-iran backup-2 -> drained" in decision.sentence
    assert w.of()[IR] == D


# --- loss -----------------------------------------------------------------------------------------


def test_loss_on_every_link_at_once_is_held_against_none() -> None:
    w = well()
    turn(w, **every((DEGRADED, UP)))
    decision = w.step(5)
    assert w.current == CALM
    assert (
        "every link is degraded in IPv4 at once: it may be my own path; no link is left for that"
        in decision.sentence
    )
    turn(w, ir=(UP, UP))  # the first to look well again
    w.step(0.1)
    assert w.current == CALM


def test_loss_that_my_own_anchors_have_too_is_held_against_no_link() -> None:
    w = well()
    turn(w, az=(DEGRADED, UP), anchors=(DEGRADED, UP))
    decision = w.step(100)
    assert w.current == CALM
    assert "the anchors lose 9.1 % too (IPv4): it may be my own path" in decision.sentence
    turn(w, anchors=(UP, UP))
    assert w.step(1).assignment == CALM
    w.step(settle_s(w.policy, Disbelief.LOSS))
    assert w.of()[GE1] == P  # it is the link after all


def test_a_dead_link_is_left_however_lossy_the_anchors_are() -> None:
    w = well()
    turn(w, az=(DOWN, UP), ge1=(DEGRADED, UP), anchors=(DEGRADED, UP))
    assert w.step(1).escape
    assert w.of()[AZ] == D


# --- everything -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("anchors", "said"),
    [
        ((DOWN, DOWN), "the anchors are silent too, so it is my own path; nothing changed"),
        ((QUIET, QUIET), "the anchors are silent too, so it is my own path; nothing changed"),
        (
            (UP, UP),
            "my own way as far as the anchors is fine, so look at what all links share; nothing changed",
        ),
        ((UNKNOWN, UNKNOWN), "suspecting my own view; nothing changed"),
    ],
)
def test_anchors_tell_whose_fault_it_is_that_everything_is_bad(
    anchors: tuple[Looks, Looks], said: str
) -> None:
    w = well()
    turn(w, **every((DOWN, DOWN)), anchors=anchors)
    decision = w.step(1)
    assert decision.frozen
    assert decision.sentence == BAD_VIEW + said


def test_silent_anchors_move_nothing_and_stop_nothing_while_links_answer() -> None:
    w = well()
    turn(w, anchors=(DOWN, UP))
    decision = w.step(1)
    assert w.current == CALM
    assert [notice.text for notice in decision.notices] == [
        "the IPv4 anchors are silent though links answer: choose anchors that answer"
    ]
    turn(w, az=(DOWN, DOWN))
    assert w.step(1).escape


def test_a_prober_in_trouble_freezes_everything_and_is_named() -> None:
    w = well()
    turn(w, az=(DOWN, DOWN))
    trouble = "the prober is starved: 63 % of its probes of the last 10 s are invalid"
    decision, state = decide(w.policy, Moment(w.health, w.state, w.now, w.current, vantage=Vantage(trouble)))
    assert decision.frozen
    assert decision.sentence == f"{trouble}; nothing changed"
    assert decision.assignment == CALM
    assert state.links[AZ].failures == 0
    assert decide(w.policy, Moment(w.health, w.state, w.now, w.current))[0].escape


def test_links_without_families_are_judged_as_they_are() -> None:
    w = world()
    w.turn(dict.fromkeys(LINKS, DEGRADED))
    assert "at once" not in w.step(1).sentence
    assert policy().health.anchors == ()
    assert w.of()[GE1] == B1
