"""What the README shows is true: its policy loads, its exit codes are the program's, CI finds its command."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from controller.cli.common import Exit
from controller.config import default_inventory, load

README = (Path(__file__).parents[2] / "README.md").read_text()

HOSTS = """
r1:
  hostname: 192.0.2.10
  groups: [edges]
  data:
    asn: 64500
    links:
      r1-north:
        upstream: north
        interface: eth1
        neighbors: {ipv4: 198.51.100.9}
        probe_source: {ipv4: 198.51.100.10}
      r1-south:
        upstream: south
        interface: eth2
        neighbors: {ipv4: 198.51.100.13}
        probe_source: {ipv4: 198.51.100.14}
"""


def test_the_first_policy_loads_as_it_is_printed(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory"
    shutil.copytree(default_inventory(), inventory)
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    (inventory / "policy.yaml").write_text(blocks[0])
    (inventory / "hosts.yaml").write_text(HOSTS)
    loaded = load(inventory)
    assert list(loaded.policy.classes) == ["everyone"]
    assert loaded.warnings == ()


def test_every_exit_code_is_in_the_table() -> None:
    table = set(map(int, re.findall(r"^\| (\d+) \|", README, re.MULTILINE)))
    assert table == {int(code) for code in Exit} | {130}


def test_both_set_up_commands_stand_between_their_markers() -> None:
    for name in ("demo", "tests"):
        block = re.search(
            rf"<!-- {name}:begin -->\n```sh\n(.*?)\n```\n<!-- {name}:end -->", README, re.DOTALL
        )
        assert block is not None
        assert "\n" not in block[1]
        assert "failover lab install" in block[1]
