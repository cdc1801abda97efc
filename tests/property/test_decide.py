"""The promises of ``decide``, over random histories of links on virtual time."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.model import (
    JOINT,
    USER_PATH,
    Block,
    Decision,
    Delay,
    Health,
    Moment,
    Placement,
    Policy,
    Preference,
    Requirement,
    StabilityPolicy,
    TrafficClass,
    Verdict,
)
from controller.core.policy import decide
from tests.decide_world import (
    AZ,
    BROWNOUT,
    DEGRADED,
    DOWN,
    HEALTH,
    LINKS,
    SLOW,
    STABILITY,
    UNKNOWN,
    UP,
    USUAL,
    World,
    policy,
    traffic_class,
)

V = TypeVar("V")
HOUR_S = 3600.0
SETTLE_S = HEALTH.ride_out_s + HEALTH.timeout_s

# More than 10,000 over this file and test_people.py; FAILOVER_EXAMPLES=5000 for a night's search of other ones.
examples = settings(max_examples=int(os.environ.get("FAILOVER_EXAMPLES", "640")), deadline=None)

CLASSES = [
    [traffic_class("residential", "azerbaijan", "georgia", "iran", disjoint=True)],
    [
        traffic_class("residential", "azerbaijan", "georgia", "iran"),
        traffic_class("business", "iran", "georgia"),
    ],
    [
        traffic_class("a", "georgia", "iran", "azerbaijan"),
        traffic_class("b", "azerbaijan"),
        traffic_class("c", "iran"),
    ],
]


UPSTREAMS = ("azerbaijan", "georgia", "iran")


@st.composite
def preferences(draw: st.DrawFn) -> Preference:
    """Some of the upstreams in some order, some of them equals, some of these sharing."""
    named = draw(st.permutations(UPSTREAMS))[: draw(st.integers(1, 3))]
    tiers = sorted(draw(st.lists(st.integers(0, 2), min_size=len(named), max_size=len(named))))
    if draw(st.booleans()):
        return Preference(tuple(named), tuple(tiers))
    groups = [
        JOINT.join(name for name, tier in zip(named, tiers, strict=True) if tier == each) for each in tiers
    ]
    return Preference(tuple(dict.fromkeys(groups)))


classes = st.builds(
    lambda prefer, disjoint, require, when_down: replace(
        traffic_class("x", "azerbaijan", disjoint=disjoint),
        prefer=prefer,
        require=require,
        when_down=when_down,
    ),
    preferences(),
    st.booleans(),
    st.sampled_from([None, None, Requirement(rtt_ms=50.0), Requirement(rtt_ms=80.0, held_s=5.0)]),
    st.sampled_from([None, "drained", "withdrawn"]),
)
anything = st.lists(classes, min_size=1, max_size=3).map(
    lambda found: [replace(each, name=f"class-{n}") for n, each in enumerate(found)]
)


@dataclass(frozen=True)
class Turn:
    """What happens next: time passes, links take verdicts, routers stop answering."""

    after_s: float
    verdicts: Mapping[str, Verdict]
    suspect: tuple[str, ...]
    unreachable: frozenset[str] = frozenset()
    delays: Mapping[str, tuple[Delay, float]] = field(
        default_factory=dict
    )  # and what round trips keep within, ms


delays = st.tuples(st.sampled_from([USUAL, SLOW, BROWNOUT]), st.sampled_from([30.0, 60.0, 90.0]))
slowed = st.dictionaries(st.sampled_from(LINKS), delays, max_size=4)
verdicts = st.sampled_from([UP, UP, UP, DOWN, DOWN, DEGRADED, UNKNOWN])
gaps = st.sampled_from([0.0, 0.2, 1.0, 2.0, 7.0, 31.0, 61.0, 130.0, 601.0, 1300.0, 4000.0])
suspects = st.lists(st.sampled_from(LINKS), max_size=1, unique=True).map(tuple)
turns = st.builds(
    Turn,
    gaps,
    st.dictionaries(st.sampled_from(LINKS), verdicts, max_size=3),
    suspects,
    delays=slowed,
)
rough = st.builds(
    Turn,
    gaps,
    st.dictionaries(st.sampled_from(LINKS), verdicts, max_size=4),
    st.lists(st.sampled_from(LINKS), max_size=4, unique=True).map(tuple),
    st.sets(st.sampled_from(["edge1", "edge2"]), max_size=1).map(frozenset),
    slowed,
)
stabilities = st.builds(
    replace,
    st.just(STABILITY),
    hold_down_s=st.sampled_from([0.0, 600.0]),
    fail_back_clean_s=st.sampled_from([10.0, 60.0]),
    changes_per_hour=st.sampled_from([1, 3, 6, 1000]),
    escapes_per_hour=st.sampled_from([1, 4, 1000]),
    fail_back_manual=st.sampled_from([False, False, True]),
    block=st.sampled_from([None, None, Block(moves=2, within_s=3600.0)]),
)


def built(
    classes: list[TrafficClass],
    own: StabilityPolicy | None,
    shared: bool,
    when_down: str,
    building: list[str],
    places: list[tuple[str, str]] | None,
    stability: StabilityPolicy,
) -> Policy:
    """``own``: what the first class has for itself; ``building``: links that share one.

    ``places``: router and upstream of each link, whatever its name says; an upstream may have none.
    """
    first, *others = classes
    made = policy(
        replace(first, stability=own), *others, stability=stability, shared=shared, when_down=when_down
    )
    links = {
        name: replace(
            link,
            router=router,
            upstream=upstream,
            shared_risk=frozenset({"building"}) if name in building else frozenset(),
        )
        for (name, link), (router, upstream) in zip(
            made.links.items(),
            places or [(each.router, each.upstream) for each in made.links.values()],
            strict=True,
        )
    }
    return replace(made, links=links)


policies = st.builds(
    built,
    st.one_of(st.sampled_from(CLASSES), anything),
    st.one_of(st.none(), stabilities),
    st.booleans(),
    st.sampled_from(["drained", "withdrawn"]),
    st.lists(st.sampled_from(LINKS), max_size=3, unique=True),
    st.one_of(
        st.none(),
        st.lists(
            st.tuples(st.sampled_from(["edge1", "edge2"]), st.sampled_from(UPSTREAMS)), min_size=4, max_size=4
        ),
    ),
    stabilities,
)


@dataclass(frozen=True)
class Cycle:
    """One cycle: the world before it and after it, and the decision."""

    world: World
    before: Mapping[str, Mapping[str, Placement]]
    seen: Mapping[str, Mapping[str, Placement]]
    decision: Decision


def live(policy_: Policy, history: list[Turn]) -> Iterator[Cycle]:
    """A world that lives through the history, cycle by cycle."""
    world = World(policy_)
    world.step()
    for turn in history:
        world.now += turn.after_s
        still = {link: health.verdict for link, health in world.health.items()}
        world.turn({**still, **turn.verdicts}, suspect=turn.suspect)
        for link, (delay, tail_ms) in turn.delays.items():
            world.delay({link: delay}, {link: tail_ms})
        world.unreachable = turn.unreachable
        before, seen = world.current, world.visible()
        yield Cycle(world, before, seen, world.step())


def _shuffled(chance: random.Random, mapping: Mapping[str, V]) -> dict[str, V]:
    items = list(mapping.items())
    chance.shuffle(items)
    return dict(items)


def links_of(policy_: Policy, name: str) -> list[str]:
    return [link for link in LINKS if policy_.links[link].upstream in policy_.classes[name].upstreams]


def usable(world: World, link: str) -> bool:
    return world.health[link].verdict in (UP, DEGRADED)


def good(world: World, link: str) -> bool:
    reachable = world.policy.links[link].router not in world.unreachable
    return usable(world, link) and not world.health[link].suspect and reachable


def in_role(placements: Mapping[str, Placement], *roles: str) -> set[str]:
    return {link for link, placement in placements.items() if placement.role in roles}


def escapes(moment: Cycle, name: str) -> bool:
    """Whether the cycle was right to treat the class's change as an escape: a dead link carried it."""
    carried = in_role(moment.before.get(name, {}), "primary")
    dead = any(moment.world.health[link].verdict is DOWN for link in carried)
    return moment.decision.escape and dead and changes(moment, name)


def changes(moment: Cycle, name: str) -> bool:
    """Whether the cycle changed a link that ran some role before; the first installation is no change."""
    return any(
        moment.world.of(name)[link] != placement for link, placement in moment.before.get(name, {}).items()
    )


def windows(times: list[float]) -> int:
    """The most events in any sliding hour."""
    return max((sum(1 for other in times if at - HOUR_S < other <= at) for at in times), default=0)


@examples
@given(policies, st.lists(turns, max_size=25))
def test_while_any_link_is_usable_and_the_budget_allows_every_class_is_on_a_usable_one(
    policy_: Policy, history: list[Turn]
) -> None:
    escaped: list[float] = []
    for moment in live(policy_, history):
        world = moment.world
        spent = sum(1 for at in escaped if at + HOUR_S > world.now) >= policy_.stability.escapes_per_hour
        if any(escapes(moment, name) for name in policy_.classes):
            escaped.append(world.now)
        if moment.decision.frozen or spent:
            continue
        for name in policy_.classes:
            if not any(good(world, link) for link in links_of(policy_, name)):
                continue
            primaries = in_role(world.of(name), "primary")
            assert primaries, f"{name} has no primary: {moment.decision.sentence}"
            dead = [link for link in primaries if world.health[link].verdict is DOWN]
            assert not dead, f"{name} is on {dead}: {moment.decision.sentence}"


@examples
@given(policies, st.lists(rough, max_size=25))
def test_when_nothing_is_known_to_work_nothing_changes(policy_: Policy, history: list[Turn]) -> None:
    since: dict[str, float] = dict.fromkeys(LINKS, 0.0)
    verdict: dict[str, Verdict] = dict.fromkeys(LINKS, UP)
    for moment in live(policy_, history):
        world = moment.world
        for link in LINKS:
            if world.health[link].verdict is not verdict[link]:
                since[link], verdict[link] = world.now, world.health[link].verdict
        known = [link for link in LINKS if usable(world, link) and not world.health[link].suspect]
        if not known:
            assert moment.decision.frozen
        if moment.decision.frozen:
            assert world.current == moment.before
            assert moment.decision.assignment == moment.seen
            assert all(world.now - since[link] < SETTLE_S for link in known), "frozen without a cause"


@examples
@given(policies, st.lists(rough, max_size=40))
def test_no_hour_has_more_changes_than_its_budget(policy_: Policy, history: list[Turn]) -> None:
    routine: list[float] = []
    escaped: list[float] = []
    pushes: list[float] = []
    for moment in live(policy_, history):
        at = moment.world.now
        changed = {name for name in policy_.classes if changes(moment, name)}
        fled = {name for name in changed if escapes(moment, name)}
        pushes += [at] if changed else []
        escaped += [at] if fled else []
        routine += [at] if changed - fled else []
    assert windows(routine) <= policy_.stability.changes_per_hour
    assert windows(escaped) <= policy_.stability.escapes_per_hour
    assert windows(pushes) <= policy_.stability.changes_per_hour + policy_.stability.escapes_per_hour


@examples
@given(policies, st.lists(rough, max_size=25), st.randoms(use_true_random=False))
def test_the_order_of_what_is_handed_in_does_not_matter(
    policy_: Policy, history: list[Turn], chance: random.Random
) -> None:
    for moment in live(policy_, history):
        world = moment.world
        first = decide(
            policy_, Moment(world.health, world.state, world.now, moment.seen, unreachable=world.unreachable)
        )
        mixed = replace(
            policy_,
            upstreams=_shuffled(chance, policy_.upstreams),
            routers=_shuffled(chance, policy_.routers),
            links=_shuffled(chance, policy_.links),
        )
        state = replace(
            world.state,
            links=_shuffled(chance, world.state.links),
            moved_at=_shuffled(chance, world.state.moved_at),
        )
        seen = {
            name: _shuffled(chance, placements) for name, placements in _shuffled(chance, moment.seen).items()
        }
        second = decide(
            mixed,
            Moment(_shuffled(chance, world.health), state, world.now, seen, unreachable=world.unreachable),
        )
        assert first == second
        assert list(first[0].assignment) == list(second[0].assignment)


@examples
@given(policies, st.lists(rough, max_size=25))
def test_deciding_again_once_applied_changes_nothing(policy_: Policy, history: list[Turn]) -> None:
    for moment in live(policy_, history):
        world = moment.world
        memory = world.state
        again = world.look()
        assert again.assignment == world.visible() or again.frozen
        assert world.state == memory, "memory changed though nothing happened"
        assert not again.escape


@examples
@given(policies, st.lists(rough, max_size=20), st.text(max_size=20))
def test_every_cycle_yields_exactly_one_line(policy_: Policy, history: list[Turn], evidence: str) -> None:
    for moment in live(policy_, history):
        world = moment.world
        strange = {name: replace(health, why=f"{evidence}\n\tx") for name, health in world.health.items()}
        strange[USER_PATH] = Health(USER_PATH, DOWN, 0.0, evidence)
        told, _ = decide(
            policy_, Moment(strange, world.state, world.now, world.visible(), unreachable=world.unreachable)
        )
        for sentence in (moment.decision.sentence, told.sentence):
            assert sentence.strip()
            assert len(sentence.splitlines()) == 1


@examples
@given(policies, st.lists(rough, max_size=25))
def test_the_last_usable_path_is_never_drained(policy_: Policy, history: list[Turn]) -> None:
    for moment in live(policy_, history):
        for name in policy_.classes:
            links = {link for link in links_of(policy_, name) if usable(moment.world, link)}
            before = in_role(moment.before.get(name, {}), "primary", "backup") & links
            after = in_role(moment.world.of(name), "primary", "backup") & links
            assert after or not before, moment.decision.sentence


@examples
@given(policies, st.lists(rough, max_size=25))
def test_time_alone_changes_the_decision_only_when_it_was_announced(
    policy_: Policy, history: list[Turn]
) -> None:
    for moment in live(policy_, history):
        world = moment.world
        announced = moment.decision.decide_again_at
        for later_s in (0.5, 40.0, 61.0, 400.0, 5000.0, 8000.0):
            if announced is not None and world.now + later_s >= announced:
                break
            later, _ = decide(
                policy_,
                Moment(
                    world.health,
                    world.state,
                    world.now + later_s,
                    world.visible(),
                    unreachable=world.unreachable,
                ),
            )
            assert later.frozen or later.assignment == world.visible(), later.sentence


@examples
@given(st.lists(st.tuples(st.floats(1.0, 4000.0), st.floats(1.0, 300.0)), min_size=5, max_size=60))
def test_a_flapping_link_moves_traffic_a_bounded_number_of_times_even_without_budgets(
    flaps: list[tuple[float, float]],
) -> None:
    """In six hours the clean time of 60 s doubling to an hour leaves room for ten returns, whatever the link does."""
    free = replace(STABILITY, hold_down_s=0, changes_per_hour=10_000, escapes_per_hour=10_000)
    world = World(policy(stability=free))
    world.step()
    end, moves = world.now + 6 * HOUR_S, 0
    for up_s, down_s in flaps:
        for verdict, lasts_s in ((UP, up_s), (DOWN, down_s)):
            world.turn({AZ: verdict})
            until = world.now + lasts_s
            while world.now < min(until, end):
                before = world.current
                decision = world.step()
                moves += world.current != before
                world.now = min(until, decision.decide_again_at or until)
    assert moves <= 22


@examples
@given(policies, st.lists(turns, max_size=25))
def test_a_brownout_moves_nothing_but_as_a_routine_move_to_what_is_not_in_one(
    policy_: Policy, history: list[Turn]
) -> None:
    for moment in live(policy_, history):
        world = moment.world
        for name in policy_.classes:
            before = in_role(moment.before.get(name, {}), "primary")
            joined = in_role(world.of(name), "primary") - before
            fled = any(world.health[link].verdict is not UP for link in before)
            if not before or not joined or fled or policy_.classes[name].require is not None:
                continue
            slow = [link for link in joined if world.health[link].delay is not USUAL]
            assert not slow, f"{name} joined {slow}: {moment.decision.sentence}"


@examples
@given(st.lists(st.tuples(st.floats(1.0, 4000.0), st.floats(1.0, 4000.0)), min_size=5, max_size=60))
def test_a_link_that_is_slow_again_and_again_moves_traffic_a_bounded_number_of_times(
    spells: list[tuple[float, float]],
) -> None:
    free = replace(STABILITY, hold_down_s=0, changes_per_hour=10_000, escapes_per_hour=10_000)
    world = World(policy(stability=free))
    world.step()
    end, moves = world.now + 6 * HOUR_S, 0
    for usual_s, slow_s in spells:
        for delay, lasts_s in ((USUAL, usual_s), (BROWNOUT, slow_s)):
            world.delay({AZ: delay})
            until = world.now + lasts_s
            while world.now < min(until, end):
                before = world.current
                decision = world.step()
                moves += world.current != before
                world.now = min(until, decision.decide_again_at or until)
    assert moves <= 22
