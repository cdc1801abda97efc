"""Every way to be wrong, word for word: tests/golden/policy_errors."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from controller.config.loader import check
from controller.config.sources import FILES

GOLDEN = Path(__file__).parent.parent / "golden" / "policy_errors"
BASE = {name: (GOLDEN / "base" / name).read_text() for name in FILES}


def cases() -> list[Any]:
    yaml = YAML(typ="safe")
    return [
        pytest.param(case["edits"], case["says"], id=f"{file.stem}: {case['case']}")
        for file in sorted(GOLDEN.glob("*.yaml"))
        for case in yaml.load(file)
    ]


def edited(edits: list[dict[str, str]]) -> dict[str, bytes]:
    texts = dict(BASE)
    for edit in edits:
        text = texts[edit["file"]]
        if "all" in edit:
            texts[edit["file"]] = edit["all"]
        else:
            assert text.count(edit["find"]) == 1, f"{edit['find']!r} should stand once in {edit['file']}"
            texts[edit["file"]] = text.replace(edit["find"], edit["replace"])
    return {name: text.encode() for name, text in texts.items()}


def test_the_base_of_all_cases_is_without_problems() -> None:
    policy, problems = check(edited([]))
    assert policy is not None
    assert not problems


@pytest.mark.parametrize(("edits", "says"), cases())
def test_each_slip_gives_exactly_these_lines(edits: list[dict[str, str]], says: str) -> None:
    policy, problems = check(edited(edits))
    assert policy is None
    assert "".join(f"{problem}\n" for problem in problems) == says
