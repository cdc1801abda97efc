"""What ``run`` says before it does anything."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from controller.app import App, Options
from controller.config import default_inventory, default_templates
from controller.ports import ProbeError, StoreError
from tests.fakes import FakeLog


@pytest.mark.asyncio
async def test_what_policy_check_warns_of_is_logged_once_at_the_start_a_line_each_with_its_place(
    tmp_path: Path,
) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(default_inventory(), inventory)
    file = inventory / "policy.yaml"
    text = file.read_text()
    assert text.count("[azerbaijan, georgia, iran]") == 1
    file.write_text(text.replace("[azerbaijan, georgia, iran]", "[azerbaijan]"))
    (tmp_path / "state").write_text("a file, so that the loop ends before it begins")
    log = FakeLog()
    app = App(Options(inventory, default_templates(), tmp_path / "state"), log)
    with pytest.raises((StoreError, ProbeError)):  # whichever this host meets first
        await app.run(asyncio.Event(), dry_run=True)
    assert app.loaded.warnings
    assert [line for level, line in log.lines if level == "warning"] == list(map(str, app.loaded.warnings))
    assert log.lines[0][1].startswith("policy.yaml:")
