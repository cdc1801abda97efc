"""Every way to be wrong in a scenario, word for word, and in a trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from controller.core.model import Preference
from controller.sim import ScenarioError, load
from controller.sim.load import scenario
from controller.sim.ordered import NOTATION
from controller.sim.trace import trace
from tests.unit.sim_world import sample

CASES = Path(__file__).parent.parent / "golden" / "scenario_errors" / "cases.yaml"
NUMBER = "Write a number of 0 or more, or nothing where nothing was measured."
HEADER = "time_s,link,loss_percent,rtt_ms\n"
MORE = "time_s,link,loss_percent,rtt_ms,jitter_ms,witness,order,until_s\n"


def cases() -> list[Any]:
    found = YAML(typ="safe").load(CASES)
    return [pytest.param(case["text"], case["says"], id=case["case"]) for case in found]


@pytest.mark.parametrize(("text", "says"), cases())
def test_each_slip_gives_exactly_these_lines(text: str, says: str) -> None:
    found, problems = scenario(Path("scenario.yaml"), text.encode(), sample())
    assert found is None
    assert "".join(f"{problem}\n" for problem in problems) == says


def test_an_upstream_that_a_class_never_goes_over_is_no_expectation() -> None:
    policy = sample()
    narrow = replace(policy.classes["residential"], prefer=Preference(("azerbaijan", "georgia")))
    policy = replace(policy, classes={"residential": narrow})
    text = "title: x\nlasts: 1h\nexpect:\n  - {carried_by: iran, at: 10min}\n"
    _, problems = scenario(Path("scenario.yaml"), text.encode(), policy)
    assert "\n".join(map(str, problems)) == (
        "scenario.yaml:4:18: class 'residential' never goes over iran, which is not among what it prefers."
        " It prefers azerbaijan, georgia."
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1:1: the first line does not name the columns. Write time_s,link,loss_percent,rtt_ms there."),
        (
            "time,link,loss,rtt\n",
            "1:1: the first line does not name the columns. Write time_s,link,loss_percent,rtt_ms there.",
        ),
        (HEADER, "1:1: there are no measurements. Add a row a link and moment."),
        (
            f"{HEADER}0,edge1-azerbaijan,0\n",
            "2:1: this row has 3 values. There are 4: time_s, link, loss_percent, rtt_ms.",
        ),
        (
            f"{HEADER}0,edge1-azerbajan,0,40\n",
            "2:1: there is no link 'edge1-azerbajan'. Did you mean edge1-azerbaijan?",
        ),
        (f"{HEADER}0,edge2-iran,0%,40\n", f"2:1: loss_percent is '0%'. {NUMBER}"),
        (f"{HEADER}0,edge2-iran,-1,40\n", f"2:1: loss_percent is '-1'. {NUMBER}"),
        (f"{HEADER}0,edge2-iran,0,inf\n", f"2:1: rtt_ms is 'inf'. {NUMBER}"),
        (f"{HEADER}0,edge2-iran,101,40\n", "2:1: loss_percent is '101'. Write 0 to 100."),
        (f"{HEADER},edge2-iran,0,40\n", "2:1: time_s is empty. Write seconds, since whenever it began."),
        (
            f"{HEADER}7,edge2-iran,0,40\n7,edge2-iran,0,41\n",
            " edge2-iran is measured twice at 7 s. Keep one of its rows.",
        ),
        (
            f'{HEADER}0,edge2-iran,"0,40\n',
            "2:1: this is not CSV: unexpected end of data. Look for stray quotes, and for line breaks inside of quotes.",
        ),
        (f"{MORE}0,edge2-iran,0,40,x,,,\n", f"2:1: jitter_ms is 'x'. {NUMBER}"),
        (
            f"{MORE}0,edge2-iran,0,40,,dead,,\n",
            "2:1: witness is 'dead'. Write degraded or down, or nothing where only probes speak.",
        ),
        (
            f"{MORE}0,edge2-iran,0,40,,,drain iran,\n",
            "2:1: an order stands in a row of measurements. Leave them empty where somebody orders something.",
        ),
        (
            f"{MORE}0,edge2-iran,0,40,,,,9\n",
            "2:1: until_s stands without an order. Write what is ordered before it, or leave it empty.",
        ),
        (
            f"{MORE}0,,,,,,drane iran,9\n",
            f"2:1: order is 'drane iran'. Write {NOTATION}.",
        ),
        (f"{MORE}0,,,,,,drain irn,9\n", "2:1: nothing is called 'irn'. Did you mean iran?"),
        (
            f"{MORE}0,,,,,,pin residentail iran,\n",
            "2:1: there is no class 'residentail'. Did you mean residential?",
        ),
        (
            f"{MORE}0,,,,,,pin residential irn,\n",
            "2:1: class 'residential' never goes over 'irn'. Did you mean iran?",
        ),
        (
            f"{MORE}now,,,,,,pause,\n",
            "2:1: time_s is 'now'. Write seconds, on the clock of the other rows.",
        ),
    ],
)
def test_each_slip_in_a_trace_is_told_with_its_line(text: str, says: str) -> None:
    found, problems = trace(Path("trace.csv"), text.encode(), sample())
    assert found is None
    assert [str(problem) for problem in problems] == [f"trace.csv:{says}"]


def test_a_trace_that_is_wrong_in_every_line_does_not_fill_the_screen() -> None:
    text = HEADER + "".join(f"{n},edge9,0,40\n" for n in range(1000))
    assert len(trace(Path("trace.csv"), text.encode(), sample())[1]) == 20


def test_files_that_cannot_be_read_are_problems_too(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="it cannot be read: No such file"):
        load(tmp_path / "none.yaml", sample())
    with pytest.raises(ScenarioError, match="it cannot be read: Is a directory"):
        load(tmp_path, sample())
    (tmp_path / "latin.csv").write_bytes("time_s,link,loss_percent,rtt_ms\n0,é,0,1\n".encode("latin-1"))
    with pytest.raises(ScenarioError, match="not UTF-8"):
        load(tmp_path / "latin.csv", sample())
    (tmp_path / "nul.csv").write_bytes(b"time_s,link,loss_percent,rtt_ms\n0,edge2-\0iran,0,1\n")
    with pytest.raises(ScenarioError, match=r"nul\.csv:2"):
        load(tmp_path / "nul.csv", sample())
