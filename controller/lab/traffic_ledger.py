"""The bookkeeping of a flow of numbered packets, and the schedule they leave on. Pure."""

from __future__ import annotations

import heapq
import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator

from controller.lab.traffic_report import Outage, WindowReport

MAX_PACKETS = 3_600_000  # an hour at 1,000/s: 13 bytes each, 47 MB a flow
OUTAGES_KEPT = 100  # a window at 10 % loss has thousands, of one packet each; the longest tell the story
CATCH_UP_PACKETS = 10  # sent back to back after a stall; what was due before them is skipped

_NOT_RECEIVED = -1.0
_REORDERED = 0x80  # in the flags byte; the other seven bits count copies, and stop at _MOST_COPIES
_MOST_COPIES = 0x7F


class FlowLedger:
    """What was sent when, and what arrived. Sequence numbers count from 0, in the order of sending."""

    def __init__(self, limit: int = MAX_PACKETS) -> None:
        self._limit = limit
        self._sent_at = array("d")
        self._delay_s = array("f")
        self._flags = bytearray()
        self._newest = -1
        self.received_total = 0
        self.last_received_at: float | None = None

    def __len__(self) -> int:
        return len(self._sent_at)

    @property
    def full(self) -> bool:
        """There is no room for another packet."""
        return len(self) >= self._limit

    def sent(self, at: float) -> int:
        """A packet leaves at ``at`` (never before the last one): its sequence number.

        Raises OverflowError when the ledger is full.
        """
        if self.full:
            raise OverflowError(f"a flow is {self._limit} packets at most")
        self._sent_at.append(at)
        self._delay_s.append(_NOT_RECEIVED)
        self._flags.append(0)
        return len(self) - 1

    def received(self, seq: int, at: float) -> None:
        """Packet ``seq`` arrived. Raises IndexError for one that was never sent."""
        if not 0 <= seq < len(self):
            raise IndexError(f"packet {seq} was never sent")
        self.last_received_at = at
        if self._delay_s[seq] >= 0:
            if self._flags[seq] & _MOST_COPIES < _MOST_COPIES:
                self._flags[seq] += 1
            return
        self._delay_s[seq] = max(0.0, at - self._sent_at[seq])
        self.received_total += 1
        if seq < self._newest:
            self._flags[seq] |= _REORDERED
        self._newest = max(self._newest, seq)

    def window(self, label: str, start: float, end: float, settled_before: float = math.inf) -> WindowReport:
        """What became of the packets sent from ``start`` until before ``end``.

        One that has not arrived is lost if it was sent before ``settled_before``, else still in flight.
        """
        first, last = bisect_left(self._sent_at, start), bisect_left(self._sent_at, max(start, end))
        delays = [delay for delay in self._delay_s[first:last] if delay >= 0]
        flags = self._flags[first:last]
        unsettled = min(max(bisect_left(self._sent_at, settled_before), first), last)
        in_flight = sum(1 for delay in self._delay_s[unsettled:last] if delay < 0)
        outages, count = self._longest_outages(first, last, unsettled, end)
        return WindowReport(
            label=label,
            start=start,
            end=end,
            sent=last - first,
            received=len(delays),
            lost=last - first - len(delays) - in_flight,
            in_flight=in_flight,
            duplicates=sum(flag & _MOST_COPIES for flag in flags),
            reordered=sum(1 for flag in flags if flag & _REORDERED),
            outage_count=count,
            outages=outages,
            delay_ms_mean=1000 * sum(delays) / len(delays) if delays else None,
            delay_ms_max=1000 * max(delays) if delays else None,
        )

    def _longest_outages(
        self, first: int, last: int, unsettled: int, end: float
    ) -> tuple[tuple[Outage, ...], int]:
        count = 0
        longest: list[tuple[float, float, Outage]] = []  # a heap: the shortest one kept comes first
        for outage in self._outages(first, last, unsettled, end):
            entry = (outage.length_ms, outage.start, outage)
            if count < OUTAGES_KEPT:
                heapq.heappush(longest, entry)
            else:
                heapq.heappushpop(longest, entry)
            count += 1
        return tuple(sorted((outage for *_, outage in longest), key=lambda outage: outage.start)), count

    def _outages(self, first: int, last: int, unsettled: int, end: float) -> Iterator[Outage]:
        packets = 0
        start = 0.0
        for seq in range(first, last):
            if self._delay_s[seq] >= 0:
                if packets:
                    yield Outage(start, self._sent_at[seq], packets, healed=True)
                packets = 0
            elif seq < unsettled:
                if not packets:
                    start = self._sent_at[seq]
                packets += 1
        if packets:
            yield Outage(start, end, packets, healed=False)


class Pacer:
    """A steady schedule: packet ``n`` is due at ``start + n * interval``, however late the one before left.

    Integer nanoseconds, so that hours of adding up do not drift. After a stall at most ``burst`` packets are
    due at once; the others that were missed are skipped and counted.
    """

    def __init__(self, start_ns: int, interval_ns: int, burst: int = CATCH_UP_PACKETS) -> None:
        self._start_ns = start_ns
        self._interval_ns = interval_ns
        self._burst = burst
        self._ticks = 0
        self.skipped = 0
        self.late_ns = 0  # the worst so far

    @property
    def next_ns(self) -> int:
        """When the next packet is due."""
        return self._start_ns + self._ticks * self._interval_ns

    def due(self, now_ns: int) -> int:
        """How many packets to send now."""
        behind = now_ns - self.next_ns
        if behind < 0:
            return 0
        self.late_ns = max(self.late_ns, behind)
        missed = behind // self._interval_ns + 1
        self._ticks += missed
        now = min(missed, self._burst)
        self.skipped += missed - now
        return now
