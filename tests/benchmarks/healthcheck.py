"""A rival: a threshold script in the manner of ExaBGP's healthcheck.

Per link one command is run again and again: a ping of one far host out of the link's own address. ``fall``
failures in a row and the link is down, ``rise`` successes and it is up; between them the next check comes after
``fast_interval`` instead of ``interval``. ExaBGP's defaults are interval 5 s, fast interval 1 s, rise 3, fall 3.
Down means that the link's neighbors get the drained role policies, which the controller left installed, and up
that they get back what they had. It runs vtysh on the router itself, so it pays for no SSH and verifies nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import threading
import time
from dataclasses import dataclass
from ipaddress import ip_address

from controller.config import default_inventory, load
from controller.core import names
from controller.core.model import DRAINED, Direction, Family, Link, Placement, Policy
from controller.lab.lab import Lab
from tests.lab.operate import attached

TARGET = ip_address("198.51.100.1")


@dataclass(frozen=True)
class Settings:
    """As ExaBGP names them; ``wait`` is ping's -W. All in seconds."""

    interval: float = 5.0
    fast_interval: float = 1.0
    rise: int = 3
    fall: int = 3
    wait: float = 1.0

    def __str__(self) -> str:
        return (
            f"every {self.interval:g} s, {self.fast_interval:g} s while it changes, "
            f"rise {self.rise}, fall {self.fall}, ping -W {self.wait:g}"
        )


DEFAULTS = Settings()
TUNED = Settings(interval=0.2, fast_interval=0.2, wait=0.3)


class Check:
    """One link."""

    def __init__(self, lab: Lab, policy: Policy, link: Link, settings: Settings) -> None:
        self._lab, self._link, self._set = lab, link, settings
        self._asn = policy.routers[link.router].asn
        self._classes = len(policy.classes)
        self._home = attached(lab, link.router)
        source = str(link.probe_source[Family.IPV4])
        ping = ["ping", "-n", "-q", "-c", "1", "-W", f"{settings.wait:g}", "-I", source, str(TARGET)]
        self._ping = lab.command("noc", ping)

    def run(self, stop: threading.Event) -> None:
        """Check until told to stop."""
        up, streak = True, 0
        while not stop.is_set():
            well = subprocess.run(self._ping, capture_output=True, check=False).returncode == 0
            streak = 0 if well == up else streak + 1
            if streak >= (self._set.fall if up else self._set.rise):
                up, streak = not up, 0
                self._tell(up=up)
            stop.wait(self._set.fast_interval if streak else self._set.interval)

    def _tell(self, *, up: bool) -> None:
        print(f"{time.monotonic():.3f} {self._link.name} {'up' if up else 'down'}", flush=True)
        drained = (Placement(DRAINED),) * self._classes
        lines = []
        for family, neighbor in self._link.neighbors.items():
            lines.append(f"address-family {family} unicast")
            for way in Direction:
                role = (
                    self._home[str(neighbor), way] if up else names.policy_name(self._link.name, drained, way)
                )
                lines.append(f"neighbor {neighbor} route-map {role} {way}")
            lines.append("exit-address-family")
        router = self._lab.router(self._link.router)
        router.vtysh("configure terminal", f"router bgp {self._asn}", *lines, "end")


def main() -> None:
    """Check every link of the lab until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", required=True)
    for name, value in vars(DEFAULTS).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    wanted = vars(parser.parse_args())
    lab, policy = Lab(wanted.pop("lab")), load(default_inventory()).policy
    stop = threading.Event()
    checks = [Check(lab, policy, link, Settings(**wanted)) for link in policy.links.values()]
    threads = [threading.Thread(target=check.run, args=(stop,)) for check in checks]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stop.set()


if __name__ == "__main__":
    main()
