"""The starter's files, damaged at random: loading gives a policy, or problems with places, and nothing else.

`python -m tests.fuzz_policy --count 100000` damages bytes, lines, tokens and the YAML's tree, each case by a seed of
its own, and prints the figures. A case that fails is named; `--only N` with the same seed repeats it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from controller.config import default_inventory
from controller.config.document import read
from controller.config.loader import document_of, judge
from controller.config.problems import Problem
from controller.config.sources import FILES

LONGEST_S = 5.0  # for one case: a check that takes longer has as good as hung
CHUNK = 500
DAMAGED = ("policy.yaml",) * 6 + ("hosts.yaml",) * 3 + ("groups.yaml",)  # where operators write most
STARTER = {
    # comments only slow the parser down
    name: re.sub(r"(?m)^\s*#.*\n|[ ]+#[ ].*$", "", (default_inventory() / name).read_text())
    for name in FILES
}
TREES = {name: read(name, text.encode()).data for name, text in STARTER.items()}
PARSED = {text.encode(): document_of(name, text.encode()) for name, text in STARTER.items()}
WORDS = (
    *("{", "}", "[", "]", ":", ": ", ",", "- ", "\t", '"', "'", "&a ", "*a", "<<: *a", "<<: ", "!x ", "!!int "),
    *("|", ">", "%", "@", "#", "?", "---", "...", "\r", "\u2028", "\x85", "\u00a0", "\ufeff", '"\\ud800"', "\0"),
    *("null", "~", "true", "no", "-1", "0", "1e999", "99999999999999999999", "0x", ".nan", "-.inf", "1.10", "08"),
    *("0s", "400", "10m", "-1s", "366d", "0%", "100%", "0.1", "1 per hour", "0 per hour", "999999 per hour"),
    *("0.0.0.0/0", "::/0", "10.0.0.0/8", "203.0.113.1/24", "::ffff:1.2.3.4", "fe80::1%eth0", "255.255.255.255"),
    *("AS64500", "64500", "4294967296", "north", "azerbaijan", "edge1-azerbaijan", "drained", ".x", "router"),
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 64500, 2**70, 0.5, 1e308, "", "x", "0s", "366d", "0.01%", "99.9%", "1 per hour"),
    *([], {}, [None], [[]], {"x": {}}, {"": 1}, [1, "a"], "203.0.113.0/24", "2001:db8::/29", "10.0.0.0/8", "::/1"),
    *("1000 per link-year", "192.0.2.1", "::1", "azerbaijan", "iran", "edges", "frr", "router", "10", "a" * 40),
)  # fmt: skip


# --- damage --------------------------------------------------------------------------------------


def in_bytes(rng: random.Random, content: bytes) -> bytes:
    """A few bytes flipped, gone, doubled or new; or all from here on gone."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + rng.choice((1, 1, 2, 20))]
            case 2:
                data[at:at] = data[at : at + rng.randint(1, 30)]
            case 3:
                data[at:at] = bytes([rng.randrange(256)])
            case _ if rng.random() < 0.05:
                del data[at:]
    return bytes(data)


def in_lines(rng: random.Random, content: bytes) -> bytes:
    """A line gone, doubled, moved, indented otherwise, or joined with the next."""
    lines = content.splitlines(keepends=True) or [b""]
    at = rng.randrange(len(lines))
    match rng.randrange(7):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[at]]
        case 2:
            lines.insert(rng.randrange(len(lines)), lines.pop(at))
        case 3:
            lines[at] = rng.choice((b" ", b"  ", b"\t", b"      ")) + lines[at]
        case 4:
            lines[at] = lines[at][rng.randint(1, 4) :]
        case 5:
            lines[at] = lines[at].rstrip(b"\r\n") + rng.choice((b"", b" "))
        case _:
            key, colon, _ = lines[at].partition(b":")
            lines[at] = key + colon + b" " + rng.choice(WORDS).encode("utf-8", "surrogatepass") + b"\n"
    return b"".join(lines)


def in_tokens(rng: random.Random, content: bytes) -> bytes:
    """A word or sign gone, or in place of another; of the file's own, or one that YAML or a check may mind."""
    text = content.decode("utf-8", "replace")
    tokens = re.findall(r"\w+|\s+|[^\w\s]", text) or [""]
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(tokens))
        tokens[at] = rng.choice(("", rng.choice(tokens), rng.choice(WORDS), tokens[at] + rng.choice(WORDS)))
    return "".join(tokens).encode("utf-8", "surrogatepass")


def in_tree(rng: random.Random, tree: Any) -> Any:
    """A part gone, put elsewhere, under another key, wrapped, repeated, or something else in its place."""
    tree = deepcopy(tree)
    for _ in range(rng.choice((1, 1, 3))):
        places = list(_places(tree))
        if not places:
            break
        inside, at = rng.choice(places)
        match rng.choice((0, 1, 1, 1, 2, 3, 4, 5)):
            case 0:
                del inside[at]
            case 1:
                inside[at] = _tweaked(rng, inside[at]) if rng.random() < 0.6 else rng.choice(VALUES)
            case 2:
                other, there = rng.choice(places)
                inside[at] = deepcopy(other[there])
            case 3:
                inside[at] = rng.choice(([inside[at]], {"x": inside[at]}, [inside[at], inside[at]]))
            case 4 if isinstance(inside, dict):
                inside[rng.choice((f"{at}x", at.upper(), at.replace("_", "-"), rng.choice(WORDS)))] = (
                    inside.pop(at)
                )
            case _ if isinstance(inside, list):
                inside.append(deepcopy(rng.choice(inside)))
    return tree


def _tweaked(rng: random.Random, value: Any) -> Any:
    """Something like it: another number, the other of two, one item less. Finds what coarser damage is too coarse for."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice((-300, -100, -1, 1, 100))
    if isinstance(value, str):
        return re.sub(
            r"\d+", lambda found: str(int(found[0]) * rng.choice((0, 1, 2, 20)) + rng.randrange(2)), value
        )
    if isinstance(value, list) and len(value) > 1:
        return rng.sample(value, rng.randint(1, len(value)))
    return value


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every part: what it is in, and its key or index there."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


TEXTUAL: tuple[Callable[[random.Random, bytes], bytes], ...] = (in_bytes, in_lines, in_tokens)


def damaged(seed: int, number: int) -> dict[str, bytes]:
    """The contents of case ``number``: always the same for a seed."""
    rng = random.Random(f"{seed}:{number}")
    contents = {name: text.encode() for name, text in STARTER.items()}
    for name in {rng.choice(DAMAGED) for _ in range(rng.choice((1, 1, 1, 2)))}:
        rounds = rng.choice((1, 1, 1, 2))
        if rng.random() < 0.5:
            contents[name] = json.dumps(in_tree(rng, TREES[name]), indent=1, ensure_ascii=False).encode()
            rounds = rng.choice((0, 0, 0, 1))
        for _ in range(rounds):
            contents[name] = rng.choice(TEXTUAL)(rng, contents[name])
    return contents


# --- verdict -------------------------------------------------------------------------------------


def verdict(contents: dict[str, bytes]) -> tuple[str, list[Problem]]:
    """What became of the files: ``loads``, ``warned of`` or ``refused``. AssertionError for a poor answer."""
    policy, problems, warnings = judge(
        {name: PARSED.get(content) or document_of(name, content) for name, content in contents.items()}
    )
    assert (policy is None) is bool(problems), "a policy or problems, never both and never neither"
    for problem in (*problems, *warnings):
        line = str(problem)
        line.encode()  # printable: no lone surrogates out of the file
        assert line.splitlines() == [line], f"more than one line: {line!r}"
        assert problem.message, f"no cause: {line}"
        assert problem.hint, f"no remedy: {line}"
        assert "Traceback" not in line, line
        lines = re.split(r"\r\n|[\r\n]", contents[problem.file].decode("utf-8", "replace"))
        assert 1 <= problem.line <= len(lines) + 1, f"no such line: {line}"
        width = len(lines[problem.line - 1]) if problem.line <= len(lines) else 0
        assert 1 <= problem.column <= width + 2, f"no such column: {line}"
    return "refused" if problems else "warned of" if warnings else "loads", [*problems, *warnings]


@dataclass
class Figures:
    """What many cases came to."""

    verdicts: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Take in the figures of other cases."""
        self.verdicts += other.verdicts
        self.messages += other.messages
        self.slowest = max(self.slowest, other.slowest)
        self.failures += other.failures


def run(seed: int, first: int, count: int) -> Figures:
    """Try ``count`` cases. Whatever comes out of one but an answer is kept as a failure."""
    figures = Figures()
    for number in range(first, first + count):
        contents = damaged(seed, number)
        began = time.perf_counter()
        try:
            word, problems = verdict(contents)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            figures.failures.append(f"--seed {seed} --only {number}\n{traceback.format_exc(limit=-3)}")
            continue
        took_s = time.perf_counter() - began
        if took_s > LONGEST_S:
            figures.failures.append(f"--seed {seed} --only {number}\ntook {took_s:.1f} s")
        figures.slowest = max(figures.slowest, (took_s, number))
        figures.verdicts[word] += 1
        figures.messages.update({_shape(problem.message) for problem in problems})
    return figures


def _shape(message: str) -> str:
    """A message without what it quotes: to count those that differ."""
    return re.sub(r"'(?:[^'\\]|\\.)*'|\"[^\"]*\"|[0-9a-f]*[.:][0-9a-f.:/]+|\d+", "_", message)


def main() -> int:
    """Run as many cases as asked for; 1 if any failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", type=int, help="show this case: its files and what is said of them")
    asked = parser.parse_args()
    if asked.only is not None:
        contents = damaged(asked.seed, asked.only)
        for name, content in contents.items():
            if content != STARTER[name].encode():
                print(f"--- {name}\n{content.decode('utf-8', 'backslashreplace')}")
        word, problems = verdict(contents)
        print(word, *problems, sep="\n")
        return 0
    began = time.monotonic()
    figures = Figures()
    starts = range(0, asked.count, CHUNK)
    sizes = [min(CHUNK, asked.count - start) for start in starts]
    with ProcessPoolExecutor(asked.jobs) as pool:
        for found in pool.map(partial(run, asked.seed), starts, sizes):
            figures.add(found)
            print(f"\r{sum(figures.verdicts.values()):,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    verdicts = ", ".join(f"{count:,} {word}" for word, count in figures.verdicts.most_common())
    print(f"{asked.count:,} cases, seed {asked.seed}, {time.monotonic() - began:.0f} s: {verdicts}")
    print(
        f"{len(figures.messages)} kinds of message; slowest {figures.slowest[0]:.2f} s (case {figures.slowest[1]})"
    )
    for failure in figures.failures[:20]:
        print(f"FAILED {failure}")
    print(f"{len(figures.failures)} failed")
    return 1 if figures.failures else 0


if __name__ == "__main__":
    sys.exit(main())
