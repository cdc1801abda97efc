"""NAPALM's own suite of getter tests, on what a real router printed (``mocked_data``, one file per command)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from napalm import get_network_driver
from napalm.base.test import conftest as napalm_conftest
from napalm.base.test.double import BaseTestDouble
from napalm.base.test.getters import BaseTestGetters

from napalm_frr import FRRDriver
from napalm_frr.transport import Answer


class RecordedDevice(BaseTestDouble):  # type: ignore[misc]  # napalm is untyped
    """Answers each command from the file of its name."""

    alive = True

    def run(self, command: str, stdin: str = "") -> Answer:
        recorded = self.find_file(self.sanitize_text(command))
        return Answer(Path(recorded).read_text(), 0)

    def ask(self, program: str, *lines: str) -> None:
        """Nothing is kept running."""

    def close(self) -> None:
        """Nothing to close."""


class RecordedDriver(FRRDriver):
    """The driver over recorded answers."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.patched_attrs = ["device"]

    def open(self) -> None:
        self.device = RecordedDevice()


@pytest.fixture(scope="class")
def set_device_parameters(request: pytest.FixtureRequest) -> None:
    request.cls.driver = FRRDriver
    request.cls.patched_driver = RecordedDriver
    request.cls.vendor = "frr"
    napalm_conftest.set_device_parameters(request)


@pytest.mark.usefixtures("set_device_parameters")
class TestGetters(BaseTestGetters):  # type: ignore[misc]  # napalm is untyped
    """NAPALM's tests; those of getters which the driver does not offer are skipped."""


@pytest.mark.parametrize("name", ["frr", "FRR", "napalm_frr"])
def test_napalm_finds_the_driver_by_the_name_of_the_platform(name: str) -> None:
    assert get_network_driver(name) is FRRDriver


def test_the_package_exports_the_driver_alone() -> None:
    import napalm_frr  # noqa: PLC0415 (the module itself is under test)

    assert napalm_frr.__all__ == ["FRRDriver"]
