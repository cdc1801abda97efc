"""One lab of real routers for the whole session: up once, cleared of faults after each test, down at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from controller.lab.lab import Lab


@pytest.fixture(scope="session")
def _session_lab() -> Iterator[Lab]:
    """The lab named in FAILOVER_TEST_LAB, left as it was found if it was up already; else one of our own."""
    lab = Lab(os.environ.get("FAILOVER_TEST_LAB", f"t{os.getpid()}"))
    if lab.status().up:
        yield lab
        return
    lab.up()
    try:
        yield lab
    finally:
        lab.down()


@pytest.fixture
def lab(_session_lab: Lab) -> Iterator[Lab]:
    """The session's lab, in calm."""
    yield _session_lab
    if _session_lab.clear():
        _session_lab.wait_ready()
