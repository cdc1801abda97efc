"""What is wrong with a file that is not YAML, in words for someone who never read YAML's grammar.

The parser tells what it expected and where it gave up, which is often the line below the slip.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tokens import ScalarToken

from controller.config.problems import Problem, quoted

_LOOK = "Look at this line and the one above it: indentation, colons, quotes and brackets."
_ALIGN = "Lines that belong together begin in the same column."
_CLOSE = "Close it where the value ends."
_NO_SPACE = re.compile(r"([A-Za-z_-]+):([^\s/].*)")  # a slash: a URL
_QUOTES = ("'", '"')
_BREAK = re.compile(r"\r\n|[\r\n]")  # what ends a line in YAML 1.2, and nothing else does


@dataclass(frozen=True, slots=True)
class _Failure:
    """Where the parser gave up. Lines and columns count from 0 here, as the parser counts them."""

    lines: list[str]
    said: str
    line: int
    column: int
    first: int  # where that begins which could not be finished
    start: int
    inside: str  # what that is

    def text(self, line: int) -> str:
        return self.lines[line] if line < len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class _Answer:
    line: int
    column: int
    message: str
    hint: str


def explain(file: str, text: str, error: YAMLError) -> Problem:
    """The parser's error as a problem: the place of the slip, what it is, what to do."""
    if isinstance(error, ReaderError):
        before = _BREAK.split(text[: error.position] + ".")
        return Problem(file, len(before), len(before[-1]), "a control character stands here", "Delete it.")
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(file, 1, 1, "this is not YAML", _LOOK)
    mark, context = error.problem_mark, error.context_mark or error.problem_mark
    said = " ".join(str(error.problem).split())
    failure = _Failure(
        _BREAK.split(text), said, mark.line, mark.column, context.line, context.column, str(error.context)
    )
    answer = _indented(failure) or _open_quote(failure, text) or _answer(failure)
    return Problem(file, answer.line + 1, answer.column + 1, answer.message, answer.hint)


def _answer(failure: _Failure) -> _Answer:
    for words, answer in _ANSWERS.items():
        if words in failure.said:
            return answer(failure)
    return _Answer(failure.line, failure.column, f"not YAML: {failure.said}", _LOOK)


def _indented(failure: _Failure) -> _Answer | None:
    """Tabs, and what text copied from a web page brings along: spaces that are none to YAML."""
    text = failure.text(failure.line)
    column = text[: _indent(text)].find("\t")
    if column >= 0:
        return _Answer(failure.line, column, "a tab indents this line", "YAML indents with spaces only.")
    above = _above(failure)
    for line in (failure.line,) if above is None else (above, failure.line):
        text = failure.text(line)
        odd = next((n for n, character in enumerate(text[: _indent(text)]) if character not in " \t"), None)
        if odd is not None:
            message = "something that only looks like a space indents this line"
            return _Answer(line, odd, message, "Write ordinary spaces.")
    return None


def _open_quote(failure: _Failure, text: str) -> _Answer | None:
    """A quote that is not closed ends at the next one, lines further down, where nothing fits any more."""
    found = None
    try:
        for token in YAML(typ="safe", pure=True).scan(text):
            if token.end_mark.line > failure.line:
                break
            if isinstance(token, ScalarToken) and token.style in _QUOTES:
                found = token
    except YAMLError:
        pass  # known already: this looks at what came before it
    if found is None or not found.start_mark.line < found.end_mark.line == failure.line:
        return None
    message = f"this quote is closed on line {failure.line + 1} only, and what follows there fits nowhere"
    return _Answer(found.start_mark.line, found.start_mark.column, message, _CLOSE)


def _second_colon(failure: _Failure) -> _Answer:
    """A colon where a value goes on: a key too far in, or the line above lacks its own colon."""
    text = failure.text(failure.line)
    if re.search(r":\s", text[: failure.column]):
        hint = "Begin a new line for the next key, or put quotes around the value."
        return _Answer(failure.line, failure.column, "a second colon stands in this line", hint)
    above = _above(failure)
    broken = None if above is None else _broken_pair(failure, above)
    message = "this line is indented further than the one above it, which has a value already"
    return broken or _Answer(failure.line, _indent(text), message, _ALIGN)


def _no_colon(failure: _Failure) -> _Answer:
    broken = _broken_pair(failure, failure.first)
    hint = "Write it like 'key: value'."
    return broken or _Answer(failure.first, failure.start, "this line has no colon", hint)


def _broken_pair(failure: _Failure, line: int) -> _Answer | None:
    """What keeps a line from being 'key: value' or '- item', if anything does."""
    text = _content(failure.text(line))
    start = _indent(text)
    text = text.strip()
    if text.startswith("-") and not text.startswith(("- ", "--")):
        return _Answer(line, start, "there is no space after the dash", f"Write {quoted(f'- {text[1:]}')}.")
    if found := _NO_SPACE.fullmatch(text):
        hint = f"Write {quoted(f'{found[1]}: {found[2]}')}."
        return _Answer(line, start, "there is no space after the colon", hint)
    if ": " in text or text.endswith(":") or text.startswith("- "):
        return None
    key, _, value = text.partition(" ")
    hint = f"Write {quoted(f'{key}: {value.strip()}'.strip())}."
    return _Answer(line, start, "this line has no colon", hint)


def _above(failure: _Failure) -> int | None:
    """The nearest line above the failure with more than a comment in it."""
    return next((n for n in range(failure.line - 1, -1, -1) if _content(failure.text(n))), None)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _content(line: str) -> str:
    """A line without its comment and the space at its end."""
    return re.sub(r"(^|\s)#.*", "", line).rstrip()


def _block(failure: _Failure) -> _Answer:
    """Something inside a block that is no part of it."""
    line, column = failure.line, failure.column
    if "collection" in failure.inside:
        message = f"a list begins on line {failure.first + 1}, and this is no item of it"
        return _Answer(line, column, message, "Write '- ' before it, or remove the '- ' above.")
    if failure.said.endswith("'-'"):
        message = "a list item stands among 'key: value' lines"
        return _Answer(line, column, message, "Indent it below the key that it belongs to.")
    above = _above(failure)
    if above is not None and column != (indent := _indent(failure.lines[above])):
        message = f"this line begins in column {column + 1}, and line {above + 1} in column {indent + 1}"
        return _Answer(line, column, message, _ALIGN)
    return _Answer(line, column, "this does not go on from the line above it", _LOOK)


def _bracket(failure: _Failure) -> _Answer:
    line, column = failure.line, failure.column
    opening = failure.text(failure.first)[failure.start : failure.start + 1]
    closing = "]" if "]" in failure.said else "}"
    if line != failure.first:
        hint = f"Write {quoted(closing)} after the last item, and ',' between items."
        return _Answer(failure.first, failure.start, f"this {quoted(opening)} is not closed", hint)
    ahead = failure.text(line)[column:]
    if ahead.startswith(":") and ahead[1:].lstrip()[:1] in (closing, ","):
        hint = "Put quotes around the value if the colon is part of it."
        return _Answer(line, column, "a second colon stands here", hint)
    hint = f"Add it: the {quoted(opening)} is in column {failure.start + 1}."
    return _Answer(line, column, f"a comma or {quoted(closing)} is missing before this", hint)


def _no_start(failure: _Failure) -> _Answer:
    character = failure.text(failure.line)[failure.column : failure.column + 1]
    message = f"a value cannot begin with {quoted(character)}"
    return _Answer(failure.line, failure.column, message, "Put quotes around it.")


def _no_anchor(failure: _Failure) -> _Answer:
    name = failure.said.partition("'")[2].rstrip("'")
    hint = f"Write '&{name}' before the value that is meant, further up in this file."
    return _Answer(failure.line, failure.column, f"no anchor {quoted(name)} stands above", hint)


def _unclosed(failure: _Failure) -> _Answer:
    return _Answer(failure.first, failure.start, "this quote is never closed", _CLOSE)


def _escape(failure: _Failure) -> _Answer:
    message = "a backslash in double quotes begins an escape, and this is none"
    return _Answer(failure.line, failure.column, message, "Use single quotes, or write two backslashes.")


def _second_document(failure: _Failure) -> _Answer:
    return _Answer(failure.line, failure.column, "a second document starts here", "Remove the line '---'.")


# what the parser says, and whoever knows better
_ANSWERS: dict[str, Callable[[_Failure], _Answer]] = {
    "mapping values are not allowed": _second_colon,
    "could not find expected ':'": _no_colon,
    "expected <block end>": _block,
    "expected ',' or": _bracket,
    "cannot start any token": _no_start,
    "expected the node content, but found ':'": _no_start,
    "undefined alias": _no_anchor,
    "unexpected end of stream": _unclosed,
    "unknown escape": _escape,
    "another document": _second_document,
}
