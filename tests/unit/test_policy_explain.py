"""What `failover policy explain` tells operators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.root import app
from controller.config import write_starter
from controller.core.grey_threshold import LEVELS, Calibrator
from controller.core.roles_text import roles_told
from controller.store.sqlite import SqliteStore
from controller.watch import QUIET_TIME
from tests.role_samples import BANKS, PARTNERS, policy, spoken


def said(state: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["--state", str(state), "policy", "explain", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_links_that_are_alike_are_told_of_together_by_formula_at_first(tmp_path: Path) -> None:
    lines = said(tmp_path).split("\n\n")[2].splitlines()
    assert lines[0].startswith("edge1-azerbaijan IPv4, edge1-azerbaijan IPv6, ")
    assert lines[1].startswith("  loss is found: 100% in 0.5 s, 30% in ")
    assert lines[2].endswith("by formula until there are 14, 0.0 quiet days so far")
    assert [line for line in lines if "loss is found" in line] == lines[1:2]


def test_roles_are_told_in_words(tmp_path: Path) -> None:
    assert said(tmp_path).split("\n\n")[1].splitlines() == [
        "primary: local preference 300, 1 prepend; each further place -1 prepend",
        "backup: local preference 200, 3 prepends; each further place -10 local preference, +1 prepend",
        "drained: local preference 50, 5 prepends, graceful shutdown",
        "withdrawn: local preference 10; own prefixes are not announced",
        "outbound with residential: all routes",
    ]


def test_all_that_roles_and_classes_can_say_is_told() -> None:
    assert roles_told(spoken()) == [
        (
            "primary: local preference 300, 1 prepend, MED 50, 64501:90, 64501:1:90 to azerbaijan, 64502:5 to georgia; "
            "each further place -1 prepend, -20 MED"
        ),
        (
            "backup: local preference 200, 2 prepends, MED 100, communities 64500:20; each further place "
            "-10 local preference, +1 prepend, +10 MED"
        ),
        "drained: local preference 50, 5 prepends, MED 200, communities 64500:50, graceful shutdown",
        "withdrawn: local preference 10; own prefixes are not announced",
        "backup of partners: local preference 200, 4 prepends; each further place -10 local preference",
        (
            "more-specifics of partners: 203.0.113.0/26, 2001:db8:501:8000::/49 leave over links that are primary, "
            "where the routers have them in BGP"
        ),
        (
            "outbound with partners: routes to 198.51.100.0/24 or inside; routes that AS 64510 or AS 65551 originates; "
            "routes that carry 64501:70, 65535:666 or 64501:1:70"
        ),
        "outbound with residential: all other routes",
    ]


def test_more_specifics_that_no_role_announces_are_told_to_stay() -> None:
    assert roles_told(policy(PARTNERS))[5] == (
        "more-specifics of partners: 203.0.113.0/26, 2001:db8:501:8000::/49 leave over no link: no role says so"
    )


def test_which_class_has_a_route_that_several_name_is_told() -> None:
    assert roles_told(policy(PARTNERS, BANKS))[-2:] == [
        "outbound with partners: all other routes",
        "a route that several of them name goes with the first: partners, then banks",
    ]


def test_a_link_with_a_history_has_a_promise_of_its_own(tmp_path: Path) -> None:
    bursty = Calibrator(20 * 86400.0, tuple(int(5000 * 0.9**n) for n in range(len(LEVELS))))
    calm = Calibrator(20 * 86400.0, tuple(1000 // 4**n for n in range(len(LEVELS))))
    store = SqliteStore(tmp_path / "failover.db")
    ambient = {"days": [0.005], "value": 0.005}
    store.save_learned(
        QUIET_TIME,
        {
            "loss/edge1-georgia/ipv4": {"calibrator": bursty.to_plain(), "ambient": ambient},
            "loss/edge1-georgia/ipv6": {"calibrator": calm.to_plain(), "ambient": ambient},
        },
    )
    store.close()
    told = {(each["link"], each["family"]): each for each in json.loads(said(tmp_path, "--json"))["links"]}
    worse, better, unknown = (
        told["edge1-georgia", "ipv4"],
        told["edge1-georgia", "ipv6"],
        told["edge2-iran", "ipv4"],
    )
    assert (worse["fitted"], better["fitted"], unknown["fitted"]) == (True, True, False)
    assert worse["seconds"]["10%"] > unknown["seconds"]["10%"] > better["seconds"]["10%"]
    assert worse["quiet_days"] == pytest.approx(20)
    assert "where loss is known to come without bursts" in said(tmp_path)


def test_what_fits_where_is_told_in_sentences_where_policy_says_something_of_it(tmp_path: Path) -> None:
    write_starter(tmp_path)
    file = tmp_path / "inventory" / "policy.yaml"
    text = file.read_text().replace(
        "    country: IR", "    country: IR\n    capacity: 20Gbps\n    cost: {commit: 5Gbps, per_mbps: 0.4}"
    )
    text = text.replace("    backups_disjoint: false", "    split: true\n    load: 40Gbps")
    file.write_text(text + "limits: {dependence: {black-sea: 70%}}\n")
    done = CliRunner().invoke(
        app, ["--inventory", str(tmp_path / "inventory"), "--state", str(tmp_path), "policy", "explain"]
    )
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    for sentence in (
        "residential is split into residential-1 (203.0.113.0/24), residential-2 (2001:db8:500::/48): each moves",
        "outbound, residential-1 steers for all of it.",
        "Filled by choice, 10% being left free: azerbaijan as much as goes there, georgia as much as goes there, iran",
        "Room is given in this order, and made in the opposite one: residential-1 (20 Gbit/s), residential-2 (20 Gbit/s).",
        "No more than 70% of all traffic is put on black-sea (azerbaijan, georgia) while it can go elsewhere.",
        "iran: 5 Gbit/s are paid for in any case, then 0.4 for each Mbit/s of the month's 95th percentile.",
        "Cost decides between equals only.",
    ):
        assert sentence in told
