"""Probes that wait for their reply. Pure: bounded, matched strictly, expired in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from controller.core.model import Address, Family, Sample, SampleState
from controller.probes.packets import EchoError, EchoReply

MAX_OUTSTANDING: Final = 1 << 15  # half the space of sequence numbers: a late reply never meets a reused one
_WHILE_READING_S: Final = 0.1  # replies may come in while a socket is being emptied


@dataclass(frozen=True, slots=True)
class Slot:
    """One target through one path: what a probe is for, and what its reply must look like."""

    path: str
    target: Address
    family: Family
    destination: str  # the target as the kernel writes it
    packed_destination: bytes
    packed_source: bytes | None  # None: the device's own choice


@dataclass(frozen=True, slots=True)
class Arrival:
    """A reply or error as received: by whom, for which of our addresses, when."""

    message: EchoReply | EchoError
    sender: str
    packed_destination: bytes | None
    at: float  # monotonic, from the kernel's own timestamp
    read_at: float  # monotonic, when it was read from the socket


@dataclass(frozen=True, slots=True)
class _Probe:
    slot: Slot
    number: int
    ident: int
    sent_at: float


class Outstanding:
    """Sent probes by sequence number."""

    def __init__(self, token: bytes, timeout_s: float) -> None:
        self._token = token
        self._timeout_s = timeout_s
        self._probes: dict[int, _Probe] = {}
        self._order: deque[_Probe] = deque()

    def __len__(self) -> int:
        return len(self._probes)

    @property
    def full(self) -> bool:
        """No further probe may be sent now."""
        return len(self._order) >= MAX_OUTSTANDING

    def add(self, slot: Slot, number: int, ident: int, sent_at: float) -> None:
        """A probe has left. Calls come in the order of ``sent_at``."""
        probe = _Probe(slot, number, ident, sent_at)
        self._probes[number & 0xFFFF] = probe
        self._order.append(probe)

    def settle(self, arrival: Arrival) -> Sample | None:
        """What an arrival says about one of our probes; None when it is not the answer to any.

        A reply counts only with our identifier, sequence and body, from the probed target, to the source
        that the probe had. Identifiers and sequences alone repeat between processes and hosts.
        """
        message = arrival.message
        probe = self._probes.get(message.sequence)
        if probe is None or message.ident != probe.ident:
            return None
        if isinstance(message, EchoError):
            if not self._quotes(message, probe):
                return None
            detail = f"{message.reason}, says {arrival.sender}"
            return self._close(probe, SampleState.LOST, detail=detail)
        if not self._answers(message, probe, arrival):
            return None
        rtt_s = arrival.at - probe.sent_at
        longest_s = arrival.read_at - probe.sent_at
        if not 0 <= rtt_s <= longest_s + _WHILE_READING_S:  # the wall clock, which the kernel uses, was set
            rtt_s = max(longest_s, 0.0)
        if rtt_s > self._timeout_s:
            return None  # too late: it expires with the others of its time
        return self._close(probe, SampleState.OK, rtt_ms=rtt_s * 1000)

    def expire(self, now: float, *, blind_to: float) -> list[Sample]:
        """Every probe unanswered for the timeout: lost, or invalid if sent when the prober could not hear.

        ``blind_to``: replies to probes sent until then may have been missed by the prober itself.
        """
        expired = []
        while self._order and self._order[0].sent_at + self._timeout_s <= now:
            probe = self._order.popleft()
            if self._probes.get(probe.number & 0xFFFF) is not probe:
                continue
            if probe.sent_at <= blind_to:
                expired.append(
                    self._close(probe, SampleState.INVALID, detail="the prober was late or overrun")
                )
            else:
                expired.append(self._close(probe, SampleState.LOST, detail="no reply"))
        return expired

    def _quotes(self, error: EchoError, probe: _Probe) -> bool:
        source = probe.slot.packed_source
        return error.destination == probe.slot.packed_destination and source in (None, error.source)

    def _answers(self, reply: EchoReply, probe: _Probe, arrival: Arrival) -> bool:
        slot = probe.slot
        return (
            reply.number == probe.number
            and reply.token == self._token
            and arrival.sender == slot.destination
            and slot.packed_source in (None, arrival.packed_destination)
        )

    def _close(
        self, probe: _Probe, state: SampleState, *, rtt_ms: float | None = None, detail: str = ""
    ) -> Sample:
        del self._probes[probe.number & 0xFFFF]
        slot = probe.slot
        return Sample(slot.path, slot.target, probe.number, probe.sent_at, state, rtt_ms, detail)
