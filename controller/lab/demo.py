"""The demonstration: a real failover on real routers, measured from the users' side.

Brings a lab up, starts the controller in it, sends user traffic both ways, makes a fault, waits for traffic
to move and, when the fault has ended, to come back; tears all of it down and sums up.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from controller import app
from controller.core.model import PRIMARY, Applied, Decision, Family, Policy, Verdict
from controller.lab.demo_report import (
    BACK,
    CALM,
    FAULT,
    Summary,
    first_bad,
    losses,
    router_results,
)
from controller.lab.errors import LabError
from controller.lab.inventory import write_inventory
from controller.lab.lab import Lab
from controller.lab.traffic import TrafficMeter, TrafficReport
from controller.ports import Record, Snapshot, StoreError

# Short, so that a demonstration ends: real networks want minutes.
DEMO_TIMERS: dict[str, Any] = {
    "hold_down": "5s",
    "fail_back": {"clean": "5s", "doubles_up_to": "1min", "forgotten_after": "10min"},
    "changes": "60 per hour",
    "escapes": "60 per hour",
}
DEMO_RECOVER = "2s"
READY_WITHIN_S = 40.0
REACT_WITHIN_S = 25.0
RETURN_WITHIN_S = 60.0
SETTLE_S = 3.0  # traffic is watched for this long after each change
LEAK_LOOK_S = 2.0
POLL_S = 0.1
STOP_WITHIN_S = 30.0

PLACES = {
    "carrier": "edge1-azerbaijan",
    "silent": "edge1-azerbaijan",
    "blackhole": "azerbaijan",
    "loss": "azerbaijan",
    "delay": "azerbaijan",
    "withdraw": "azerbaijan",
    "router": "azerbaijan",
    "ssh": "edge1",
}
VALUES = {"loss": "30", "delay": "100"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to demonstrate."""

    kind: str = "blackhole"
    value: str | None = None
    place: str | None = None
    controller: bool = True  # False: stopped just before the fault, so that FRR is alone

    @property
    def where(self) -> str:
        """The place of the fault: as asked, or where this kind is at home."""
        return self.place or PLACES.get(self.kind, "azerbaijan")

    @property
    def amount(self) -> str | None:
        """The fault's value: as asked, or a telling one."""
        return self.value or VALUES.get(self.kind)

    def __str__(self) -> str:
        return f"{self.kind}={self.amount}" if self.amount else self.kind


def demonstrate(name: str, scenario: Scenario, say: Callable[[str], None]) -> Summary:
    """Run one scenario in a lab of its own, removed at the end whatever happens. Raises LabError."""
    lab = Lab(name)
    began = time.monotonic()
    lab.up(say)
    try:
        return _Demo(lab, scenario, say, time.monotonic() - began).run()
    finally:
        lab.down()
        say(f"lab {name} is down: nothing of it is left")


class _Demo:
    def __init__(self, lab: Lab, scenario: Scenario, say: Callable[[str], None], up_s: float) -> None:
        self._lab, self._scenario, self._up_s = lab, scenario, up_s
        self._say_raw = say
        self._began = time.monotonic()
        self._state = lab.state_dir / "state"
        self._inventory = lab.state_dir / "demo" / "inventory"
        self._process: subprocess.Popen[str] | None = None
        self._leaks: set[str] = set()
        self._leak_checks = 0

    def run(self) -> Summary:
        policy = self._write_policy()
        self._start_controller()
        try:
            with TrafficMeter(self._lab.name, families=tuple(Family)) as meter, self._watching(meter):
                return self._measure(policy, meter)
        finally:
            self._stop_controller()

    def _measure(self, policy: Policy, meter: TrafficMeter) -> Summary:
        scenario = self._scenario
        preferred = next(iter(policy.classes.values())).prefer.upstreams[0]
        self._await("every link up and roles installed", READY_WITHIN_S, lambda: self._ready(policy))
        if not scenario.controller:
            self._stop_controller()
            self._say("the controller is stopped: FRR is alone now")
        meter.mark(CALM)
        time.sleep(SETTLE_S)
        at = meter.mark(FAULT)
        self._say(f"FAULT: {scenario} at {scenario.where}")
        self._lab.fault(scenario.kind, scenario.where, scenario.amount)
        made = time.monotonic()
        moved = self._moved_after(at, REACT_WITHIN_S) if scenario.controller else None
        if moved is None and not scenario.controller:
            time.sleep(REACT_WITHIN_S / 2)
        time.sleep(SETTLE_S)
        cleared = meter.mark(BACK)
        self._say(f"the fault ends: {scenario} at {scenario.where}")
        self._lab.clear()
        back = self._back_after(cleared, preferred, policy) if moved else None
        time.sleep(SETTLE_S if back or moved is None else 0)
        report = meter.stop()
        self._say(f"traffic stopped; making the fault took {(made - at) * 1000:.0f} ms")
        return self._sum_up(policy, report, at, cleared, moved, back)

    def _sum_up(
        self,
        policy: Policy,
        report: TrafficReport,
        at: float,
        cleared: float,
        moved: Record | None,
        back: Record | None,
    ) -> Summary:
        links = tuple(policy.links)
        bad = first_bad(moved, links) if moved else None
        timings = moved.timings_ms if moved else {}
        confirm = timings.get("verify", 0.0) + timings.get("confirm", 0.0)
        preferred = next(iter(policy.classes.values())).prefer.upstreams[0]
        return Summary(
            fault=str(self._scenario),
            place=self._scenario.where,
            upstream=policy.links[bad.link].upstream if bad else preferred,
            controller=self._scenario.controller,
            sentence=moved.decision.sentence if moved else None,
            detect_ms=(bad.since - at) * 1000 if bad else None,
            decide_ms=timings.get("decide"),
            push_ms=timings.get("push"),
            confirm_ms=confirm if moved else None,
            failback_sentence=back.decision.sentence if back else None,
            failback_after_s=back.now - cleared if back else None,
            ipv4=losses(report, Family.IPV4),
            ipv6=losses(report, Family.IPV6),
            leaks=tuple(sorted(self._leaks)),
            leak_checks=self._leak_checks,
            lab_up_s=self._up_s,
            late_ms=report.late_ms,
            routers=router_results(moved.outcomes) if moved else (),
        )

    # --- the controller ------------------------------------------------------------------------

    def _write_policy(self) -> Policy:
        """The lab's inventory with short timers, in the lab's own folder."""
        return write_inventory(
            self._inventory, {"stability": DEMO_TIMERS, "health": {"recover": DEMO_RECOVER}}
        )

    def _start_controller(self) -> None:
        argv = [sys.executable, "-m", "controller", "--lab", "--lab-name", self._lab.name]
        argv += ["--inventory", str(self._inventory), "run", "--log-json"]
        self._process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._relay, args=(self._process,), daemon=True).start()

    def _relay(self, process: subprocess.Popen[str]) -> None:
        """The controller's diary, as it is written."""
        for line in process.stderr or ():
            try:
                entry = json.loads(line)
                self._say(f"controller: {entry['event']}")
            except (ValueError, KeyError):
                self._say(f"controller: {line.rstrip()}")

    def _stop_controller(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _snapshot(self) -> Snapshot | None:
        if self._process is not None and self._process.poll() is not None:
            raise LabError(f"the controller ended by itself with code {self._process.returncode}")
        with contextlib.suppress(StoreError):
            return app.snapshot(self._state)
        return None

    def _ready(self, policy: Policy) -> bool:
        snapshot = self._snapshot()
        if snapshot is None or not snapshot.health:
            return False
        well = all(health.verdict is Verdict.UP for health in snapshot.health)
        placed = all(set(policy.links) == set(found) for found in snapshot.current.values())
        return well and placed and bool(snapshot.current) and not _acting(snapshot)

    # --- waiting -------------------------------------------------------------------------------

    def _moved_after(self, at: float, within_s: float) -> Record | None:
        """The first decision after ``at`` that changed a router, or None if there is none in time."""
        return self._record_where(at, within_s, lambda _: True)

    def _back_after(self, cleared: float, preferred: str, policy: Policy) -> Record | None:
        links = {link.name for link in policy.links_of(preferred)}

        def returned(record: Record) -> bool:
            return _primaries(record.decision) <= links

        return self._record_where(cleared, RETURN_WITHIN_S, returned)

    def _record_where(self, since: float, within_s: float, wanted: Callable[[Record], bool]) -> Record | None:
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            self._snapshot()
            with contextlib.suppress(StoreError):
                for record in reversed(app.history(self._state, 20)):
                    acted = any(isinstance(outcome, Applied) for outcome in record.outcomes)
                    if record.now > since and acted and wanted(record):
                        return record
            time.sleep(POLL_S)
        return None

    def _await(self, what: str, within_s: float, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + within_s
        while not ready():
            if time.monotonic() > until:
                raise LabError(f"waited {within_s:g} s in vain for: {what}")
            time.sleep(POLL_S)
        self._say(what)

    # --- showing -------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._say_raw(f"{time.monotonic() - self._began:6.2f} s  {text}")

    @contextlib.contextmanager
    def _watching(self, meter: TrafficMeter) -> Iterator[None]:
        """Show the traffic each second and look for leaked routes, in the background."""
        done = threading.Event()
        threads = [
            threading.Thread(target=self._show_traffic, args=(meter, done), daemon=True),
            threading.Thread(target=self._look_for_leaks, args=(done,), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def _show_traffic(self, meter: TrafficMeter, done: threading.Event) -> None:
        while not done.wait(1.0):
            flows = [f"{f.family} {f.way} {f.received}/{f.sent}" for f in meter.live]
            self._say(f"  packets/s received of sent: {', '.join(flows)}")

    def _look_for_leaks(self, done: threading.Event) -> None:
        while not done.wait(LEAK_LOOK_S):
            with contextlib.suppress(LabError):  # an upstream whose daemon is killed cannot be asked
                self._leaks.update(self._lab.leaks())
                self._leak_checks += 1


def _acting(snapshot: Snapshot) -> bool:
    return snapshot.decision is None or snapshot.decision.assignment != snapshot.current


def _primaries(decision: Decision) -> set[str]:
    return {
        link
        for placements in decision.assignment.values()
        for link, placement in placements.items()
        if placement.role == PRIMARY
    }
