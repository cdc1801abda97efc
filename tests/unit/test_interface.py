"""A link's interface: down is down, and rates come from counters that wrap and are reset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from controller.core.interface import KEPT, Port, difference
from controller.core.model import Counters, InterfacePolicy, InterfaceSample, Signal, Verdict

POLICY = InterfacePolicy(errors_percent=1.0, over_s=30.0)
NONE = Counters(0, 0, 0, 0, 0, 0, 0, 0)


def sample(
    at: float, counters: Counters | None = None, *, is_up: bool = True, **more: object
) -> InterfaceSample:
    known = {"is_enabled": True, "speed_mbps": 1000.0} | more
    return InterfaceSample("az", at, is_up, counters=counters, **known)  # type: ignore[arg-type]


@dataclass
class World:
    """An interface read every five seconds, with counters that grow."""

    now: float = 1000.0
    counters: Counters = NONE
    bits: int = 64
    port: Port = field(init=False)

    def __post_init__(self) -> None:
        self.port = Port("wan", sample(self.now - 1))

    def run(self, seconds: float, **per_s: float) -> World:
        """So much of each counter a second."""
        until = self.now + seconds
        while self.now < until:
            self.now += 5
            grown: Mapping[str, int] = {
                name: (getattr(self.counters, name) + int(rate * 5)) % 2**self.bits
                for name, rate in per_s.items()
            }
            self.counters = replace(self.counters, **grown)
            self.port = self.port.follow(sample(self.now, self.counters), POLICY)
        return self

    @property
    def signal(self) -> Signal:
        return self.port.signal("edge1", POLICY)


@pytest.mark.parametrize(("enabled", "words"), [(True, "is down"), (False, "is shut down")])
def test_an_interface_that_is_down_is_a_link_that_is_down(enabled: bool, words: str) -> None:
    port = World().run(10).port.follow(sample(2000, is_up=False, is_enabled=enabled), POLICY)
    said = port.signal("edge1", POLICY)
    assert (said.verdict, said.why, said.family) == (Verdict.DOWN, f"interface wan of edge1 {words}", None)
    assert port.follow(sample(2001), POLICY).signal("edge1", POLICY).verdict is Verdict.UP


def test_load_is_the_last_interval_in_megabits_and_in_percent_of_the_speed() -> None:
    seen = World().run(60, octets_in=1e6).run(10, octets_in=12.5e6, octets_out=2.5e6).port.seen()
    assert (seen.in_mbps, seen.out_mbps, seen.load_percent) == (100.0, 20.0, 10.0)


def test_without_a_speed_load_has_no_percent_and_without_two_readings_there_is_none() -> None:
    world = World().run(5, octets_in=1e6)
    assert world.port.seen().in_mbps is None
    world.run(5, octets_in=1e6)
    world.port = world.port.follow(sample(world.now + 1, speed_mbps=None), POLICY)
    assert world.port.seen().in_mbps == 8.0
    assert world.port.seen().load_percent is None


@pytest.mark.parametrize(("way", "words"), [("in", "received"), ("out", "sent")])
def test_errors_over_the_whole_window_degrade(way: str, words: str) -> None:
    bad = {f"packets_{way}": 98, f"errors_{way}": 2}
    world = World()
    assert world.run(30, **bad).signal.verdict is Verdict.UP  # not watched for long enough
    assert world.run(5, **bad).signal.verdict is Verdict.DEGRADED
    assert world.signal.why == f"interface wan of edge1: 2.0 % of the packets {words} in 30 s are errors"
    assert world.run(30, **{f"packets_{way}": 100}).signal.verdict is Verdict.UP


def test_few_errors_are_no_percentage() -> None:
    assert World().run(60, packets_in=0.4, errors_in=0.2).signal.verdict is Verdict.UP


def test_discards_are_shown_and_do_not_degrade() -> None:
    world = World().run(60, packets_out=80, discards_out=20)
    assert world.port.seen().discards_percent == 20.0
    assert world.signal.verdict is Verdict.UP


def test_a_counter_of_32_bits_may_wrap() -> None:
    world = World(counters=replace(NONE, octets_in=2**32 - 1000), bits=32).run(
        10, octets_in=1e6, packets_in=800
    )
    assert world.port.seen().in_mbps == 8.0


def test_counters_that_were_reset_say_nothing_of_the_time_between() -> None:
    world = World()
    busy = {"octets_in": 1e6, "octets_out": 1e6, "packets_in": 800, "packets_out": 800, "errors_in": 100}
    assert world.run(60, **busy).signal.verdict is Verdict.DEGRADED
    world.counters = NONE
    assert world.run(5, octets_in=1e6).signal.verdict is Verdict.UP
    assert world.port.seen().in_mbps is None
    assert world.run(5, octets_in=1e6).port.seen().in_mbps == 8.0


def test_one_counter_of_64_bits_never_wraps() -> None:
    assert difference(replace(NONE, octets_in=2**40), NONE) is None


def test_older_words_and_words_said_twice_change_nothing() -> None:
    world = World().run(20, octets_in=1e6)
    port = world.port.follow(sample(world.now - 3, NONE, is_up=False), POLICY)
    assert port == world.port
    assert port.follow(sample(world.now, world.counters), POLICY).steps == world.port.steps


def test_what_is_remembered_is_bounded() -> None:
    port = Port("wan", sample(0))
    for second in range(1, 500):
        port = port.follow(sample(second, NONE), replace(POLICY, over_s=300.0))
    assert len(port.steps) <= KEPT
