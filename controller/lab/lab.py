"""The lab: up, down, and what others do with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.lab import namespaces, network, ready, routers
from controller.lab.errors import LabError
from controller.lab.install import check_machine
from controller.lab.topology import NODES, ROUTERS

BASE = Path("/run/failover-lab")
DEFAULT_NAME = "fo"
_STARTING_AT_ONCE = 4  # starts that wait for one another overlap; more only fight over the cores
_READY_WITHIN_S = 60.0


class Lab:
    """A lab by name. Making the object does nothing; several processes may hold one of the same name."""

    def __init__(self, name: str = DEFAULT_NAME) -> None:
        namespaces.check_name(name)
        self.name = name
        self.dir = BASE / name
        self.state_dir: Path = self.dir / "state"  # the controller's
        self.ssh_key: Path = self.dir / "ssh/id_ed25519"
        self.known_hosts: Path = self.dir / "ssh/known_hosts"

    @property
    def _complete(self) -> Path:
        return self.dir / "complete"

    def up(self, progress: Callable[[str], None] = lambda _: None) -> None:
        """Build the lab and wait until every session is up and every link answers probes.

        Clears away what an interrupted `up` left. Raises LabError when the machine lacks something, when the
        lab is up already, or when it does not come to life; nothing is left behind then.
        """
        check_machine()
        with self._alone():
            if self._complete.exists() and set(namespaces.existing_nodes(self.name)) == set(NODES):
                raise LabError(f"lab {self.name} is up already: failover lab down --name {self.name}")
            self._clear_away()
            try:
                self._build(progress)
            except BaseException:  # also when interrupted: half a lab is of no use to anyone
                self._clear_away()
                raise

    def _build(self, progress: Callable[[str], None]) -> None:
        began = time.monotonic()
        network.build(self.name)
        progress(f"{len(NODES)} namespaces and their wires")
        for folder in (self.dir, self.state_dir, self.ssh_key.parent):
            folder.mkdir(mode=0o700, parents=True)
        routers.make_key(self.ssh_key)
        authorized = self.ssh_key.with_suffix(".pub").read_text()
        fleet = self._routers()
        with ThreadPoolExecutor(_STARTING_AT_ONCE) as pool:
            list(pool.map(lambda router: router.prepare(authorized), fleet))
            self.known_hosts.write_text(routers.known_hosts(self.dir / "nodes"))
            list(pool.map(routers.Router.boot, fleet))
        progress(f"{len(fleet)} routers started after {time.monotonic() - began:.1f} s")
        ready.wait(self.name, fleet, progress, _READY_WITHIN_S)
        self._complete.touch()
        progress(f"lab {self.name} is up after {time.monotonic() - began:.1f} s")

    def down(self) -> None:
        """End every process of the lab and remove all of it, whatever state it is in; nothing to do is fine.

        Raises LabError when another up or down of the same lab runs.
        """
        check_machine(programs=False)
        with self._alone():
            self._clear_away()

    def _clear_away(self) -> None:
        namespaces.kill_all(self.name)
        for node in namespaces.existing_nodes(self.name):
            namespaces.remove(self.name, node)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.dir)

    def exec(
        self, node: str, argv: Sequence[str], timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on a node; its output is captured, its exit code yours to look at.

        Raises LabError when the lab is not up, the program does not exist, or it takes longer than `timeout` seconds.
        """
        try:
            return subprocess.run(
                self.command(node, argv), capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{argv[0]} on {node} gave no answer within {timeout:g} s") from error

    def command(self, node: str, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` on a node, for whoever wants to start it themselves."""
        path = namespaces.netns_path(self.name, node)
        if not path.exists():
            raise LabError(f"lab {self.name} is not up: failover lab up --name {self.name}")
        if node in ROUTERS:
            return self.router(node).command(*argv)
        return namespaces.inside(self.name, node, argv)

    def enter(self, node: str) -> None:
        """Move this process into the node's network namespace; its files stay those of the machine.

        Raises LabError when the lab is not up, or when this process has other threads: they would stay outside.
        """
        namespaces.enter(self.name, node)

    def netns(self, node: str) -> str:
        """The name of a node's network namespace."""
        return namespaces.netns_name(self.name, node)

    def router(self, name: str) -> routers.Router:
        """One router. Raises LabError when there is none of that name."""
        if name not in ROUTERS:
            raise LabError(f"{name!r} is no router; routers are {', '.join(ROUTERS)}")
        return routers.Router(self.name, name, self.dir / "nodes" / name)

    def _routers(self) -> tuple[routers.Router, ...]:
        return routers.all_routers(self.name, self.dir / "nodes")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep every other up and down of this lab out. The kernel drops the lock when its holder dies."""
        BASE.mkdir(exist_ok=True)
        path = BASE / f"{self.name}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LabError(f"another up or down of lab {self.name} is at work: wait for it") from error
            yield
            if not self.dir.exists():
                path.unlink(missing_ok=True)
        finally:
            os.close(lock)
            with contextlib.suppress(OSError):  # others live there
                BASE.rmdir()
