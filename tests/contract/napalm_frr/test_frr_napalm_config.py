"""NAPALM's own suite of configuration tests, on a real router (files in ``frr_config``)."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from napalm.base.test.base import TestConfigNetworkDriver as NapalmConfigurationTests

pytestmark = pytest.mark.lab


class TestConfiguration(NapalmConfigurationTests, unittest.TestCase):  # type: ignore[misc]  # napalm is untyped
    """NAPALM's tests."""

    vendor = str(Path(__file__).parent / "frr_config")
    device: Any

    @pytest.fixture(autouse=True)
    def _device(self, router: Any) -> Iterator[None]:
        type(self).device = router
        yield
        router.discard_config()

    @classmethod
    def setup_class(cls) -> None:
        """Each test gets its device from the fixture."""

    @classmethod
    def teardown_class(cls) -> None:
        """The fixture restores the router."""

    @classmethod
    def tearDownClass(cls) -> None:
        """The fixture restores the router."""


del NapalmConfigurationTests  # pytest would collect it as a test of this module
