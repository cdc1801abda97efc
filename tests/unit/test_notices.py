"""Notices: logged when new, not at every cycle, and again while they last."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from controller.core.model import Reason
from controller.notices import AGAIN_S, Notices
from tests.fakes import FakeLog
from tests.unit.test_loop import Scene


@dataclass
class HandClock:
    at: float = 0.0

    def now(self) -> float:
        return self.at

    def utc(self) -> float:
        return self.at


def notice(subject: str = "edge1-georgia", text: str = "loses 3 %") -> Reason:
    return Reason("contrast", subject, text)


def test_a_notice_is_said_once_an_hour_however_its_figures_change() -> None:
    clock, log = HandClock(), FakeLog()
    notices = Notices(clock, log)
    for second in range(int(AGAIN_S) + 1):
        clock.at = float(second)
        notices.say([notice(text=f"loses {second} %")])
    assert log.lines == [("warning", "loses 0 %"), ("warning", f"loses {AGAIN_S:.0f} %")]


def test_one_that_comes_and_goes_is_not_new_each_time_and_others_are_said() -> None:
    clock, log = HandClock(), FakeLog()
    notices = Notices(clock, log)
    for second in range(100):
        clock.at = float(second)
        notices.say([notice()] if second % 2 else [])
    notices.say([notice(), notice("edge2-iran", "loses 5 %")])
    assert log.lines == [("warning", "loses 3 %"), ("warning", "loses 5 %")]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_what_was_found_wrong_at_the_start_stays_in_the_status_and_is_logged_once() -> None:
    scene = Scene(lambda *_: True)
    scene.standing = [
        Reason("ways", "0", "edge2-iran (IPv4): when its way is gone, its probes leave another")
    ]
    await scene.run(60)
    assert scene.store.snapshot is not None
    assert scene.store.snapshot.decision is not None
    assert list(scene.store.snapshot.decision.notices) == scene.standing
    assert [line for line in scene.log.lines if "its way" in line[1]] == [("warning", scene.standing[0].text)]
