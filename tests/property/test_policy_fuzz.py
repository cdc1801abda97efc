"""A few hundred of the cases that `python -m tests.fuzz_policy` runs by the hundred thousand."""

import pytest

from tests.fuzz_policy import damaged, run


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_damaged_files_are_answered_and_never_with_an_exception(first: int) -> None:
    figures = run(seed=1, first=first, count=100)
    assert figures.failures == []
    assert sum(figures.verdicts.values()) == 100


def test_the_cases_are_of_all_sorts_and_can_be_repeated() -> None:
    figures = run(seed=2, first=0, count=200)
    assert set(figures.verdicts) >= {"loads", "refused"}
    assert len(figures.messages) > 30
    assert damaged(2, 7) == damaged(2, 7) != damaged(3, 7)
