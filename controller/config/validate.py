"""Pydantic over one document: every error as a Problem, and what can still be used of the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from controller.config.document import Document, Steps
from controller.config.problems import Problem, quoted
from controller.config.scalars import REFUSED, kind

M = TypeVar("M", bound=BaseModel)

_KEY = "[key]"  # pydantic's last step for a fault in a key itself
_ROUNDS = 20  # more than any of our files nests: each round takes a broken part out one level further up


@dataclass(frozen=True, slots=True)
class Checked(Generic[M]):
    """A document beside its typed form. Paths are those of the document unless said otherwise."""

    document: Document
    draft: M  # without the broken parts; the whole, when nothing is broken
    problems: tuple[Problem, ...]
    gone: frozenset[Steps]  # the broken parts

    def intact(self, *steps: str | int) -> bool:
        """Whether all that stands at and below ``steps`` is in the draft."""
        return not self.document.problems and not any(
            lost[: len(steps)] == steps or steps[: len(lost)] == lost for lost in self.gone
        )

    def given(self, *steps: str | int) -> bool:
        """Whether anything stands at ``steps`` of the draft in the document, be it broken."""
        return self.document.value(*_original(steps, self.gone)) is not None

    def problem(self, steps: Steps, message: str, hint: str, *, key: bool = False) -> Problem:
        """A problem with what stands at ``steps`` of the draft."""
        return self.document.problem(_original(steps, self.gone), message, hint, key=key)


def check(document: Document, model: type[BaseModel], draft: type[M]) -> Checked[M]:
    """Validate a document against ``model``; salvage what is sound as a ``draft``.

    ``draft`` is ``model`` with nothing required at its top level (or ``model``, if nothing is).
    """
    data = {} if document.data is None else document.data
    problems = list(document.problems)
    gone: set[Steps] = set()
    if document.root is not None:
        # what is wrong as YAML came out as nothing: not to be complained of twice
        known = {(problem.line, problem.column) for problem in problems}
        errors = _errors(model, data)
        slips = {slip for error in errors if (slip := _misspelt(document, model, error)) is not None}
        found = (
            _problem(document, model, error)
            for error in errors
            if error["type"] != "missing" or _steps(error) not in slips
        )
        problems += [problem for problem in found if (problem.line, problem.column) not in known]
    for _ in range(_ROUNDS):
        try:
            sound = draft.model_validate(_without(data, gone))
        except ValidationError as error:
            gone |= {_culprit(_original(_steps(one), gone), one["type"]) for one in error.errors()}
        else:
            return Checked(document, sound, tuple(problems), frozenset(gone))
    return Checked(document, draft.model_validate({}), tuple(problems), frozenset({()}))


def _misspelt(document: Document, model: type[BaseModel], error: Mapping[str, Any]) -> Steps | None:
    """The key that an unknown one stands for: then it is not missing as well."""
    steps = _steps(error)
    if error["type"] != "extra_forbidden":
        return None
    meant = _meant(str(steps[-1]), _free(document, model, steps))
    return None if meant is None else (*steps[:-1], meant)


def _free(document: Document, model: type[BaseModel], steps: Steps) -> list[str]:
    """The known keys that the mapping around ``steps`` does not have yet."""
    taken = document.names(*steps[:-1])
    return [key for key in _fields(model, steps[:-1]) if key not in taken]


def _meant(word: str, known: Iterable[str]) -> str | None:
    """The one of those known that a word is likely to stand for."""
    return next(iter(get_close_matches(word.partition(":")[0], list(known), n=1, cutoff=0.61)), None)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A hint for a word that is not among those known."""
    meant = _meant(word, known)
    return otherwise if meant is None else f"Did you mean {meant}?"


def _errors(model: type[BaseModel], data: Any) -> list[Any]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return list(error.errors(include_url=False))
    return []


def _steps(error: Mapping[str, Any]) -> Steps:
    return tuple(error["loc"])


def _culprit(steps: Steps, error_type: str) -> Steps:
    """What to take out, so that the rest may stand: for something missing, all that it is missing from."""
    return steps[:-1] if error_type == "missing" or steps[-1:] == (_KEY,) else steps


def _without(data: Any, gone: set[Steps], here: Steps = ()) -> Any:
    if here in gone:
        return {}
    if isinstance(data, dict):
        return {k: _without(v, gone, (*here, k)) for k, v in data.items() if (*here, k) not in gone}
    if isinstance(data, list):
        return [_without(v, gone, (*here, i)) for i, v in enumerate(data) if (*here, i) not in gone]
    return data


def _original(steps: Steps, gone: Iterable[Steps]) -> Steps:
    """Steps in a draft as steps in its document: list items after a broken one have moved up."""
    path: Steps = ()
    for step in steps:
        index = step
        if isinstance(step, int):
            lost = sorted(
                s[-1] for s in gone if len(s) == len(path) + 1 and s[:-1] == path if isinstance(s[-1], int)
            )
            index = step
            for one in lost:
                index += one <= index
        path = (*path, index)
    return path


def _problem(document: Document, model: type[BaseModel], error: Mapping[str, Any]) -> Problem:
    steps, about_key = _steps(error), False
    if steps[-1:] == (_KEY,):
        steps, about_key = steps[:-1], True
    name = str(steps[-1]) if steps else ""
    match error["type"]:
        case "extra_forbidden":
            key, colon, value = name.partition(":")
            free = _free(document, model, steps)
            if colon and value and key in free:
                hint = f"Write {quoted(f'{key}: {value}')}."
                return document.problem(steps, "there is no space after the colon", hint, key=True)
            known = _fields(model, steps[:-1])
            hint = did_you_mean(name, free, did_you_mean(name, known, f"Known here: {', '.join(known)}."))
            return document.problem(steps, f"unknown key {quoted(name)}", hint, key=True)
        case "missing":
            hint = _how_to_add(name, _fields(model, steps[:-1]).get(name))
            return document.problem(steps[:-1], f"{quoted(name)} is missing", hint, key=True)
        case kind_of_error:
            what = "this file" if not steps else "this item" if isinstance(steps[-1], int) else quoted(name)
            message, hint = _said(kind_of_error, error, what)
            return document.problem(steps, message, hint, key=about_key)


_WANTED = {
    "string_type": ("text", "Put quotes around it."),
    "int_type": ("a whole number", "Write digits only, without quotes."),
    "float_type": ("a number", "Write digits only, without quotes."),
    "bool_type": ("true or false", "Write true or false, without quotes."),
    "list_type": ("a list", "Write [one, another], or one item a line after '- '."),
    "dict_type": ("a mapping", "Write 'key: value' lines below it, indented."),
    "model_type": ("a mapping", "Write 'key: value' lines below it, indented."),
}
_BOUNDS = {
    "greater_than_equal": ("is too small", "Write {ge} or more."),
    "less_than_equal": ("is too large", "Write {le} or less."),
    "too_short": ("is empty", "Write at least {min_length}."),
}
_SWITCHES = {"yes": "true", "on": "true", "no": "false", "off": "false"}  # booleans of YAML 1.1


def _said(kind_of_error: str, error: Mapping[str, Any], what: str) -> tuple[str, str]:
    """Message and hint for one of pydantic's errors. No value is repeated: it might be a password."""
    context = error.get("ctx", {})
    if kind_of_error == REFUSED:
        return context["message"], context["hint"]
    if kind_of_error in _WANTED:
        wanted, hint = _WANTED[kind_of_error]
        given = error["input"]
        if given is None:
            return f"{what} has no value", f"Write {wanted}, or remove the key."
        if kind_of_error == "bool_type" and isinstance(given, str) and given in _SWITCHES:
            hint = f"Write {_SWITCHES[given]}: YAML 1.2 takes {given} for text."
        if kind_of_error == "list_type" and isinstance(given, str) and given.startswith("-"):
            hint = "Write a space after each '-'."
        return f"{what} must be {wanted}, not {kind(given)}", hint
    if kind_of_error in _BOUNDS:
        why, hint = _BOUNDS[kind_of_error]
        return f"{what} {why}", hint.format(**context)
    if kind_of_error == "literal_error":
        hint = f"Write {context['expected']}."
        if isinstance(error["input"], str):
            hint = did_you_mean(error["input"], re.findall(r"'([^']*)'", context["expected"]), hint)
        return f"{what} is not one of the choices", hint
    return f"{what}: {error['msg']}", "Correct it."


def _how_to_add(name: str, field: FieldInfo | None) -> str:
    if field is None or not field.description:
        return "Add it."
    example = field.examples[0] if field.examples else None
    effect = field.description.partition(". ")[0]  # what follows is why
    if example is None:
        return f"Add it: {effect}."
    return f"Add '{name}: {example}' or the like: {effect}."


def _fields(model: type[BaseModel], steps: Steps) -> dict[str, FieldInfo]:
    """The fields, by the keys they have in the file, of the mapping at ``steps``."""
    found: Any = model
    for step in steps:
        found = _inside(found, step)
    found = _bare(found)
    if not isinstance(found, type) or not issubclass(found, BaseModel):
        return {}
    return {field.alias or name: field for name, field in found.model_fields.items() if not field.exclude}


def _inside(found: Any, step: str | int) -> Any:
    found = _bare(found)
    if isinstance(found, type) and issubclass(found, BaseModel):
        if "root" in found.model_fields:
            return _inside(found.model_fields["root"].annotation, step)
        field = next((f for n, f in found.model_fields.items() if step in (n, f.alias)), None)
        return None if field is None else field.annotation
    return get_args(found)[-1] if get_args(found) else None  # the values of a dict, the items of a list


def _bare(found: Any) -> Any:
    """A type without Annotated and without ``| None``."""
    if get_origin(found) is Annotated:
        return _bare(get_args(found)[0])
    sides = [side for side in get_args(found) if side is not type(None)]
    return _bare(sides[0]) if type(None) in get_args(found) and len(sides) == 1 else found
