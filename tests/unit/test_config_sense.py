"""What is allowed and hardly meant, word for word: tests/golden/policy_warnings."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from controller.config import default_inventory, load
from controller.config.loader import examine
from controller.config.sources import FILES

GOLDEN = Path(__file__).parent.parent / "golden" / "policy_warnings"
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
        assert texts[edit["file"]].count(edit["find"]) == 1, f"{edit['find']!r} should stand once"
        texts[edit["file"]] = texts[edit["file"]].replace(edit["find"], edit["replace"])
    return {name: text.encode() for name, text in texts.items()}


def test_the_base_of_all_cases_is_without_warnings() -> None:
    assert examine(edited([]))[1:] == ([], [])


def test_the_starter_inventory_is_without_warnings() -> None:
    assert load(default_inventory()).warnings == ()


@pytest.mark.parametrize(("edits", "says"), cases())
def test_each_oddity_gives_exactly_these_lines(edits: list[dict[str, str]], says: str) -> None:
    policy, problems, warnings = examine(edited(edits))
    assert not problems
    assert policy is not None
    assert "".join(f"{warning}\n" for warning in warnings) == says
