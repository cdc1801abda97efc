"""DNS: a question to a name server, and how it answers (RFC 1035). dnspython knows the wire format."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from controller.core.model import DnsQuery, Endpoint, Target
from controller.probes.messages import Answer, Slot

_ID_LEN = 2


class DnsLanguage:
    """Questions as policy words them. The message's identifier is the probe's sequence."""

    def __init__(self) -> None:
        self._asked: dict[Target, tuple[bytes, bytes]] = {}  # the message less its identifier, and its proof

    def learn(self, target: Target) -> None:
        """Word the question to this target."""
        if not isinstance(target, Endpoint) or not isinstance(target.ask, DnsQuery):
            raise TypeError(target)
        query = dns.message.make_query(target.ask.name, target.ask.rrtype)
        self._asked[target] = query.to_wire()[_ID_LEN:], _proof(query)

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """A query, and the question that its answer repeats."""
        rest, proof = self._asked[slot.target]
        return (number & 0xFFFF).to_bytes(_ID_LEN) + rest, proof

    def parse(self, data: bytes, ident: int) -> Answer | None:
        """A response of whatever RCODE; only header and question are read."""
        try:
            message = dns.message.from_wire(data, question_only=True, ignore_trailing=True)
        except dns.exception.DNSException:
            return None
        if not message.flags & dns.flags.QR:
            return None
        return Answer(ident, message.id, _proof(message), dns.rcode.to_text(message.rcode()))

    def sequence(self, quoted: bytes) -> int | None:
        """The identifier of a query of ours."""
        return int.from_bytes(quoted[:_ID_LEN]) if len(quoted) >= _ID_LEN else None


def _proof(message: dns.message.Message) -> bytes:
    """The question, in lower case: servers may spell it in any."""
    return b"".join(question.to_text().lower().encode() for question in message.question)
