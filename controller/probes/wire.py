"""What probes leave by and answers come in by, whatever their kind: all that the engine knows of sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from controller.core.model import Address, Target
from controller.probes.messages import Arrival, Slot

Ancillary = list[tuple[int, int, bytes]]


@dataclass(frozen=True, slots=True)
class Received:
    """All that waited."""

    arrivals: list[Arrival]
    overrun: bool = False  # the kernel dropped some, or there was more than one call may take


class Wire(Protocol):
    """A way to send probes and hear what comes back. Never blocks."""

    @property
    def ident(self) -> int:
        """Tells what was sent here from what other wires sent."""
        ...

    def fileno(self) -> int:
        """The file descriptor, for polling."""
        ...

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """A probe ready to be sent, and what only its answer will carry."""
        ...

    def send(self, packet: bytes, slot: Slot, ancillary: Ancillary) -> None:
        """Let a probe leave. Raises OSError as the kernel puts it."""
        ...

    def receive(self) -> Received:
        """Everything that waits, oldest first; nothing, where nothing does."""
        ...

    def forget(self, sequences: Iterable[int]) -> None:
        """These probes are over: let go of what they hold, if anything."""
        ...

    def close(self) -> None:
        """Close every socket."""
        ...


@dataclass(frozen=True, slots=True)
class Mouth:
    """A wire, and what goes with each packet to leave from one source."""

    wire: Wire
    ancillary: Ancillary


class Wires(Protocol):
    """The wires of one kind of probe: opened on demand, shared where the kernel lets them be."""

    def __iter__(self) -> Iterator[Wire]: ...

    def open(self, target: Target, source: Address | None, device: str | None) -> Mouth:
        """A way to probe this target from this source or device. Raises ProbeError with what is missing."""
        ...

    def close(self) -> None:
        """Close them all."""
        ...
