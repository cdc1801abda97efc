"""Getting in, staying in, and what is said when that fails, on a real router."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from napalm.base.exceptions import (
    CommandErrorException,
    ConnectAuthError,
    ConnectionClosedException,
    ConnectionException,
    ConnectTimeoutError,
)

from tests.contract.napalm_frr.conftest import MakeDriver
from tests.contract.napalm_frr.live import ADDRESS, PASSWORD, Live, wait_for

pytestmark = pytest.mark.lab


def test_a_wrong_key_is_an_authentication_error_that_names_user_and_key(
    live: Live, connect: MakeDriver, capfd: pytest.CaptureFixture[str]
) -> None:
    driver = connect(opened=False, key_file=live.file("other"))
    with pytest.raises(
        ConnectAuthError, match=r"user netauto was not let in with key .*other.*authorized_keys"
    ):
        driver.open()
    time.sleep(0.1)  # a thread of the library may still log
    assert capfd.readouterr() == ("", "")


def test_a_key_file_that_is_not_there_is_named(connect: MakeDriver) -> None:
    with pytest.raises(ConnectAuthError, match=r"key_file /nowhere/key does not exist"):
        connect(key_file="/nowhere/key")


def test_an_unknown_host_key_is_refused_and_the_command_to_add_it_is_given(
    tmp_path: Path, connect: MakeDriver, capfd: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "known_hosts"
    empty.touch()
    with pytest.raises(
        ConnectionException, match=rf"host key is not in {empty}; add it: ssh-keyscan -t ed25519"
    ):
        connect(known_hosts=str(empty))
    with pytest.raises(ConnectionException, match=r"known_hosts file .* does not exist"):
        connect(known_hosts=str(tmp_path / "none"))
    assert capfd.readouterr() == ("", "")


def test_accept_new_records_the_key_at_first_sight_and_a_changed_key_is_refused_always(
    live: Live, tmp_path: Path, connect: MakeDriver
) -> None:
    known = tmp_path / "known_hosts"
    connect(known_hosts=str(known), host_key_policy="accept-new")
    assert "ssh-ed25519" in known.read_text()
    connect(known_hosts=str(known)).close()
    other = Path(live.file("other.pub")).read_text().split()[:2]
    known.write_text(f"{ADDRESS} {' '.join(other)}\n")
    for policy in ("strict", "accept-new"):
        with pytest.raises(ConnectionException, match=r"the host key is not the one in .* reinstalled"):
            connect(known_hosts=str(known), host_key_policy=policy)


def test_an_unknown_host_key_policy_is_refused_with_the_choices(connect: MakeDriver) -> None:
    with pytest.raises(ConnectionException, match=r"it can be strict or accept-new"):
        connect(host_key_policy="ignore")


def test_a_password_lets_in_and_a_wrong_one_does_not(connect: MakeDriver) -> None:
    assert connect(key_file=None, password=PASSWORD).is_alive() == {"is_alive": True}
    with pytest.raises(ConnectAuthError, match=r"with the password"):
        connect(key_file=None, password="wrong")


def test_a_closed_port_and_a_silent_host_are_told_apart(
    live: Live, connect: MakeDriver, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConnectionException, match=rf"{ADDRESS} port 2222: cannot connect"):
        connect(port=2222)
    live.router.sh("ip link set mgmt down")
    try:
        with pytest.raises(
            (ConnectTimeoutError, ConnectionException), match=r"no answer within 1 s|No route to host"
        ):
            connect(timeout=1)
    finally:
        live.router.sh("ip link set mgmt up")
    assert capfd.readouterr() == ("", "")


def test_using_a_driver_that_is_not_open_says_so(connect: MakeDriver) -> None:
    driver = connect(opened=False)
    assert driver.is_alive() == {"is_alive": False}
    with pytest.raises(ConnectionClosedException, match=r"not open"):
        driver.get_facts()
    driver.open()
    driver.close()
    with pytest.raises(ConnectionClosedException, match=r"not open"):
        driver.load_merge_candidate(config="")


@pytest.mark.timeout(60)
def test_a_router_that_vanishes_is_noticed_by_is_alive(
    live: Live, connect: MakeDriver, capfd: pytest.CaptureFixture[str]
) -> None:
    driver = connect()
    assert driver.is_alive() == {"is_alive": True}
    live.router.sh("ip link set mgmt down")
    try:
        begun = time.monotonic()
        wait_for(lambda: not driver.is_alive()["is_alive"], "not noticed", 40)
        print(f"noticed after {time.monotonic() - begun:.1f} s")
    finally:
        live.router.sh("ip link set mgmt up")
    with pytest.raises(ConnectionClosedException):
        driver.get_facts()
    driver.open()
    assert driver.is_alive() == {"is_alive": True}
    assert capfd.readouterr().err == ""


def test_a_user_outside_group_frrvty_is_told_of_it(connect: MakeDriver) -> None:
    driver = connect(user="outsider")
    with pytest.raises(ConnectionException, match=r"in group frrvty"):
        driver.load_merge_candidate(config="")
    with pytest.raises(CommandErrorException, match=r"in group frrvty"):
        driver.get_interfaces()


def test_the_wrong_pathspace_is_told_of(connect: MakeDriver) -> None:
    with pytest.raises(ConnectionException, match=r"reaches no daemon in pathspace other"):
        connect(pathspace="other").load_merge_candidate(config="")


def test_a_router_without_one_integrated_configuration_is_refused(live: Live, router: Any) -> None:
    live.router.sh("chmod 755 /etc/frr")
    live.router.write("etc/vtysh.conf", "no service integrated-vtysh-config\n", mode=0o644)
    try:
        with pytest.raises(
            CommandErrorException, match=r"put `service integrated-vtysh-config` into /etc/frr/vtysh.conf"
        ):
            router.load_merge_candidate(config="")
    finally:
        live.router.write("etc/vtysh.conf", "service integrated-vtysh-config\n")
        live.router.sh("chmod 750 /etc/frr")


@pytest.mark.timeout(120)
def test_a_dead_daemon_is_not_taken_for_an_empty_configuration(live: Live, router: Any) -> None:
    live.router.sh("kill -9 $(cat /run/frr/bgpd.pid)")
    try:
        with pytest.raises(CommandErrorException, match="bgpd not running"):
            router.load_merge_candidate(config="")
        with pytest.raises(CommandErrorException, match="bgpd not running"):
            router.get_config(retrieve="running")
    finally:
        wait_for(lambda: "bgpd" in live.router.vtysh("show daemons"), "bgpd did not come back", 90)
        wait_for(live.established, "sessions did not come back", 20)


def vtyshs(live: Live) -> list[int]:
    """Every vtysh on the router."""
    found = ((pid, Path(f"/proc/{pid}/comm")) for pid in live.router.processes())
    return [pid for pid, comm in found if comm.exists() and comm.read_text().strip() == "vtysh"]


def test_what_is_polled_is_asked_of_one_vtysh_that_is_kept_running(live: Live, router: Any) -> None:
    first = router.get_bgp_neighbors()
    kept = vtyshs(live)
    assert len(kept) == 1
    for _ in range(3):
        interfaces, again = router.get_interfaces(), router.get_bgp_neighbors()
    assert vtyshs(live) == kept
    assert interfaces["upstream"]["is_up"]
    assert again["global"]["peers"].keys() == first["global"]["peers"].keys()
    router.close()
    wait_for(lambda: not vtyshs(live), "vtysh outlived its connection")


def test_a_kept_vtysh_that_dies_is_replaced_without_a_word(live: Live, router: Any) -> None:
    router.get_bgp_neighbors()
    (kept,) = vtyshs(live)
    os.kill(kept, signal.SIGKILL)
    assert router.get_bgp_neighbors()["global"]["peers"]
    assert router.get_bgp_neighbors()["global"]["peers"]
    assert kept not in vtyshs(live)


def test_a_kept_vtysh_that_hangs_delays_one_answer_only(live: Live, router: Any) -> None:
    router.get_bgp_neighbors()
    (kept,) = vtyshs(live)
    os.kill(kept, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert router.get_bgp_neighbors()["global"]["peers"]
        assert time.monotonic() - begun < 7
        begun = time.monotonic()
        assert router.get_bgp_neighbors()["global"]["peers"]
        assert time.monotonic() - begun < 2
    finally:
        os.kill(kept, signal.SIGKILL)


@pytest.mark.timeout(120)
def test_a_kept_vtysh_never_tells_of_a_dead_bgpd_as_if_it_were_alive(live: Live, router: Any) -> None:
    assert router.get_bgp_neighbors()["global"]["peers"]
    live.router.sh("kill -9 $(cat /run/frr/bgpd.pid)")
    try:
        with pytest.raises(CommandErrorException, match="bgpd is not running"):
            router.get_bgp_neighbors()
    finally:
        wait_for(lambda: "bgpd" in live.router.vtysh("show daemons"), "bgpd did not come back", 90)
        wait_for(live.established, "sessions did not come back", 20)
    peers = router.get_bgp_neighbors()["global"]["peers"]
    assert all(peer["is_up"] for peer in peers.values())


def test_a_shell_in_which_nothing_can_be_kept_running_is_asked_once_each_time(connect: MakeDriver) -> None:
    driver = connect()
    assert driver.device.ask("cat >/dev/null") is None  # reads, and echoes nothing
    begun = time.monotonic()
    assert driver.device.ask("cat >/dev/null") is None
    assert time.monotonic() - begun < 1
    assert driver.device.ask("cat") == ""  # an echo, and no output
