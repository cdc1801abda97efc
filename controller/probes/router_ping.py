"""Links that only their own router can probe: it pings, and what it says becomes samples like any other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.core.evidence import Rhythm
from controller.core.model import Endpoint, Link, Policy, Sample, SampleState
from controller.ports import Pinger


@dataclass(frozen=True, slots=True)
class RouterPingSource:
    """One link's router, asked to ping every target once a round: a ``ports.SignalSource``."""

    link: Link
    policy: Policy
    pinger: Pinger
    _number: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def name(self) -> str:
        """Whose pings these are."""
        return f"pings by {self.link.router} over {self.link.name}"

    @property
    def every_s(self) -> float:
        """Between two rounds."""
        return self.policy.health.router_ping_s

    async def read(self) -> Sequence[Sample]:
        """A round: one ping of each target. Raises SourceError when the router cannot be asked."""
        targets = [each for each in self.policy.probed_through(self.link) if not isinstance(each, Endpoint)]
        timeout_s = int(Rhythm.of_router(self.policy.health).timeout_s)
        samples = []
        for pinged in await self.pinger.ping(self.link.name, targets, timeout_s):
            about = self.link.name, pinged.target, next(self._number), pinged.sent_at
            samples.append(Sample(*about, SampleState.SENT))
            samples.append(Sample(*about, pinged.state, pinged.rtt_ms, pinged.detail))
        return samples
