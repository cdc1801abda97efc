"""The promises of rule 1 where links have two families: random looks of every link, family by family."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from controller.core.model import ANCHORS
from tests.decide_world import CALM, DEGRADED, DOWN, LINKS, UNKNOWN, UP
from tests.property.test_decide import examples
from tests.unit.test_decide_vantage import QUIET, Looks, dual, well

looks = st.sampled_from([UP, UP, DEGRADED, DOWN, UNKNOWN, QUIET])
both = st.tuples(looks, looks)
moments = st.dictionaries(st.sampled_from([*LINKS, ANCHORS]), both, max_size=5)
gaps = st.sampled_from([0.0, 0.1, 1.0, 3.0, 20.0, 70.0, 700.0])


@examples
@given(
    st.lists(st.tuples(gaps, st.lists(st.sampled_from([DOWN, QUIET]), min_size=4, max_size=4)), max_size=8)
)
def test_a_family_bad_through_every_link_never_moves_anything(
    history: list[tuple[float, list[Looks]]],
) -> None:
    w = well()
    for after_s, sixes in history:
        w.health |= {name: dual(name, UP, six, since=w.now) for name, six in zip(LINKS, sixes, strict=True)}
        decision = w.step(after_s)
        assert w.current == CALM
        assert not decision.frozen
        assert "IPv6 looks bad through every link at once" in decision.sentence


@examples
@given(st.lists(st.tuples(gaps, moments), min_size=1, max_size=8))
def test_once_the_view_has_settled_nobody_stays_on_a_dead_link_while_another_is_sound(
    history: list[tuple[float, Mapping[str, tuple[Looks, Looks]]]],
) -> None:
    w = well()
    for after_s, seen in history:
        w.health |= {name: dual(name, *each, since=w.now) for name, each in seen.items()}
        w.step(after_s)
    for _ in range(3):
        w.step(4000)
    sound = [n for n in LINKS if w.health[n].verdict is UP and not w.health[n].suspect]
    carrying = [name for name, placement in w.of().items() if placement.role == "primary"]
    if sound:
        assert any(w.health[name].verdict is not DOWN for name in carrying)


@examples
@given(st.lists(st.tuples(gaps, moments), min_size=1, max_size=8))
def test_deciding_twice_changes_nothing(
    history: list[tuple[float, Mapping[str, tuple[Looks, Looks]]]],
) -> None:
    w = well()
    for after_s, seen in history:
        w.health |= {name: dual(name, *each, since=w.now) for name, each in seen.items()}
        w.step(after_s)
        again = w.look()
        assert again.assignment == w.current
        assert all(until > w.now for until in w.state.doubted.values())
        assert len(w.state.doubted) <= 8  # two families, two kinds of doubt, each with its "at most"
