"""One lab of real routers for the whole session: up once, cleared of faults after each test, down at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from controller.lab.lab import Lab
from tests.lab.operate import Controller, Site, make_site, strip


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


@pytest.fixture(scope="module")
def site(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The lab with an inventory that has no patience, and edges no controller has touched; left so."""
    site = make_site(_session_lab, tmp_path_factory.mktemp("site"))
    strip(_session_lab, site.policy)
    yield site
    strip(_session_lab, site.policy)


@pytest.fixture(scope="module")
def _module_controller(site: Site) -> Iterator[Controller]:
    with site.start() as controller:
        controller.wait_settled()
        yield controller


@pytest.fixture
def controller(lab: Lab, _module_controller: Controller) -> Iterator[Controller]:
    """A controller that runs for the whole module, settled before and after each test."""
    _module_controller.wait_settled()
    yield _module_controller
    lab.clear()
    _module_controller.wait_settled()
