"""What a look of one's own says of links that it cannot look through."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from controller.app import App, Options
from controller.config import default_inventory, default_templates
from controller.ports import ProbeError
from tests.fakes import FakeLog

SOURCE = '        probe_source: {ipv4: 198.18.1.129, ipv6: "2001:db8:501:ff::129"}\n'


def test_a_link_that_only_its_router_can_ping_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(default_inventory(), inventory)
    hosts = inventory / "hosts.yaml"
    assert hosts.read_text().count(SOURCE) == 1
    hosts.write_text(hosts.read_text().replace(SOURCE, "        probe: router\n"))
    app = App(Options(inventory, default_templates(), tmp_path / "state"), FakeLog())
    with pytest.raises(ProbeError, match="edge1-azerbaijan: its router pings"):
        app.look(["edge1-azerbaijan"], 1.0, 1.0)
    with pytest.raises(ProbeError, match="edge9: no such link; there are edge1-georgia"):
        app.look(["edge9"], 1.0, 1.0)
