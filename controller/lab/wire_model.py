"""What a wire does to frames, as pure values: which are lost, and when the others leave.

No clock and no sockets: callers hand in ``now`` (monotonic seconds) and the ``random.Random`` to draw from,
so that a seed repeats a run exactly.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Protocol

QUEUE_LIMIT_BYTES = 32 * 2**20  # a direction holds this much: 10 s of 1,500-byte frames at 2,000 frames/s
FRAME_OVERHEAD_BYTES = 200  # what the interpreter spends on a queued frame besides its bytes, about


class Loss(Protocol):
    """Decides the fate of one frame after another."""

    def lost(self, now: float) -> bool:
        """Whether the frame that arrives at ``now`` is lost; calls come in order of time."""
        ...


class NoLoss:
    """A wire that loses nothing."""

    def lost(self, now: float) -> bool:  # noqa: ARG002 - the protocol's argument
        """Nothing is ever lost."""
        return False


class PacketLoss:
    """Loss that counts in frames: independent, or in bursts of a mean length.

    A Gilbert-Elliott chain that steps once a frame: its bad state loses every frame, its good state none.
    Without ``mean_burst`` the fate of a frame does not depend on the one before (mean burst 1 / (1 - share)).
    Raises ValueError for a share outside 0..1, or a burst too short to lose that share.
    """

    def __init__(self, share: float, rng: Random, mean_burst: float | None = None) -> None:
        check_share(share)
        self._share = share
        self._rng = rng
        self._stay_bad = share
        self._turn_bad = share
        if mean_burst is not None and 0 < share < 1:
            # The shortest bursts there can be: between two of them stands one good frame.
            shortest = max(1.0, share / (1 - share))
            if not (shortest <= mean_burst < math.inf or math.isclose(shortest, mean_burst)):
                raise ValueError(
                    f"bursts that lose {share:.0%} of all frames are {shortest:g} frames or longer"
                )
            self._stay_bad = 1 - 1 / mean_burst
            self._turn_bad = share / (1 - share) / mean_burst
        self._bad = rng.random() < share

    def lost(self, now: float) -> bool:  # noqa: ARG002 - this kind of loss knows no time
        """The state of the chain, which then steps."""
        lost = self._bad
        self._bad = self._rng.random() < (self._stay_bad if lost else self._turn_bad)
        return lost


class TimedLoss:
    """Loss in bursts that last: whatever arrives during one is lost, however much or little it is.

    The same chain in continuous time, both sojourns exponential, asked only when a frame arrives: the chance
    to be bad after ``t`` follows from the state before (two-state Markov process), so idle hours are free.
    Raises ValueError for a share outside 0..1 or a burst that is not longer than nothing.
    """

    def __init__(self, share: float, rng: Random, mean_burst_s: float) -> None:
        check_share(share)
        if not 0 < mean_burst_s < math.inf:
            raise ValueError("a burst lasts longer than 0 ms")
        self._share = share
        self._rng = rng
        self._forget_s = mean_burst_s * (1 - share)  # the time constant with which the state is forgotten
        self._bad = False
        self._at = -math.inf

    def lost(self, now: float) -> bool:
        """Whether the chain is bad at ``now``."""
        if self._share in {0.0, 1.0}:
            return self._share == 1.0
        memory = math.exp(-max(0.0, now - self._at) / self._forget_s)
        chance = self._share + ((1.0 if self._bad else 0.0) - self._share) * memory
        self._bad = self._rng.random() < chance
        self._at = now
        return self._bad


class DelayLine:
    """Frames on their way, in order: each leaves after ``delay_s`` give or take a uniform ``jitter_s``.

    Order is kept (a frame leaves no earlier than the one before it), hence a queue and not a heap. A frame
    for which ``limit_bytes`` leaves no room is refused, as a router's full buffer would.
    """

    def __init__(
        self, delay_s: float, jitter_s: float, rng: Random, limit_bytes: int = QUEUE_LIMIT_BYTES
    ) -> None:
        if not (0 <= delay_s < math.inf and 0 <= jitter_s < math.inf):
            raise ValueError("delay and jitter are 0 ms or longer")
        self._delay_s = delay_s
        self._jitter_s = jitter_s
        self._rng = rng
        self._limit_bytes = limit_bytes
        self._queue: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._last_due = -math.inf

    def push(self, frame: bytes, now: float) -> bool:
        """Take a frame that arrived at ``now``; False when there is no room for it."""
        cost = len(frame) + FRAME_OVERHEAD_BYTES
        if self._bytes + cost > self._limit_bytes:
            return False
        wait = self._delay_s
        if self._jitter_s:
            wait = max(0.0, wait + self._rng.uniform(-self._jitter_s, self._jitter_s))
        self._last_due = max(self._last_due, now + wait)
        self._queue.append((self._last_due, frame))
        self._bytes += cost
        return True

    def pop_due(self, now: float) -> Iterator[bytes]:
        """The frames whose time has come, oldest first; ``math.inf`` empties the line."""
        while self._queue and self._queue[0][0] <= now:
            frame = self._queue.popleft()[1]
            self._bytes -= len(frame) + FRAME_OVERHEAD_BYTES
            yield frame

    @property
    def next_due(self) -> float | None:
        """When the oldest frame leaves; None when the line is empty."""
        return self._queue[0][0] if self._queue else None


def check_share(share: float) -> None:
    """Raise ValueError unless ``share`` is a share: 0 (nothing) to 1 (everything)."""
    if not 0 <= share <= 1:
        raise ValueError("loss is 0% to 100%")


def loss_model(
    share: float, rng: Random, *, mean_burst: float | None = None, mean_burst_s: float | None = None
) -> Loss:
    """The loss asked for: ``mean_burst`` in frames, ``mean_burst_s`` in time, neither for independent loss.

    Raises ValueError for wishes that contradict each other or themselves.
    """
    if mean_burst is not None and mean_burst_s is not None:
        raise ValueError("bursts are measured in frames or in time, not both")
    if (mean_burst is not None or mean_burst_s is not None) and share == 0:
        raise ValueError("bursts of what? say how much is lost")
    if mean_burst_s is not None:
        return TimedLoss(share, rng, mean_burst_s)
    return PacketLoss(share, rng, mean_burst) if share else NoLoss()
