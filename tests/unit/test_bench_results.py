"""Where the benchmarks put their tables."""

from pathlib import Path

import pytest

from tests.benchmarks import results


def test_a_table_replaces_what_stands_between_its_markers_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    monkeypatch.setattr(results, "README", page)
    page.write_text("before\n<!-- a:begin -->\nold\n<!-- a:end -->\n<!-- b:begin -->\nkept\n<!-- b:end -->\n")
    results.write("a", results.table(["x", "y"], [["1", "2"]]))
    results.write("a", results.table(["x", "y"], [["3", "4"]]))
    wanted = "| x | y |\n| --- | --- |\n| 3 | 4 |\n"
    assert page.read_text() == (
        f"before\n<!-- a:begin -->\n{wanted}<!-- a:end -->\n<!-- b:begin -->\nkept\n<!-- b:end -->\n"
    )


def test_a_table_without_markers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text("<!-- a:end --><!-- a:begin -->\n")
    with pytest.raises(LookupError, match="a:begin"):
        results.write("a", "text")


def test_both_tables_have_their_place_in_the_page() -> None:
    text = results.README.read_text()
    for name in ("restore", "icmp"):
        assert text.index(f"<!-- {name}:begin -->") < text.index(f"<!-- {name}:end -->")


@pytest.mark.parametrize(("count", "found"), [(1, 1), (5, 5), (10, 10), (20, 19), (100, 95)])
def test_a_percentile_is_the_nearest_rank(count: int, found: int) -> None:
    assert results.percentile(list(range(count, 0, -1)), 0.95) == found
