"""The lab: up, down, and what others do with it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.lab import effects, faults, namespaces, network, ready, routers, status
from controller.lab.errors import LabError
from controller.lab.faults import Fault
from controller.lab.install import check_machine
from controller.lab.liveness import AS_FRR_DOES, Liveness
from controller.lab.liveness import apply as apply_liveness
from controller.lab.record import Record
from controller.lab.status import LabStatus
from controller.lab.topology import NODES, ROUTERS, WIRES

BASE = Path("/run/failover-lab")
DEFAULT_NAME = "fo"
_STARTING_AT_ONCE = 4  # starts that wait for one another overlap; more only fight over the cores
_READY_WITHIN_S = 60.0


class Lab:
    """A lab by name. Making the object does nothing; several processes may hold one of the same name."""

    def __init__(self, name: str = DEFAULT_NAME) -> None:
        namespaces.check_name(name)
        self.name = name
        self.state_dir: Path = BASE / name  # of the lab; its folder "state" is the controller's
        self.ssh_key: Path = self.state_dir / "ssh/id_ed25519"
        self.known_hosts: Path = self.state_dir / "ssh/known_hosts"
        self._complete = self.state_dir / "complete"
        self._record = Record(self.state_dir / "faults")

    def up(self, progress: Callable[[str], None] = lambda _: None, liveness: Liveness = AS_FRR_DOES) -> None:
        """Build the lab and wait until every session is up and every link answers probes.

        ``liveness`` is that of the sessions with upstreams, where it is not to be FRR's.
        Clears away what an interrupted `up` left. Raises LabError when the machine lacks something, when the
        lab is up already, or when it does not come to life; nothing is left behind then.
        """
        check_machine()
        with self._alone():
            if self._complete.exists() and set(namespaces.existing_nodes(self.name)) == set(NODES):
                raise LabError(f"lab {self.name} is up already: failover lab down --name {self.name}")
            self._clear_away()
            try:
                self._build(progress, liveness)
            except BaseException:  # also when interrupted: half a lab is of no use to anyone
                self._clear_away()
                raise

    def _build(self, progress: Callable[[str], None], liveness: Liveness) -> None:
        began = time.monotonic()
        network.build(self.name)
        progress(f"{len(NODES)} namespaces and their wires")
        for folder in (self.state_dir, self.state_dir / "state", self.ssh_key.parent, self._record.folder):
            folder.mkdir(mode=0o700, parents=True)
        routers.make_key(self.ssh_key)
        authorized = self.ssh_key.with_suffix(".pub").read_text()
        fleet = self._routers()
        with ThreadPoolExecutor(_STARTING_AT_ONCE) as pool:
            list(pool.map(lambda router: router.prepare(authorized), fleet))
            self.known_hosts.write_text(routers.known_hosts(self.state_dir / "nodes"))
            list(pool.map(routers.Router.boot, fleet))
        if liveness != AS_FRR_DOES:
            apply_liveness(fleet, liveness)
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
            shutil.rmtree(self.state_dir)

    def exec(
        self, node: str, argv: Sequence[str], timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on a node; its output is captured, its exit code yours to look at.

        Raises LabError when the lab is not up or the program takes longer than `timeout` seconds.
        """
        try:
            return subprocess.run(
                self.command(node, argv), capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{argv[0]} on {node} gave no answer within {timeout:g} s") from error

    def command(self, node: str, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` on a node, for whoever wants to start it themselves."""
        check_machine()
        if not namespaces.netns_path(self.name, node).exists():
            raise self._not_up()
        if node in ROUTERS:
            return self.router(node).command(*argv)
        return namespaces.inside(self.name, node, argv)

    def enter(self, node: str) -> None:
        """Move this process into the node's network namespace; its files stay those of the machine.

        Raises LabError when the lab is not up, or when this process has other threads: they would stay out.
        """
        check_machine()
        namespaces.enter(self.name, node)

    def netns(self, node: str) -> str:
        """The name of a node's network namespace."""
        return namespaces.netns_name(self.name, node)

    def router(self, name: str) -> routers.Router:
        """One router. Raises LabError when there is none of that name."""
        if name not in ROUTERS:
            raise LabError(f"{name!r} is no router; routers are {', '.join(ROUTERS)}")
        return routers.Router(self.name, name, self.state_dir / "nodes" / name)

    def status(self) -> LabStatus:
        """Nodes, daemons, sessions and faults; of a lab that is not up, an empty one."""
        check_machine()
        return status.look(self.name, self._routers(), self._record.faults())

    def leaks(self) -> list[str]:
        """What our AS announces to upstreams besides its own prefixes, a sentence each; empty: no leak."""
        self._check_up()
        return status.leaks(self._routers())

    def wait_ready(self, within_s: float = _READY_WITHIN_S) -> None:
        """Wait until every session is up and every link answers probes. Raises LabError if they do not."""
        self._check_up()
        ready.wait(self.name, self._routers(), lambda _: None, within_s)

    def set_liveness(self, wanted: Liveness, within_s: float = _READY_WITHIN_S) -> None:
        """Set that of the sessions with upstreams, and wait until they are up again. Raises LabError."""
        self._check_up()
        apply_liveness(self._routers(), wanted)
        self.wait_ready(within_s)

    def fault(
        self,
        kind: str,
        place: str,
        value: str | float | None = None,
        direction: str = "both",
        *,
        burst_s: float | None = None,
        for_s: float | None = None,
    ) -> Fault:
        """Make something go wrong; `value` is percent for loss and withdraw, milliseconds for delay.

        With `for_s` it is cleared by itself after so many seconds. Raises LabError when it makes no sense,
        meets another fault, or cannot be made; nothing has changed then.
        """
        return self.faults(kind, [place], value, direction, burst_s=burst_s, for_s=for_s)[0]

    def faults(
        self,
        kind: str,
        places: Sequence[str],
        value: str | float | None = None,
        direction: str = "both",
        *,
        burst_s: float | None = None,
        for_s: float | None = None,
    ) -> tuple[Fault, ...]:
        """The same at several places: all or nothing; silent, blackhole and even loss in the same instant."""
        until = None if for_s is None else time.monotonic() + for_s
        made = tuple(
            faults.understand(kind, place, value, direction, burst_s=burst_s, until=until) for place in places
        )
        self._check_up()
        with self._record.alone():
            noted: list[Fault] = []
            try:
                for fault in made:
                    self._record.add(fault)
                    noted.append(fault)
                effects.make(self._site(), made)
            except BaseException:
                for fault in noted:
                    effects.effect_of(fault).undo(self._site(), fault)
                    self._record.remove(fault)
                raise
        if for_s is not None:
            for fault in made:
                self._clear_later(fault, for_s)
        return made

    def clear(self, place: str | None = None) -> tuple[Fault, ...]:
        """Undo every fault, or those at one place; returns what was undone. Sessions may take seconds.

        Raises LabError when a place does not exist or something could not be undone; all the rest is.
        """
        if place is not None:
            faults.check_place(place)
        self._check_up()
        return self._undo(lambda fault: place in (None, fault.place))

    def expire(self, fault_id: str) -> None:
        """Undo one fault if its time is up; a later one of the same kind and place ends later, or never."""
        now = time.monotonic()
        self._undo(lambda fault: fault.id == fault_id and fault.until is not None and fault.until <= now)

    def _undo(self, wanted: Callable[[Fault], bool]) -> tuple[Fault, ...]:
        undone, failed = [], []
        with self._record.alone():
            for fault in filter(wanted, self._record.faults()):
                try:
                    effects.effect_of(fault).undo(self._site(), fault)
                except LabError as error:  # the others can still be undone
                    failed.append(f"{fault}: {error}")
                else:
                    self._record.remove(fault)
                    undone.append(fault)
        if failed:
            raise LabError(f"could not undo {'; '.join(failed)}")
        return tuple(undone)

    def _clear_later(self, fault: Fault, for_s: float) -> None:
        script = 'sleep "$1"; shift; exec "$@"'
        argv = [sys.executable, "-m", "controller.lab.expire", self.name, fault.id]
        later = namespaces.inside(self.name, WIRES, ["sh", "-c", script, "sh", f"{for_s:g}", *argv])
        namespaces.start(later, self._record.folder / f"{fault.id}.log")

    def _site(self) -> effects.Site:
        fleet = {router.name: router for router in self._routers()}
        return effects.Site(self.name, fleet, self._record.folder)

    def _check_up(self) -> None:
        check_machine()
        if not self._complete.exists():
            raise self._not_up()

    def _not_up(self) -> LabError:
        return LabError(f"lab {self.name} is not up: failover lab up --name {self.name}")

    def _routers(self) -> tuple[routers.Router, ...]:
        return routers.all_routers(self.name, self.state_dir / "nodes")

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
            if not self.state_dir.exists():
                path.unlink(missing_ok=True)
        finally:
            os.close(lock)
            with contextlib.suppress(OSError):  # others live there
                BASE.rmdir()
