"""Whatever is done to the starter files, the answer is a policy or a list of problems."""

from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.config import default_inventory, load
from controller.config.loader import check
from controller.config.problems import Problem
from controller.config.sources import FILES
from controller.core.model import Policy
from controller.sim.load import scenario
from controller.sim.trace import trace

STARTER = {
    # comments only slow the parser down
    name: "".join(
        line
        for line in (default_inventory() / name).read_text().splitlines(keepends=True)
        if line.strip() and not line.lstrip().startswith("#")
    )
    for name in FILES
}
WORDS = (
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "-",
        "\t",
        '"',
        "'",
        "&a",
        "*a",
        "<<: *a",
        "!x",
        "|",
        ">",
        "%",
        "@",
        "#",
        "?",
        "---",
    ),
    *(
        "null",
        "true",
        "-1",
        "1e999",
        "99999999999999999999",
        "0x",
        ".nan",
        "~",
        "4294967296",
        "64500",
        "north",
    ),
    *(
        "0.0.0.0/0",
        "::/0",
        "203.0.113.1/24",
        "fe80::1%eth0",
        "10m",
        "0%",
        "1 per hour",
        "\x00",
        "\u2028",
        '"\\ud800"',
    ),
)

Edit = Callable[[str], str]


def _lines(change: Callable[[list[str], int], list[str]], place: int) -> Edit:
    def edit(text: str) -> str:
        lines = text.splitlines(keepends=True)
        return "".join(change(lines, place % len(lines))) if lines else text

    return edit


def _garble(place: int, length: int, word: str) -> Edit:
    def edit(text: str) -> str:
        at = place % (len(text) + 1)
        return text[:at] + word + text[at + length :]

    return edit


def _revalue(place: int, word: str) -> Edit:
    """Another value behind a key: finds what garbling breaks too soon."""

    def change(lines: list[str], at: int) -> list[str]:
        key, colon, _ = lines[at].partition(":")
        return [*lines[:at], f"{key}{colon} {word}\n", *lines[at + 1 :]]

    return _lines(change, place)


places, words = st.integers(0, 10_000), st.sampled_from(WORDS) | st.text(max_size=4)
edits = st.one_of(
    st.builds(lambda at: _lines(lambda lines, n: lines[:n] + lines[n + 1 :], at), places),
    st.builds(lambda at: _lines(lambda lines, n: lines[: n + 1] + lines[n:], at), places),
    st.builds(lambda at: _lines(lambda lines, n: lines[:n], at), places),
    st.builds(lambda at: _lines(lambda lines, n: [*lines[:n], "  " + lines[n], *lines[n + 1 :]], at), places),
    st.builds(_garble, places, st.integers(0, 8), words),
    st.builds(_revalue, places, words),
)
edited = st.lists(st.tuples(st.sampled_from(FILES), edits), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(edited)
def test_any_damage_gives_a_policy_or_problems_with_places(damage: list[tuple[str, Edit]]) -> None:
    texts = dict(STARTER)
    for name, edit in damage:
        texts[name] = edit(texts[name])
    contents = {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
    policy, problems = check(contents)
    assert isinstance(policy, Policy) == (not problems)
    for problem in problems:
        assert_placed(problem, contents)


def assert_placed(problem: Problem, contents: dict[str, bytes]) -> None:
    line = f"{problem}"
    line.encode()  # printable: no lone surrogates from the file
    assert line.splitlines() == [line]
    assert problem.message
    assert problem.hint
    assert 1 <= problem.line <= len(contents[problem.file].splitlines()) + 1


SCENARIO = (default_inventory() / "scenarios" / "repair-broken.yaml").read_text()
TRACE = "time_s,link,loss_percent,rtt_ms\n" + "".join(
    f"{n},edge1-azerbaijan,{n % 101},{n}\n" for n in range(9)
)
SAMPLE = load(default_inventory()).policy


@settings(max_examples=150, deadline=None)
@given(st.lists(edits, min_size=1, max_size=4))
def test_any_damage_to_a_scenario_gives_a_scenario_or_problems_with_places(damage: list[Edit]) -> None:
    text = SCENARIO
    for edit in damage:
        text = edit(text)
    content = text.encode("utf-8", "surrogatepass")
    found, problems = scenario(Path("scenario.yaml"), content, SAMPLE)
    assert (found is None) == bool(problems)
    for problem in problems:
        assert_placed(problem, {"scenario.yaml": content})


@settings(max_examples=150, deadline=None)
@given(st.lists(edits, min_size=1, max_size=4))
def test_any_damage_to_a_trace_gives_a_scenario_or_problems(damage: list[Edit]) -> None:
    text = TRACE
    for edit in damage:
        text = edit(text)
    found, problems = trace(Path("trace.csv"), text.encode("utf-8", "surrogatepass"), SAMPLE)
    assert (found is None) == bool(problems)
    for problem in problems:
        assert f"{problem}".splitlines() == [f"{problem}"]
