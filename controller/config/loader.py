"""An inventory directory to a checked policy, or to every problem at once."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from controller.config.check_inventory import check_inventory
from controller.config.check_numbers import check_numbers
from controller.config.check_policy import check_policy
from controller.config.check_promises import check_promises
from controller.config.check_roles import check_roles
from controller.config.check_routes import check_routes
from controller.config.check_targets import check_targets
from controller.config.check_times import check_times
from controller.config.check_witnesses import check_witnesses
from controller.config.convert import to_policy
from controller.config.document import Document, Steps, read
from controller.config.policy_file import PolicyFile
from controller.config.problems import ConfigError, Problem
from controller.config.sense import sense
from controller.config.sources import FILES, GROUPS, HOSTS, POLICY, Sources
from controller.core.intent import name_clashes
from controller.core.model import Policy
from controller.core.parts import parted

PLATFORMS = ("frr",)  # what there are templates and a driver for
SHARING = (GROUPS, HOSTS, POLICY)  # Nornir takes no unknown key in the other two
LARGEST_FILE = 16 * 2**20  # bytes; ten thousand routers take less


@dataclass(frozen=True, slots=True)
class Loaded:
    """What operators wrote, checked."""

    policy: Policy
    directory: Path
    warnings: tuple[Problem, ...]  # what is allowed and hardly meant, sorted
    fingerprint: str  # SHA-256 over the names and contents of all files: changes when anything in them does


def load(
    directory: Path, platforms: Collection[str] = PLATFORMS, *, policy_file: Path | None = None
) -> Loaded:
    """Read and check the five files of an inventory directory.

    ``policy_file`` is read instead of its policy.yaml. Raises ConfigError with every problem in any of them.
    """
    _require(directory)
    contents = {name: _content(directory, name) for name in FILES}
    if policy_file is not None:
        contents[POLICY] = _content(policy_file.parent, policy_file.name)
    policy, problems, warnings = examine(contents, platforms)
    if policy is None:
        told = str(policy_file or POLICY)
        raise ConfigError(
            directory, [replace(each, file=told) if each.file == POLICY else each for each in problems]
        )
    return Loaded(policy, directory, tuple(warnings), _fingerprint(contents))


def check(
    contents: Mapping[str, bytes | Problem], platforms: Collection[str] = PLATFORMS
) -> tuple[Policy | None, list[Problem]]:
    """The policy that the five files of these contents make, or None and all that is wrong with them.

    ``contents`` has an entry for each name in FILES; a Problem stands for a file that could not be read.
    """
    policy, problems, _ = examine(contents, platforms)
    return policy, problems


def examine(
    contents: Mapping[str, bytes | Problem], platforms: Collection[str] = PLATFORMS
) -> tuple[Policy | None, list[Problem], list[Problem]]:
    """As ``check``, and of a policy all that is allowed in it and hardly meant."""
    return judge({name: document_of(name, contents[name]) for name in FILES}, platforms)


def judge(
    documents: Mapping[str, Document], platforms: Collection[str] = PLATFORMS
) -> tuple[Policy | None, list[Problem], list[Problem]]:
    """As ``examine``, of files that were parsed before."""
    sources = Sources.check(documents, platforms)
    files = (sources.nornir, sources.defaults, sources.groups, sources.hosts, sources.policy)
    problems = [problem for file in files for problem in file.problems]
    checks = (
        check_inventory,
        check_policy,
        check_routes,
        check_numbers,
        check_roles,
        check_targets,
        check_promises,
        check_witnesses,
        check_times,
    )
    problems += [problem for each in checks for problem in each(sources)]
    if problems:
        return None, sorted(set(problems)), []
    whole = to_policy(PolicyFile.model_validate(documents[POLICY].data), sources)
    policy = parted(whole)
    clashes = sorted(_name_clash(documents, policy, text) for text in name_clashes(policy))
    if clashes:
        return None, clashes, []
    return policy, [], sorted(set(sense(sources, whole)))


def _name_clash(documents: Mapping[str, Document], policy: Policy, text: str) -> Problem:
    """The core says it in words that name the classes or links; the last of them gets the blame."""
    message, _, hint = text.partition(": ")
    words = set(message.split())
    places: list[tuple[str, str, Steps]] = [
        (link.name, HOSTS, (link.router, "data", "links", link.name)) for link in policy.links.values()
    ]
    places += [(name, POLICY, ("classes", each.part_of or name)) for name, each in policy.classes.items()]
    blamed = [place for place in places if place[0] in words]
    _, file, steps = blamed[-1] if blamed else ("", POLICY, ("classes",))
    return documents[file].problem(steps, message, f"{hint[:1].upper()}{hint[1:]}.", key=True)


def _require(directory: Path) -> None:
    try:
        found, there = directory.is_dir(), directory.exists()
    except OSError as error:  # a parent that may not be searched
        found, there = False, True
        what = f"cannot be reached: {error.strerror}"
    else:
        what = "is not a directory" if there else "does not exist"
    if not found:
        hint = "Make one with 'failover init DIR', or name another."
        raise ConfigError(directory, [Problem(str(directory), 0, 0, f"the inventory directory {what}", hint)])


def _content(directory: Path, name: str) -> bytes | Problem:
    path = directory / name
    try:
        unfit = _unfit(path.stat())
        return path.read_bytes() if unfit is None else Problem(name, 0, 0, *unfit)
    except FileNotFoundError:
        hint = "Copy it from a directory made with 'failover init DIR'."
        return Problem(name, 0, 0, f"there is no such file in {directory}", hint)
    except PermissionError:
        return Problem(name, 0, 0, "this file may not be read", "Look at its owner and permissions.")
    except OSError as error:
        hint = "Look at what the name leads to."
        return Problem(name, 0, 0, f"this file cannot be read: {error.strerror}", hint)


def _unfit(found: os.stat_result) -> tuple[str, str] | None:
    """Why something there is not to be read, and what to do."""
    if stat.S_ISDIR(found.st_mode):
        return "this is a directory", "Put a file of that name there."
    if not stat.S_ISREG(found.st_mode):  # reading a pipe might wait for ever
        return "this is not a regular file", "Put a file of that name there."
    if found.st_size > LARGEST_FILE:
        return "this file is larger than 16 MiB", "Is it the right one?"
    return None


def document_of(name: str, content: bytes | Problem) -> Document:
    """One of the five files, parsed."""
    if isinstance(content, Problem):
        return Document(name, problems=(content,))
    document = read(name, content, shared=name in SHARING)
    if document.root is None and not document.problems and name in (HOSTS, POLICY):
        hint = "Copy it from a directory made with 'failover init DIR'."
        return Document(name, problems=(Problem(name, 1, 1, "this file is empty", hint),))
    return document


def _fingerprint(contents: Mapping[str, bytes | Problem]) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents):
        content = contents[name]
        if isinstance(content, bytes):
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()
