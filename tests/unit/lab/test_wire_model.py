"""The chances and the queue of a wire."""

import math
from itertools import groupby
from random import Random

import pytest

from controller.lab.wire_model import (
    FRAME_OVERHEAD_BYTES,
    DelayLine,
    Loss,
    NoLoss,
    PacketLoss,
    TimedLoss,
    loss_model,
)

FRAMES = 200_000
INTERVAL_S = 0.001


def fates(loss: Loss, count: int = FRAMES) -> list[bool]:
    return [loss.lost(number * INTERVAL_S) for number in range(count)]


def mean_burst(lost: list[bool]) -> float:
    bursts = [len(list(run)) for bad, run in groupby(lost) if bad]
    return sum(bursts) / len(bursts)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.3, 0.9])
def test_independent_loss_keeps_its_share_and_its_natural_bursts(share: float) -> None:
    lost = fates(PacketLoss(share, Random(1)))
    assert sum(lost) / FRAMES == pytest.approx(share, rel=0.15)
    assert mean_burst(lost) == pytest.approx(1 / (1 - share), rel=0.05)


@pytest.mark.parametrize(("share", "burst"), [(0.01, 3), (0.1, 1), (0.1, 20), (0.3, 5), (0.5, 1), (0.9, 9)])
def test_bursts_of_frames_keep_their_share_and_length(share: float, burst: float) -> None:
    lost = fates(PacketLoss(share, Random(2), burst))
    assert sum(lost) / FRAMES == pytest.approx(share, rel=0.1)
    assert mean_burst(lost) == pytest.approx(burst, rel=0.1)


@pytest.mark.parametrize(("share", "burst_s"), [(0.01, 0.02), (0.1, 0.05), (0.3, 0.1), (0.9, 0.1)])
def test_bursts_in_time_keep_their_share_and_duration(share: float, burst_s: float) -> None:
    lost = fates(TimedLoss(share, Random(3), burst_s))
    assert sum(lost) / FRAMES == pytest.approx(share, rel=0.15)
    assert mean_burst(lost) * INTERVAL_S == pytest.approx(burst_s, rel=0.15)


def test_bursts_in_time_do_not_depend_on_how_often_frames_come() -> None:
    loss = TimedLoss(0.2, Random(4), 0.05)
    lost = [loss.lost(number * 10.0) for number in range(50_000)]  # far apart: each a fresh draw
    assert sum(lost) / len(lost) == pytest.approx(0.2, rel=0.05)
    assert mean_burst(lost) == pytest.approx(1 / 0.8, rel=0.05)


@pytest.mark.parametrize(
    ("loss", "all_lost"),
    [
        (NoLoss(), False),
        (PacketLoss(0, Random(5)), False),
        (PacketLoss(1, Random(5)), True),
        (PacketLoss(1, Random(5), 10), True),
        (TimedLoss(0, Random(5), 0.1), False),
        (TimedLoss(1, Random(5), 0.1), True),
    ],
)
def test_nothing_and_everything_are_exact(loss: Loss, all_lost: bool) -> None:
    assert set(fates(loss, 1000)) == {all_lost}


def test_the_same_seed_loses_the_same_frames() -> None:
    assert fates(PacketLoss(0.1, Random(6), 3), 1000) == fates(PacketLoss(0.1, Random(6), 3), 1000)


@pytest.mark.parametrize(
    ("share", "burst", "burst_s", "said"),
    [
        (1.1, None, None, "0% to 100%"),
        (-0.1, None, None, "0% to 100%"),
        (math.nan, None, None, "0% to 100%"),
        (0.9, 3, None, "9 frames or longer"),
        (0.1, 0.5, None, "1 frames or longer"),
        (0.1, math.inf, None, "frames or longer"),
        (0.1, None, 0.0, "longer than 0 ms"),
        (0.1, 3, 0.1, "not both"),
        (0.0, 3, None, "say how much"),
    ],
)
def test_loss_that_cannot_be_is_refused(
    share: float, burst: float | None, burst_s: float | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        loss_model(share, Random(7), mean_burst=burst, mean_burst_s=burst_s)


def test_without_delay_a_frame_may_leave_at_once() -> None:
    line = DelayLine(0, 0, Random(8))
    assert line.push(b"frame", 5.0)
    assert line.next_due == 5.0
    assert list(line.pop_due(5.0)) == [b"frame"]
    assert line.next_due is None


def test_a_delayed_frame_leaves_when_due_and_not_before() -> None:
    line = DelayLine(0.05, 0, Random(8))
    line.push(b"first", 1.0)
    line.push(b"second", 1.01)
    assert list(line.pop_due(1.049)) == []
    assert list(line.pop_due(1.051)) == [b"first"]
    assert list(line.pop_due(math.inf)) == [b"second"]


def test_jitter_spreads_frames_but_keeps_their_order() -> None:
    line = DelayLine(0.05, 0.02, Random(9))
    left: list[tuple[int, float]] = []
    for step in range(5000):
        now = step * INTERVAL_S
        line.push(b"%d" % step, now)
        left += [(int(frame), now) for frame in line.pop_due(now)]
    assert [number for number, _ in left] == list(range(len(left)))
    waits = [at - number * INTERVAL_S for number, at in left]
    assert min(waits) >= 0.03 - 1e-9
    assert max(waits) <= 0.07 + 2 * INTERVAL_S
    assert len({round(wait, 3) for wait in waits}) > 5


def test_a_full_line_refuses_frames_and_takes_them_again_when_some_have_left() -> None:
    line = DelayLine(1, 0, Random(10), limit_bytes=3 * (100 + FRAME_OVERHEAD_BYTES))
    assert [line.push(bytes(100), 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert len(list(line.pop_due(1.0))) == 3
    assert line.push(bytes(100), 1.0)


@pytest.mark.parametrize(("delay", "jitter"), [(-1, 0), (0, -1), (math.nan, 0), (math.inf, 0)])
def test_a_delay_that_cannot_be_is_refused(delay: float, jitter: float) -> None:
    with pytest.raises(ValueError, match="0 ms or longer"):
        DelayLine(delay, jitter, Random(11))
