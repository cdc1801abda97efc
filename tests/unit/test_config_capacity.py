"""What policy says of capacity, load, cost and dependence, as the core gets it; classes that are split."""

from __future__ import annotations

import shutil
from ipaddress import ip_network
from pathlib import Path

import pytest

from controller.config import ConfigError, default_inventory, load
from controller.core.model import Cost, Policy
from controller.core.names import list_name

SAMPLE = (default_inventory() / "policy.yaml").read_text()


def loaded(tmp_path: Path, *edits: tuple[str, str], hosts: tuple[str, str] = ("", "")) -> Policy:
    inventory = Path(shutil.copytree(default_inventory(), tmp_path / "inventory"))
    for name, changes in (("policy.yaml", edits), ("hosts.yaml", (hosts,))):
        text = (inventory / name).read_text()
        for find, replace in changes:
            assert find in text
            text = text.replace(find, replace, 1)
        (inventory / name).write_text(text)
    return load(inventory).policy


SPLIT = ("    backups_disjoint: false", "    split: true\n    load: 40Gbps\n    importance: 3")


def test_what_is_not_said_is_not_known(tmp_path: Path) -> None:
    policy = loaded(tmp_path)
    assert {(each.capacity_bps, each.cost, each.owner) for each in policy.upstreams.values()} == {
        (None, None, None)
    }
    assert {each.capacity_bps for each in policy.links.values()} == {None}
    assert (policy.classes["residential"].load_bps, policy.classes["residential"].importance) == (None, 0)
    assert policy.limits.headroom == 0.1
    assert not policy.limits.dependence
    assert not policy.limits.avoid_over_commit


def test_capacities_costs_owners_and_limits_reach_the_core(tmp_path: Path) -> None:
    policy = loaded(
        tmp_path,
        (
            "    country: IR",
            "    owner: carrier-a\n    capacity: 20Gbps\n    cost: {commit: 5Gbps, per_mbps: 1}",
        ),
        ("when_down: drained", "limits: {headroom: 20%, dependence: {country GE: 60%}, over_commit: avoid}"),
        hosts=("        base_policy: {in: IRAN", "        capacity: 400Mbps\n        base_policy: {in: IRAN"),
    )
    iran = policy.upstreams["iran"]
    assert (iran.owner, iran.capacity_bps, iran.cost) == ("carrier-a", 20e9, Cost(1, 5e9))
    assert policy.links["edge2-iran"].capacity_bps == 400e6
    assert policy.limits.headroom == pytest.approx(0.2)
    assert policy.limits.dependence == {"country GE": pytest.approx(0.6)}
    assert policy.limits.avoid_over_commit


def test_what_depends_on_a_risk_a_country_or_an_owner(tmp_path: Path) -> None:
    policy = loaded(tmp_path, ("    country: IR", "    country: IR\n    owner: carrier-a"))
    assert policy.subject("black-sea") == {"azerbaijan", "georgia"}
    assert policy.subject("country GE") == {"georgia"}
    assert policy.subject("owner carrier-a") == {"iran"}


def test_a_class_that_is_split_becomes_one_for_each_prefix_and_shares_its_load(tmp_path: Path) -> None:
    classes = loaded(tmp_path, SPLIT).classes
    assert list(classes) == ["residential-1", "residential-2"]
    assert [each.prefixes for each in classes.values()] == [
        (ip_network("203.0.113.0/24"),),
        (ip_network("2001:db8:500::/48"),),
    ]
    assert {
        (each.load_bps, each.importance, each.prefer.choices, each.part_of, each.split)
        for each in classes.values()
    } == {(20e9, 3, ("azerbaijan", "georgia", "iran"), "residential", False)}
    assert [list_name(name) for name in classes] == ["FO-RESIDENTIAL-1", "FO-RESIDENTIAL-2"]


def test_a_part_keeps_those_more_specifics_that_lie_in_its_prefix(tmp_path: Path) -> None:
    more = (SPLIT[0], f"{SPLIT[1]}\n    more_specifics: [203.0.113.0/25, 203.0.113.128/25]")
    classes = loaded(tmp_path, more).classes
    assert [len(each.more_specifics) for each in classes.values()] == [2, 0]


def test_a_class_of_one_prefix_stays_whole(tmp_path: Path) -> None:
    six = ("\n  ipv6: 2001:db8:500::20", "")
    one = ('[203.0.113.0/24, "2001:db8:500::/48"]', "[203.0.113.0/24]")
    classes = loaded(tmp_path, SPLIT, one, six).classes
    assert list(classes) == ["residential"]
    assert classes["residential"].load_bps == 40e9


def test_too_many_parts_are_refused_with_their_number(tmp_path: Path) -> None:
    many = ", ".join(f"203.0.113.{n}/32" for n in range(10, 130))
    with pytest.raises(
        ConfigError, match=r"hosts\.yaml:\d+:\d+: link edge1-azerbaijan with 121 classes needs"
    ):
        loaded(tmp_path, SPLIT, ("[203.0.113.0/24,", f"[{many},"))
