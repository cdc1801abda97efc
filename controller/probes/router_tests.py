"""What routers measure by themselves (RPM, IP SLA), as signals on links.

NAPALM does not tell when a test ran. So a result counts from when it was first seen like this: one that stays
the same for ``fresh`` is no evidence. Only total loss may stay the same, for it has nothing else to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.core.model import Signal, Verdict
from controller.core.witnesses import RouterTest
from controller.ports import Clock, ResultReader, RouterResult


@dataclass
class RouterTestSource:
    """One router's tests: a ``ports.SignalSource``."""

    router: str
    tests: Sequence[RouterTest]
    every_s: float
    reader: ResultReader
    clock: Clock
    log: Any
    _seen: dict[RouterTest, tuple[str, float]] = field(default_factory=dict)  # what is shown, and since when
    _missed: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Whose tests these are."""
        return f"tests by {self.router}"

    async def read(self) -> Sequence[Signal]:
        """What each test says of its link. Raises SourceError when the router cannot be asked.

        A test that the router does not show is logged once, and says nothing.
        """
        shown = await self.reader.results(self.router)
        now = self.clock.now()
        found = {
            test: shown[test.probe, test.test] for test in self.tests if (test.probe, test.test) in shown
        }
        missed = frozenset(str(test) for test in self.tests if test not in found)
        if missed - self._missed:
            say = f"{self.router} shows no result of some tests"
            self.log.warning(say, tests=", ".join(sorted(missed)))
        self._missed = missed
        return [judged(test, result, self._since(test, result, now)) for test, result in found.items()]

    def _since(self, test: RouterTest, result: RouterResult, now: float) -> float:
        mark, since = self._seen.get(test, ("", now))
        if mark != result.mark or result.loss_percent >= 100:
            since = now
        self._seen[test] = result.mark, since
        return since


def judged(test: RouterTest, result: RouterResult, at: float) -> Signal:
    """What one result says of its link."""
    said = [f"lost {result.loss_percent:g} %"]
    bad = test.loss_percent is not None and result.loss_percent > test.loss_percent
    if bad:
        said[0] += f", above {test.loss_percent:g} %"
    if result.rtt_ms is not None:
        said.append(f"took {result.rtt_ms:.1f} ms")
        if test.rtt_ms is not None and result.rtt_ms > test.rtt_ms:
            bad = True
            said[1] += f", above {test.rtt_ms:g} ms"
    return Signal(
        link=test.link,
        kind=f"test {test.router} {test}",
        at=at,
        verdict=Verdict(test.verdict) if bad else Verdict.UP,
        why=f"{test.router}'s test {test} {', '.join(said)}",
        fresh_s=test.fresh_s,
    )
