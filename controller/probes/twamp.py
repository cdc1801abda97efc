"""TWAMP Light and STAMP: test packets that a reflector sends back with its own timestamps.

The sender of RFC 8762 (STAMP), unauthenticated: 44 bytes each way, so that nothing is amplified. Reflectors
of RFC 5357, appendix I (TWAMP Light) answer it likewise (RFC 8762, section 4.6). The time that a probe spends
in the reflector is told by its two timestamps, and is not counted as round trip.
"""

from __future__ import annotations

import struct
import time
from typing import Final

from controller.core.model import Target
from controller.probes.messages import Answer, Slot

PORT: Final = 862  # RFC 8762, section 4.1
# Sequence, timestamp (NTP: seconds and 2^-32 fractions since 1900), error estimate, zeros.
_REQUEST: Final = struct.Struct("!IIIH30x")
# The same of the reflector; when it received the probe; what the probe carried, its error estimate, its TTL.
_REPLY: Final = struct.Struct("!IIIH2xII12sH2xB")
_CARRIED: Final = 12  # bytes of a probe that come back: sequence and timestamp
_NTP_EPOCH: Final = 2_208_988_800  # 1970 in seconds since 1900 (RFC 5905)
_UNSYNCHRONIZED: Final = (
    1  # error estimate: S 0, Z 0, scale 0; a multiplier of 0 is forbidden (RFC 4656, 4.1.2)
)
_PTP: Final = 0x4000  # error estimate, bit Z: fractions are nanoseconds (RFC 8186)


class TwampLanguage:
    """Test packets. The probe's number is the packet's sequence number."""

    def learn(self, target: Target) -> None:
        """All reflectors are asked the same."""

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """A test packet, and the part of it that comes back."""
        del slot
        now = time.time() + _NTP_EPOCH
        seconds = int(now)
        fraction = int((now - seconds) * (1 << 32))
        packet = _REQUEST.pack(number & 0xFFFFFFFF, seconds & 0xFFFFFFFF, fraction, _UNSYNCHRONIZED)
        return packet, packet[:_CARRIED]

    def parse(self, data: bytes, ident: int) -> Answer | None:
        """A reflected test packet, padded or not."""
        if len(data) < _REPLY.size:
            return None
        _, sent_s, sent, error, received_s, received, carried, _, _ = _REPLY.unpack_from(data)
        unit = 1e9 if error & _PTP else 1 << 32
        spent_s = sent_s - received_s + (sent - received) / unit
        return Answer(ident, int.from_bytes(carried[2:4]), carried, spent_s=spent_s)

    def sequence(self, quoted: bytes) -> int | None:
        """The low half of the sequence number of a test packet of ours."""
        return int.from_bytes(quoted[2:4]) if len(quoted) >= 4 else None
