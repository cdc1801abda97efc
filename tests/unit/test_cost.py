"""Commits and the 95th percentile: what a month's five-minute averages are billed by, and what is chosen for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.core.load import Step
from controller.core.model import Cost, Limits, Policy, Preference, Traffic
from controller.core.percentile import SLOT_S, Average, Usage, month_of, percentile
from controller.store.sqlite import SqliteStore
from tests.decide_world import AZ, DOWN, GE1, GE2, World, policy
from tests.unit.test_decide_capacity import G, network, on, sized
from tests.unit.test_loop import Scene

JUNE = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
FIRST, END = month_of(JUNE)
FREE = 432  # five percent of the 8,640 averages of thirty days


def billed(**costs: Cost) -> Policy:
    made = policy()
    return replace(
        made, upstreams={name: replace(each, cost=costs.get(name)) for name, each in made.upstreams.items()}
    )


def known(link: str, values: Iterable[float]) -> Usage:
    return Usage().knowing([Average(link, FIRST + n, bps, 0.0) for n, bps in enumerate(values)], JUNE)


def test_a_month_is_that_of_the_calendar() -> None:
    assert month_of(JUNE - 1)[1] == FIRST
    assert END - FIRST == 8640
    assert (
        month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC).timestamp())[1]
        == int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) // SLOT_S
    )


@pytest.mark.parametrize(("values", "found"), [([], None), ([7], 7), (range(1, 101), 95), (range(1, 21), 19)])
def test_the_highest_five_in_a_hundred_do_not_count(values: Iterable[float], found: float | None) -> None:
    assert percentile(values) == found


def test_five_minutes_are_averaged_and_half_of_them_must_be_seen() -> None:
    usage, done = Usage(), []
    for n in range(1, 122):
        usage, average = usage.after(AZ, Step(0.0, 5.0, 5e6, 1e6), JUNE + 5 * n - 1)
        done += [average] if average else []
    assert done == [Average(AZ, FIRST, 1e6, 2e5), Average(AZ, FIRST + 1, 1e6, 2e5)]
    usage, average = Usage().after(AZ, Step(0.0, 5.0, 5e6, 1e6), JUNE)
    assert usage.after(AZ, Step(0.0, 5.0, 5e6, 1e6), JUNE + SLOT_S)[1] is None


def test_links_of_an_upstream_are_billed_together_in_the_larger_direction() -> None:
    made = billed(georgia=Cost(1.0, 5 * G))
    usage = Usage().knowing([Average(GE1, FIRST, 2 * G, 0.0), Average(GE2, FIRST, 1 * G, 9 * G)], JUNE)
    assert usage.percentile(made, "georgia") == 9 * G
    assert usage.bursts(made, JUNE) == {"georgia": FREE - 1}


def test_so_many_bursts_are_free_as_five_percent_of_the_month_has() -> None:
    made = billed(azerbaijan=Cost(1.0, 5 * G))
    assert known(AZ, [6 * G] * 400 + [1 * G] * 100).bursts(made, JUNE) == {"azerbaijan": FREE - 400}
    assert known(AZ, [6 * G] * 500).bursts(made, JUNE) == {"azerbaijan": 0}
    assert known(AZ, [6 * G] * 500).bursts(billed(), JUNE) == {}
    assert Usage().bursts(made, JUNE) == {}


def test_another_month_begins_with_nothing() -> None:
    made = billed(azerbaijan=Cost(1.0, 5 * G))
    july = JUNE + 31 * 86400
    assert known(AZ, [6 * G] * 500).knowing([], july).bursts(made, july) == {}


def test_the_store_keeps_a_month_and_no_more(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "failover.db")
    store.keep_usage([Average(AZ, 1, 1.0, 2.0), Average(AZ, 9, 3.0, 4.0)], 0)
    store.keep_usage([Average(AZ, 9, 5.0, 6.0), Average(GE1, 9, 7.0, 8.0)], 5)
    assert store.load_usage(0) == [Average(AZ, 9, 5.0, 6.0), Average(GE1, 9, 7.0, 8.0)]
    store.close()


# --- what follows -----------------------------------------------------------------------------


def tiered(*, avoid: bool = False, bursts: int = 100, georgia: Cost, iran: Cost) -> World:
    w = network(sized("a", 10), limits=Limits(headroom=0.0, avoid_over_commit=avoid))
    upstreams = {
        **w.policy.upstreams,
        "georgia": replace(w.policy.upstreams["georgia"], cost=georgia),
        "iran": replace(w.policy.upstreams["iran"], cost=iran),
    }
    prefer = Preference(("azerbaijan", "georgia", "iran"), (0, 1, 2) if avoid else (0, 1, 1))
    w.policy = replace(
        w.policy, upstreams=upstreams, classes={"a": replace(w.policy.classes["a"], prefer=prefer)}
    )
    w.traffic = Traffic(bursts={"georgia": bursts})
    w.turn({AZ: DOWN})
    return w


@pytest.mark.parametrize(
    ("georgia", "iran", "chosen"),
    [
        (Cost(0.4), Cost(0.4), "georgia"),
        (Cost(0.4), Cost(0.3), "iran"),
        (Cost(0.4, 20 * G), Cost(0.3, 5 * G), "georgia"),  # within what is paid for anyway
        (Cost(0.4, 5 * G), Cost(0.5, 20 * G), "iran"),
    ],
)
def test_of_equals_the_one_with_commit_left_is_chosen_then_the_cheaper(
    georgia: Cost, iran: Cost, chosen: str
) -> None:
    w = tiered(georgia=georgia, iran=iran)
    w.step()
    assert on(w) == chosen


@pytest.mark.parametrize(
    ("avoid", "bursts", "chosen"), [(True, 11, "iran"), (True, 12, "georgia"), (False, 0, "georgia")]
)
def test_where_policy_avoids_it_nothing_goes_beyond_a_commit_that_is_reached_while_another_would_not_bill(
    avoid: bool, bursts: int, chosen: str
) -> None:
    w = tiered(avoid=avoid, bursts=bursts, georgia=Cost(0.4, 5 * G), iran=Cost(0.5, 20 * G))
    if not avoid:
        w.policy = replace(
            w.policy,
            classes={
                "a": replace(w.policy.classes["a"], prefer=Preference(("azerbaijan", "georgia", "iran")))
            },
        )
    decision = w.step()
    assert on(w) == chosen
    assert any("would bill beyond its commit" in reason.text for reason in decision.reasons) is (
        chosen == "iran"
    )


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_the_loop_counts_the_month_and_a_new_process_goes_on_with_it() -> None:
    scene = Scene(lambda *_: True)
    upstreams = scene.policy.upstreams
    azerbaijan = replace(upstreams["azerbaijan"], cost=Cost(0.4, 50e6))  # each link carries 100 Mbit/s
    scene.policy = scene.fleet.policy = replace(
        scene.policy, upstreams={**upstreams, "azerbaijan": azerbaijan}
    )
    await scene.run(1000)
    kept = [each for each in scene.store.usage if each.link == AZ]
    assert len(kept) == len(scene.store.usage) >= 2
    assert kept[0].bps_in == pytest.approx(100e6)
    assert scene.store.snapshot is not None
    left = scene.store.snapshot.traffic.bursts["azerbaijan"]
    again = Scene(lambda *_: True)
    again.policy = again.fleet.policy = scene.policy
    again.store.usage = scene.store.usage
    await again.run(20)
    assert again.store.snapshot is not None
    assert again.store.snapshot.traffic.bursts["azerbaijan"] == left
    assert asyncio.get_running_loop().time() > 1000
