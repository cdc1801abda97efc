"""Kernel stamps on a clock that people set: at the wire's boundary, with real packets and a wall clock of our own."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable

import pytest

from controller.core.model import Family
from controller.probes.clocks import StampClock
from controller.probes.sockets import Inbox


class Wall:
    """The machine's wall clock, set by hand."""

    def __init__(self) -> None:
        self.set_by_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.set_by_s


def test_time_that_passes_is_no_step() -> None:
    clock = StampClock()
    for _ in range(200):
        time.sleep(0.0005)
        now, offset = clock.look()
        assert offset is not None
        assert abs(time.time() + offset - now) < 0.05


@pytest.mark.parametrize("by_s", [3600.0, -3600.0, 0.05, -0.05, 0.003])
def test_a_step_is_noticed_once_whichever_way_it_goes(by_s: float) -> None:
    wall = Wall()
    clock = StampClock(wall=wall)
    assert clock.look()[1] is not None
    wall.set_by_s = by_s
    assert clock.look()[1] is None
    assert clock.look()[1] is not None


@pytest.mark.parametrize("held_up", [range(9), range(3, 6), [4], [0, 10], range(30)])
def test_being_held_up_between_two_readings_is_no_step(held_up: Iterable[int]) -> None:
    """A machine on which some readings of a clock take half a second."""
    at, readings = 0.0, 0

    def clock(zero: float) -> Callable[[], float]:
        def read() -> float:
            nonlocal at, readings
            at += 0.5 if readings in held_up else 0.000001
            readings += 1
            return zero + at

        return read

    stamps = StampClock(monotonic=clock(0.0), wall=clock(1e9))
    assert all(stamps.look()[1] is not None for _ in range(5))


@pytest.mark.parametrize("by_s", [120.0, -120.0, 0.04])
def test_what_waited_while_the_clock_was_set_has_no_time_and_what_came_after_has(by_s: float) -> None:
    """A real socket, real stamps of the kernel; only the reading of the wall clock is ours."""
    wall = Wall()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind(("127.0.0.1", 0))
        inbox = Inbox(sock, Family.IPV4, StampClock(wall=wall))

        def heard() -> float | None:
            sock.sendto(b"probe", sock.getsockname())
            (datagram,) = inbox.drain()
            return datagram.at

        for _ in range(2):  # the kernel begins to stamp a moment after it is asked to
            before = heard()
        assert before is not None
        assert abs(before - time.monotonic()) < 0.2
        sock.sendto(b"probe", sock.getsockname())
        wall.set_by_s = by_s
        assert [datagram.at for datagram in inbox.drain()] == [None]
        wall.set_by_s = 0.0
        assert list(inbox.drain()) == []
        after = heard()
        assert after is not None
        assert abs(after - time.monotonic()) < 0.2
