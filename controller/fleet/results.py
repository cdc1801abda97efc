"""What routers measure by themselves: NAPALM's ``get_probes_results``, which Junos and IOS XR have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.fleet.connect import translated
from controller.fleet.fleet import NornirFleet
from controller.ports import RouterResult


class RouterTestReader:
    """``ports.ResultReader``, over a connection of its own to each router."""

    def __init__(self, fleet: NornirFleet) -> None:
        self._fleet = fleet

    async def results(self, router: str) -> Mapping[tuple[str, str], RouterResult]:
        """What this router shows. Raises SourceError."""
        return await self._fleet.ask("tests", router, read)


def read(driver: Any) -> dict[tuple[str, str], RouterResult]:
    """Ask one router; by probe and test. Raises DeviceError.

    NAPALM shows a loss of 0 where a test has not run yet: without a round trip that is no result.
    """
    with translated():
        shown = driver.get_probes_results()
    return {
        (str(probe), str(name)): RouterResult(loss_percent, rtt_ms or None, repr(sorted(told.items())))
        for probe, tests in shown.items()
        for name, told in tests.items()
        for loss_percent, rtt_ms in [(float(told["last_test_loss"] or 0), _rtt_ms(told))]
        if rtt_ms or loss_percent >= 100
    }


def _rtt_ms(told: Mapping[str, Any]) -> float:
    """Of the last whole test, or of the last probe."""
    return float(told.get("last_test_avg_delay") or told.get("rtt") or 0.0)
