"""Every check by one command: ``python -m tests``. Further arguments go to pytest."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
CHECKS = (
    ("lint", (PYTHON, "-m", "ruff", "check", ".")),
    ("format", (PYTHON, "-m", "ruff", "format", "--check", ".")),
    ("types", (PYTHON, "-m", "mypy")),
    ("layers", (str(Path(PYTHON).with_name("lint-imports")),)),
    ("tests", (PYTHON, "-m", "pytest", *sys.argv[1:])),
)


def main() -> int:
    """Run all checks, the quick ones first; 1 if any failed."""
    failed = []
    for name, command in CHECKS:
        print(f"--- {name}: {' '.join(command[1:])}", flush=True)
        began = time.monotonic()
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
        print(f"--- {name}: {time.monotonic() - began:.1f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
