"""Every check by one command: ``python -m tests``. Arguments, if any, go to one pytest instead of all of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest")
Command = tuple[str, ...]

# One after another. What is listed together runs side by side: tests of the lab that measure time run apart from
# those that need all of the machine. Property tests take what the lab leaves, which mostly waits.
CHECKS: tuple[tuple[str, tuple[Command, ...]], ...] = (
    ("lint", ((PYTHON, "-m", "ruff", "check", "."),)),
    ("format", ((PYTHON, "-m", "ruff", "format", "--check", "."),)),
    ("types", ((PYTHON, "-m", "mypy"),)),
    ("layers", ((str(Path(PYTHON).with_name("lint-imports")),),)),
)
LAB = "tests/lab"
TIMELESS = tuple(f"{LAB}/test_{name}.py" for name in ("plan_apply", "role_policies", "spoken_policies"))
PROPERTIES = (*PYTEST, "--timeout=1000", "tests/property")
PATIENT = tuple(
    f"{LAB}/test_{name}.py"
    for name in ("brownout", "life", "innocent", "incidents", "not_to_blame", "routers_say")
)  # they mostly wait
UNITS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "unit").rglob("test_*.py"))
TESTS = (
    (
        "tests",
        (
            (*PYTEST, *UNITS[::2]),
            (*PYTEST, *UNITS[1::2]),
            (*PYTEST, "tests/contract"),
            (*PYTEST, *TIMELESS),
        ),
    ),
    (
        "lab and property tests",
        (
            (*PYTEST, LAB, *(f"--ignore={each}" for each in (*TIMELESS, *PATIENT))),
            (*PYTEST, *PATIENT),
            PROPERTIES,
        ),
    ),
)


def idle() -> None:
    """Run only when nobody else wants to."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def run(commands: Sequence[Command]) -> bool:
    """Run commands side by side, show what each said, and tell whether all were content."""
    first, *others = commands
    running = [
        subprocess.Popen(
            each,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=idle if each is PROPERTIES else None,  # noqa: PLW1509 - no threads here
        )
        for each in others
    ]
    well = subprocess.run(first, cwd=ROOT, check=False).returncode == 0
    for each in running:
        said, _ = each.communicate()
        print(said, end="", flush=True)
        well = well and each.returncode == 0
    return well


def main() -> int:
    """Run all checks, the quick ones first; 1 if any failed."""
    failed = []
    tests = (("tests", ((*PYTEST, *sys.argv[1:]),)),) if sys.argv[1:] else TESTS
    for name, commands in (*CHECKS, *tests):
        print(f"--- {name}: {len(commands)} side by side: {' '.join(commands[0][1:4])} ...", flush=True)
        began = time.monotonic()
        if not run(commands):
            failed.append(name)
        print(f"--- {name}: {time.monotonic() - began:.1f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
