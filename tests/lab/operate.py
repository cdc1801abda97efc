"""A controller on the lab, run as users run it: started, watched, stopped, killed; and what routers make of it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from controller import app
from controller.core.model import PRIMARY, Applied, Family, Outcome, Policy, Unchanged, Verdict
from controller.lab.errors import LabError
from controller.lab.inventory import write_inventory
from controller.lab.lab import Lab
from controller.lab.routers import USER
from controller.lab.topology import EDGES, OUR_PREFIXES
from controller.ports import Record, Snapshot, StoreError

# No patience at all: what is tested here is what reaches routers. Patience has tests on virtual time.
QUICK: dict[str, dict[str, Any]] = {
    "stability": {
        "hold_down": "1s",
        "fail_back": {"clean": "1s", "doubles_up_to": "1s", "forgotten_after": "1h"},
        "changes": "1000 per hour",
        "escapes": "1000 per hour",
    },
    "health": {"recover": "1s"},
}
START_WITHIN_S = 20.0
MOVE_WITHIN_S = 10.0
SETTLE_WITHIN_S = 30.0  # BGP sessions that were down take up to about 15 s to come back
POLL_S = 0.1
LEAK_LOOK_S = 1.0
COMMAND_WITHIN_S = 60.0

INTERNET = ("198.51.100.0/24", "2001:db8:100::/48")
OWNED = (
    "route-map",
    "ip prefix-list",
    "ipv6 prefix-list",
    "bgp as-path access-list",
    "bgp (?:large-)?community-list standard",
)


def wait_for(what: str, within_s: float, condition: Callable[[], object]) -> None:
    """Poll until the condition holds; fail naming it when it does not in time."""
    give_up = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up, f"waited {within_s:g} s in vain for: {what}"
        time.sleep(POLL_S)


# --- what routers run ---------------------------------------------------------------------------


def running(lab: Lab) -> dict[str, str]:
    """The configuration that each edge runs."""
    return {edge: lab.router(edge).vtysh("show running-config") for edge in EDGES}


def attached(lab: Lab, edge: str) -> dict[tuple[str, str], str]:
    """Which policy each neighbor of an edge uses in each direction."""
    found = re.findall(
        r"^ *neighbor (\S+) route-map (\S+) (in|out)$",
        lab.router(edge).vtysh("show running-config"),
        re.MULTILINE,
    )
    return {(neighbor, direction): name for neighbor, name, direction in found}


def exits(lab: Lab, edge: str = "edge1", to: Sequence[str] = INTERNET) -> tuple[str, ...]:
    """The devices by which packets to these prefixes leave an edge's kernel, one for each."""
    devices = []
    for prefix in to:
        words = ["ip", "-6" if ":" in prefix else "-4", "-j", "route", "show", prefix]
        routes = json.loads(lab.exec(edge, words).stdout)
        devices.append("+".join(sorted({route.get("dev", "?") for route in routes})))
    return tuple(devices)


def entries(lab: Lab) -> tuple[int, ...]:
    """The upstream by which the internet's best path to our prefixes comes in, as an ASN, one a family."""
    found = []
    for prefix in OUR_PREFIXES:
        family = Family.IPV4 if prefix.version == 4 else Family.IPV6
        shown = json.loads(lab.router("internet").vtysh(f"show bgp {family} unicast {prefix} json"))
        best = [path for path in shown.get("paths", ()) if path.get("bestpath", {}).get("overall")]
        found.append(int(best[0]["aspath"]["string"].split()[0]) if best else 0)
    return tuple(found)


def pending(lab: Lab, edge: str) -> bool:
    """Whether a commit waits for its confirmation on an edge."""
    seen = lab.exec(edge, ["sh", "-c", f"ls /home/{USER}/.napalm_frr/*/pending"])
    return seen.returncode == 0


def strip(lab: Lab, policy: Policy) -> None:
    """Make the edges what they were before any controller came."""
    for edge in EDGES:
        config = lab.router(edge).vtysh("show running-config")
        commands = [f"router bgp {policy.routers[edge].asn}"]
        for link in (link for link in policy.links.values() if link.router == edge):
            for family, neighbor in link.neighbors.items():
                commands += [
                    f"address-family {family} unicast",
                    f"neighbor {neighbor} route-map {link.base_policy_in} in",
                    f"neighbor {neighbor} route-map {link.base_policy_out} out",
                    "exit-address-family",
                ]
        commands.append("exit")
        owned = re.findall(rf"^({'|'.join(OWNED)}) (FO-\S+)", config, re.MULTILINE)
        commands += dict.fromkeys(f"no {kind} {name}" for kind, name in owned)
        lab.router(edge).vtysh("configure terminal", *commands, "end", "write memory")


@contextlib.contextmanager
def no_leaks(lab: Lab) -> Iterator[None]:
    """Look for leaked routes at every upstream, all the while and once more at the end; fail on any."""
    found: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(LEAK_LOOK_S):
            with contextlib.suppress(LabError):  # an upstream whose daemon is killed cannot be asked
                found.update(lab.leaks())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    assert sorted(found | set(lab.leaks())) == []


# --- the controller -----------------------------------------------------------------------------


@dataclass
class Site:
    """A lab with an inventory and a record of its own."""

    lab: Lab
    inventory: Path
    state: Path
    policy: Policy

    def argv(self, *words: str, options: Sequence[str] = ()) -> list[str]:
        """The command line of `failover` on the lab; ``options`` stand before the command."""
        command = [sys.executable, "-m", "controller", "--lab", "--lab-name", self.lab.name]
        command += ["--inventory", str(self.inventory), "--state", str(self.state), *options]
        return [*command, *words]

    def failover(self, *words: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. No command may ever answer with a traceback."""
        done = subprocess.run(
            self.argv(*words, options=options),
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def plan(self, *words: str) -> tuple[int, dict[str, Any]]:
        """`failover plan --json`: its exit code, and what it said."""
        done = self.failover("plan", "--json", *words)
        return done.returncode, json.loads(done.stdout)

    def records(self, since: int = 0) -> list[Record]:
        """The decisions after number ``since``, oldest first."""
        with contextlib.suppress(StoreError):
            return [record for record in reversed(app.history(self.state, 1000)) if record.number > since]
        return []

    def last(self) -> int:
        """The number of the newest decision."""
        return max((record.number for record in self.records()), default=0)

    def acted(self, since: int) -> list[Outcome]:
        """What was done to routers by the decisions after number ``since``."""
        outcomes = [outcome for record in self.records(since) for outcome in record.outcomes]
        return [outcome for outcome in outcomes if not isinstance(outcome, Unchanged)]

    def moves(self, since: int) -> list[Record]:
        """The decisions after number ``since`` that changed a router."""
        return [
            record
            for record in self.records(since)
            if any(isinstance(outcome, Applied) for outcome in record.outcomes)
        ]

    def start(self, options: Sequence[str] = ()) -> Controller:
        """`failover run` in the background, its log in a file."""
        return Controller(self, options)


def make_site(lab: Lab, folder: Path, changes: dict[str, dict[str, Any]] | None = None) -> Site:
    """A site with an inventory that has no patience, or other changes to the lab's own."""
    inventory = folder / "inventory"
    policy = write_inventory(inventory, QUICK if changes is None else changes)
    return Site(lab, inventory, folder / "state", policy)


@dataclass
class Controller:
    """A running `failover run`."""

    site: Site
    options: Sequence[str] = ()
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._log = self.site.state.parent / f"run-{time.monotonic_ns()}.log"
        with self._log.open("w") as log:
            argv = self.site.argv("run", "--log-json", options=self.options)
            self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=log)

    @property
    def said(self) -> str:
        """All that it wrote to stderr."""
        return self._log.read_text()

    @property
    def events(self) -> list[str]:
        """The sentences of its log."""
        lines = self.said.splitlines(keepends=True)
        return [json.loads(line)["event"] for line in lines if line.endswith("\n")]

    def snapshot(self) -> Snapshot | None:
        """What it sees now; None as long as it has shown nothing. Fails when it has ended by itself."""
        assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
        with contextlib.suppress(StoreError):
            seen = app.snapshot(self.site.state)
            return seen if seen and seen.pid == self.process.pid else None
        return None

    @property
    def sentence(self) -> str:
        """What it says of the last cycle."""
        seen = self.snapshot()
        return seen.sentence if seen else ""

    def carried_by(self) -> set[str]:
        """The upstreams that carry traffic, as the routers run it; empty while a change is under way."""
        seen = self.snapshot()
        if seen is None or seen.decision is None or seen.decision.assignment != seen.current:
            return set()
        links = self.site.policy.links
        return {
            links[link].upstream
            for placed in seen.current.values()
            for link, placement in placed.items()
            if placement.role == PRIMARY
        }

    def settled(self, on: str = "azerbaijan") -> bool:
        """Every link up and beyond suspicion, every router as intended, nothing waiting, traffic on ``on``."""
        seen = self.snapshot()
        if seen is None or seen.decision is None or not seen.health or seen.router_errors:
            return False
        well = all(health.verdict is Verdict.UP and not health.suspect for health in seen.health)
        placed = all(set(found) == set(self.site.policy.links) for found in seen.current.values())
        calm = not seen.decision.frozen and not seen.decision.held and placed
        return well and calm and self.carried_by() == {on}

    def wait_settled(self, within_s: float = SETTLE_WITHIN_S, on: str = "azerbaijan") -> None:
        """Wait until it is settled."""
        try:
            wait_for(f"a settled controller, traffic on {on}", within_s, lambda: self.settled(on))
        except AssertionError as error:
            raise AssertionError(f"{error}; it says: {self.sentence}") from None

    def wait_carried_by(self, upstream: str, within_s: float = MOVE_WITHIN_S) -> None:
        """Wait until traffic is on one upstream, confirmed and recorded."""
        wait_for(f"traffic on {upstream}", within_s, lambda: self.carried_by() == {upstream})
        wait_for("the record of it", within_s, self.recorded)

    def recorded(self) -> bool:
        """Whether the latest record wants what the routers run: the status shows that a moment earlier."""
        seen, latest = self.snapshot(), app.record(self.site.state, None)
        return bool(seen and latest and latest.decision.assignment == seen.current)

    def stop(self, within_s: float = 10.0) -> tuple[int, float]:
        """End it by SIGTERM; its exit code, and how long that took in seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert "Traceback" not in self.said, self.said
        return code, time.monotonic() - began

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()
