"""Time to restored user traffic on real routers: ``python -m tests.benchmarks.bench_restore`` (root, FRR).

A lab of its own; users send and get 200 packets/s in each family; one fault after another is made, and the rivals
meet the same faults in turn, so that the machine's mood hits all alike. The later family counts. Restored is
defined in ``restored.py``. A rival that left a fault unhealed twice is not asked a third time.

Everything takes about 40 minutes; ``--rivals controller --repeats 10`` about 15. ``--write`` puts the tables into
tests/README.md, ``--out FILE`` keeps every run as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import inf, isinf
from pathlib import Path
from statistics import median

from controller.core.model import Family
from controller.lab.errors import LabError
from controller.lab.lab import Lab
from controller.lab.traffic import DEFAULT_RATE, TrafficMeter, TrafficReport, Way, WindowReport
from tests.benchmarks import results
from tests.benchmarks.restored import WELL_S, after_delay, after_loss
from tests.benchmarks.rivals import RIVALS, Calm, wait_calm
from tests.lab.operate import QUICK, Site, make_site

CALM_S = 1.0
SLICE_S = 0.1
ENOUGH = 2  # failures in a row after which a rival is known not to heal a fault
GRACE_S = 0.5
LATENCY = {"worse_by": "30ms", "held": "15s"}  # of the controller's policy here: 60 s would take for ever
SLOW_S = 20.0  # longer is waited for what slows traffic down: nobody is to act on that before it has lasted
SAME_S = 0.03  # medians of a few runs that differ by less are alike: one run differs from the next by more


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and what of user traffic tells that it is well again."""

    title: str
    kind: str
    place: str
    value: float | None = None

    @property
    def slows(self) -> bool:
        """It takes time, not packets."""
        return self.kind == "delay"

    def wait_s(self, wait_s: float) -> float:
        """Until it counts as never healed."""
        return wait_s + SLOW_S if self.slows else wait_s


FAULTS = {
    "carrier": Fault("carrier", "carrier", "edge1-azerbaijan"),
    "silent": Fault("silent link", "silent", "edge1-azerbaijan"),
    "blackhole": Fault("blackhole beyond the first hop", "blackhole", "azerbaijan"),
    "loss10": Fault("loss 10 %", "loss", "azerbaijan", 10),
    "loss30": Fault("loss 30 %", "loss", "azerbaijan", 30),
    "delay50": Fault("+50 ms round trip", "delay", "azerbaijan", 25),  # on each way
}


@dataclass(frozen=True)
class Run:
    """One fault met by one rival. Seconds; infinite: not within the time watched."""

    rival: str
    fault: str
    repeat: int
    out_s: float
    in_s: float
    by_family: dict[str, float]  # "ipv4 out": seconds
    watched_s: float
    late_ms: float  # how far the meter itself was behind its schedule: trust nothing above some 50
    load: float  # of the machine, over the last minute


def slices(report: TrafficReport, way: Way, family: Family) -> list[WindowReport]:
    """The slices since the fault, in order."""
    flow = next(flow for flow in report.flows if (flow.way, flow.family) == (way, family))
    return sorted((w for w in flow.windows if w.label.startswith("slice")), key=lambda window: window.start)


def well_for(meter: TrafficMeter) -> bool:
    """Whether no flow lost 1 % in the latest second."""
    return bool(meter.live) and all(flow.received >= 0.99 * flow.sent for flow in meter.live)


def meet(site: Site, fault: Fault, wait_s: float) -> tuple[dict[str, float], float, float]:
    """Make the fault, watch until traffic is well again, clear it.

    Seconds to restored by flow, seconds watched, and the meter's own lateness in ms.
    """
    with TrafficMeter(site.lab.name, families=tuple(Family), grace_s=GRACE_S) as meter:
        time.sleep(CALM_S)
        at = meter.mark("fault")
        meter.add_window("calm", at - CALM_S, at)
        site.lab.fault(fault.kind, fault.place, fault.value)
        well_since = inf
        while (now := time.monotonic()) < at + fault.wait_s(wait_s) + WELL_S:
            time.sleep(0.1)
            well_since = min(well_since, now) if well_for(meter) else inf
            # The live counters are of a second, and some tenths old.
            if not fault.slows and now > at + WELL_S and now - well_since > WELL_S + 0.5:
                break
        end = time.monotonic() - GRACE_S
        count = int((end - at) / SLICE_S)
        for number in range(count):
            start = at + number * SLICE_S
            meter.add_window(f"slice {number}", start, start + SLICE_S)
        report = meter.stop()
    site.lab.clear()
    found = {}
    for family in Family:
        for way in Way:
            seen = slices(report, way, family)
            calm_ms = report.window("calm", way, family).delay_ms_mean or 0.0
            after = after_delay(seen, calm_ms) if fault.slows else after_loss(seen, DEFAULT_RATE)
            found[f"{family} {way}"] = after
    return found, count * SLICE_S, report.late_ms


def all_runs(site: Site, wanted: argparse.Namespace) -> Iterator[Run]:
    """Every rival meets every fault, again and again."""
    failures: dict[tuple[str, str], int] = {}
    for repeat in range(wanted.repeats):
        for name in wanted.rivals:
            with RIVALS[name].start(site) as calm:
                for kind in wanted.faults:
                    if failures.get((name, kind), 0) < ENOUGH:
                        run = one(site, calm, name, kind, repeat, wanted.wait)
                        failed = isinf(max(run.out_s, run.in_s))
                        failures[name, kind] = failures.get((name, kind), 0) + 1 if failed else 0
                        yield run
                wait_calm(site, calm)


def one(site: Site, calm: Calm, rival: str, fault: str, repeat: int, wait_s: float) -> Run:
    """One run, from calm."""
    wait_calm(site, calm)
    found, watched_s, late_ms = meet(site, FAULTS[fault], wait_s)
    out_s, in_s = (max(s for flow, s in found.items() if flow.endswith(f" {way}")) for way in Way)
    return Run(rival, fault, repeat, out_s, in_s, found, watched_s, late_ms, os.getloadavg()[0])


# --- telling ------------------------------------------------------------------------------------


def cell(values: Sequence[float], wait_s: float) -> str:
    """``0.61 / 0.70``: median and 95th percentile in seconds; or that it never healed."""
    if not values:
        return "-"
    if isinf(median(values)):
        healed = sum(not isinf(value) for value in values)
        return f"never within {wait_s:g} s ({len(values) - healed} of {len(values)})"
    last = results.percentile(values, 0.95)
    return f"{median(values):.2f} / {'never' if isinf(last) else f'{last:.2f}'}"


def report(runs: Sequence[Run], wanted: argparse.Namespace) -> str:
    """All tables, in Markdown."""
    machine = results.machine(frr=True)
    late, load = max(run.late_ms for run in runs), median(run.load for run in runs)
    text = (
        f"Measured on {machine}. Seconds from the first packet that suffers to restored user traffic, median / p95 "
        f"of {wanted.repeats} faults each, of the later family; 200 packets/s each way and family. Restored: loss "
        f"below 1 % for {WELL_S:g} s, or, of +50 ms, the delay gone, which the policy here has the controller act on "
        f"once it has lasted for {LATENCY['held']}. A rival that left a fault unhealed twice was "
        f"not asked again. The meter was {late:.0f} ms late at most, the load average {load:.1f} in the median.\n\n"
    )
    for way, title in (("out_s", "Out: users to internet"), ("in_s", "In: internet to users")):
        rows = []
        for name in wanted.rivals:
            mine = [run for run in runs if run.rival == name]
            cells = [
                cell(
                    [getattr(run, way) for run in mine if run.fault == kind], FAULTS[kind].wait_s(wanted.wait)
                )
                for kind in wanted.faults
            ]
            rows.append([RIVALS[name].title, *cells])
        text += results.table([title, *(FAULTS[kind].title for kind in wanted.faults)], rows) + "\n"
    text += "".join(f"- {RIVALS[name].title}: {RIVALS[name].what}\n" for name in wanted.rivals)
    judged = list(goals(runs))
    if judged:
        text += "\n" + results.table(["goal", "measured", ""], judged)
    return text


def goals(runs: Sequence[Run]) -> Iterator[tuple[str, str, str]]:
    """The goals that these runs can judge: what is asked, what was found, met or missed."""

    def values(rival: str, fault: str, way: str) -> list[float]:
        return [getattr(run, way) for run in runs if (run.rival, run.fault) == (rival, fault)]

    def judge(goal: str, found: float, most: float) -> tuple[str, str, str]:
        return goal, f"{found:.2f} s", "met" if found <= most else "missed"

    for way, most in (("out_s", 0.7), ("in_s", 0.9)):
        name = way.removesuffix("_s")
        if seen := values("controller", "blackhole", way):
            yield judge(f"blackhole, {name}, median at most {most} s", median(seen), most)
            yield judge(f"blackhole, {name}, p95 at most 1.2 s", results.percentile(seen, 0.95), 1.2)
        if seen := values("controller", "loss10", way):
            yield judge(f"loss 10 %, {name}, median at most 5 s", median(seen), 5.0)
        for fault, rival in (("silent", "bfd"), ("carrier", "bgp")):
            seen, theirs = values("controller", fault, way), values(rival, fault, way)
            if seen and theirs:
                title = f"{fault}, {name}, median not above {RIVALS[rival].title}'s {median(theirs):.2f} s"
                yield judge(title, median(seen), median(theirs) + SAME_S)


def plainly(run: Run) -> dict[str, object]:
    """For JSON, which knows no infinity: null."""
    plain = asdict(run)
    healed = {flow: None if isinf(found) else found for flow, found in run.by_family.items()}
    ways = {way: None if isinf(plain[way]) else plain[way] for way in ("out_s", "in_s")}
    return plain | ways | {"by_family": healed}


def main() -> None:
    """Run, print, and keep what was asked to be kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--rivals", nargs="+", choices=RIVALS, default=list(RIVALS))
    parser.add_argument(
        "--wait", type=float, default=12.0, help="seconds until a fault counts as never healed"
    )
    parser.add_argument("--lab", default="restore", help="name of the lab it builds and removes")
    parser.add_argument("--out", type=Path, help="every run, as JSON")
    parser.add_argument("--write", action="store_true", help="put the tables into tests/README.md")
    wanted = parser.parse_args()
    began = time.monotonic()
    runs: list[Run] = []
    early: str | None = None  # what went wrong; what was measured until then is shown all the same
    lab = Lab(wanted.lab)
    lab.up(print)
    try:
        with tempfile.TemporaryDirectory() as folder:
            health = {**QUICK["health"], "latency": LATENCY}
            site = make_site(
                lab, Path(folder), {**QUICK, "health": health}
            )  # no patience: runs follow quickly
            with site.start() as controller:  # installs the role policies that all rivals start from
                controller.wait_settled()
            for run in all_runs(site, wanted):
                runs.append(run)
                print(
                    f"{time.monotonic() - began:6.0f} s  {run.repeat} {run.rival:12} {run.fault:10}", end=""
                )
                print(f" out {run.out_s:6.2f} in {run.in_s:6.2f}  late {run.late_ms:.0f} ms", flush=True)
                if wanted.out:
                    plain = {"machine": results.machine(frr=True), "runs": [plainly(each) for each in runs]}
                    wanted.out.write_text(json.dumps(plain, indent=1))
    except (AssertionError, LabError) as error:
        early = f"ended early, nothing is written: {error}"
    finally:
        lab.down()
    if runs:
        text = report(runs, wanted)
        print(f"\n{text}\n{time.monotonic() - began:.0f} s")
        if wanted.write and not early:
            results.write("restore", text)
    sys.exit(early)


if __name__ == "__main__":
    main()
