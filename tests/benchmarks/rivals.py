"""Who is to restore traffic: each makes itself ready on the lab, and leaves it as it was.

All start from the same routers: the controller's role policies installed, traffic on the preferred upstream. So
they differ in what notices a fault and acts, and in nothing else.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from controller.lab.liveness import AS_FRR_DOES, Liveness
from tests.benchmarks.healthcheck import DEFAULTS, TUNED, Settings
from tests.lab.operate import Site, entries, exits, wait_for

CALM_WITHIN_S = (
    90.0  # a session that met a silent link, and a script that waits for three successes, take long
)
PREFERRED = ("azerbaijan", 64501)

Calm = Callable[[], bool]


@dataclass(frozen=True)
class Rival:
    """Its name in tables, what it is, and how it is set to work; what that gives tells when it is calm."""

    title: str
    what: str
    start: Callable[[Site], AbstractContextManager[Calm]]


@contextmanager
def _controller(site: Site) -> Iterator[Calm]:
    with site.start() as controller:
        yield controller.settled


def _routers_alone(liveness: Liveness) -> Callable[[Site], AbstractContextManager[Calm]]:
    @contextmanager
    def start(site: Site) -> Iterator[Calm]:
        if liveness != AS_FRR_DOES:
            site.lab.set_liveness(liveness)
        try:
            yield lambda: True
        finally:
            if liveness != AS_FRR_DOES:
                site.lab.set_liveness(AS_FRR_DOES)

    return start


def _script(settings: Settings) -> Callable[[Site], AbstractContextManager[Calm]]:
    @contextmanager
    def start(site: Site) -> Iterator[Calm]:
        argv = [sys.executable, "-m", "tests.benchmarks.healthcheck", "--lab", site.lab.name]
        for name, value in vars(settings).items():
            argv += [f"--{name.replace('_', '-')}", str(value)]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
            try:
                yield lambda: process.poll() is None
            finally:
                process.kill()

    return start


RIVALS = {
    "controller": Rival(
        "this controller", "`failover run`, the lab's policy (`ride_out: 400ms`)", _controller
    ),
    "bgp": Rival("BGP alone", "FRR's timers, 60/180 s", _routers_alone(AS_FRR_DOES)),
    "timers": Rival("BGP, 3/9 s timers", "at both ends", _routers_alone(Liveness((3, 9)))),
    "bfd": Rival("BFD 3 x 300 ms", "FRR's bfdd at both ends", _routers_alone(Liveness(bfd=True))),
    "script": Rival(
        "threshold script", f"in the manner of ExaBGP's healthcheck: {DEFAULTS}", _script(DEFAULTS)
    ),
    "script-fast": Rival("threshold script, tuned", f"the same: {TUNED}", _script(TUNED)),
}


def wait_calm(site: Site, rival_is_calm: Calm) -> None:
    """Wait until nothing is left of the last fault: sessions up, both ways on the preferred upstream, rival calm."""
    site.lab.wait_ready(CALM_WITHIN_S)
    device, asn = PREFERRED

    def calm() -> bool:
        return rival_is_calm() and exits(site.lab) == (device, device) and entries(site.lab) == (asn, asn)

    wait_for("calm after the last fault", CALM_WITHIN_S, calm)
