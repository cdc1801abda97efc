"""Whatever people order: no class loses its last path by it, and of all that is promised only clocks give way."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from controller.core.model import OrderKind, Override, Policy
from tests.decide_world import DOWN, LINKS, World
from tests.property.test_decide import (
    Cycle,
    Turn,
    examples,
    good,
    in_role,
    links_of,
    policies,
    rough,
    turns,
    usable,
)

drainable = st.sampled_from(
    [*LINKS, "azerbaijan", "georgia", "iran", "edge1", "edge2", "black-sea", "nobody"]
)
orders = st.one_of(
    st.tuples(st.just(OrderKind.DRAIN), drainable, st.just("")),
    st.tuples(
        st.just(OrderKind.PIN),
        st.sampled_from(["residential", "business", "a", "b", "c"]),
        st.sampled_from(["azerbaijan", "georgia", "iran"]),
    ),
    st.tuples(st.just(OrderKind.PAUSE), st.just(""), st.just("")),
)
lasting = st.sampled_from([1.0, 100.0, 5000.0, None])
ordered = st.lists(st.tuples(orders, lasting), max_size=2)
calm_history = st.lists(st.tuples(turns, ordered), max_size=20)
rough_history = st.lists(st.tuples(rough, ordered), max_size=20)
History = list[tuple[Turn, list[tuple[tuple[OrderKind, str, str], float | None]]]]


def live(policy_: Policy, history: History) -> Iterator[Cycle]:
    """A world that lives through the history, people giving orders as it goes."""
    world = World(policy_)
    world.step()
    for turn, given_now in history:
        world.now += turn.after_s
        still = {link: health.verdict for link, health in world.health.items()}
        world.turn({**still, **turn.verdicts}, suspect=turn.suspect)
        world.unreachable = turn.unreachable
        for (kind, subject, upstream), lasts in given_now:
            until = None if lasts is None else world.now + lasts
            number = len(world.overrides) + 1
            order = Override(number, kind, subject, upstream, "ann", "a reason", world.now, until)
            world.overrides = (*world.overrides, order)
        before, seen = world.current, world.visible()
        yield Cycle(world, before, seen, world.step())


def paused(world: World) -> bool:
    return any(each.kind is OrderKind.PAUSE and each.holds_at(world.now) for each in world.overrides)


@examples
@given(policies, calm_history)
def test_unless_paused_every_class_is_on_a_path_that_works_while_any_that_is_not_drained_does(
    policy_: Policy, history: History
) -> None:
    for moment in live(policy_, history):
        world = moment.world
        if moment.decision.frozen or len(world.state.escapes) >= policy_.stability.escapes_per_hour:
            continue
        drained = {
            link for each in world.overrides if each.holds_at(world.now) for link in _drains(world, each)
        }
        for name in policy_.classes:
            if not any(good(world, link) and link not in drained for link in links_of(policy_, name)):
                continue
            primaries = in_role(world.of(name), "primary")
            assert primaries, f"{name} has no primary: {moment.decision.sentence}"
            dead = [link for link in primaries if world.health[link].verdict is DOWN]
            assert not dead, f"{name} is on {dead}: {moment.decision.sentence}"


@examples
@given(policies, rough_history)
def test_no_order_takes_the_last_path_that_works(policy_: Policy, history: History) -> None:
    for moment in live(policy_, history):
        for name in policy_.classes:
            links = {link for link in links_of(policy_, name) if usable(moment.world, link)}
            before = in_role(moment.before.get(name, {}), "primary", "backup") & links
            after = in_role(moment.world.of(name), "primary", "backup") & links
            assert after or not before, moment.decision.sentence


@examples
@given(policies, rough_history)
def test_while_paused_nothing_changes(policy_: Policy, history: History) -> None:
    for moment in live(policy_, history):
        if paused(moment.world):
            assert moment.decision.frozen
            assert moment.world.current == moment.before


@examples
@given(policies, rough_history)
def test_deciding_again_once_applied_changes_nothing_whatever_is_ordered(
    policy_: Policy, history: History
) -> None:
    for moment in live(policy_, history):
        again = moment.world.look()
        assert again.assignment == moment.world.visible() or again.frozen
        assert not again.escape
        assert len(again.sentence.splitlines()) == 1


@examples
@given(policies, rough_history)
def test_time_alone_changes_a_decision_under_orders_only_when_it_was_announced(
    policy_: Policy, history: History
) -> None:
    for moment in live(policy_, history):
        world, announced = moment.world, moment.decision.decide_again_at
        now, state = world.now, world.state
        for later_s in (0.5, 40.0, 61.0, 400.0, 5000.0):
            if announced is not None and now + later_s >= announced:
                break
            world.now, world.state = now + later_s, state
            later = world.look()
            assert later.frozen or later.assignment == world.visible(), later.sentence
        world.now, world.state = now, state


def _drains(world: World, order: Override) -> set[str]:
    if order.kind is not OrderKind.DRAIN:
        return set()
    named = order.subject
    return {
        name
        for name, link in world.policy.links.items()
        if named in (name, link.upstream, link.router)
        or named in world.policy.upstreams[link.upstream].shared_risk
    }
