"""The detector, told what happens probe by probe in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from controller.core.detect import health, initial, step
from controller.core.judgement import quorum
from controller.core.model import (
    USER_PATH,
    Endpoint,
    Family,
    HttpGet,
    Sample,
    SampleState,
    SessionSample,
    Signal,
    Target,
    TcpConnect,
    Verdict,
)
from tests.unit.detection_world import (
    AZ,
    GE,
    HEALTH,
    LINKS,
    START,
    V4,
    V6,
    Fate,
    World,
    policy,
    session,
    silence,
)

UP, DEGRADED, DOWN, UNKNOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN, Verdict.UNKNOWN


def of(count: int) -> tuple[Target, ...]:
    return V4[:count]


def test_nothing_is_known_before_the_first_sample() -> None:
    state = initial(policy(), START)
    assert {each.verdict for each in health(state, START).values()} == {UNKNOWN}
    assert state.next_deadline is None


def test_links_that_answer_are_up_as_soon_as_a_quorum_has_answered() -> None:
    world = World(policy()).run(1.0)
    assert world.verdict() is UP
    assert world.when(UP) <= HEALTH.interval_s + 0.02 + 0.02  # one round of probes, their RTT, one batch
    assert world.healths()[AZ].why == "IPv4: 4 of 4 targets answer in 20.0 ms, too few results to tell loss"


@pytest.mark.parametrize(("targets", "agree"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4)])
def test_a_quorum_leaves_out_as_many_targets_as_may_be_bad(targets: int, agree: int) -> None:
    assert quorum(targets) == agree


@pytest.mark.parametrize(
    ("targets", "dead", "verdict"),
    [
        (1, 1, DOWN),
        (2, 1, UP),
        (2, 2, DOWN),
        (3, 1, UP),
        (3, 2, DOWN),
        (4, 1, UP),
        (4, 3, DOWN),
        (5, 2, UP),
        (5, 3, DOWN),
    ],
)
def test_a_link_is_down_when_a_quorum_of_its_targets_is_silent(
    targets: int, dead: int, verdict: Verdict
) -> None:
    world = World(policy(replace(HEALTH, targets=of(targets))), silence(AZ, of(dead), 2.0)).run(8.0)
    assert (world.verdict(AZ), world.verdict(GE)) == (verdict, UP)


def test_silence_is_found_after_ride_out_and_told_in_one_sentence() -> None:
    world = World(policy(), silence(AZ, None, 2.0)).run(2.7)
    assert 2.3 <= world.when(DOWN) <= 2.5
    link = world.healths()[AZ]
    assert link.verdict is DOWN
    assert link.since == pytest.approx(START + world.when(DOWN))
    assert link.why.startswith("IPv4: 4 of 4 targets silent for 0.")
    assert link.families[Family.IPV4].silent_s == pytest.approx(0.7, abs=0.11)


def test_silence_needs_three_missing_replies_however_short_ride_out_is() -> None:
    hasty = policy(replace(HEALTH, ride_out_s=0.05))
    assert World(hasty, silence(AZ, None, 2.0, 2.19)).run(4.0).went() == [UP]
    assert World(hasty, silence(AZ, None, 2.0)).run(4.0).went() == [UP, DOWN]


def test_probes_still_in_flight_are_not_missing() -> None:
    far = replace(HEALTH, interval_s=0.05, ride_out_s=0.4)
    assert World(policy(far), rtt_s=0.39).run(5.0).went() == [UP]


@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.45), (0.6, 0.9)])
def test_a_few_slow_replies_do_not_slow_the_search_for_silence(begin: float, end: float) -> None:
    """The first wait for neighbor discovery, others in some queue, which lets them go all at once."""
    fault = silence(AZ, None, 1.2)
    world = World(policy(), fault, rtt_s=lambda at: max(0.01, end - at) if at >= begin else 0.01).run(3.0)
    assert world.when(DOWN) <= 1.62


def test_an_outage_shorter_than_ride_out_is_nobodys_business() -> None:
    assert World(policy(), silence(AZ, None, 2.0, 2.3)).run(5.0).went() == [UP]


def test_half_of_ride_out_makes_a_link_suspect_but_not_down() -> None:
    world = World(policy(), silence(AZ, None, 2.0)).run(2.3)
    link = world.healths()[AZ]
    assert (link.verdict, link.suspect) == (UP, True)
    assert "suspect: 3 targets quiet for 0." in link.why
    assert not world.run(3.0).healths()[AZ].suspect  # down is no suspicion


def test_a_verdict_comes_at_the_deadline_without_any_new_sample() -> None:
    world = World(policy(), silence(AZ, None, 2.0)).run(2.26)
    state = world.state
    assert world.verdict() is UP
    while (verdict := health(state, state.at)[AZ].verdict) is UP:
        assert state.next_deadline is not None
        assert state.at < state.next_deadline < START + 2.5
        state = step(state, (), (), state.next_deadline)
    assert verdict is DOWN


def test_recovery_takes_recover_s_of_continuous_calm() -> None:
    world = World(policy(), silence(AZ, None, 2.0, 4.0)).run(9.0)
    assert world.went() == [UP, DOWN, UP]
    back = [at for at, name, verdict in world.verdicts if (name, verdict) == (AZ, UP)][1]
    assert 4.0 + HEALTH.recover_s <= back <= 4.0 + HEALTH.recover_s + 0.2


def test_a_recovering_link_says_how_long_it_has_looked_well() -> None:
    world = World(policy(), silence(AZ, None, 2.0, 4.0)).run(5.1)
    assert "down until it has looked well for 3 s, 1.0 s so far" in world.healths()[AZ].why


def test_a_setback_restarts_the_clean_time() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        return SampleState.LOST if path == AZ and (2.0 <= at < 4.0 or 6.0 <= at < 6.3) else SampleState.OK

    world = World(policy(), fate).run(12.0)
    back = [at for at, name, verdict in world.verdicts if (name, verdict) == (AZ, UP)][1]
    assert 6.3 + HEALTH.recover_s <= back <= 6.3 + HEALTH.recover_s + 0.2


def test_a_link_that_was_down_before_the_prober_stalled_still_has_to_recover() -> None:
    world = World(policy(), silence(AZ, None, 2.0, 3.0)).run(3.5)
    world.stall(HEALTH.fresh_s + 1.0, SampleState.INVALID)
    world.state = step(world.state, (), (), world.now)
    assert (world.verdict(AZ), world.verdict(GE)) == (UNKNOWN, UNKNOWN)
    world.run(world.now - START + 1.0)
    assert (world.verdict(AZ), world.verdict(GE)) == (DOWN, UP)
    assert world.run(world.now - START + HEALTH.recover_s).verdict(AZ) is UP


def one_in(count: int) -> Fate:
    """Every count-th probe of every target is lost, not all at once."""
    numbers: dict[tuple[str, Target], int] = {}

    def fate(path: str, target: Target, at: float) -> SampleState:
        number = numbers[path, target] = numbers.get((path, target), V4.index(target)) + 1
        return SampleState.LOST if path == AZ and number % count == 0 else SampleState.OK

    return fate


@pytest.mark.parametrize(("count", "verdict"), [(100, UP), (20, DEGRADED), (8, DEGRADED), (3, DEGRADED)])
def test_a_link_is_degraded_when_it_loses_more_than_it_always_does(count: int, verdict: Verdict) -> None:
    world = World(policy(), one_in(count)).run(30.0)
    assert (world.verdict(AZ), world.verdict(GE)) == (verdict, UP)
    told = world.healths()[AZ].families[Family.IPV4].loss_percent
    assert told == pytest.approx(100 / count, rel=0.2)


def test_a_link_whose_loss_is_over_fades_before_it_is_up_again_and_one_that_loses_does_not() -> None:
    lossy = one_in(5)
    world = World(policy(), lambda path, target, at: lossy(path, target, at) if at < 30 else SampleState.OK)
    assert (world.run(30.0).verdict(AZ), world.healths()[AZ].fades) == (DEGRADED, False)
    seen = []
    while world.verdict(AZ) is DEGRADED:
        seen.append(world.healths()[AZ].fades)
        world.tick()
    assert seen == sorted(seen)  # once it fades, it keeps fading
    assert (seen[0], seen[-1]) == (False, True)
    assert seen.count(True) * world.tick_s > HEALTH.recover_s
    assert (world.verdict(AZ), world.healths()[AZ].fades) == (UP, False)


def test_a_link_that_another_witness_finds_bad_does_not_fade() -> None:
    def says(at: float) -> list[Signal]:
        return [Signal(AZ, "errors", at, DEGRADED, "errors is 7, above 5", 1.0)] if at < START + 9 else []

    world = World(policy(), signals=says)
    assert (world.run(8.0).verdict(AZ), world.healths()[AZ].fades) == (DEGRADED, False)
    assert (world.run(11.5).verdict(AZ), world.healths()[AZ].fades) == (DEGRADED, True)


def test_a_degraded_link_says_so_in_numbers() -> None:
    assert (
        World(policy(), one_in(5)).run(15.0).healths()[AZ].why
        == "IPv4: lost 20.0 % in 10 s, more than its usual 0.5 % (evidence 36.1, 28.1 needed), 4 of 4 targets answer"
    )


@pytest.mark.parametrize("targets", [3, 4, 5])
def test_loss_to_as_many_targets_as_may_be_bad_never_degrades(targets: int) -> None:
    bad = targets - quorum(targets)

    def fate(path: str, target: Target, at: float) -> SampleState:
        return SampleState.LOST if target in of(bad) and int(at * 10) % 2 else SampleState.OK

    assert World(policy(replace(HEALTH, targets=of(targets))), fate).run(90.0).went() == [UP]


def test_loss_is_not_told_of_a_handful_of_probes() -> None:
    slow = replace(HEALTH, interval_s=1.0, ride_out_s=5.0, fresh_s=5.0)
    world = World(policy(slow), one_in(4), tick_s=0.1).run(6.0)
    assert world.went() == [UP]
    assert "too few results to tell loss" in world.healths()[AZ].why


def test_invalid_samples_cancel_what_was_sent_and_are_no_evidence() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        return SampleState.INVALID if path == AZ and at >= 2.0 else SampleState.OK

    quick = replace(HEALTH, timeout_s=0.1)
    world = World(policy(quick), fate).run(8.0)
    assert world.went() == [UP, UNKNOWN]
    assert world.verdict(GE) is UP


def test_a_stalled_prober_makes_links_unknown_not_down() -> None:
    world = World(policy()).run(2.0)
    state = world.state
    for _ in range(30):
        state = step(state, (), (), state.at + 0.1)
    # What was in flight when the prober stopped is one probe a target at most: never enough for silence.
    assert {each.verdict for each in health(state, state.at).values()} == {UNKNOWN}
    assert "too few to judge" in health(state, state.at)[AZ].why


def test_silence_does_not_count_while_nobody_was_probing() -> None:
    world = World(policy()).run(2.0)
    world.stall(1.0, SampleState.OK)  # less than fresh_s
    world.fate = silence(AZ, None, 0.0)
    assert world.run(3.3).verdict() is UP
    assert world.run(3.6).verdict() is DOWN


def test_a_target_dead_through_every_link_is_left_out_and_named() -> None:
    world = World(policy(replace(HEALTH, targets=of(5))), silence(None, of(3), 2.0)).run(8.0)
    assert (world.went(AZ), world.went(GE)) == ([UP], [UP])
    link = world.healths()[AZ]
    assert link.families[Family.IPV4].targets == 2
    assert "not counted, silent through every link: 198.51.100.1, 198.51.100.2, 198.51.100.3" in link.why


def test_targets_that_never_answered_anywhere_are_left_out_from_the_start() -> None:
    world = World(policy(), silence(None, of(3), 0.0)).run(5.0)
    assert world.verdict() is UP


def test_dead_targets_stay_out_when_one_of_two_links_goes_and_none_is_left_to_compare() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        gone = target in of(3) and at >= 2.0
        return SampleState.LOST if gone or (path == AZ and at >= 5.0) else SampleState.OK

    world = World(policy(replace(HEALTH, targets=of(5))), fate).run(10.0)
    assert (world.went(AZ), world.went(GE)) == ([UP, DOWN], [UP])


def test_dead_targets_that_come_back_flap_no_link() -> None:
    world = World(policy(replace(HEALTH, targets=of(5))), silence(None, of(3), 2.0, 5.0)).run(9.0)
    assert (world.went(AZ), world.went(GE)) == ([UP], [UP])
    assert world.healths()[AZ].families[Family.IPV4].targets == 5


def test_all_targets_dead_through_all_links_are_all_counted() -> None:
    world = World(policy(), silence(None, None, 2.0)).run(5.0)
    assert (world.verdict(AZ), world.verdict(GE)) == (DOWN, DOWN)
    assert world.healths()[AZ].families[Family.IPV4].targets == 4


def test_a_single_link_cannot_blame_its_targets() -> None:
    only = policy(links=LINKS[:1])
    assert World(only, silence(None, of(3), 2.0), paths=(AZ,)).run(5.0).verdict() is DOWN


def test_the_worse_family_decides() -> None:
    both = policy(replace(HEALTH, targets=V4[:3] + V6[:3]), families=tuple(Family))
    world = World(both, silence(AZ, V6, 2.0)).run(4.0)
    link = world.healths()[AZ]
    assert link.verdict is DOWN
    assert {family: each.verdict for family, each in link.families.items()} == {
        Family.IPV4: UP,
        Family.IPV6: DOWN,
    }
    assert link.why.startswith("IPv6: 3 of 3 targets silent for")


def test_a_family_without_a_neighbor_is_not_judged() -> None:
    only_v4 = policy(replace(HEALTH, targets=V4[:3] + V6[:3]))
    world = World(only_v4, silence(AZ, V6, 0.0)).run(4.0)
    assert world.verdict() is UP
    assert set(world.healths()[AZ].families) == {Family.IPV4}


def test_a_family_that_cannot_be_probed_is_judged_by_its_session() -> None:
    no_v6_targets = policy(families=tuple(Family))

    def sessions(at: float) -> Sequence[SessionSample]:
        return [session(at < START + 3.0, at, AZ, Family.IPV6)]

    world = World(no_v6_targets, sessions=sessions).run(2.0)
    assert (world.verdict(AZ), world.verdict(GE)) == (UP, UNKNOWN)
    assert "IPv6: BGP session established, no targets" in world.healths()[AZ].why
    assert world.run(3.1).verdict() is DOWN


def test_a_session_that_is_not_established_takes_the_family_down_at_once() -> None:
    world = World(policy()).run(2.0)
    state = step(world.state, (), [session(established=False, at=world.now)], world.now)
    link = health(state, world.now)[AZ]
    assert link.verdict is DOWN
    assert link.why.startswith("IPv4: BGP session Idle, 4 of 4 targets answer")


def test_an_older_word_on_a_session_does_not_replace_a_newer() -> None:
    world = World(policy()).run(2.0)
    news = [session(established=False, at=world.now), session(established=True, at=world.now - 1)]
    for batch in (news, news[::-1]):
        state = step(world.state, (), batch, world.now)
        state = step(state, (), [session(established=True, at=world.now - 2)], world.now)
        assert health(state, world.now)[AZ].verdict is DOWN


def test_the_last_word_of_a_router_that_went_silent_is_ignored_after_ten_seconds() -> None:
    told: list[SessionSample] = [session(established=False, at=START + 2.0)]
    world = World(policy(), sessions=lambda at: told if at >= START + 2.0 else ()).run(11.9)
    assert world.went() == [UP, DOWN]
    assert world.run(12.1 + HEALTH.recover_s).went() == [UP, DOWN, UP]


def test_the_user_path_is_judged_but_is_no_link() -> None:
    own = {Family.IPV4: V4[5]}
    world = World(policy(user_path=own), silence(USER_PATH, None, 2.0), paths=(*LINKS, USER_PATH)).run(4.0)
    assert world.verdict(USER_PATH) is DOWN
    assert world.healths()[USER_PATH].link == USER_PATH
    assert world.verdict(AZ) is UP
    assert USER_PATH not in World(policy()).healths()


def test_steps_leave_the_state_they_were_given_as_it_was() -> None:
    world = World(policy(), silence(AZ, None, 2.0)).run(2.3)
    before = world.state
    told = health(before, before.at)
    sample = Sample(AZ, V4[0], 1_000_000, before.at, SampleState.SENT)
    once = step(before, [sample], (), before.at + 1.0)
    assert health(before, before.at) == told
    assert step(before, [sample], (), before.at + 1.0) == once != before


def test_changes_grow_only_when_there_is_something_to_decide() -> None:
    world = World(policy()).run(1.0)
    settled = world.state.changes
    assert world.run(3.0).state.changes == settled
    world.fate = silence(AZ, None, 0.0)
    assert world.run(5.0).state.changes > settled


def test_memory_is_bounded_when_results_never_come() -> None:
    state = initial(policy(), START)
    for number in range(2000):
        at = START + number * 0.1
        state = step(state, [Sample(AZ, V4[0], number, at, SampleState.SENT)], (), at)
    record = state.families[AZ, Family.IPV4].records[V4[0]]
    assert len(record.waiting) <= 2 * HEALTH.timeout_s / HEALTH.interval_s + 17


def test_a_link_is_unknown_while_targets_without_a_say_could_tip_the_scales() -> None:
    five = policy(replace(HEALTH, targets=of(5)), links=LINKS[:1])
    ends = dict.fromkeys(of(2), SampleState.OK) | {V4[2]: SampleState.LOST}
    samples = [
        Sample(AZ, target, number, START + number * 0.1, state, 20.0)
        for target, end in ends.items()
        for number in range(6)
        for state in (SampleState.SENT, end)
    ]
    state = step(initial(five, START), samples, (), START + 0.6)
    assert health(state, state.at)[AZ].why == "IPv4: 2 of 5 targets answer, 1 are silent: too few to judge"
    third = [Sample(AZ, V4[3], 9, START + 0.5, state, 20.0) for state in (SampleState.SENT, SampleState.OK)]
    assert health(step(state, third, (), START + 0.6), START + 0.6)[AZ].verdict is UP


def test_silence_begins_anew_after_invalid_probes() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        if path != AZ or not 2.0 <= at < 2.7:
            return SampleState.OK
        return SampleState.INVALID if 2.2 <= at < 2.5 else SampleState.LOST  # two lost, and two again

    assert World(policy(replace(HEALTH, timeout_s=0.1)), fate).run(4.0).went() == [UP]


def test_after_a_long_stall_nothing_is_known_until_targets_answer_again() -> None:
    world = World(policy(replace(HEALTH, timeout_s=1.5))).run(2.0)
    world.stall(HEALTH.fresh_s + 1.0, SampleState.INVALID)
    world.fate = silence(AZ, None, 0.0)
    world.run(5.2)
    assert (world.verdict(AZ), world.verdict(GE)) == (UNKNOWN, UP)
    assert world.run(6.0).verdict(AZ) is DOWN


def test_losses_of_an_outage_that_are_told_after_its_end_do_not_delay_recovery() -> None:
    patient = replace(HEALTH, timeout_s=1.5)
    world = World(policy(patient), silence(AZ, None, 2.0, 6.0)).run(10.0)
    assert world.went() == [UP, DOWN, UP]


def test_dead_targets_may_come_back_through_one_link_before_the_other() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        back = 5.0 if path == AZ else 5.25
        return SampleState.LOST if target in of(3) and 2.0 <= at < back else SampleState.OK

    world = World(policy(replace(HEALTH, targets=of(5))), fate).run(9.0)
    assert (world.went(AZ), world.went(GE)) == ([UP], [UP])


def test_targets_that_come_back_elsewhere_are_no_sign_of_life_on_a_silent_link() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        gone = target in of(3) and 2.0 <= at < 7.0
        return SampleState.LOST if gone or (path == AZ and at >= 5.0) else SampleState.OK

    world = World(policy(replace(HEALTH, targets=of(5))), fate).run(7.2)
    assert world.healths()[AZ].families[Family.IPV4].targets == 5
    assert world.state.families[AZ, Family.IPV4].better is None


# --- targets that are not pinged ---


def test_all_kinds_of_targets_count_together() -> None:
    mixed = (*of(2), Endpoint(V4[2], 443, TcpConnect()), Endpoint(V4[3], 443, HttpGet("www.example.net")))
    watched = replace(HEALTH, targets=mixed)
    world = World(policy(watched), silence(AZ, mixed[1:], 2.0)).run(4.0)
    assert world.healths()[AZ].families[Family.IPV4].targets == 4
    assert world.went() == [UP, DOWN]
    assert world.when(DOWN) <= 2.0 + HEALTH.ride_out_s + 2 * HEALTH.interval_s


def test_a_target_probed_once_a_second_keeps_its_say_between_its_probes() -> None:
    rare = Endpoint(V4[2], 443, HttpGet("www.example.net"), interval_s=1.0, timeout_s=0.9)
    watched = replace(HEALTH, targets=(*of(2), rare), fresh_s=0.5)
    world = World(policy(watched)).run(8.0)
    assert world.went() == [UP]
    assert world.healths()[AZ].families[Family.IPV4].answering == 3


def test_a_reply_slower_than_the_common_timeout_is_no_silence_where_the_target_has_its_own() -> None:
    slow = tuple(Endpoint(a, 443, HttpGet("www.example.net"), timeout_s=1.2) for a in V4[:3])
    world = World(policy(replace(HEALTH, targets=slow)), rtt_s=0.85).run(6.0)
    assert world.went() == [UP]
    assert not world.healths()[AZ].suspect
    common = [replace(each, timeout_s=None) for each in slow]
    assert World(policy(replace(HEALTH, targets=tuple(common))), rtt_s=0.85).run(6.0).went()[0] is not UP


def test_a_link_is_probed_faster_for_a_moment_on_the_first_suspicion() -> None:
    world = World(policy(), silence(AZ, V4[:2], 2.0, 2.15)).run(2.0)
    assert world.state.hurried == {}
    assert world.run(2.2).state.hurried == {AZ: HEALTH.interval_s / 4}
    assert world.run(4.0).state.hurried == {}


def test_one_target_that_dies_hurries_nobody() -> None:
    world = World(policy(), silence(AZ, V4[:1], 2.0))
    seen = [world.run(at / 10).state.hurried for at in range(20, 60)]
    assert seen == [{}] * 40


def test_a_link_that_is_down_is_probed_as_in_calm() -> None:
    assert World(policy(), silence(AZ, None, 2.0)).run(4.0).state.hurried == {}


def test_silence_does_not_grow_while_nobody_asks() -> None:
    world = World(policy(replace(HEALTH, ride_out_s=1.0)), silence(AZ, None, 2.0)).run(2.6)
    held_up = step(world.state, (), (), world.now + 1.0)
    assert health(held_up, held_up.at)[AZ].verdict is UP
    assert world.run(3.1).verdict() is DOWN


def test_what_an_outage_lost_is_told_as_an_outage_and_is_no_evidence_of_grey_loss_besides() -> None:
    quick = replace(HEALTH, timeout_s=0.3, recover_s=1.0)
    for end in (20.0, 20.013, 20.05, 20.09):
        w = World(policy(quick), silence(AZ, None, 17.02, end), rtt_s=0.001, tick_s=0.01).run(end)
        while w.now < START + end + 2:
            w.tick()
            part = w.healths()[AZ].families[Family.IPV4]
            back = part.silent_s is None
            assert not (back and part.evidence), (
                f"{part.evidence:.1f} nats, {w.now - START - end:.2f} s after {end}"
            )
        assert w.went() == [UP, DOWN, UP]


def test_loss_from_before_an_outage_is_still_held_against_the_link_after_it() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        lossy = at >= 10.0 and int(at * 1000) % 3 == 0
        return SampleState.LOST if path == AZ and (lossy or 16.0 <= at < 17.0) else SampleState.OK

    w = World(policy(), fate, rtt_s=0.001, tick_s=0.01).run(16.0)
    assert w.verdict() is DEGRADED
    held = w.healths()[AZ].families[Family.IPV4].evidence
    while w.verdict() is not DOWN or w.healths()[AZ].families[Family.IPV4].silent_s is not None:
        w.tick()
    assert w.healths()[AZ].families[Family.IPV4].evidence > held / 2
