"""What may be asked of the sessions with upstreams."""

import pytest

from controller.lab.errors import LabError
from controller.lab.liveness import timers


def test_timers_are_keepalive_and_hold_in_seconds() -> None:
    assert timers("3/9") == (3, 9)


@pytest.mark.parametrize("text", ["", "3", "9/3", "0/9", "1/2", "3/65536", "3/9s", "-3/9", "3/9/27"])
def test_timers_that_no_session_can_have_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(LabError, match=r"KEEPALIVE/HOLD in seconds.*for example 3/9; not '"):
        timers(text)
