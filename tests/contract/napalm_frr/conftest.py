"""One live router for the whole run; each test starts from its first configuration."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from napalm.base.test import conftest as napalm_conftest

from napalm_frr import FRRDriver
from tests.contract.napalm_frr.live import ADDRESS, Live

MakeDriver = Callable[..., Any]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give NAPALM's own tests their recorded cases."""
    napalm_conftest.pytest_generate_tests(metafunc, __file__)


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    if os.geteuid() or not shutil.which("watchfrr", path="/usr/lib/frr"):
        pytest.fail("needs root and FRR: run `failover lab install`")
    network = Live()
    try:
        with network.from_client():
            yield network
    finally:
        network.stop()


@pytest.fixture
def connect(live: Live) -> Iterator[MakeDriver]:
    """Makes open drivers, as user netauto with its key unless told otherwise; closes them."""
    made = []

    def make(*, opened: bool = True, user: str = "netauto", password: str = "", **options: Any) -> Any:
        arguments = {"key_file": live.file("user"), "known_hosts": live.file("known_hosts"), **options}
        host = arguments.pop("host", ADDRESS)
        driver = FRRDriver(
            host, user, password, timeout=arguments.pop("timeout", 20), optional_args=arguments
        )
        made.append(driver)
        if opened:
            driver.open()
        return driver

    yield make
    for driver in made:
        driver.close()


@pytest.fixture
def router(live: Live, connect: MakeDriver) -> Any:
    """An open driver; the router runs, and would start with, its first configuration."""
    driver = connect()
    driver.rollback()
    if live.router.running() != live.first_running:
        driver.load_replace_candidate(config=live.first_running)
        driver.commit_config()
        assert live.router.running() == live.first_running
    live.router.write("etc/frr.conf", live.first_startup)
    return driver
