"""Faults of the lab: which make sense, and what they say when they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.lab.errors import LabError
from controller.lab.faults import Kind, Towards, understand
from controller.lab.record import Record


@pytest.mark.parametrize(
    ("kind", "place", "value", "direction", "bursty", "complaint"),
    [
        ("flood", "georgia", None, "both", False, "no fault is called 'flood'"),
        ("silent", "mars", None, "both", False, "no place is called 'mars'"),
        ("silent", "georgia", "3", "both", False, "silent takes no value"),
        ("silent", "edge1", None, "both", False, "silent cannot be at edge1; it can at edge1-azerbaijan"),
        ("carrier", "georgia", None, "in", False, "carrier has no direction"),
        ("withdraw", "georgia", None, "out", False, "withdraw has no direction"),
        ("withdraw", "edge1-georgia", None, "both", False, "withdraw cannot be at edge1-georgia"),
        ("ssh", "georgia", None, "both", False, "ssh cannot be at georgia; it can at edge1, edge2"),
        ("router", "black-sea", None, "both", False, "router cannot be at black-sea"),
        ("loss", "georgia", None, "both", False, "loss needs a value: loss=10%"),
        ("loss", "georgia", "0", "both", False, "above 0% and up to 100%"),
        ("loss", "georgia", "101%", "both", False, "above 0% and up to 100%"),
        ("loss", "georgia", "nan", "both", False, "above 0% and up to 100%"),
        ("loss", "georgia", "much", "both", False, "loss=much"),
        ("delay", "georgia", None, "both", False, "delay needs a value: delay=50ms"),
        ("delay", "georgia", "-5ms", "both", False, "above 0ms"),
        ("delay", "georgia", "50ms", "both", True, "only loss does"),
        ("silent", "georgia", None, "up", False, "direction is one of both, out, in"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_words(
    kind: str, place: str, value: str | None, direction: str, bursty: bool, complaint: str
) -> None:
    with pytest.raises(LabError, match=complaint):
        understand(kind, place, value, direction, bursty=bursty)


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
    fault = understand("loss", "black-sea", 10, "in", bursty=True, until=12.5)
    record.add(fault)
    assert Record(tmp_path).faults() == (fault,)
    assert (fault.kind, fault.direction) == (Kind.LOSS, Towards.IN)
    record.remove(fault)
    assert record.faults() == ()
