"""The prober's clockwork: sends, reads and expires when ticked. Owns no event loop and no sockets."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from controller.core.model import Sample, SampleState
from controller.probes.messages import Slot
from controller.probes.outstanding import Outstanding, Probe
from controller.probes.schedule import Schedule
from controller.probes.wire import Mouth, Wire

TICK_S: Final = 0.01  # between ticks; replies carry the kernel's time, so reading late does not blur RTTs
HELD_UP_S: Final = 0.02  # in sending one probe: longer, and its RTT would be our own

# The path's word, or its state on this host: the target cannot be reached this way. EINVAL: an IPv6 source
# address gone, or a blackhole route. EACCES: a prohibit route. Any other error is the prober's own trouble.
_UNREACHABLE: Final = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.EADDRNOTAVAIL,
        errno.ENETDOWN,
        errno.EHOSTDOWN,
        errno.ENODEV,
        errno.ENXIO,
        errno.EACCES,
        errno.EINVAL,
        errno.ECONNREFUSED,
    }
)


@dataclass(frozen=True, slots=True)
class Aim:
    """What to probe, the way to send there, and when."""

    slot: Slot
    mouth: Mouth
    interval_s: float
    timeout_s: float
    floor_s: float = 0.0  # never probed more often than this, whatever pace is asked for


class Engine:
    """Probes every aim once in its interval, evenly spread, and says what became of each probe."""

    def __init__(
        self,
        aims: Sequence[Aim],
        *,
        readable: Callable[[], Iterable[Wire]],
        clock: Callable[[], float] = time.monotonic,
        first_number: int | None = None,
    ) -> None:
        self._aims = aims
        self._readable = readable
        self._clock = clock
        self._number = secrets.randbits(16) if first_number is None else first_number
        self._ticked_at = self.heard_until = clock()
        self._overrun_at = float("-inf")
        self._schedule = Schedule([(aim.interval_s, aim.floor_s) for aim in aims], self._ticked_at)
        self._outstanding = Outstanding()
        self._wires = {id(aim.mouth.wire): aim.mouth.wire for aim in aims}

    def pace(self, path: str, interval_s: float) -> None:
        """Probe this path's targets at this interval from now on, none more often than its own floor."""
        chosen = [index for index, aim in enumerate(self._aims) if aim.slot.path == path]
        self._schedule.pace(chosen, interval_s, self._clock())

    def tick(self) -> list[Sample]:
        """Read what came, expire what did not, send what is due.

        In this order, so that a reply which waits in a socket is never taken for lost.
        """
        now = self.heard_until = self._clock()
        samples = self._read(self._readable(), now)
        if self._outstanding.overdue(now):
            # What came and found no room has woken nobody: ask all before any probe is given up.
            samples += self._read(self._wires.values(), now)
        late_s = now - self._ticked_at - TICK_S
        expired = self._outstanding.expire(now, late_s=late_s, deaf_until=self._overrun_at)
        if expired:
            over = [sample.seq & 0xFFFF for sample in expired]
            for wire in self._wires.values():
                wire.forget(over)
            samples += expired
        for index in self._schedule.due(now):
            samples += self._send(self._aims[index])
        self._ticked_at = self._clock()
        return samples

    def _read(self, wires: Iterable[Wire], now: float) -> list[Sample]:
        samples = []
        for wire in wires:
            received = wire.receive()
            if received.overrun:
                self._overrun_at = now
            for arrival in received.arrivals:
                sample = self._outstanding.settle(arrival)
                if sample is not None:
                    samples.append(sample)
        return samples

    def _send(self, aim: Aim) -> list[Sample]:
        slot, wire = aim.slot, aim.mouth.wire
        if self._outstanding.full:
            return []
        number = self._number
        self._number += 1
        packet, proof = wire.compose(slot, number)
        sent_at = self._clock()
        sent = Sample(slot.path, slot.target, number, sent_at, SampleState.SENT)
        try:
            wire.send(packet, slot, aim.mouth.ancillary)
        except OSError as error:
            code = error.errno or 0
            state = SampleState.LOST if code in _UNREACHABLE else SampleState.INVALID
            detail = f"not sent: {os.strerror(code)}"
            return [sent, Sample(slot.path, slot.target, number, sent_at, state, detail=detail)]
        if self._clock() - sent_at > HELD_UP_S:
            detail = "the prober was held up while sending"
            wire.forget([number & 0xFFFF])
            return [sent, Sample(slot.path, slot.target, number, sent_at, SampleState.INVALID, detail=detail)]
        self._outstanding.add(Probe(slot, number, wire.ident, sent_at, aim.timeout_s, proof))
        return [sent]
