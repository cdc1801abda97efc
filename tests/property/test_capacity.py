"""Capacity, over random histories of links and loads: it never stands in the way of an escape, nor makes unrest."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from controller.core.model import Limits, Moment, Policy, Preference, Traffic, TrafficClass
from controller.core.policy import decide
from controller.core.rules import capacity, snapshot
from tests.decide_world import DOWN, LINKS, UP, World, policy, traffic_class
from tests.property.test_decide import (
    Cycle,
    Turn,
    escapes,
    examples,
    good,
    in_role,
    links_of,
    rough,
    stabilities,
    turns,
)

G = 1e9
UPSTREAMS = ("azerbaijan", "georgia", "iran")
gbps = st.sampled_from([None, 5 * G, 20 * G, 40 * G, 100 * G])


def sized(
    name: str, load: float | None, importance: int, prefer: tuple[str, ...], tiers: tuple[int, ...]
) -> TrafficClass:
    made = replace(traffic_class(name, "iran"), prefer=Preference(prefer, tiers))
    return replace(made, load_bps=load, importance=importance)


IN_TIERS = [
    (UPSTREAMS, ()),
    (UPSTREAMS, (0, 1, 1)),
    (UPSTREAMS, (0, 0, 0)),
    (("azerbaijan+georgia", "iran"), ()),
]
orders = st.sampled_from(IN_TIERS)


classes = st.tuples(
    st.builds(
        lambda load, importance, of: sized("a", load, importance, *of), gbps, st.integers(0, 2), orders
    ),
    st.builds(
        lambda load, importance: sized("b", load, importance, ("iran", "georgia"), ()),
        gbps,
        st.integers(0, 2),
    ),
    st.builds(
        lambda load, importance, of: sized("c", load, importance, *of), gbps, st.integers(0, 2), orders
    ),
)
limits = st.builds(
    Limits,
    headroom=st.sampled_from([0.0, 0.1, 0.5]),
    dependence=st.dictionaries(
        st.sampled_from(["black-sea", "country GE", "country IR"]),
        st.sampled_from([0.3, 0.5, 0.7]),
        max_size=2,
    ),
    avoid_over_commit=st.booleans(),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    made = policy(*draw(classes), stability=draw(stabilities), shared=True)
    sizes = {name: draw(gbps) for name in UPSTREAMS}
    ways = {name: draw(gbps) for name in LINKS}
    return replace(
        made,
        upstreams={name: replace(each, capacity_bps=sizes[name]) for name, each in made.upstreams.items()},
        links={name: replace(each, capacity_bps=ways[name]) for name, each in made.links.items()},
        limits=draw(limits),
    )


load = st.sampled_from([0.0, 3 * G, 19 * G, 60 * G])
traffics = st.builds(
    Traffic,
    links=st.dictionaries(st.sampled_from(LINKS), load, max_size=4),
    classes=st.dictionaries(st.sampled_from("abc"), load, max_size=3),
    others=st.dictionaries(st.sampled_from(UPSTREAMS), load, max_size=2),
    full_since=st.dictionaries(st.sampled_from(UPSTREAMS), st.sampled_from([0.0, 10_000.0]), max_size=2),
    bursts=st.dictionaries(st.sampled_from(UPSTREAMS), st.sampled_from([0, 100]), max_size=2),
)


@dataclass(frozen=True)
class Loaded:
    turn: Turn
    traffic: Traffic


def histories(of: st.SearchStrategy[Turn]) -> st.SearchStrategy[list[Loaded]]:
    return st.lists(st.builds(Loaded, of, traffics), max_size=20)


def live(policy_: Policy, history: list[Loaded]) -> Iterator[Cycle]:
    world = World(policy_)
    world.step()
    for each in history:
        turn = each.turn
        world.now += turn.after_s
        still = {link: health.verdict for link, health in world.health.items()}
        world.turn({**still, **turn.verdicts}, suspect=turn.suspect)
        for link, (delay, tail_ms) in turn.delays.items():
            world.delay({link: delay}, {link: tail_ms})
        world.unreachable = turn.unreachable
        world.traffic = replace(
            each.traffic,
            full_since={name: min(at, world.now) for name, at in each.traffic.full_since.items()},
        )
        before, seen = world.current, world.visible()
        yield Cycle(world, before, seen, world.step())


def _moment(cycle: Cycle) -> Moment:
    world = cycle.world
    return Moment(
        world.health,
        world.state,
        world.now,
        cycle.seen,
        unreachable=world.unreachable,
        traffic=world.traffic,
    )


@examples
@given(policies(), histories(turns))
def test_capacity_never_keeps_a_class_on_a_dead_path(policy_: Policy, history: list[Loaded]) -> None:
    escaped: list[float] = []
    for moment in live(policy_, history):
        world = moment.world
        spent = sum(1 for at in escaped if at + 3600 > world.now) >= policy_.stability.escapes_per_hour
        if any(escapes(moment, name) for name in policy_.classes):
            escaped.append(world.now)
        if moment.decision.frozen or spent:
            continue
        for name in policy_.classes:
            if any(good(world, link) for link in links_of(policy_, name)):
                primaries = in_role(world.of(name), "primary")
                assert primaries, f"{name} has no primary: {moment.decision.sentence}"
                dead = [link for link in primaries if world.health[link].verdict is DOWN]
                assert not dead, f"{name} is on {dead}: {moment.decision.sentence}"


@examples
@given(policies(), histories(rough))
def test_deciding_again_with_the_same_traffic_changes_nothing(policy_: Policy, history: list[Loaded]) -> None:
    for moment in live(policy_, history):
        again = moment.world.look()
        assert again.frozen or again.assignment == moment.world.visible(), again.sentence


@examples
@given(policies(), histories(rough), st.randoms(use_true_random=False))
def test_the_order_of_figures_does_not_matter(
    policy_: Policy, history: list[Loaded], chance: random.Random
) -> None:
    def shuffled(mapping: Mapping[str, float]) -> dict[str, float]:
        items = list(mapping.items())
        chance.shuffle(items)
        return dict(items)

    for moment in live(policy_, history):
        traffic = moment.world.traffic
        mixed = Traffic(
            links=shuffled(traffic.links),
            classes=shuffled(traffic.classes),
            others=shuffled(traffic.others),
            full_since=shuffled(traffic.full_since),
            bursts=dict(reversed(list(traffic.bursts.items()))),
        )
        links = list(policy_.links.items())
        upstreams = list(policy_.upstreams.items())
        chance.shuffle(links)
        chance.shuffle(upstreams)
        other = replace(
            policy_,
            links=dict(links),
            upstreams=dict(upstreams),
            limits=replace(policy_.limits, dependence=shuffled(policy_.limits.dependence)),
        )
        told = [
            decide(each, replace(_moment(moment), traffic=figures))
            for each, figures in ((policy_, traffic), (other, mixed))
        ]
        assert told[0] == told[1]


@examples
@given(policies(), histories(rough))
def test_time_alone_changes_the_decision_only_when_it_was_announced(
    policy_: Policy, history: list[Loaded]
) -> None:
    for moment in live(policy_, history):
        world = moment.world
        announced = moment.decision.decide_again_at
        for later_s in (0.5, 40.0, 61.0, 125.0, 400.0, 5000.0, 8000.0):
            if announced is not None and world.now + later_s >= announced:
                break
            now = replace(_moment(moment), state=world.state, current=world.visible())
            later, _ = decide(policy_, replace(now, now=world.now + later_s))
            assert later.frozen or later.assignment == world.visible(), later.sentence


@examples
@given(policies(), histories(turns))
def test_no_class_is_moved_to_make_room_to_where_it_does_not_fit(
    policy_: Policy, history: list[Loaded]
) -> None:
    for moment in live(policy_, history):
        world = moment.world
        for name in policy_.classes:
            mine = f"{name} moved from "
            clause = next(
                (each for each in moment.decision.sentence.split("; ") if each.startswith(mine)), ""
            )
            if " is full: " not in clause and "traffic depends on" not in clause:
                continue
            primaries = in_role(world.of(name), "primary")
            there, *shared = {policy_.links[link].upstream for link in primaries}
            if shared:
                continue
            now = replace(_moment(moment), current=world.visible())
            view = snapshot.take(policy_, replace(now, health=snapshot.complete(policy_, world.health)))
            claims = capacity.begin(view)
            at = capacity.seen_by(claims, policy_.classes, name).at
            usable = capacity.usable_bps(
                policy_,
                there,
                [link for link in view.links_of[there] if world.health[link].verdict is not DOWN],
            )
            if usable is not None:
                assert at.get(there, 0.0) + claims.demand[name] <= usable * (1 + 1e-6), (
                    moment.decision.sentence
                )


@examples
@given(policies(), traffics)
def test_a_world_in_which_nothing_happens_comes_to_rest(policy_: Policy, traffic: Traffic) -> None:
    """Whatever is full: after a day of the same figures, nothing moves any more."""
    world = World(policy_)
    world.step()
    world.traffic = replace(traffic, full_since=dict.fromkeys(traffic.full_since, world.now))
    for _ in range(60):
        world.step(1300)
    assert all(health.verdict is UP for health in world.health.values())
    rest = world.current
    for _ in range(40):
        world.step(1300)
        assert world.current == rest
