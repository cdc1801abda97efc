"""From a directory to core values; from a directory that is not right to a clear error."""

import json
import shutil
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from nornir import InitNornir

from controller.config import ConfigError, default_inventory, load, schema
from controller.core.detect import initial
from controller.core.model import (
    ANCHORS,
    USER_PATH,
    Catch,
    Family,
    HealthPolicy,
    LatencyPolicy,
    Link,
    Preference,
    Role,
    StabilityPolicy,
    TrafficClass,
)
from controller.watch import probe_paths

V4, V6 = Family.IPV4, Family.IPV6


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_inventory(), tmp_path / "inventory"))


def rewrite(path: Path, find: str, replace: str) -> None:
    text = path.read_text()
    assert find in text
    path.write_text(text.replace(find, replace))


def test_the_starter_inventory_describes_the_lab(inventory: Path) -> None:
    policy = load(inventory).policy
    assert {(r.name, r.platform, r.asn) for r in policy.routers.values()} == {
        ("edge1", "frr", 64500),
        ("edge2", "frr", 64500),
    }
    assert {(u.name, u.asn, u.country) for u in policy.upstreams.values()} == {
        ("azerbaijan", 64501, "AZ"),
        ("georgia", 64502, "GE"),
        ("iran", 64503, "IR"),
    }
    assert policy.upstreams["azerbaijan"].shared_risk & policy.upstreams["georgia"].shared_risk == {
        "black-sea"
    }
    assert list(policy.links) == ["edge1-azerbaijan", "edge1-georgia", "edge2-georgia", "edge2-iran"]
    assert policy.links["edge2-georgia"] == Link(
        name="edge2-georgia",
        router="edge2",
        upstream="georgia",
        interface="georgia",
        neighbors={V4: ip_address("198.18.2.5"), V6: ip_address("2001:db8:502:2::1")},
        probe_source={V4: ip_address("198.18.2.130"), V6: ip_address("2001:db8:502:ff::130")},
        base_policy_in="GEORGIA-IN",
        base_policy_out="GEORGIA-OUT",
    )
    assert policy.classes == {
        "residential": TrafficClass(
            "residential",
            (ip_network("203.0.113.0/24"), ip_network("2001:db8:500::/48")),
            Preference(("azerbaijan", "georgia", "iran")),
        )
    }
    assert policy.user_path == {V4: ip_address("203.0.113.20"), V6: ip_address("2001:db8:500::20")}
    assert policy.when_down == "drained"


def test_notations_arrive_as_numbers_with_units(inventory: Path) -> None:
    policy = load(inventory).policy
    assert policy.health == HealthPolicy(
        targets=policy.health.targets,
        interval_s=0.1,
        timeout_s=0.3,
        ride_out_s=0.4,
        false_per_year=1.0,
        recover_s=5.0,
        fresh_s=1.0,
        catch=(Catch(30.0, 5.0), Catch(10.0, 15.0)),
        latency=LatencyPolicy(worse_by_ms=50.0, held_s=60.0),
    )
    assert policy.stability == StabilityPolicy(
        hold_down_s=600.0,
        fail_back_clean_s=60.0,
        fail_back_doubles_up_to_s=3600.0,
        fail_back_forgotten_after_s=7200.0,
        changes_per_hour=6,
        escapes_per_hour=12,
    )
    assert policy.roles == {
        "primary": Role("primary", 300, prepend=1, further_prepend=-1),
        "backup": Role("backup", 200, prepend=3, further_local_preference=-10, further_prepend=1),
        "drained": Role("drained", 50, prepend=5, graceful_shutdown=True),
        "withdrawn": Role("withdrawn", 10, announce=False),
    }


def test_latency_may_be_left_out_or_told_in_full(inventory: Path) -> None:
    file = inventory / "policy.yaml"
    text, line = file.read_text(), "  latency: {worse_by: 50ms, held: 60s}\n"
    assert text.count(line) == 1
    file.write_text(text.replace(line, ""))
    assert load(inventory).policy.health.latency is None
    full = "  latency: {worse_by: 50ms, held: 2min, limit: 250ms, jitter: {worse_by: 30ms, limit: 100ms}}\n"
    file.write_text(text.replace(line, full))
    assert load(inventory).policy.health.latency == LatencyPolicy(50.0, 120.0, 250.0, 30.0, 100.0)


def test_near_hosts_of_both_families_are_probed_by_a_path_of_their_own(inventory: Path) -> None:
    path = inventory / "policy.yaml"
    sample = path.read_text().replace("  # anchors: [", "  anchors: [")
    assert probe_paths(load(inventory).policy)[-1].name == USER_PATH
    path.write_text(sample)
    anchors = probe_paths(load(inventory).policy)[-1]
    assert (anchors.name, anchors.any_source) == (ANCHORS, True)
    assert [str(target) for target in anchors.targets[1:3]] == ["203.0.113.2", "2001:db8:500::1"]
    detector = initial(load(inventory).policy, now=0.0)
    assert all(detector.families[ANCHORS, family].loss is not None for family in Family)


def test_the_starter_inventory_is_one_that_nornir_reads(inventory: Path) -> None:
    nornir = InitNornir(
        config_file=str(inventory / "config.yaml"),
        inventory={
            "plugin": "SimpleInventory",
            "options": {
                "host_file": str(inventory / "hosts.yaml"),
                "group_file": str(inventory / "groups.yaml"),
                "defaults_file": str(inventory / "defaults.yaml"),
            },
        },
    )
    edge1 = nornir.inventory.hosts["edge1"]
    napalm = edge1.get_connection_parameters("napalm")
    assert (edge1.hostname, napalm.platform, napalm.username, napalm.port) == (
        "198.18.0.1",
        "frr",
        "netauto",
        22,
    )
    assert napalm.extras is not None
    assert napalm.extras["optional_args"]["key_file"] == "~/.ssh/id_ed25519"
    assert not nornir.config.logging.enabled


def test_platform_and_as_number_are_inherited_as_nornir_does(inventory: Path) -> None:
    rewrite(inventory / "hosts.yaml", "    asn: 64500\n", "")
    rewrite(inventory / "hosts.yaml", "    asn: 64500 # our own\n", "")
    rewrite(
        inventory / "groups.yaml",
        "edges:\n  platform: frr",
        "base: {platform: frr, data: {asn: 64499}}\nedges:\n  groups: [base]\n  data: {}",
    )
    assert {r.asn for r in load(inventory).policy.routers.values()} == {64499}
    assert {r.platform for r in load(inventory).policy.routers.values()} == {"frr"}


def test_hosts_without_links_are_left_alone(inventory: Path) -> None:
    with (inventory / "hosts.yaml").open("a") as file:
        file.write("\nreflector: {hostname: 198.18.0.9, platform: iosxr, data: {rack: 7}}\n")
    assert list(load(inventory).policy.routers) == ["edge1", "edge2"]


def test_anchors_and_merges_are_fine(inventory: Path) -> None:
    rewrite(
        inventory / "policy.yaml", "  georgia:\n    asn: 64502\n", "  georgia:\n    <<: *az\n    asn: 64502\n"
    )
    rewrite(inventory / "policy.yaml", "  azerbaijan:\n    asn", "  azerbaijan: &az\n    asn")
    georgia = load(inventory).policy.upstreams["georgia"]
    assert (georgia.asn, georgia.country) == (64502, "GE")


def test_the_fingerprint_changes_with_any_file_and_with_nothing_else(inventory: Path, tmp_path: Path) -> None:
    first = load(inventory).fingerprint
    elsewhere = shutil.copytree(inventory, tmp_path / "elsewhere")
    (elsewhere / "README.md").unlink()
    assert load(elsewhere).fingerprint == first
    seen = {first}
    for name in ("config.yaml", "defaults.yaml", "groups.yaml", "hosts.yaml", "policy.yaml"):
        with (inventory / name).open("a") as file:
            file.write("# a word more\n")
        seen.add(load(inventory).fingerprint)
    assert len(seen) == 6


def test_optional_files_may_be_empty(inventory: Path) -> None:
    (inventory / "defaults.yaml").write_text("")
    (inventory / "config.yaml").write_text("# all as Nornir likes it\n")
    assert load(inventory).policy.routers


def test_every_missing_file_is_named_and_the_others_are_checked(inventory: Path) -> None:
    (inventory / "config.yaml").unlink()
    (inventory / "groups.yaml").unlink()
    rewrite(inventory / "policy.yaml", "recover: 5s", "recover: 5")
    with pytest.raises(ConfigError) as caught:
        load(inventory)
    assert [p.file for p in caught.value.problems] == ["config.yaml", "groups.yaml", "policy.yaml"]
    assert str(caught.value).startswith("config.yaml: there is no such file in ")
    assert caught.value.directory == inventory


def test_a_missing_directory_is_answered_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist\. Make one with 'failover init DIR'"):
        load(tmp_path / "nowhere")


def test_a_file_where_the_directory_should_be(inventory: Path) -> None:
    with pytest.raises(ConfigError, match="is not a directory"):
        load(inventory / "policy.yaml")


def test_a_directory_where_a_file_should_be(inventory: Path) -> None:
    (inventory / "policy.yaml").unlink()
    (inventory / "policy.yaml").mkdir()
    with pytest.raises(
        ConfigError, match=r"^policy\.yaml: this is a directory\. Put a file of that name there\."
    ):
        load(inventory)


def test_a_file_that_is_not_text(inventory: Path) -> None:
    (inventory / "policy.yaml").write_bytes(b"upstreams:\n  \xff\xfe: 1\n")
    with pytest.raises(
        ConfigError, match=r"^policy\.yaml:2:3: this is not UTF-8 text: the byte 0xff is not of it"
    ):
        load(inventory)


def test_odd_characters_in_names_stay_on_one_printable_line(inventory: Path) -> None:
    rewrite(inventory / "policy.yaml", "  iran:\n", '  "\\u2028ir":\n')
    with pytest.raises(ConfigError) as caught:
        load(inventory)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert lines[0].endswith("policy.yaml has no upstream 'iran'. It has: azerbaijan, georgia, \\u2028ir.")


def test_nesting_without_end_is_an_error_and_no_crash(inventory: Path) -> None:
    (inventory / "policy.yaml").write_text("[" * 600)
    with pytest.raises(ConfigError, match="nested too deeply"):
        load(inventory)


def test_more_platforms_can_be_known(inventory: Path) -> None:
    rewrite(inventory / "groups.yaml", "platform: frr", "platform: bird")
    with pytest.raises(ConfigError, match="there is no platform 'bird'"):
        load(inventory)
    assert load(inventory, platforms=("frr", "bird")).policy.routers["edge1"].platform == "bird"


def test_the_schema_tells_editors_what_is_known_and_required() -> None:
    told = json.loads(json.dumps(schema()))
    assert set(told["required"]) == {"upstreams", "health", "classes", "stability", "roles"}
    assert told["additionalProperties"] is False
    assert told["$defs"]["HealthSpec"]["properties"]["interval"]["examples"] == ["250ms"]
    described = [
        (name, key)
        for name, one in told["$defs"].items()
        for key, field in one["properties"].items()
        if "description" not in field and name != "AddressesSpec"
    ]
    assert described == []
