"""The scenarios that ship: each turns out as it says, with the policy that ships."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.config import write_starter
from controller.sim import load, simulate
from tests.unit.sim_world import LIBRARY, play, sample

FILES = sorted(LIBRARY.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_expected_is_so(file: Path) -> None:
    run = simulate(sample(), load(file, sample()))
    assert run.checked
    assert [f"{each.expectation.text}: {each.found}" for each in run.checked if not each.met] == []


def test_the_readme_names_every_scenario_and_no_other() -> None:
    text = (LIBRARY / "README.md").read_text().partition("## Writing one")[0]
    named = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(named) == sorted(file.stem for file in FILES)


def test_the_readme_s_sample_plays_as_it_is_printed() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (LIBRARY / "README.md").read_text(), re.DOTALL)
    assert play(text).met


def test_they_are_part_of_the_starter_set(tmp_path: Path) -> None:
    written = write_starter(tmp_path)
    assert {path.name for path in written if path.parent.name == "scenarios"} == {
        *(file.name for file in FILES),
        "README.md",
    }
