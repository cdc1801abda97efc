"""What is wrong with operator-written files, with the place and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong. Sorts by file, then by place.

    ``line`` and ``column`` count from 1; 0 means the file as a whole (it is missing, say).
    ``hint`` says what to do and is a sentence of its own.
    """

    file: str  # name inside the inventory directory, such as policy.yaml
    line: int
    column: int
    message: str
    hint: str

    def __post_init__(self) -> None:
        """Names from files stand in messages and hints: whatever is in them, it stays one printable line."""
        object.__setattr__(self, "message", _printable(self.message))
        object.__setattr__(self, "hint", _printable(self.hint))

    @property
    def place(self) -> str:
        """``policy.yaml:12:5``, or the file's name alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.message}. {self.hint}".rstrip()


class ConfigError(Exception):
    """The inventory cannot be used. Carries every problem found, sorted; ``str()`` has one a line."""

    where = "in the inventory"

    def __init__(self, directory: Path, problems: Iterable[Problem]) -> None:
        self.directory = directory
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def quoted(value: object) -> str:
    """A value from a file, fit for one line of a message: control characters escaped, long text cut."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[0]}"
