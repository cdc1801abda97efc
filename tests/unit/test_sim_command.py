"""``failover policy simulate`` as operators and CI meet it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from controller.cli import root
from controller.cli.root import app
from controller.config import default_inventory
from controller.sim.chart_text import WIDTH, letters

POLICY = default_inventory() / "policy.yaml"
SCENARIO = """
title: a <cable> breaks
lasts: 2h
events: [{at: 10min, upstream: azerbaijan, becomes: down, lasts: 5min}]
expect: [{carried_by: georgia, at: 10min, within: 1s}]
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "cable.yaml"
    path.write_text(SCENARIO)
    return path


def run(*words: object) -> Any:
    inventory = str(default_inventory())
    return CliRunner().invoke(app, ["--inventory", inventory, "policy", "simulate", *map(str, words)])


def test_chart_timeline_and_figures_are_shown_and_the_chart_fits_the_terminal(scenario: Path) -> None:
    done = run(scenario)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    start = next(n for n, line in enumerate(lines) if "|0s" in line)
    chart = lines[start : lines.index("", start)]
    assert all(len(line) <= WIDTH for line in chart)
    assert chart[1].startswith("residential       AAAAAGGGGG")
    assert chart[2].startswith("  path            .....#....")
    assert "00:10:00.4  residential moved from azerbaijan to georgia: " in done.stdout
    assert any(line.split() == ["residential:", "moves", "2"] for line in lines)


def test_what_is_not_met_is_said_and_ends_in_2(scenario: Path) -> None:
    scenario.write_text(SCENARIO.replace("georgia", "iran"))
    done = run(scenario)
    assert done.exit_code == 2
    last = "NOT MET: every class is carried by iran at 10min, within 1s: residential is carried by georgia"
    assert done.stdout.splitlines()[-1] == last


def test_json_has_everything(scenario: Path) -> None:
    told = json.loads(run(scenario, "--json").stdout)
    assert told["met"] is True
    (policy,) = told["policies"]
    assert policy["classes"]["residential"]["moves"] == 2
    assert policy["classes"]["residential"]["minutes"]["georgia"] == pytest.approx(10.005)
    assert policy["moves"][0]["from"] == ["edge1-azerbaijan"]
    assert [each["pushed"] for each in policy["decisions"]].count(True) == 2
    assert policy["expectations"][0]["met"] is True


def test_two_policies_stand_side_by_side(scenario: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.yaml"
    other.write_text(
        POLICY.read_text().replace("prefer: [azerbaijan, georgia,", "prefer: [georgia, azerbaijan,")
    )
    done = run(scenario, "--policy", POLICY, "--policy", other)
    assert done.exit_code == 0
    assert any(line.split() == ["residential:", "moves", "2", "0"] for line in done.stdout.splitlines())


def test_two_policies_stand_side_by_side_and_both_are_held_to_what_is_expected(
    scenario: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.yaml"
    slow.write_text(POLICY.read_text().replace("ride_out: 400ms", "ride_out: 2s"))
    done = run(scenario, "--policy", POLICY, "--policy", slow)
    assert done.exit_code == 2
    assert f"{slow}: NOT MET: every class is carried by georgia" in done.stdout


@pytest.mark.parametrize("suffix", ["svg", "html"])
def test_a_picture_is_written_that_needs_nothing_from_elsewhere(
    scenario: Path, tmp_path: Path, suffix: str
) -> None:
    picture = tmp_path / f"chart.{suffix}"
    assert run(scenario, "--out", picture).exit_code == 0
    text = picture.read_text()
    assert "a &lt;cable&gt; breaks" in text
    begin, end = text.index("<svg"), text.index("</svg>") + len("</svg>")
    ET.fromstring(text[begin:end])
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "<script" not in text


def test_a_scenario_of_the_library_is_found_by_its_name() -> None:
    done = run("ksani-2011")
    assert done.exit_code == 0
    assert done.stdout.startswith("a spade near Ksani takes two upstreams at once, 7.0 h\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none.yaml"], "none.yaml: it cannot be read: No such file or directory. Name a scenario's file."),
        (["ksani-2012"], "no such scenario in"),
        (["ksani-2012"], "Did you mean ksani-2011?"),
        (["ksani-2011", "--out", "chart.png"], "--out chart.png: write a name that ends in .svg or .html"),
        (
            ["ksani-2011", "--out", "/none/chart.svg"],
            "--out /none/chart.svg: cannot be written: No such file",
        ),
        (["ksani-2011", "--policy", "/none/p.yaml"], "p.yaml: there is no such file in /none."),
    ],
)
def test_errors_are_sentences_and_end_in_1(
    words: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory = str(default_inventory())
    monkeypatch.setattr("sys.argv", ["failover", "--inventory", inventory, "policy", "simulate", *words])
    with pytest.raises(SystemExit) as ended:
        root.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert says in told.replace("\n", " ")
    assert "Traceback" not in told


def test_a_broken_policy_is_named_as_it_was_given(scenario: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.yaml"
    other.write_text(POLICY.read_text().replace("ride_out: 400ms", "ride_out: 400"))
    done = run(scenario, "--policy", other)
    assert f"{other}:" in str(done.exception)


def test_signs_are_different_for_every_upstream() -> None:
    found = letters(["georgia", "germany", "gabon", "ge", "eg"])
    assert len(set(found.values())) == 5
    assert found["georgia"] == "G"
