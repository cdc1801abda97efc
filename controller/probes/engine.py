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
from controller.probes.outstanding import Outstanding, Slot
from controller.probes.packets import TOKEN_LEN, echo_request
from controller.probes.schedule import Schedule
from controller.probes.wire import Mouth, Wire

TICK_S: Final = 0.01  # between ticks; replies carry the kernel's time, so reading late does not blur RTTs
_LATE_SHARE: Final = 0.25  # a tick later than this share of the timeout makes what expired meanwhile invalid

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
    }
)


@dataclass(frozen=True, slots=True)
class Aim:
    """What to probe, and the way to send there."""

    slot: Slot
    mouth: Mouth


class Engine:
    """Probes every aim once an interval, evenly spread, and says what became of each probe."""

    def __init__(
        self,
        aims: Sequence[Aim],
        interval_s: float,
        timeout_s: float,
        *,
        readable: Callable[[], Iterable[Wire]],
        clock: Callable[[], float] = time.monotonic,
        first_number: int | None = None,
    ) -> None:
        self._aims = aims
        self._timeout_s = timeout_s
        self._readable = readable
        self._clock = clock
        self._token = secrets.token_bytes(TOKEN_LEN)  # tells our replies from any other process's, ever
        self._number = secrets.randbits(16) if first_number is None else first_number
        self._ticked_at = clock()
        self._overrun_at = self._ticked_at - timeout_s
        self._schedule = Schedule(len(aims), interval_s, self._ticked_at)
        self._outstanding = Outstanding(self._token, timeout_s)

    def tick(self) -> list[Sample]:
        """Read what came, expire what did not, send what is due.

        In this order, so that a reply which waits in a socket is never taken for lost.
        """
        now = self._clock()
        samples = self._read(now)
        blind_to = self._overrun_at
        if now - self._ticked_at > TICK_S + self._timeout_s * _LATE_SHARE:
            blind_to = now - self._timeout_s
        samples += self._outstanding.expire(now, blind_to=blind_to)
        for index in self._schedule.due(now):
            samples += self._send(self._aims[index])
        self._ticked_at = self._clock()
        return samples

    def _read(self, now: float) -> list[Sample]:
        samples = []
        for wire in self._readable():
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
        packet = echo_request(slot.family, wire.ident, number, self._token)
        sent_at = self._clock()
        sent = Sample(slot.path, slot.target, number, sent_at, SampleState.SENT)
        try:
            wire.send(packet, slot.destination, aim.mouth.ancillary)
        except OSError as error:
            code = error.errno or 0
            state = SampleState.LOST if code in _UNREACHABLE else SampleState.INVALID
            detail = f"not sent: {os.strerror(code)}"
            return [sent, Sample(slot.path, slot.target, number, sent_at, state, detail=detail)]
        self._outstanding.add(slot, number, wire.ident, sent_at)
        return [sent]
