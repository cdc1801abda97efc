"""Network namespaces of a lab: making them, entering them, finding and ending what runs in them.

What belongs to a lab is found by the namespaces' names and by looking through /proc, never by trusting a
state file: a lab whose `up` was killed half-way is found as well as a healthy one.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from pyroute2 import netns as kernel

from controller.lab.errors import LabError
from controller.lab.topology import NODES

NETNS_DIR = Path("/run/netns")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_KILL_PATIENCE_S = 10.0


def check_name(name: str) -> None:
    """Raise LabError when this cannot be a lab's name."""
    if not _NAME.fullmatch(name):
        raise LabError(f"{name!r} is no name for a lab: use up to 20 of a-z, 0-9 and '-', a letter first")


def netns_name(lab: str, node: str) -> str:
    """The name of a node's network namespace. Raises LabError when there is no such node."""
    if node not in NODES:
        raise LabError(f"the lab has no node {node!r}; it has {', '.join(NODES)}")
    return f"{lab}-{node}"


def netns_path(lab: str, node: str) -> Path:
    """Where a node's network namespace can be opened."""
    return NETNS_DIR / netns_name(lab, node)


def existing_nodes(lab: str) -> tuple[str, ...]:
    """The nodes of the lab that have a namespace now. Exact names: lab `fo` does not see those of `fo-2`."""
    return tuple(node for node in NODES if netns_path(lab, node).exists())


def create(lab: str, node: str) -> None:
    """Make a node's network namespace."""
    kernel.create(netns_name(lab, node))


def remove(lab: str, node: str) -> None:
    """Remove a node's network namespace; also one whose making was interrupted."""
    path = netns_path(lab, node)
    with contextlib.suppress(FileNotFoundError):
        kernel.remove(str(path))


def enter(lab: str, node: str) -> None:
    """Move this process into the node's network namespace (its files stay those of the machine).

    Raises LabError when the lab is not up or the process has other threads, which would stay behind.
    """
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise LabError("only a process with a single thread can enter the lab")
    try:
        kernel.setns(str(netns_path(lab, node)), flags=0)
    except OSError as error:
        raise LabError(f"lab {lab} is not up ({error.strerror}): failover lab up --name {lab}") from error


def inside(lab: str, node: str, argv: Sequence[str], holder: int | None = None) -> list[str]:
    """The command that runs `argv` in the node's network; in its mounts and host name too, given a holder."""
    command = ["nsenter", f"--net={netns_path(lab, node)}"]
    if holder is not None:
        command += [f"--mount=/proc/{holder}/ns/mnt", f"--uts=/proc/{holder}/ns/uts"]
    return [*command, "--", *argv]


def run(command: Sequence[str], stdin: str | None = None, timeout_s: float = 60.0) -> str:
    """Run a program of the system and return what it printed. Raises LabError when it fails."""
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"no answer within {timeout_s:g} s: {' '.join(command)}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise LabError(f"failed with {done.returncode}: {' '.join(command)}: {said}")
    return done.stdout


def start(command: Sequence[str], output: Path) -> int:
    """Start a program that outlives this process and is nobody's child; returns its pid."""
    script = 'out=$1; shift; setsid "$@" </dev/null >"$out" 2>&1 & echo $!'
    return int(run(["sh", "-c", script, "sh", str(output), *command]))


def processes(lab: str, nodes: Sequence[str] = NODES) -> dict[int, str]:
    """Processes (pid -> node) in these nodes' namespaces, or on their way into one; never this process."""
    inodes: dict[tuple[int, int], str] = {}
    for node in nodes:
        with contextlib.suppress(OSError):
            stat = netns_path(lab, node).stat()
            inodes[stat.st_dev, stat.st_ino] = node
    arguments = {f"--net={netns_path(lab, node)}".encode(): node for node in nodes}
    found: dict[int, str] = {}
    for process in Path("/proc").glob("[1-9]*"):
        if process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):  # it ended while we looked, or is a zombie
            stat = (process / "ns/net").stat()
            words = (process / "cmdline").read_bytes().split(b"\0")
            on_its_way = (arguments[word] for word in words if word in arguments)
            owner = inodes.get((stat.st_dev, stat.st_ino)) or next(on_its_way, None)
            if owner:
                found[int(process.name)] = owner
    return found


def program(pid: int) -> str:
    """The name of a process's program (15 characters at most); "" when it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def memory_kb(pid: int) -> int:
    """A process's proportional share of memory; 0 when it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def kill_all(lab: str) -> None:
    """End every process of the lab, again and again until none is left, for they may be starting others.

    Raises LabError when some will not go.
    """
    give_up = time.monotonic() + _KILL_PATIENCE_S
    quiet = 0
    while quiet < 2:  # one look may miss what was just forking
        left = processes(lab)
        quiet = 0 if left else quiet + 1
        if time.monotonic() > give_up:
            raise LabError(f"processes of lab {lab} will not end: {', '.join(map(str, sorted(left)))}")
        for pid in left:
            kill(pid)
        time.sleep(0.03)


def kill(pid: int) -> None:
    """SIGKILL one process, if it still exists."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
