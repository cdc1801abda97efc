"""A session's table against its own normal: short is told, loading and growing are not."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from controller.core.model import Family, PrefixPolicy, SessionSample, Signal, Verdict
from controller.core.prefixes import ADOPTED_S, KEPT_HOURS, Normal, Table

UP, DEGRADED, DOWN, UNKNOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN, Verdict.UNKNOWN
POLICY = PrefixPolicy(missing_percent=50, held_s=10, settle_s=180)
HOUR = 3600.0


@dataclass
class World:
    """One session, polled every other second; up for a day when it is first seen."""

    policy: PrefixPolicy = POLICY
    table: Table = field(default_factory=Table)
    now: float = 100_000.0
    up_since: float | None = 13_600.0
    tells_uptime: bool = True

    def poll(self, count: int, seconds: float = 2.0, *, every: float = 2.0) -> World:
        """This many prefixes for so long."""
        until = self.now + seconds
        while self.now < until:
            self.now += every
            up_s = None if self.up_since is None or not self.tells_uptime else self.now - self.up_since
            sample = SessionSample("az", Family.IPV4, self.now, self.up_since is not None, count, up_s=up_s)
            self.table = self.table.follow(sample, self.policy)
        return self

    def drop(self, seconds: float = 4.0) -> World:
        """The session is down for a while, and comes back then."""
        self.up_since = None
        self.poll(0, seconds)
        self.up_since = self.now
        return self

    @property
    def signal(self) -> Signal:
        found = self.table.signal(self.policy)
        assert found is not None
        return found

    @property
    def verdict(self) -> Verdict:
        return self.signal.verdict


def test_nothing_is_said_before_the_table_was_watched_for_a_minute() -> None:
    world = World().poll(1000, 50)
    assert world.verdict is UNKNOWN
    assert world.poll(1000, 20).verdict is UP


@pytest.mark.parametrize(
    ("count", "verdict"), [(501, UP), (500, UP), (499, DEGRADED), (1, DEGRADED), (0, DOWN)]
)
def test_more_than_the_share_must_be_gone_and_nothing_left_is_down(count: int, verdict: Verdict) -> None:
    assert World().poll(1000, 70).poll(count, 12).verdict is verdict


def test_a_short_table_counts_once_it_was_short_for_as_long_as_policy_says() -> None:
    world = World().poll(1000, 70).poll(400, 10)
    assert world.verdict is UP
    assert world.poll(400).verdict is DEGRADED
    assert world.signal.why == "400 of the usual 1000 prefixes accepted for 10 s"
    assert world.signal.family is Family.IPV4


def test_a_table_short_for_a_moment_again_and_again_is_not_told() -> None:
    world = World().poll(1000, 70)
    for _ in range(20):
        assert world.poll(100, 8).verdict is UP
        assert world.poll(1000, 2).verdict is UP


def test_a_full_table_is_good_again_at_once() -> None:
    assert World().poll(1000, 70).poll(0, 60).poll(1000).verdict is UP


def test_a_new_session_loads_its_table_in_peace() -> None:
    world = World().poll(1000, 70).drop()
    for count in range(0, 500, 25):
        assert world.poll(count).verdict is UNKNOWN
    world.poll(600)
    assert world.poll(100, 12).verdict is DEGRADED  # it was loaded as soon as enough was there
    assert world.table.normal.count == 1000


def test_a_new_session_that_stays_empty_is_told_when_loading_could_be_over() -> None:
    world = World().poll(1000, 70).drop().poll(0, 180)
    assert world.verdict is not DOWN
    assert world.poll(0, 14).verdict is DOWN


def test_a_session_that_bounced_between_two_polls_is_a_new_one() -> None:
    world = World().poll(1000, 70)
    world.up_since = world.now + 0.5
    assert world.poll(0, 60).verdict is UNKNOWN


def test_without_word_of_uptime_a_session_is_new_when_it_is_first_seen() -> None:
    world = World(tells_uptime=False).poll(1000, 180)
    assert world.verdict is UNKNOWN
    assert world.poll(1000, 70).verdict is UP
    assert world.drop().poll(10, 20).verdict is UNKNOWN


def test_a_session_that_is_down_is_not_judged_by_its_table() -> None:
    world = World().poll(1000, 70).poll(0, 20)
    assert world.verdict is DOWN
    assert world.drop().verdict is UNKNOWN


def test_trouble_is_not_learned_and_slow_growth_is() -> None:
    world = World().poll(1000, 5 * HOUR, every=10).poll(300, 20 * HOUR, every=10)
    assert world.verdict is DEGRADED
    assert world.table.normal.count == 1000
    for hour in range(1, 100):
        world.poll(1000 + 10 * hour, HOUR, every=10)
    assert world.verdict is UP
    assert 1500 < (world.table.normal.count or 0) < 1990


def test_one_hour_with_a_leak_does_not_become_the_normal() -> None:
    world = World().poll(1000, 5 * HOUR, every=10).poll(900_000, HOUR, every=10).poll(1000, 600, every=10)
    assert world.verdict is UP
    assert world.table.normal.count == 1000


def test_a_table_short_for_a_day_is_what_somebody_meant_but_an_empty_one_never_is() -> None:
    meant = World().poll(1000, HOUR, every=10).poll(5, ADOPTED_S + 100, every=10)
    assert meant.verdict is UP
    assert meant.table.normal.count == 5
    empty = World().poll(1000, HOUR, every=10).poll(0, ADOPTED_S + 100, every=10)
    assert empty.verdict is DOWN


def test_time_in_which_nobody_watched_is_not_learned() -> None:
    world = World().poll(1000, 30)
    world.now += HOUR
    assert world.poll(1000, 20).table.normal.count is None


def test_a_default_route_alone_is_a_table_too() -> None:
    assert World().poll(1, 70).poll(0, 12).verdict is DOWN


def test_an_older_word_says_nothing_new() -> None:
    world = World().poll(1000, 70)
    late = SessionSample("az", Family.IPV4, world.now - 1, established=False, accepted_prefixes=0)
    assert world.table.follow(late, POLICY) == world.table


def test_what_is_remembered_is_bounded_and_survives_the_store() -> None:
    normal = World().poll(1000, 100 * HOUR, every=10).table.normal
    assert len(normal.hours) == KEPT_HOURS
    assert Normal.from_plain(normal.to_plain()) == normal
    again = World(table=Table(normal)).poll(1000)
    assert again.verdict is UP  # at once


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"hours": "none", "hour_s": 0, "largest": 0},
        {"hours": [-1], "hour_s": 0, "largest": 0},
        {"hours": [True], "hour_s": 0, "largest": 0},
        {"hours": [1], "hour_s": "1", "largest": 0},
        {"hours": [1], "hour_s": float("nan"), "largest": 0},
        {"hours": [1], "hour_s": 0, "largest": -1},
    ],
)
def test_what_is_no_normal_is_refused(plain: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="normal of prefixes"):
        Normal.from_plain(plain)
