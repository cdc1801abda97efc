"""YAML that knows its places."""

import pytest

from controller.config.document import Document, Steps, read

TEXT = b"""\
links:
  one: &one {asn: 1, list: [a, b]}
  two:
    <<: *one
    asn: 2
"""


@pytest.mark.parametrize(
    ("steps", "key", "place"),
    [
        ((), False, (1, 1)),
        (("links",), False, (1, 1)),
        (("links", "one"), False, (2, 3)),
        (("links", "one", "asn"), False, (2, 19)),
        (("links", "one", "asn"), True, (2, 14)),
        (("links", "one", "list", 1), False, (2, 32)),
        (("links", "two", "asn"), False, (5, 10)),
        (("links", "two", "list"), False, (2, 22)),  # merged: where it really stands
        (("links", "two", "absent"), False, (3, 3)),  # the nearest thing around it
    ],
)
def test_each_value_knows_its_line_and_column(steps: Steps, key: bool, place: tuple[int, int]) -> None:
    assert read("f", TEXT).place(steps, key=key) == place


def test_merged_keys_yield_to_own_keys() -> None:
    assert read("f", TEXT).data["links"]["two"] == {"asn": 2, "list": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", 1000),
        ("0x10", 16),
        ("0o10", 8),
        ("012", 12),
        ("1.5", 1.5),
        (".inf", float("inf")),
        ("-.INF", float("-inf")),
        ("true", True),
        ("no", "no"),  # YAML 1.2: the country code NO is text
        ("~", None),
        ("2026-06-01", "2026-06-01"),
        ("2001:db8:500::20", "2001:db8:500::20"),
        ("'1'", "1"),
        ("1:30", "1:30"),
    ],
)
def test_scalars_are_what_yaml_1_2_says_except_that_dates_are_text(text: str, value: object) -> None:
    document = read("f", f"key: {text}\n".encode())
    assert not document.problems
    assert document.data == {"key": value}


def test_nothing_but_comments_is_nothing() -> None:
    assert read("f", b"# hello\n") == Document("f")


@pytest.mark.parametrize(
    "text", ['a: "\\UFFFFFFFF"', "a: !!int x", "%YAML 9.9\n---\na: 1", "<<: 3", "!%F0 x"]
)
def test_oddities_are_problems(text: str) -> None:
    assert read("f", text.encode()).problems


def test_a_byte_order_mark_does_not_matter() -> None:
    assert read("f", b"\xef\xbb\xbfa: 1").data == {"a": 1}


def bomb(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("levels", [19, 60, 5000])
def test_aliases_that_stand_for_millions_are_refused_where_they_pass_the_bound(levels: int) -> None:
    document = read("f", bomb(levels))
    assert document.data is None
    (problem,) = document.problems
    assert str(problem).startswith(
        "f:19:6: written out, the aliases here would repeat more than 1,000,000 values"
    )


def test_merge_keys_that_multiply_are_refused_as_well() -> None:
    lines = ["a0: &a0 {k: x}"] + [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60)]
    (problem,) = read("f", "\n".join(lines).encode()).problems
    assert "the aliases here would repeat" in problem.message


def test_aliases_that_repeat_much_and_not_too_much_are_fine() -> None:
    assert not read("f", bomb(17)).problems


def test_a_mapping_merged_into_itself_has_a_place_and_no_end() -> None:
    document = read("f", b"a: &a\n  <<: *a\n  b: 1\n")
    assert [str(problem) for problem in document.problems] == [
        "f:1:4: an alias stands inside its own anchor. Write the value out."
    ]
    assert document.place(("a", "absent")) == (1, 1)


def test_top_level_keys_with_a_dot_are_set_aside_where_a_file_may_have_them() -> None:
    text = b".all: &all {asn: 1}\none: {<<: *all, .deep: 2}\n"
    document = read("f", text, shared=True)
    assert document.data == {"one": {"asn": 1, ".deep": 2}}
    assert document.shared == {".all": {"asn": 1}}
    assert document.place(("one", "asn")) == (1, 18)
    assert read("f", text).data == {".all": {"asn": 1}, **document.data}


def test_a_value_left_out_has_the_place_of_its_key() -> None:
    assert read("f", b"a:\n  b:\n\n  c: 1\n").place(("a", "b")) == (2, 3)


def test_only_what_ends_a_line_in_yaml_counts_as_one() -> None:
    text = "a: {b: 1\u2028\u2028 c: 2}\nd: [\n".encode()
    (problem,) = read("f", text).problems
    assert (problem.line, problem.column) == (1, 13)
    assert "a comma or '}' is missing" in problem.message
