"""`failover acknowledge` and its kin without a loop: kept for the next one, shown, refused where they name nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from controller.cli.root import app


def failover(state: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--state", str(state), *words])


def test_an_acknowledgement_is_kept_with_owner_reason_and_an_end_of_an_hour(tmp_path: Path) -> None:
    done = failover(tmp_path, "acknowledge", "residential", "--reason", "spliced,\n seen", "--owner", "ann")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "order 1: moves of residential acknowledged by ann (spliced, seen), until " in said
    assert "no loop is running: it holds as soon as one starts" in said
    (order,) = json.loads(failover(tmp_path, "overrides", "--json").stdout)
    assert (order["kind"], order["subject"], order["owner"]) == ("acknowledge", "residential", "ann")
    assert order["until"] - order["since"] == pytest.approx(3600, abs=5)


def test_a_later_acknowledgement_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    for reason in ("first", "second"):
        failover(tmp_path, "acknowledge", "residential", "--reason", reason, "--for", "10min")
    (order,) = json.loads(failover(tmp_path, "overrides", "--json").stdout)
    assert (order["number"], order["reason"]) == (2, "second")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("acknowledge", "residental", "--reason", "x"), "no class residental: there are residential"),
        (("acknowledge", "residential", "--reason", " "), "--reason: say why"),
        (("acknowledge", "residential", "--reason", "x", "--for", "soon"), "'soon' is not a duration"),
        (("drain", "country XX", "--reason", "x"), "nothing is called country XX"),
    ],
)
def test_what_names_nothing_or_says_nothing_is_refused_and_nothing_is_ordered(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    done = failover(tmp_path, *words)
    assert done.exit_code in (1, 2)
    assert says in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert not (tmp_path / "failover.db").exists()


def test_all_that_leads_through_a_country_can_be_drained(tmp_path: Path) -> None:
    done = failover(tmp_path, "drain", "country GE", "--reason", "a storm", "--owner", "ann")
    assert done.exit_code == 0, done.output
    assert "country GE drained by ann (a storm)" in " ".join(done.output.split())
