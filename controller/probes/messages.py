"""What comes back for a probe, of whatever kind it was. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.model import Family, Target


@dataclass(frozen=True, slots=True)
class Slot:
    """One target through one path: what a probe is for, and what its answer must look like."""

    path: str
    target: Target
    family: Family
    destination: str  # the target's address as the kernel writes it
    packed_destination: bytes
    packed_source: bytes | None  # None: the device's own choice
    port: int = 0
    accepts: frozenset[str] = frozenset({""})  # words of an answer that is the one asked for


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that carries what the probe carried."""

    ident: int  # of the wire that the probe left by
    sequence: int  # of the probe, 16 bits
    proof: bytes  # what only an answer to this very probe carries
    word: str = ""  # how it answered, where there are several ways to: "NXDOMAIN", "503"
    spent_s: float = (
        0.0  # between the probe's arrival there and the answer's leaving, as the far end tells it
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """The network, or the far end, said that this probe will not be answered."""

    ident: int
    sequence: int
    source: bytes | None  # of the probe that is quoted, packed
    destination: bytes
    reason: str  # "net unreachable"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An answer or failure as received: from whom, at which of our addresses, when."""

    message: Answer | Failure
    sender: str  # "": nobody knows
    packed_destination: bytes | None
    at: float | None  # monotonic, by the kernel where it can tell; None: nobody can, for the clock was set
    read_at: float  # monotonic, when it was read
    port: int = 0  # of the sender
