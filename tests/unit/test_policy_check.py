"""What `failover policy check` prints, and with which exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from controller.cli.root import app
from controller.config import default_inventory


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_inventory(), tmp_path / "inventory"))


def edit(inventory: Path, find: str, replace: str) -> None:
    path = inventory / "policy.yaml"
    text = path.read_text()
    assert text.count(find) == 1
    path.write_text(text.replace(find, replace))


def checked(inventory: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--inventory", str(inventory), "policy", "check", *words])


def findings(result: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    return found


def test_an_inventory_without_warnings_is_well_strictly_too(inventory: Path) -> None:
    done = checked(inventory, "--strict")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("is well: 3 upstreams, 4 links on 2 routers, 1 traffic classes\n")


def test_warnings_are_printed_with_their_place_and_stop_nothing_unless_strict(inventory: Path) -> None:
    edit(inventory, "escapes: 12 per hour", "escapes: 1 per hour")
    plain, strict = checked(inventory), checked(inventory, "--strict")
    assert (plain.exit_code, strict.exit_code) == (0, 1)
    assert plain.stderr == strict.stderr
    line = next(
        number
        for number, text in enumerate((inventory / "policy.yaml").read_text().splitlines(), start=1)
        if "escapes: 1 per" in text
    )
    assert plain.stderr.startswith(f"policy.yaml:{line}:12: warning: class 'residential' has 3 upstreams")
    assert plain.stdout.endswith("1 traffic classes; 1 warning\n")


def test_findings_for_machines_have_severity_place_cause_and_remedy(inventory: Path) -> None:
    edit(inventory, "hold_down: 10min", "hold_down: 0s")
    done = checked(inventory, "--json")
    assert (done.exit_code, json.loads(done.stdout)["ok"]) == (0, True)
    (finding,) = findings(done)
    assert finding["line"] > 100
    assert finding == {
        "severity": "warning",
        "file": "policy.yaml",
        "line": finding["line"],
        "column": 14,
        "cause": "nothing lies between two routine moves of one class, so traffic may flap",
        "remedy": "Write 10min or the like.",
    }
    strict = checked(inventory, "--json", "--strict")
    assert (strict.exit_code, json.loads(strict.stdout)["ok"]) == (1, False)
    assert findings(strict) == [finding]


def test_errors_for_machines_are_findings_too(inventory: Path) -> None:
    edit(inventory, "hold_down: 10min", "hold_down: 10")
    edit(inventory, "changes: 6 per hour", "changes: 6")
    done = checked(inventory, "--json")
    assert (done.exit_code, json.loads(done.stdout)["ok"]) == (1, False)
    assert [(each["severity"], each["column"], each["remedy"]) for each in findings(done)] == [
        ("error", 14, "Write it like 400ms, 10s, 10min, 1h or 1d."),
        ("error", 12, "Write 6 per hour."),
    ]


def test_a_file_as_a_whole_has_no_line(inventory: Path) -> None:
    (inventory / "policy.yaml").unlink()
    (finding,) = findings(checked(inventory, "--json"))
    assert (finding["file"], finding["line"], finding["column"]) == ("policy.yaml", 0, 0)


def test_errors_for_people_end_in_a_sentence_and_no_traceback(inventory: Path) -> None:
    edit(inventory, "    asn: 64501", "\tasn: 64501")
    edit(inventory, "hold_down: 10min", "hold_down: 10")
    command = [sys.executable, "-c", "from controller.cli import main; main()"]
    done = subprocess.run(
        [*command, "--inventory", str(inventory), "policy", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    first, last = done.stderr.splitlines()
    assert first.endswith(":1: a tab indents this line. YAML indents with spaces only.")
    assert last == "failover: 1 problem in the inventory; nothing was done"
