"""All kinds of probes through every path, in one task: no task per target, no sleep per probe."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from controller.core.model import (
    Address,
    Ask,
    DnsQuery,
    Endpoint,
    Family,
    HttpGet,
    Sample,
    Target,
    TcpConnect,
    TwampTest,
    family_of,
    kind_of,
)
from controller.ports import ProbeError, ProbePath
from controller.probes.dns_query import DnsLanguage
from controller.probes.engine import TICK_S, Aim, Engine
from controller.probes.http_get import HttpWires
from controller.probes.icmp import IcmpWires
from controller.probes.messages import Slot
from controller.probes.outstanding import MAX_OUTSTANDING
from controller.probes.schedule import alternate, spread
from controller.probes.sockets import AF
from controller.probes.tcp import TcpWires
from controller.probes.twamp import TwampLanguage
from controller.probes.udp import UdpWires
from controller.probes.wire import Wire, Wires

KINDS: Final[Mapping[str, Callable[[], Wires]]] = {
    "icmp": IcmpWires,
    "tcp": TcpWires,
    "http": HttpWires,
    "dns": partial(UdpWires, DnsLanguage),
    "twamp": partial(UdpWires, TwampLanguage),
}
MAX_KEPT: Final = 200_000  # samples kept for a caller that does not come: 10 s at 10,000 probes/s


class NetworkProber:
    """A ``ports.Prober`` of every kind in ``KINDS``.

    A target is probed through a path if the path has a source of its family, or a device. Linux only. ICMP
    needs CAP_NET_RAW, or this process's group in the sysctl ``net.ipv4.ping_group_range``.
    """

    def __init__(self) -> None:
        self._wires: dict[str, Wires] = {}
        self._poll: select.epoll | None = None
        self._by_descriptor: dict[int, Wire] = {}
        self._kept: deque[Sample] = deque(maxlen=MAX_KEPT)
        self._some = asyncio.Event()
        self._engine: Engine | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, paths: Sequence[ProbePath], interval_s: float, timeout_s: float) -> None:
        """Open sockets and begin. Raises ProbeError with what is missing (capability, address, device)."""
        if self._task is not None:
            raise ProbeError("this prober runs already: stop it first")
        if interval_s <= 0 or timeout_s <= 0:
            raise ProbeError(f"interval {interval_s} s and timeout {timeout_s} s must both be above zero")
        try:
            aims = spread([self._aims(path, interval_s, timeout_s) for path in paths])
            _check_rate(aims)
            self._poll = select.epoll()
            for wire in (wire for wires in self._wires.values() for wire in wires):
                self._by_descriptor[wire.fileno()] = wire
                self._poll.register(wire.fileno(), select.EPOLLIN)
        except BaseException:
            self._close()
            raise
        self._engine = Engine(aims, readable=self._readable)
        self._task = asyncio.create_task(self._run(self._engine), name="prober")

    def pace(self, path: str, interval_s: float) -> None:
        """Probe this path's targets at this interval from now on, none more often than its own interval."""
        if self._engine is not None:
            self._engine.pace(path, interval_s)

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

    @property
    def heard_until(self) -> float:
        """Monotonic seconds: answers that had come by then are in the samples handed out so far."""
        return time.monotonic() if self._engine is None else self._engine.heard_until

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

    def _aims(self, path: ProbePath, interval_s: float, timeout_s: float) -> list[Aim]:
        groups: dict[Family, list[Aim]] = {}
        for target in path.targets:
            family = family_of(target)
            source = path.sources.get(family)
            if source is None and path.device is None and not path.any_source:
                continue
            aim = self._aim(path, target, source, interval_s, timeout_s)
            groups.setdefault(family, []).append(aim)
        if not groups:
            raise ProbeError(f"{path.name}: no target of a family that it has a probe source for")
        return alternate(list(groups.values()))

    def _aim(
        self, path: ProbePath, target: Target, source: Address | None, interval_s: float, timeout_s: float
    ) -> Aim:
        kind = kind_of(target)
        wires = self._wires.setdefault(kind, KINDS[kind]())
        try:
            mouth = wires.open(target, source, path.device)
        except ProbeError as error:
            raise ProbeError(f"{path.name}: {error}") from error
        address = target.address if isinstance(target, Endpoint) else target
        slot = Slot(
            path=path.name,
            target=target,
            family=family_of(target),
            destination=socket.inet_ntop(AF[family_of(target)], address.packed),
            packed_destination=address.packed,
            packed_source=None if source is None else source.packed,
        )
        if not isinstance(target, Endpoint):
            return Aim(slot, mouth, interval_s, timeout_s)
        floor_s = target.interval_s or 0.0
        slot = replace(slot, port=target.port, accepts=_accepted(target.ask))
        return Aim(slot, mouth, max(interval_s, floor_s), target.timeout_s or timeout_s, floor_s)

    def _close(self) -> None:
        if self._poll is not None:
            self._poll.close()
            self._poll = None
        self._by_descriptor.clear()
        for wires in self._wires.values():
            wires.close()
        self._wires.clear()
        self._engine = None


def _accepted(ask: Ask) -> frozenset[str]:
    """Words of an answer that is the one asked for."""
    match ask:
        case HttpGet():
            return frozenset({str(ask.status)})
        case DnsQuery():
            return frozenset(ask.rcodes)
        case TcpConnect() | TwampTest():
            return frozenset({""})


def _check_rate(aims: Sequence[Aim]) -> None:
    """Raises ProbeError for more probes at once than can be told apart."""
    if not aims:
        raise ProbeError("nothing to probe: no paths")
    waiting = sum(aim.timeout_s / aim.interval_s for aim in aims)
    if waiting > MAX_OUTSTANDING:
        raise ProbeError(
            f"{len(aims)} targets would keep {waiting:.0f} probes waiting for replies; "
            f"{MAX_OUTSTANDING} can be told apart: probe less often, or shorten the timeout"
        )


def _failure(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
