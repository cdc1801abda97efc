"""Faults of the lab: which make sense, and what they say when they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.lab.errors import LabError
from controller.lab.faults import Kind, Towards, understand
from controller.lab.record import Record


@pytest.mark.parametrize(
    ("kind", "place", "value", "direction", "burst_s", "complaint"),
    [
        ("flood", "georgia", None, "both", None, "no fault is called 'flood'"),
        ("silent", "mars", None, "both", None, "no place is called 'mars'"),
        ("silent", "georgia", "3", "both", None, "silent takes no value"),
        ("silent", "edge1", None, "both", None, "silent cannot be at edge1; it can at edge1-azerbaijan"),
        ("carrier", "georgia", None, "in", None, "carrier has no direction"),
        ("withdraw", "georgia", None, "out", None, "withdraw has no direction"),
        ("withdraw", "edge1-georgia", None, "both", None, "withdraw cannot be at edge1-georgia"),
        ("ssh", "georgia", None, "both", None, "ssh cannot be at georgia; it can at edge1, edge2"),
        ("router", "black-sea", None, "both", None, "router cannot be at black-sea"),
        ("loss", "georgia", None, "both", None, "loss needs a value: loss=10%"),
        ("loss", "georgia", "0", "both", None, "above 0% and up to 100%"),
        ("loss", "georgia", "101%", "both", None, "above 0% and up to 100%"),
        ("loss", "georgia", "nan", "both", None, "above 0% and up to 100%"),
        ("loss", "georgia", "much", "both", None, "loss=much"),
        ("delay", "georgia", None, "both", None, "delay needs a value: delay=50ms"),
        ("delay", "georgia", "-5ms", "both", None, "above 0ms"),
        ("delay", "georgia", "50ms", "both", 0.1, "only loss does"),
        ("loss", "georgia", "10%", "both", 0.0, "longer than nothing"),
        ("silent", "georgia", None, "up", None, "direction is one of both, out, in"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_words(
    kind: str, place: str, value: str | None, direction: str, burst_s: float | None, complaint: str
) -> None:
    with pytest.raises(LabError, match=complaint):
        understand(kind, place, value, direction, burst_s=burst_s)


def test_values_may_carry_their_unit_or_not() -> None:
    assert understand("loss", "georgia", "12.5%").value == understand("loss", "georgia", 12.5).value == 12.5
    assert understand("delay", "georgia", "50ms").value == understand("delay", "georgia", "50").value == 50


def test_a_fault_inside_an_upstream_spares_bgp_and_one_on_a_link_may_not() -> None:
    assert understand("loss", "georgia", 10).spares_bgp
    assert understand("loss", "black-sea", 10).spares_bgp
    assert not understand("loss", "edge1-georgia", 10).spares_bgp
    assert understand("blackhole", "edge1-georgia").spares_bgp
    assert not understand("silent", "georgia").spares_bgp


def test_the_shared_segment_is_one_wire_of_each_upstream_on_it() -> None:
    wires = [wire.name for wire in understand("silent", "black-sea").wires]
    assert wires == ["azerbaijan2-internet", "georgia2-internet"]


def test_faults_meet_only_on_the_same_wire_in_the_same_direction(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.add(understand("silent", "edge1-georgia", direction="out"))
    record.add(understand("loss", "edge1-georgia", 10, "in"))
    record.add(understand("silent", "edge2-georgia"))
    with pytest.raises(LabError, match="would meet loss=10% at edge1-georgia, in only"):
        record.add(understand("blackhole", "edge1-georgia", direction="in"))


def test_a_wire_in_user_space_takes_both_directions_for_itself(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.add(understand("delay", "edge1-georgia", 10, "out"))
    with pytest.raises(LabError, match="would meet delay=10ms"):
        record.add(understand("silent", "edge1-georgia", direction="in"))


def test_a_dead_bgpd_cannot_withdraw(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.add(understand("router", "georgia"))
    with pytest.raises(LabError, match="bgpd of georgia1"):
        record.add(understand("withdraw", "georgia"))


def test_the_record_gives_back_what_it_was_given(tmp_path: Path) -> None:
    record = Record(tmp_path)
    fault = understand("loss", "black-sea", 10, "in", burst_s=0.1, until=12.5)
    record.add(fault)
    assert Record(tmp_path).faults() == (fault,)
    assert (fault.kind, fault.direction) == (Kind.LOSS, Towards.IN)
    record.remove(fault)
    assert record.faults() == ()
