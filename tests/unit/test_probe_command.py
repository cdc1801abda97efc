"""``failover probe`` beside a loop, run as users run it: what it prints, how it ends, what it refuses."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.config import default_inventory
from controller.core.model import Verdict
from controller.core.sight import Sight
from controller.store.samples import SampleReader, SampleWriter
from tests.unit.test_sight import DARK, LINKS, sight

STARTS_WITHIN_S = 30.0
Shows = Callable[[Sight], Path]


def argv(state: Path, *words: str) -> list[str]:
    base = [sys.executable, "-m", "controller", "--inventory", str(default_inventory())]
    return [*base, "--state", str(state), "probe", *words]


def probe(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv(state, *words), capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def loop_shows(tmp_path: Path) -> Iterator[Callable[[Sight], Path]]:
    """Shows a sight again and again, as a running loop does; returns its folder of state."""
    writer, done = SampleWriter(tmp_path / "samples.db"), threading.Event()
    showers: list[threading.Thread] = []

    def begin(seen: Sight) -> Path:
        def show() -> None:
            writer._show(lambda: replace(seen, utc=time.time()))

        def keep_showing() -> None:
            while not done.wait(0.5):
                show()

        show()
        showers.append(threading.Thread(target=keep_showing))
        showers[-1].start()
        return tmp_path

    yield begin
    done.set()
    for thread in showers:
        thread.join()
    writer.close()


def test_what_a_loop_shows_is_read_back_as_it_was(tmp_path: Path) -> None:
    seen = sight()
    writer = SampleWriter(tmp_path / "samples.db")
    for each in (sight(silent=()), seen):
        writer._show(lambda each=each: each)  # type: ignore[misc]
    assert SampleReader(tmp_path / "samples.db").sight() == seen


@pytest.mark.parametrize(("silent", "code"), [((), 0), ((DARK,), 2)])
def test_the_exit_code_says_whether_all_is_up(loop_shows: Shows, silent: tuple[str, ...], code: int) -> None:
    done = probe(loop_shows(sight(silent=silent)), "--json")
    assert done.returncode == code
    told = json.loads(done.stdout)
    assert told["seen_by"] == "a test"
    verdicts = {link["link"]: link["verdict"] for link in told["links"]}
    assert verdicts == {name: "down" if name in silent else "up" for name in LINKS}
    family = told["links"][0]["families"]["ipv4"]
    assert family["silence"]["limit"] == 0.4
    assert len(family["targets"][0]["recent"]) == 20


def test_one_link_can_be_asked_for_and_its_state_alone_makes_the_exit_code(loop_shows: Shows) -> None:
    state = loop_shows(sight())
    done = probe(state, "--link", LINKS[1])
    assert done.returncode == 0
    assert DARK not in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert probe(state, "--link", DARK).returncode == 2
    wrong = probe(state, "--link", "edge9")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert f"no such link; there are {LINKS[0]}" in wrong.stderr


@pytest.mark.parametrize("words", [["--own"], []])
def test_without_a_loop_it_probes_and_says_what_it_lacks(
    tmp_path: Path, loop_shows: Shows, words: list[str]
) -> None:
    if words:
        state = loop_shows(sight())
    else:  # a loop that ended a minute ago
        state = tmp_path
        SampleWriter(state / "samples.db")._show(lambda: replace(sight(), utc=time.time() - 60))
    done = probe(state, "--seconds", "1", *words)  # the lab's inventory, and no lab: no such address here
    assert (done.returncode, done.stdout) == (1, "")
    assert "edge1-azerbaijan" in done.stderr
    wrong = probe(state, *words, "--link", "edge9")
    assert wrong.returncode == 1
    assert "no such link; there are edge1-azerbaijan" in wrong.stderr


def test_watching_without_a_terminal_prints_block_after_block_until_interrupted(loop_shows: Shows) -> None:
    state = loop_shows(sight())
    command = argv(state, "--watch", "--json", "--seconds", "0.5")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, second = (json.loads(process.stdout.readline()) for _ in range(2))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert first["links"] == second["links"]
    assert (process.returncode, said) == (2, "")


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_watching_on_a_terminal_ends_cleanly_and_leaves_the_last_look(loop_shows: Shows, key: bytes) -> None:
    state = loop_shows(sight())
    process, terminal = pty.fork()
    if process == 0:
        os.environ |= {"TERM": "xterm", "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1"}
        os.execv(sys.executable, argv(state, "--watch"))
    seen, give_up, pressed = b"", time.monotonic() + STARTS_WITHIN_S, False
    while time.monotonic() < give_up:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break  # the other end is closed
        if not pressed and DARK.encode() in seen:
            pressed = True
            os.write(terminal, key)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    screen, _, left = seen.partition(b"\x1b[?1049l")  # the terminal's own page is back
    assert b"\x1b[?1049h" in screen
    assert Verdict.DOWN.encode() in left
    assert b"Traceback" not in seen
    assert b"\x1b[31m" not in seen  # NO_COLOR
