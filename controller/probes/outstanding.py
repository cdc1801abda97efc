"""Probes that wait for their answer. Pure: bounded, matched strictly, expired in order."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from controller.core.model import Sample, SampleState
from controller.probes.messages import Answer, Arrival, Failure, Slot

MAX_OUTSTANDING: Final = 1 << 15  # half the space of sequence numbers: a late reply never meets a reused one
_WHILE_READING_S: Final = 0.1  # replies may come in while a socket is being emptied
_LATE_SHARE: Final = 0.25  # a tick later than this share of a timeout makes what expired meanwhile invalid


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe that has left."""

    slot: Slot
    number: int
    ident: int
    sent_at: float
    timeout_s: float
    proof: bytes


class Outstanding:
    """Sent probes by sequence number."""

    def __init__(self) -> None:
        self._probes: dict[int, Probe] = {}
        self._order: list[tuple[float, int, Probe]] = []  # a heap: deadline, number

    def __len__(self) -> int:
        return len(self._probes)

    @property
    def full(self) -> bool:
        """No further probe may be sent now."""
        return len(self._order) >= MAX_OUTSTANDING

    def add(self, probe: Probe) -> None:
        """A probe has left. Numbers go up by one from probe to probe."""
        self._probes[probe.number & 0xFFFF] = probe
        heappush(self._order, (probe.sent_at + probe.timeout_s, probe.number, probe))

    def settle(self, arrival: Arrival) -> Sample | None:
        """What an arrival says about one of our probes; None when it is not the answer to any.

        An answer counts only with our identifier, sequence and proof, from the probed target, to the source
        that the probe had. Identifiers and sequences alone repeat between processes and hosts.
        """
        message = arrival.message
        probe = self._probes.get(message.sequence)
        if probe is None or message.ident != probe.ident:
            return None
        if isinstance(message, Answer):
            return self._answered(probe, message, arrival) if _answers(message, probe, arrival) else None
        if not _quotes(message, probe):
            return None
        detail = f"{message.reason}, says {arrival.sender}" if arrival.sender else message.reason
        return self._close(probe, SampleState.LOST, detail=detail)

    def overdue(self, now: float) -> bool:
        """Whether ``expire`` would give up a probe now."""
        while self._order and self._probes.get(self._order[0][1] & 0xFFFF) is not self._order[0][2]:
            heappop(self._order)  # answered
        return bool(self._order) and self._order[0][0] <= now

    def expire(self, now: float, *, late_s: float, deaf_until: float) -> list[Sample]:
        """Every probe unanswered for its timeout: lost, or invalid where the prober itself may be to blame.

        ``late_s``: how much later than it should the prober looks at its sockets. ``deaf_until``: answers to
        probes sent until then may have been dropped on this host.
        """
        expired = []
        while self._order and self._order[0][0] <= now:
            _, _, probe = heappop(self._order)
            if self._probes.get(probe.number & 0xFFFF) is not probe:
                continue
            if late_s > probe.timeout_s * _LATE_SHARE or probe.sent_at <= deaf_until:
                expired.append(
                    self._close(probe, SampleState.INVALID, detail="the prober was late or overrun")
                )
            else:
                expired.append(self._close(probe, SampleState.LOST, detail="no reply"))
        return expired

    def _answered(self, probe: Probe, answer: Answer, arrival: Arrival) -> Sample | None:
        longest_s = arrival.read_at - probe.sent_at + _WHILE_READING_S
        rtt_s = -1.0 if arrival.at is None else arrival.at - probe.sent_at
        if not 0 <= rtt_s <= longest_s:
            return self._close(probe, SampleState.INVALID, detail="answered while the clock was set")
        if rtt_s > probe.timeout_s:
            return None  # too late: it expires with the others of its time
        if answer.word not in probe.slot.accepts:
            return self._close(probe, SampleState.LOST, detail=f"answered {answer.word}")
        if 0 < answer.spent_s < rtt_s:
            rtt_s -= answer.spent_s
        return self._close(probe, SampleState.OK, rtt_ms=rtt_s * 1000)

    def _close(
        self, probe: Probe, state: SampleState, *, rtt_ms: float | None = None, detail: str = ""
    ) -> Sample:
        del self._probes[probe.number & 0xFFFF]
        slot = probe.slot
        return Sample(slot.path, slot.target, probe.number, probe.sent_at, state, rtt_ms, detail)


def _quotes(failure: Failure, probe: Probe) -> bool:
    source = probe.slot.packed_source
    return failure.destination == probe.slot.packed_destination and source in (None, failure.source)


def _answers(answer: Answer, probe: Probe, arrival: Arrival) -> bool:
    slot = probe.slot
    return (
        answer.proof == probe.proof
        and (arrival.sender, arrival.port) == (slot.destination, slot.port)
        and slot.packed_source in (None, arrival.packed_destination)
    )
