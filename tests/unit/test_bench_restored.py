"""The benchmark's own rule: when user traffic counts as restored."""

from collections.abc import Callable
from math import inf

import pytest

from controller.lab.traffic import WindowReport
from controller.lab.traffic_ledger import FlowLedger
from tests.benchmarks.restored import after_delay, after_loss

RATE, SLICE_S = 200.0, 0.1


def slices(
    seconds: float, lost: Callable[[float], bool], delay_s: Callable[[float], float] = lambda _: 0.001
) -> list[WindowReport]:
    """A flow that loses and delays packets as told of the time at which they leave, cut into slices."""
    flow = FlowLedger()
    for number in range(int(seconds * RATE)):
        at = number / RATE
        seq = flow.sent(at)
        if not lost(at):
            flow.received(seq, at + delay_s(at))
    cuts = [number * SLICE_S for number in range(int(seconds / SLICE_S) + 1)]
    return [flow.window("", start, start + SLICE_S) for start in cuts[:-1]]


@pytest.mark.parametrize(
    ("lost", "seconds"),
    [
        (lambda at: False, 0.0),
        (lambda at: 1.0 <= at < 1.6, 0.6),
        (lambda at: 1.0 <= at < 1.6 or 2.0 <= at < 2.2, 1.2),  # the second outage is 40 packets
        (lambda at: 1.0 <= at < 1.6 or 2.0 <= at < 2.02, 0.6),  # four packets of 600 are below 1 %
        (lambda at: 1.0 <= at < 4.0 and round(at * RATE) % 10 == 0, 2.705),  # its last five are below 1 %
        (lambda at: at >= 1.0, inf),
        (lambda at: at >= 1.0 and round(at * RATE) % 10 == 0, inf),
        (lambda at: 1.0 <= at < 8.0, inf),  # well again at 8 s, but watched for 2 s only
    ],
    ids=["nothing", "one", "two", "a blip", "a share", "for ever", "a share for ever", "too late to know"],
)
def test_restored_is_the_first_packet_after_which_less_than_one_percent_is_lost_for_three_seconds(
    lost: Callable[[float], bool], seconds: float
) -> None:
    assert after_loss(slices(10.0, lost), RATE) == pytest.approx(seconds, abs=0.006)


@pytest.mark.parametrize(
    ("slow", "seconds"),
    [
        (lambda at: False, 0.0),
        (lambda at: 1.0 <= at < 3.0, 2.0),
        (lambda at: 1.0 <= at < 3.0 or 4.0 <= at < 4.5, 3.5),
        (lambda at: at >= 1.0, inf),
        (lambda at: 1.0 <= at < 8.0, inf),
    ],
    ids=["nothing", "once", "twice", "for ever", "too late to know"],
)
def test_a_slow_path_is_restored_when_three_seconds_are_as_quick_as_calm(
    slow: Callable[[float], bool], seconds: float
) -> None:
    seen = slices(10.0, lambda _: False, lambda at: 0.026 if slow(at) else 0.001)
    assert after_delay(seen, 1.0) == pytest.approx(seconds, abs=0.11)
