"""The ICMP prober's clockwork: its timetable, its matching of replies, and what a tick does."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import pairwise

import pytest

from controller.core.model import Family, Sample, SampleState
from controller.probes.engine import TICK_S, Aim, Engine
from controller.probes.messages import Answer, Arrival, Failure, Slot
from controller.probes.outstanding import Outstanding, Probe
from controller.probes.schedule import CATCH_UP_S, Schedule, alternate, spread
from controller.probes.wire import Ancillary, Mouth, Received

SENT, OK, LOST, INVALID = SampleState.SENT, SampleState.OK, SampleState.LOST, SampleState.INVALID
V4 = Family.IPV4
SOURCE = {V4: ip_address("198.18.1.129")}
TARGET = {V4: ip_address("198.51.100.1")}


# --- the timetable ------------------------------------------------------------------------------


def test_a_second_of_ticks_sends_every_slot_its_share_and_evenly() -> None:
    schedule = Schedule([(0.1, 0.0)] * 7, start=50.0)
    ticks = [schedule.due(50.0 + tick * 0.01) for tick in range(101)]
    sent = [slot for tick in ticks for slot in tick]
    assert sent == [number % 7 for number in range(71)]
    assert max(map(len, ticks)) == 1


def test_lateness_is_made_good_within_bounds_and_never_adds_up() -> None:
    schedule = Schedule([(0.1, 0.0)] * 10, start=0.0)  # one every 10 ms
    assert schedule.due(0.0) == [0]
    assert schedule.due(0.035) == [1, 2, 3]  # caught up
    late = schedule.due(1.001)
    assert len(late) == round(CATCH_UP_S / 0.01)
    assert late[-1] == 0  # slot number 100, on the timetable of the beginning
    assert schedule.due(1.001) == schedule.due(0.5) == []


def test_slow_schedules_still_send_what_they_missed_last() -> None:
    schedule = Schedule([(10.0, 0.0)], start=0.0)
    assert [schedule.due(at) for at in (0.0, 9.9, 14.0, 20.0)] == [[0], [], [0], [0]]


@pytest.mark.parametrize("start", [50.0, 0.1, 1234.567, 99999.9])
@pytest.mark.parametrize("interval_s", [0.1, 0.07, 1 / 3])
def test_rounding_neither_skips_nor_repeats_a_probe(start: float, interval_s: float) -> None:
    schedule = Schedule([(interval_s, 0.0)], start)
    due = [schedule.due(start + turn * interval_s + shift) for turn in range(1, 500) for shift in (0, 1e-9)]
    assert sum(map(len, due)) == 499
    assert max(map(len, due)) == 1


def test_a_slot_with_a_slower_interval_of_its_own_keeps_it_among_faster_ones() -> None:
    schedule = Schedule([(0.1, 0.0), (1.0, 1.0), (0.1, 0.0)], start=0.0)
    sent = [slot for tick in range(1000) for slot in schedule.due(tick * 0.01)]
    assert [sent.count(slot) for slot in range(3)] == [100, 10, 100]


def test_a_new_pace_holds_for_the_path_at_once_and_spreads_its_targets() -> None:
    schedule = Schedule([(1.0, 0.0)] * 4, start=0.0)
    calm = [(tick, slot) for tick in range(300) for slot in schedule.due(tick * 0.01)]
    assert len(calm) == 12
    schedule.pace([0, 1], 0.1, 3.0)
    hurried = [(tick, slot) for tick in range(300, 400) for slot in schedule.due(tick * 0.01)]
    assert [sum(slot == each for _, slot in hurried) for each in range(4)] == [10, 10, 1, 1]
    ours = [tick for tick, slot in hurried if slot < 2]
    assert ours[0] - 300 <= 5
    assert {later - earlier for earlier, later in pairwise(ours)} <= {4, 5, 6}
    schedule.pace([0, 1], 1.0, 4.0)
    assert sum(slot < 2 for tick in range(400, 700) for slot in schedule.due(tick * 0.01)) == 6


def test_no_pace_and_no_change_of_pace_goes_below_a_slots_floor() -> None:
    schedule = Schedule([(1.0, 1.0), (1.0, 0.0)], start=0.0)
    sent = []
    for tick in range(1000):
        sent += [tick for slot in schedule.due(tick * 0.01) if slot == 0]
        if tick % 30 == 0:
            schedule.pace([0, 1], 0.1 if tick % 60 else 0.5, tick * 0.01)
    assert len(sent) >= 5
    assert min(later - earlier for earlier, later in pairwise(sent)) >= 100


def test_paths_take_turns_and_each_is_spread_over_the_whole_interval() -> None:
    assert spread([["a1", "a2"], ["b1", "b2"]]) == ["a1", "b1", "a2", "b2"]
    order = spread([["a1", "a2", "a3", "a4"], ["b1", "b2"]])
    assert [name for name in order if name[0] == "a"] == ["a1", "a2", "a3", "a4"]
    assert abs(order.index("b1") - order.index("b2")) == 3


def test_families_alternate_within_a_path() -> None:
    assert alternate([[4, 4, 4], [6]]) == [4, 6, 4, 4]
    assert alternate([]) == []


# --- matching -----------------------------------------------------------------------------------


def slot() -> Slot:
    """One target through one link."""
    target, source = TARGET[V4], SOURCE[V4]
    return Slot("edge1-azerbaijan", target, V4, str(target), target.packed, source.packed)


def proof(number: int) -> bytes:
    return f"probe {number}".encode()


def sent(number: int, at: float = 100.0, of: Slot | None = None) -> Probe:
    return Probe(of or slot(), number, 7, at, 0.5, proof(number))


def arrival(number: int, at: float) -> Arrival:
    """The right answer to probe ``number``."""
    reply = Answer(7, number & 0xFFFF, proof(number))
    return Arrival(reply, str(TARGET[V4]), SOURCE[V4].packed, at, at)


def altered(right: Arrival, wrong: dict[str, object]) -> Arrival:
    """The right answer, but for what is wrong with it."""
    inside = {name: value for name, value in wrong.items() if hasattr(right.message, name)}
    around = {name: value for name, value in wrong.items() if name not in inside}
    return replace(right, message=replace(right.message, **inside), **around)  # type: ignore[arg-type]


def outstanding(*numbers: int) -> Outstanding:
    table = Outstanding()
    for count, number in enumerate(numbers):
        table.add(sent(number, 100.0 + count * 0.1))
    return table


def test_the_right_answer_is_taken_once() -> None:
    table = outstanding(3)
    sample = table.settle(arrival(3, 100.02))
    assert sample is not None
    assert sample.rtt_ms == pytest.approx(20.0)
    assert replace(sample, rtt_ms=None) == Sample("edge1-azerbaijan", TARGET[V4], 3, 100.0, OK)
    assert table.settle(arrival(3, 100.03)) is None
    assert table.expire(200.0, late_s=0.0, deaf_until=0.0) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"ident": 8},
        {"sequence": 4},
        {"proof": proof(3 + 65536)},  # the same sequence, 65,536 probes ago; or another process's
        {"sender": "198.51.100.2"},
        {"port": 53},
        {"packed_destination": ip_address("198.18.2.129").packed},
        {"packed_destination": None},
        {"at": 100.51, "read_at": 100.51},  # too late
    ],
    ids=str,
)
def test_a_reply_that_differs_in_anything_is_not_the_answer(wrong: dict[str, object]) -> None:
    table = outstanding(3)
    assert table.settle(altered(arrival(3, 100.02), wrong)) is None
    assert [sample.state for sample in table.expire(200.0, late_s=0.0, deaf_until=0.0)] == [LOST]


def test_a_path_that_only_names_a_device_takes_whatever_source_the_kernel_chose() -> None:
    table = Outstanding()
    table.add(sent(3, of=replace(slot(), packed_source=None)))
    assert table.settle(replace(arrival(3, 100.02), packed_destination=b"\1\2\3\4")) is not None


def test_sequence_numbers_wrap() -> None:
    table = outstanding(65535, 65536)
    for number, state in ((65536, OK), (65535, OK)):
        sample = table.settle(arrival(number, 100.2))
        assert sample is not None
        assert (sample.seq, sample.state) == (number, state)


def test_a_late_loop_does_not_lengthen_an_rtt() -> None:
    told = outstanding(3).settle(replace(arrival(3, 100.02), read_at=100.4))
    assert told is not None
    assert told.rtt_ms == pytest.approx(20)


@pytest.mark.parametrize("at", [None, 99.0, 99.9999, 100.2, 107.0])
def test_an_answer_whose_time_cannot_be_is_invalid_neither_lost_nor_a_nonsense_rtt(at: float | None) -> None:
    table = outstanding(3)
    told = table.settle(replace(arrival(3, 100.02), at=at, read_at=100.03))
    assert told is not None
    assert (told.state, told.rtt_ms) == (INVALID, None)
    assert len(table) == 0


def test_an_unreachable_that_quotes_our_probe_loses_it_at_once_and_says_who_said_so() -> None:
    error = Failure(7, 3, SOURCE[V4].packed, TARGET[V4].packed, "host unreachable")
    table = outstanding(3, 4)
    lost = table.settle(Arrival(error, "192.0.2.9", SOURCE[V4].packed, 100.1, 100.1))
    assert lost is not None
    assert (lost.seq, lost.state, lost.detail) == (3, LOST, "host unreachable, says 192.0.2.9")
    for wrong in (replace(error, sequence=4, ident=8), replace(error, sequence=4, destination=b"\1\2\3\4")):
        assert table.settle(Arrival(wrong, "192.0.2.9", None, 100.1, 100.1)) is None


def test_probes_expire_in_order_lost_or_invalid_by_when_they_were_sent() -> None:
    table = outstanding(1, 2, 3)  # sent at 100.0, 100.1, 100.2
    assert table.expire(100.49, late_s=0.0, deaf_until=0.0) == []
    assert [(s.seq, s.state) for s in table.expire(100.61, late_s=0.0, deaf_until=100.05)] == [
        (1, INVALID),
        (2, LOST),
    ]
    assert len(table) == 1


# --- the engine ---------------------------------------------------------------------------------


@dataclass
class FakeWire:
    """Answers what it is told to, when it is told to."""

    now: Callable[[], float]
    ident: int = 7
    answers: bool = True
    refuses: int | None = None
    overrun: bool = False
    on_send: Callable[[], None] = lambda: None
    waiting: list[Arrival] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)

    def fileno(self) -> int:
        return -1

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        return number.to_bytes(4), proof(number)

    def send(self, packet: bytes, slot: Slot, ancillary: Ancillary) -> None:
        if self.refuses is not None:
            raise OSError(self.refuses, "refused")
        self.on_send()
        number = int.from_bytes(packet)
        if self.answers:
            at = self.now() + 0.005
            answer = Answer(self.ident, number & 0xFFFF, proof(number))
            self.waiting.append(Arrival(answer, slot.destination, slot.packed_source, at, at))

    def receive(self) -> Received:
        came = [each for each in self.waiting if each.at is not None and each.at <= self.now()]
        self.waiting = [each for each in self.waiting if each not in came]
        overrun, self.overrun = self.overrun, False
        return Received([replace(each, read_at=self.now()) for each in came], overrun=overrun)

    def forget(self, sequences: Iterable[int]) -> None:
        self.forgotten += sequences

    def close(self) -> None:
        pass


class Bench:
    """An engine whose time the test owns: one target, a probe every 100 ms, a timeout of 500 ms."""

    def __init__(self, first_number: int = 0) -> None:
        self.now = 1000.0
        self.nothing_is_readable = False
        self.wire = FakeWire(lambda: self.now)
        self.engine = Engine(
            [Aim(slot(), Mouth(self.wire, []), interval_s=0.1, timeout_s=0.5)],
            readable=self.readable,
            clock=lambda: self.now,
            first_number=first_number,
        )

    def readable(self) -> Iterable[FakeWire]:
        return [] if self.nothing_is_readable else [self.wire]

    def run(self, seconds: float) -> list[Sample]:
        samples: list[Sample] = []
        for _ in range(round(seconds / TICK_S)):
            samples += self.engine.tick()
            self.now += TICK_S
        return samples


def states(samples: Sequence[Sample]) -> list[SampleState]:
    return [sample.state for sample in samples]


def test_every_probe_is_told_as_sent_and_then_comes_to_exactly_one_end() -> None:
    bench = Bench(first_number=65530)
    samples = bench.run(2.0)
    bench.wire.answers = False
    samples += bench.run(2.0)
    sent = [sample.seq for sample in samples if sample.state is SENT]
    ended = [sample.seq for sample in samples if sample.state is not SENT]
    assert sent == list(range(65530, 65570))
    assert ended == sent[: len(ended)]
    assert states(samples).count(OK) == 20
    assert len(sent) - len(ended) == 5  # still within the timeout


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (errno.ENETUNREACH, LOST),
        (errno.EHOSTUNREACH, LOST),
        (errno.EADDRNOTAVAIL, LOST),
        (errno.ENETDOWN, LOST),
        (errno.ENOBUFS, INVALID),
        (errno.EAGAIN, INVALID),
        (errno.EPERM, INVALID),  # a firewall of this host's own
    ],
)
def test_a_send_error_is_told_at_once_as_the_paths_or_the_probers_own(error: int, state: SampleState) -> None:
    bench = Bench()
    bench.wire.refuses = error
    samples = bench.engine.tick()
    assert states(samples) == [SENT, state]
    assert samples[1].detail.startswith("not sent: ")
    assert states(bench.run(1.0)).count(LOST) == (10 if state is LOST else 0) - (state is LOST)


def test_a_late_loop_reads_what_waits_before_it_gives_anything_up() -> None:
    bench = Bench()
    assert states(bench.engine.tick()) == [SENT]
    bench.now += 3.0
    told = bench.engine.tick()
    assert told[0].state is OK
    assert told[0].rtt_ms == pytest.approx(5.0)


@pytest.mark.parametrize(("late_s", "state"), [(0.2, INVALID), (0.1, LOST)])
def test_what_expires_while_the_loop_is_late_is_invalid_not_lost(late_s: float, state: SampleState) -> None:
    bench = Bench()
    bench.wire.answers = False
    bench.run(0.45)
    bench.now += late_s  # a quarter of the timeout is 0.125 s
    ended = [sample for sample in bench.engine.tick() if sample.state is not SENT]
    assert states(ended)[:1] == [state]


def test_probes_after_a_late_moment_are_judged_as_usual() -> None:
    bench = Bench()
    bench.wire.answers = False
    bench.engine.tick()
    bench.now += 1.0
    bench.engine.tick()
    assert set(states(bench.run(2.0))) == {SENT, LOST}


def test_a_socket_that_overflowed_makes_what_was_under_way_invalid() -> None:
    bench = Bench()
    bench.wire.answers = False
    bench.run(0.3)
    bench.wire.overrun = True
    ended = [sample for sample in bench.run(1.0) if sample.state is not SENT]
    assert states(ended)[:3] == [INVALID] * 3
    assert set(states(ended)[4:]) == {LOST}


def test_a_reply_that_found_no_room_wakes_nobody_and_is_asked_for_before_its_probe_is_given_up() -> None:
    bench = Bench()
    bench.wire.answers = False
    bench.nothing_is_readable = True
    bench.run(0.45)
    bench.wire.overrun = True
    ended = [sample for sample in bench.run(1.0) if sample.state is not SENT]
    assert states(ended)[:5] == [INVALID] * 5
    assert set(states(ended)[6:]) == {LOST}


def test_a_probe_that_was_held_up_on_its_way_out_tells_nothing_of_the_path() -> None:
    bench = Bench()

    def preempted() -> None:
        bench.now += 0.03

    bench.wire.on_send = preempted
    assert states(bench.engine.tick()) == [SENT, INVALID]
    assert len(bench.wire.forgotten) == 1
    bench.wire.on_send = lambda: None
    assert OK in states(bench.run(0.5))
