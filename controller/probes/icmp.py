"""ICMP echo through every path, in one task: no task per target, no sleep per probe."""

from __future__ import annotations

import asyncio
import select
import socket
from collections import deque
from collections.abc import Sequence
from typing import Final

from controller.core.model import Address, Endpoint, Family, Sample, family_of
from controller.ports import ProbeError, ProbePath
from controller.probes.engine import TICK_S, Aim, Engine
from controller.probes.outstanding import MAX_OUTSTANDING, Slot
from controller.probes.schedule import alternate, spread
from controller.probes.wire import Wire, Wires

MAX_KEPT: Final = 200_000  # samples kept for a caller that does not come: 10 s at 10,000 probes/s


class IcmpProber:
    """A ``ports.Prober`` that sends ICMP echo requests.

    It pings those targets that are addresses, through every path that has a source of their family, or a
    device. Linux only; needs CAP_NET_RAW, or this process's group in the sysctl
    ``net.ipv4.ping_group_range``.
    """

    def __init__(self) -> None:
        self._wires = Wires()
        self._poll: select.epoll | None = None
        self._by_descriptor: dict[int, Wire] = {}
        self._kept: deque[Sample] = deque(maxlen=MAX_KEPT)
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, paths: Sequence[ProbePath], interval_s: float, timeout_s: float) -> None:
        """Open sockets and begin. Raises ProbeError with what is missing (capability, address, device)."""
        if self._task is not None:
            raise ProbeError("this prober runs already: stop it first")
        try:
            aims = spread([self._aims(path) for path in paths])
            _check_rate(len(aims), interval_s, timeout_s)
            self._poll = select.epoll()
            for wire in self._wires:
                self._by_descriptor[wire.fileno()] = wire
                self._poll.register(wire.fileno(), select.EPOLLIN)
        except BaseException:
            self._close()
            raise
        engine = Engine(aims, interval_s, timeout_s, readable=self._readable)
        self._task = asyncio.create_task(self._run(engine), name="icmp prober")

    async def samples(self, within_s: float) -> Sequence[Sample]:
        """All samples since the last call, oldest first; waits at most ``within_s`` for the first of them.

        They come in batches, one a tick. Raises ProbeError when the prober does not run.
        """
        task = self._task
        if task is None:
            raise ProbeError("this prober was not started")
        if not self._kept and not task.done():
            try:
                async with asyncio.timeout(within_s):
                    await self._some.wait()
            except TimeoutError:
                return ()
        self._some.clear()
        batch = tuple(self._kept)
        self._kept.clear()
        if not batch and task.done():
            raise ProbeError("the prober has stopped") from _failure(task)
        return batch

    async def stop(self) -> None:
        """Stop sending and close the sockets. Harmless when not started."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._close()

    async def _run(self, engine: Engine) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                samples = engine.tick()
                if samples:
                    self._kept.extend(samples)
                    self._some.set()
                now = loop.time()
                due = max(due + TICK_S, now)
                await asyncio.sleep(due - now)
        finally:
            self._some.set()  # whoever waits learns that nothing more will come

    def _readable(self) -> list[Wire]:
        if self._poll is None:
            return []
        return [self._by_descriptor[descriptor] for descriptor, _ in self._poll.poll(0)]

    def _aims(self, path: ProbePath) -> list[Aim]:
        groups: dict[Family, list[Aim]] = {}
        for target in path.targets:
            if isinstance(target, Endpoint):
                continue
            family = family_of(target)
            source = path.sources.get(family)
            if source is None and path.device is None:
                continue
            groups.setdefault(family, []).append(self._aim(path, target, source))
        if not groups:
            raise ProbeError(f"{path.name}: no target of a family that it has a probe source for")
        return alternate(list(groups.values()))

    def _aim(self, path: ProbePath, target: Address, source: Address | None) -> Aim:
        family = family_of(target)
        try:
            mouth = self._wires.open(family, source, path.device)
        except ProbeError as error:
            raise ProbeError(f"{path.name}: {error}") from error
        version = socket.AF_INET if family is Family.IPV4 else socket.AF_INET6
        slot = Slot(
            path=path.name,
            target=target,
            family=family,
            destination=socket.inet_ntop(version, target.packed),
            packed_destination=target.packed,
            packed_source=None if source is None else source.packed,
        )
        return Aim(slot, mouth)

    def _close(self) -> None:
        if self._poll is not None:
            self._poll.close()
            self._poll = None
        self._by_descriptor.clear()
        self._wires.close()


def _check_rate(slots: int, interval_s: float, timeout_s: float) -> None:
    """Raises ProbeError for durations that make no sense, or more probes at once than can be told apart."""
    if not slots:
        raise ProbeError("nothing to probe: no paths")
    if interval_s <= 0 or timeout_s <= 0:
        raise ProbeError(f"interval {interval_s} s and timeout {timeout_s} s must both be above zero")
    waiting = slots * timeout_s / interval_s
    if waiting > MAX_OUTSTANDING:
        raise ProbeError(
            f"{slots} targets every {interval_s} s would keep {waiting:.0f} probes waiting for replies; "
            f"{MAX_OUTSTANDING} can be told apart: probe less often, or shorten the timeout"
        )


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
