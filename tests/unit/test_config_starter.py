"""What ``failover init DIR`` leaves behind."""

import re
from ipaddress import ip_address
from pathlib import Path

import pytest

from controller.config import StarterError, default_inventory, default_templates, load, write_starter
from controller.config.loader import check
from controller.config.sources import FILES
from controller.core.model import DnsQuery, Endpoint, HttpGet, TwampTest, kind_of


def test_what_was_written_loads_and_is_complete(tmp_path: Path) -> None:
    written = write_starter(tmp_path / "new" / "site")
    assert {path.name for path in written if path.parent.name == "inventory"} == {
        "README.md",
        "config.yaml",
        "defaults.yaml",
        "groups.yaml",
        "hosts.yaml",
        "policy.yaml",
    }
    assert any("templates" in path.parts for path in written)
    assert written == sorted(path for path in (tmp_path / "new").rglob("*") if path.is_file())
    loaded = load(tmp_path / "new" / "site" / "inventory")
    assert loaded.fingerprint == load(default_inventory()).fingerprint


def test_nothing_is_overwritten_and_nothing_else_is_written(tmp_path: Path) -> None:
    mine = tmp_path / "inventory" / "policy.yaml"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(
        StarterError, match=r"already has .*inventory/policy\.yaml\. Choose another directory"
    ):
        write_starter(tmp_path)
    assert mine.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(StarterError, match=r"cannot write .*site"):
        write_starter(tmp_path / "site")


def test_the_shipped_folders_are_there() -> None:
    assert (default_inventory() / "policy.yaml").is_file()
    assert default_templates().is_dir()


def test_the_samples_in_the_policy_s_comments_load_when_they_are_made_its_own() -> None:
    contents = {name: (default_inventory() / name).read_bytes() for name in FILES}
    text = contents["policy.yaml"].decode()
    wanted = re.sub(r"^  # (?=router_ping:|router_tests:|prometheus:|  )", "  ", text, flags=re.MULTILINE)
    hosts = contents["hosts.yaml"] + b"\ncore1: {hostname: 198.18.0.9, platform: junos}\n"
    found, problems = check(contents | {"policy.yaml": wanted.encode(), "hosts.yaml": hosts})
    assert problems == []
    assert found is not None
    assert found.prometheus is not None
    assert found.health.router_ping_s == 2.0
    assert found.router_tests is not None
    assert [query.links for query in found.prometheus.queries] == [("edge1-azerbaijan", "edge1-georgia")]


def test_the_samples_of_other_targets_in_the_policy_s_comments_load_as_what_they_say() -> None:
    contents = {name: (default_inventory() / name).read_bytes() for name in FILES}
    text = contents["policy.yaml"].decode()
    wanted = re.sub(r"^    # (?=(tcp|http|dns|twamp):|  - )", "    ", text, flags=re.MULTILINE)
    found, problems = check(contents | {"policy.yaml": wanted.encode()})
    assert problems == []
    assert found is not None
    assert [str(target) for target in found.health.targets if isinstance(target, Endpoint)] == [
        "tcp 192.0.2.1:443",
        "tcp [2001:db8::1]:443",
        "https://www.example.net/health via 192.0.2.80",
        "dns example.net SOA at 192.0.2.53:53",
        "twamp 192.0.2.9:862",
    ]
    assert {found.health.interval_of(t) for t in found.health.targets if kind_of(t) == "http"} == {1.0}


def test_everything_an_operator_says_of_a_target_arrives() -> None:
    contents = {name: (default_inventory() / name).read_bytes() for name in FILES}
    more = """    http:
      - {url: "http://www.example.net:8080/a?b=c", address: 2001:db8:80::1, status: 404, interval: 5s}
      - {url: https://www.example.net, address: 192.0.2.80, verify: false, ca_file: ca.pem, timeout: 2s}
    dns:
      - {server: "[2001:db8:53::1]:5353", name: example.net, accept: [REFUSED], interval: 2s, timeout: 1s}
    twamp: [192.0.2.9:8620]
  interval: 100ms"""
    wanted = contents["policy.yaml"].decode().replace("  interval: 100ms", more, 1)
    found, problems = check(contents | {"policy.yaml": wanted.encode()})
    assert problems == []
    assert found is not None
    address = [ip_address(each) for each in ("2001:db8:80::1", "192.0.2.80", "2001:db8:53::1", "192.0.2.9")]
    page = HttpGet("www.example.net", "/a?b=c", tls=False, status=404)
    safe = HttpGet("www.example.net", verify=False, ca_file="ca.pem")
    assert [target for target in found.health.targets if isinstance(target, Endpoint)] == [
        Endpoint(address[0], 8080, page, 5.0, 1.0),
        Endpoint(address[1], 443, safe, 1.0, 2.0),
        Endpoint(address[2], 5353, DnsQuery("example.net", "A", ("REFUSED",)), 2.0, 1.0),
        Endpoint(address[3], 8620, TwampTest()),
    ]


def test_the_samples_of_what_the_hour_changes_load_when_they_are_made_its_own() -> None:
    contents = {name: (default_inventory() / name).read_bytes() for name in FILES}
    keys = "owner|share|prefer_in|require|stability|when_down|block|windows|maintenance|freezes"
    names = "night|last-sunday|new-year"
    text = re.sub(
        rf"^( *)# (?=(?:{keys}):|  (?:{names}):)",
        r"\1",
        contents["policy.yaml"].decode(),
        flags=re.MULTILINE,
    )
    found, problems = check(contents | {"policy.yaml": text.encode()})
    assert found is not None, "\n".join(map(str, problems))
    assert found.windows.keys() == {"night", "last-sunday", "new-year"}
    residential = found.classes["residential"]
    assert residential.require is not None
    assert residential.stability is not None
    assert residential.when_down == "withdrawn"
    assert found.stability.block is not None
    assert found.maintenance[0].drains == "azerbaijan"
