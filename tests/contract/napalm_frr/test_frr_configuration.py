"""What the driver promises about changing a router, on a real one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from napalm.base.exceptions import (
    CommitConfirmException,
    CommitError,
    LockError,
    MergeConfigException,
    NapalmException,
    ReplaceConfigException,
)

from tests.contract.napalm_frr.conftest import MakeDriver
from tests.contract.napalm_frr.live import ADDRESS, PEER, PEER6, Live, wait_for

pytestmark = pytest.mark.lab

LOCAL_PREFERENCE = "route-map UPSTREAM-IN permit 10\n set local-preference {}\n"
ROLE = """\
route-map ROLE-IN permit 10
 call UPSTREAM-IN
 on-match next
route-map ROLE-IN permit 20
 set local-preference 300
router bgp 64500
 address-family ipv4 unicast
  neighbor 198.18.1.1 route-map ROLE-IN in
"""
RICH = """\
ip prefix-list OWN seq 5 permit 203.0.113.0/24 le 25
ip prefix-list MORE description seen elsewhere
ip prefix-list MORE seq 5 deny 192.0.2.0/24
ip prefix-list MORE seq 10 permit any
ipv6 prefix-list OWN6 seq 5 permit 2001:db8:500::/48
bgp as-path access-list PATHS seq 5 permit ^64501_
bgp community-list standard MARKS seq 5 permit 64500:1 graceful-shutdown
bgp community-list expanded MANY seq 5 permit 645[0-9]+:.*
bgp large-community-list standard LARGE seq 5 permit 64500:1:2
bgp extcommunity-list standard EXT seq 5 permit rt 64500:1
access-list HOSTS seq 5 permit 10.9.0.0/16
ip route 192.0.2.0/24 198.18.1.1 tag 7 50
ip route 203.0.113.0/24 Null0
ipv6 route 2001:db8:200::/48 2001:db8:501:1::1
interface upstream
 description to the upstream
route-map UPSTREAM-OUT deny 5
 match community MARKS exact-match
route-map UPSTREAM-OUT permit 10
 match ip address prefix-list OWN
 set as-path prepend 64500 64500
 set community 64500:1 graceful-shutdown additive
route-map UPSTREAM-OUT permit 30
 match ip address prefix-list MORE
route-map UPSTREAM-IN permit 10
 description what comes in
 call COMMON
 match as-path PATHS
 on-match goto 20
 set as-path prepend last-as 2
 set comm-list MANY delete
 set extcommunity rt 64500:2
 set large-community 64500:3:3
 set local-preference 150
 set metric 10
 set origin igp
 set table 100
 set tag 5
 set weight 10
route-map UPSTREAM-IN permit 20
 match ip address HOSTS
 match rpki-extcommunity valid
route-map COMMON permit 10
router bgp 64500
 bgp router-id 198.18.1.2
 bgp log-neighbor-changes
 bgp bestpath as-path multipath-relax
 neighbor GROUP peer-group
 neighbor GROUP remote-as 64501
 neighbor GROUP description a group
 neighbor 198.18.1.9 peer-group GROUP
 neighbor 198.18.1.1 remote-as 64501
 neighbor 198.18.1.1 description the upstream
 neighbor 198.18.1.1 timers 20 60
 neighbor 198.18.1.1 timers connect 2
 neighbor 2001:db8:501:1::1 remote-as 64501
 neighbor 2001:db8:501:1::1 timers connect 1
 neighbor 2001:db8:501:2::1 remote-as external
 neighbor 2001:db8:501:2::1 ebgp-multihop 3
 address-family ipv4 unicast
  network 192.0.2.0/24 route-map COMMON
  network 203.0.113.0/24
  aggregate-address 203.0.112.0/22 summary-only
  redistribute static route-map COMMON
  neighbor GROUP route-map UPSTREAM-IN in
  neighbor 198.18.1.9 next-hop-self force
  neighbor 198.18.1.9 remove-private-AS all
  neighbor 198.18.1.9 default-originate
  neighbor 198.18.1.9 maximum-prefix 100 80 warning-only
  neighbor 198.18.1.9 weight 5
  neighbor 198.18.1.1 route-map UPSTREAM-IN in
  neighbor 198.18.1.1 route-map UPSTREAM-OUT out
  neighbor 198.18.1.1 allowas-in 2
  no neighbor 2001:db8:501:1::1 activate
  no neighbor 2001:db8:501:2::1 activate
 address-family ipv6 unicast
  neighbor 2001:db8:501:1::1 activate
  neighbor 2001:db8:501:1::1 route-map UPSTREAM-IN in
  neighbor 2001:db8:501:1::1 route-map UPSTREAM-OUT out
  neighbor 2001:db8:501:2::1 activate
  no neighbor 2001:db8:501:2::1 send-community
"""


class Counting:
    """A device that counts what is run on it."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self.runs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.device, name)

    def run(self, command: str, stdin: str = "") -> Any:
        self.runs += 1
        return self.device.run(command, stdin)


def commit(driver: Any, candidate: str, **options: Any) -> None:
    driver.load_merge_candidate(config=candidate)
    driver.commit_config(**options)


def startup(live: Live) -> str:
    return (live.router.dir / "etc/frr.conf").read_text()


def timers(live: Live) -> list[int]:
    """Revert timers that run on the router."""
    found = []
    for pid in live.router.processes():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"\0expire\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


# --- cost and idempotence --------------------------------------------------------------------


def test_load_and_compare_cost_one_exec_commit_one_confirm_one(router: Any) -> None:
    router.device = counting = Counting(router.device)
    spent = []
    for step in (
        lambda: router.load_merge_candidate(config=LOCAL_PREFERENCE.format(300)),
        router.compare_config,
        lambda: router.commit_config(revert_in=30),
        router.confirm_commit,
    ):
        before = counting.runs
        step()
        spent.append(counting.runs - before)
    assert spent == [1, 0, 1, 1]


def test_a_candidate_without_changes_shows_no_diff_and_costs_no_exec_at_commit(router: Any) -> None:
    commit(router, LOCAL_PREFERENCE.format(300))
    router.load_merge_candidate(config=LOCAL_PREFERENCE.format(300))
    assert router.compare_config() == ""
    router.device = counting = Counting(router.device)
    router.commit_config(revert_in=30)
    assert counting.runs == 0
    assert not router.has_pending_commit()


def test_times_are_reported(live: Live, router: Any, record_property: Any) -> None:
    """Asserts nothing about time; `pytest -rP` shows the medians."""
    spent: dict[str, list[float]] = {}

    def timed(name: str, step: Any) -> None:
        begun = time.perf_counter()
        step()
        spent.setdefault(name, []).append((time.perf_counter() - begun) * 1000)

    for preference in range(301, 312):
        candidate = LOCAL_PREFERENCE.format(preference)
        timed("load", lambda candidate=candidate: router.load_merge_candidate(config=candidate))
        timed("compare", router.compare_config)
        timed("commit with revert_in", lambda: router.commit_config(revert_in=30))
        timed("confirm", router.confirm_commit)
        timed("has_pending_commit", router.has_pending_commit)
    for name, values in spent.items():
        record_property(name, statistics.median(values))
        print(f"{name}: median {statistics.median(values):.1f} ms of {len(values)}")
    assert "set local-preference 311" in live.router.running()


# --- refusals before anything changes ---------------------------------------------------------


@pytest.mark.parametrize("replace", [False, True])
def test_a_bad_candidate_is_refused_whole_with_the_words_and_line_of_frr(
    live: Live, router: Any, replace: bool
) -> None:
    bad = "route-map UPSTREAM-IN permit 10\n set local-preference 400\n set locale-preference 5\n"
    load = router.load_replace_candidate if replace else router.load_merge_candidate
    with pytest.raises(
        ReplaceConfigException if replace else MergeConfigException, match="line 3: % Unknown command"
    ):
        load(config=bad)
    assert router.compare_config() == ""
    assert live.router.running() == live.first_running


def test_attaching_a_route_map_that_does_not_exist_is_refused_before_anything_changes(
    live: Live, router: Any
) -> None:
    with pytest.raises(MergeConfigException, match="route-map NOWHERE does not exist"):
        router.load_merge_candidate(
            config="router bgp 64500\n address-family ipv4 unicast\n  neighbor 198.18.1.1 route-map NOWHERE in\n"
        )
    assert live.router.running() == live.first_running


def test_deleting_a_list_that_is_still_used_is_refused(router: Any) -> None:
    with pytest.raises(MergeConfigException, match="ip prefix-list OWN does not exist"):
        router.load_merge_candidate(config="no ip prefix-list OWN\n")


def test_a_diff_that_went_stale_is_not_applied(live: Live, router: Any) -> None:
    router.load_merge_candidate(config=LOCAL_PREFERENCE.format(300))
    live.router.vtysh("configure terminal", "route-map UPSTREAM-OUT permit 10", "set metric 7")
    with pytest.raises(CommitError, match=r"changed since it was compared(.|\n)*\+ set metric 7"):
        router.commit_config(revert_in=30)
    assert "set local-preference 200" in live.router.running()
    assert not router.has_pending_commit()


# --- commits that fail half-way ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        pytest.param(
            "route-map UPSTREAM-OUT permit 10\n set metric 7\n"
            "route-map UPSTREAM-IN permit 10\n set local-preference 99999999999\n",
            "% .*malformed",
            id="a value that FRR shows but does not use, exit code 0",
        ),
        pytest.param(
            "route-map UPSTREAM-IN permit 10\n set local-preference 250\n"
            "router bgp 64500\n neighbor 198.18.1.1 peer-group NONE\n",
            "%",
            id="a refusal after good lines",
        ),
        pytest.param(
            "ip prefix-list OWN seq 50 permit 203.0.113.0/24\nroute-map UPSTREAM-IN permit 10\n set metric 9\n",
            "not there: ip prefix-list OWN seq 50",
            id="a duplicate that FRR drops without a word",
        ),
        pytest.param(
            "bfd\n profile fast\n  receive-interval 100\nroute-map UPSTREAM-IN permit 10\n set metric 9\n",
            "not there: bfd / profile fast / receive-interval 100",
            id="a daemon that does not run",
        ),
    ],
)
@pytest.mark.parametrize("revert_in", [None, 30])
def test_a_commit_that_fails_half_way_is_undone_and_says_why(
    live: Live, router: Any, candidate: str, words: str, revert_in: int | None
) -> None:
    router.load_merge_candidate(config=candidate)
    with pytest.raises(MergeConfigException, match=words) as caught:
        router.commit_config(revert_in=revert_in)
    assert "it was undone" in str(caught.value)
    assert live.router.running() == live.first_running
    assert startup(live) == live.first_startup
    assert not router.has_pending_commit()
    assert timers(live) == []


def test_a_commit_that_does_not_arrive_whole_changes_nothing(live: Live, router: Any) -> None:
    router.load_merge_candidate(config=LOCAL_PREFERENCE.format(300))
    whole = router.device

    class Torn(Counting):
        def run(self, command: str, stdin: str = "") -> Any:
            return whole.run(command, stdin[: stdin.index("--napalm_frr:undo-clear")])

    router.device = Torn(whole)
    with pytest.raises(CommitError, match="did not arrive whole; nothing was applied"):
        router.commit_config(revert_in=30)
    router.device = whole
    assert live.router.running() == live.first_running
    assert not router.has_pending_commit()


def test_a_startup_configuration_that_cannot_be_written_undoes_the_commit(live: Live, router: Any) -> None:
    live.router.sh("chattr +i /etc/frr/frr.conf")
    try:
        router.load_merge_candidate(config=LOCAL_PREFERENCE.format(300))
        with pytest.raises(CommitError, match="startup configuration was not written, so it was undone"):
            router.commit_config()
    finally:
        live.router.sh("chattr -i /etc/frr/frr.conf")
    assert live.router.running() == live.first_running


# --- commit, confirm, revert ------------------------------------------------------------------


def test_without_revert_in_the_change_is_startup_configuration_at_once(live: Live, router: Any) -> None:
    commit(router, LOCAL_PREFERENCE.format(300))
    assert "set local-preference 300" in startup(live)
    router.rollback()
    assert live.router.running() == live.first_running
    assert "set local-preference 200" in startup(live)


def test_confirming_keeps_the_change_and_writes_it(live: Live, router: Any) -> None:
    commit(router, LOCAL_PREFERENCE.format(300), revert_in=30)
    assert startup(live) == live.first_startup
    assert router.has_pending_commit()
    router.confirm_commit()
    assert not router.has_pending_commit()
    assert "set local-preference 300" in startup(live)
    assert "set local-preference 300" in live.router.running()
    assert timers(live) == []
    with pytest.raises(CommitConfirmException, match="no commit waits"):
        router.confirm_commit()


def test_rollback_undoes_what_waits_at_once(live: Live, router: Any) -> None:
    commit(router, LOCAL_PREFERENCE.format(300), revert_in=30)
    router.rollback()
    assert live.router.running() == live.first_running
    assert not router.has_pending_commit()
    assert timers(live) == []


def test_the_router_reverts_by_itself_when_ssh_is_closed_right_after_the_commit(
    live: Live, router: Any, connect: MakeDriver
) -> None:
    commit(router, RICH, revert_in=2)
    router.close()
    assert "set local-preference 150" in live.router.running()
    wait_for(lambda: live.router.running() == live.first_running, "was not reverted", 8)
    assert startup(live) == live.first_startup
    other = connect()
    wait_for(lambda: not other.has_pending_commit(), "still pending", 3)
    with pytest.raises(CommitConfirmException, match="reverted by the router at 20"):
        other.confirm_commit()


def test_the_router_reverts_by_itself_when_the_client_is_killed(live: Live, router: Any) -> None:
    script = (
        "import sys, time; from napalm_frr import FRRDriver\n"
        f"d = FRRDriver('{ADDRESS}', 'netauto', '', optional_args=dict(key_file=sys.argv[1], known_hosts=sys.argv[2]))\n"
        f"d.open(); d.load_merge_candidate(config={LOCAL_PREFERENCE.format(300)!r})\n"
        "d.commit_config(revert_in=3); print('done', flush=True); time.sleep(60)\n"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", script, live.file("user"), live.file("known_hosts")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "done\n"
    client.kill()
    client.wait()
    assert router.has_pending_commit()
    wait_for(lambda: live.router.running() == live.first_running, "was not reverted", 8)


def test_what_was_begun_is_finished_when_the_connection_dies_in_the_middle(live: Live, router: Any) -> None:
    router.load_merge_candidate(config=RICH)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(router.commit_config, "", 3)
        wait_for(lambda: timers(live) != [], "the commit did not begin", 5)
        router.device.close()
        assert isinstance(running.exception(), (NapalmException, type(None)))
    wait_for(lambda: timers(live) == [], "the revert timer did not end", 10)
    assert live.router.running() == live.first_running


def test_another_session_sees_what_waits_may_not_commit_on_top_and_may_roll_it_back(
    live: Live, router: Any, connect: MakeDriver
) -> None:
    commit(router, LOCAL_PREFERENCE.format(300), message="first", revert_in=30)
    other = connect()
    assert other.has_pending_commit()
    other.load_merge_candidate(config=LOCAL_PREFERENCE.format(400))
    with pytest.raises(CommitConfirmException, match=r'"first"\) waits .* will be reverted in \d+ s'):
        other.commit_config()
    assert "set local-preference 300" in live.router.running()
    other.rollback()
    assert live.router.running() == live.first_running


def test_a_timer_that_died_leaves_the_commit_pending_and_says_so(live: Live, router: Any) -> None:
    commit(router, LOCAL_PREFERENCE.format(300), revert_in=30)
    for pid in timers(live):
        os.kill(pid, signal.SIGKILL)
    assert router.has_pending_commit()
    router.load_merge_candidate(config=LOCAL_PREFERENCE.format(400))
    with pytest.raises(CommitConfirmException, match="its revert timer is gone"):
        router.commit_config()
    router.rollback()
    assert live.router.running() == live.first_running


# --- several writers --------------------------------------------------------------------------


def test_while_one_session_commits_another_is_told_so(live: Live, router: Any) -> None:
    router.load_merge_candidate(config=LOCAL_PREFERENCE.format(300))
    assert not router.has_pending_commit()  # makes the directory of the lock
    holder = subprocess.Popen(
        ["nsenter", "-t", str(live.router.keeper.pid), "-m", "-n", "-u", "sh", "-c",
         f"exec 9>>{live.router.dir}/home/.napalm_frr/t3-r/lock; flock 9; echo held; exec sleep 60"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockError, match="another session is committing right now"):
            router.commit_config()
    finally:
        holder.kill()
        holder.wait()
    assert live.router.running() == live.first_running


def test_of_two_commits_at_once_exactly_one_is_applied(live: Live, router: Any, connect: MakeDriver) -> None:
    drivers = [router, connect()]
    for driver, preference in zip(drivers, (300, 400), strict=True):
        driver.load_merge_candidate(config=LOCAL_PREFERENCE.format(preference))
    with ThreadPoolExecutor(2) as pool:
        errors = [future.exception() for future in [pool.submit(driver.commit_config) for driver in drivers]]
    assert sum(error is None for error in errors) == 1
    assert all(error is None or isinstance(error, (LockError, CommitError)) for error in errors)
    winner = (300, 400)[errors.index(None)]
    assert f"set local-preference {winner}" in live.router.running()


# --- what changes, and how --------------------------------------------------------------------


def test_replacing_goes_there_and_back_exactly(live: Live, router: Any) -> None:
    router.load_replace_candidate(config=RICH)
    router.commit_config()
    router.load_replace_candidate(config=RICH)
    assert router.compare_config() == ""
    rich = live.router.running()
    router.load_replace_candidate(config=live.first_running)
    router.commit_config()
    assert live.router.running() == live.first_running
    router.rollback()
    assert sorted(live.router.running().split("\n")) == sorted(rich.split("\n"))


def test_a_candidate_may_take_lines_blocks_and_neighbors_away(live: Live, router: Any) -> None:
    commit(router, RICH)
    commit(
        router,
        """\
no ip prefix-list MORE description
no route-map UPSTREAM-OUT permit 30
no ip prefix-list MORE
route-map UPSTREAM-IN permit 10
 no set as-path prepend
 no description
router bgp 64500
 no neighbor 2001:db8:501:2::1
 no neighbor 198.18.1.9
 address-family ipv4 unicast
  no redistribute static
""",
    )
    running = live.router.running()
    for gone in ("MORE", "last-as", "what comes in", "2001:db8:501:2::1", "198.18.1.9", "redistribute"):
        assert gone not in running
    assert "neighbor GROUP peer-group" in running


def test_entries_of_a_list_may_swap_and_move(live: Live, router: Any) -> None:
    commit(router, "ip prefix-list L seq 5 permit 10.0.0.0/8\nip prefix-list L seq 10 deny 10.1.0.0/16\n")
    swapped = "ip prefix-list L seq 5 deny 10.1.0.0/16\nip prefix-list L seq 10 permit 10.0.0.0/8\n"
    commit(router, swapped)
    assert swapped in live.router.running()
    moved = "no ip prefix-list L seq 10\nip prefix-list L seq 20 permit 10.0.0.0/8\n"
    commit(router, moved)
    assert "ip prefix-list L seq 5 deny 10.1.0.0/16\nip prefix-list L seq 20 permit" in live.router.running()


def test_a_candidate_may_be_flat_and_not_canonical(live: Live, router: Any) -> None:
    commit(
        router,
        """\
ip prefix-list L permit 10.1.2.3/8
ip prefix-list L permit 2.0.0.0/8
route-map M permit 10
set community 65535:0 64500:2 64500:1 additive
router bgp 64500
neighbor 2001:DB8:501:0003::1 remote-as 64501
neighbor 198.18.1.1 description   two  words
neighbor 198.18.1.1 weight 7
address-family ipv6 unicast
neighbor 2001:db8:501:3:0::1 activate
network 2001:DB8:500::/48
exit-address-family
bgp route-map delay-timer 5
""",
    )
    running = live.router.running()
    assert "ip prefix-list L seq 5 permit 10.0.0.0/8\nip prefix-list L seq 10 permit 2.0.0.0/8" in running
    assert " set community 64500:1 64500:2 graceful-shutdown additive" in running
    assert " neighbor 198.18.1.1 description two words" in running
    assert "  neighbor 198.18.1.1 weight 7" in running
    assert "  neighbor 2001:db8:501:3::1 activate" in running


def sessions(live: Live) -> dict[str, tuple[int, int]]:
    """How often the sessions with the peer came up and dropped."""
    said = json.loads(live.router.vtysh("show bgp neighbors json"))
    return {
        name: (said[name]["connectionsEstablished"], said[name]["connectionsDropped"])
        for name in (PEER, PEER6)
    }


def kernel_routes(live: Live) -> subprocess.Popen[str]:
    monitor = subprocess.Popen(
        ["ip", "netns", "exec", live.router.name, "ip", "-ts", "monitor", "route"],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.2)  # it says nothing when it is ready
    return monitor


def test_a_role_is_attached_without_a_gap_or_a_flap(live: Live, router: Any) -> None:
    before = sessions(live)
    monitor = kernel_routes(live)
    try:
        commit(router, ROLE, revert_in=30)
        wait_for(lambda: '"locPrf":300' in live.router.vtysh("show bgp ipv4 unicast json"), "no effect", 4)
        router.confirm_commit()
        commit(
            router,
            LOCAL_PREFERENCE.format(250) + "route-map UPSTREAM-OUT permit 10\n set as-path prepend 64500\n",
        )
    finally:
        monitor.terminate()
    said = monitor.communicate()[0]
    assert sessions(live) == before
    assert not re.search(r"Deleted 198\.51\.100\.0/24", said)


@pytest.mark.parametrize("action", ["edited", "re-attached"])
def test_policy_takes_effect_long_before_the_route_map_timer(
    live: Live, router: Any, action: str, record_property: Any
) -> None:
    """FRR's timer is 5 s; the kernel route must be gone before."""
    refuse = {
        "edited": "route-map UPSTREAM-IN deny 10\n",
        "re-attached": "route-map REFUSE deny 10\nrouter bgp 64500\n address-family ipv4 unicast\n"
        f"  neighbor {PEER} route-map REFUSE in\n",
    }[action]
    router.load_merge_candidate(config=refuse)
    before = sessions(live)
    monitor = kernel_routes(live)
    try:
        begun = time.perf_counter()
        router.commit_config(revert_in=30)
        assert monitor.stdout is not None
        for line in monitor.stdout:
            if "Deleted 198.51.100.0/24" in line:
                break
        spent = (time.perf_counter() - begun) * 1000
    finally:
        monitor.kill()
        monitor.wait()
    record_property(action, spent)
    print(f"{action}: kernel route changed within {spent:.0f} ms of commit_config")
    assert spent < 4000
    assert sessions(live) == before
    router.rollback()
    wait_for(lambda: "198.51.100.0/24" in live.router.sh("ip route"), "the route did not come back", 3)


# --- what NAPALM itself offers ----------------------------------------------------------------


def test_the_diff_names_the_context_of_each_hunk_and_shows_new_policies_as_one(router: Any) -> None:
    router.load_merge_candidate(config=ROLE)
    diff = router.compare_config()
    assert (
        re.sub(r"@@ \S+ \S+ @@", "@@", diff)
        == """\
--- running
+++ candidate
@@ top level
+route-map ROLE-IN permit 10
+ call UPSTREAM-IN
+ on-match next
+route-map ROLE-IN permit 20
+ set local-preference 300
@@ router bgp 64500 / address-family ipv4 unicast
   network 203.0.113.0/24
   neighbor 198.18.1.1 soft-reconfiguration inbound
-  neighbor 198.18.1.1 route-map UPSTREAM-IN in
+  neighbor 198.18.1.1 route-map ROLE-IN in
   neighbor 198.18.1.1 route-map UPSTREAM-OUT out
   no neighbor 2001:db8:501:1::1 activate"""
    )


def test_templates_of_the_driver_can_be_loaded(router: Any) -> None:
    router.load_template("set_hostname", hostname="renamed")
    assert "+hostname renamed" in router.compare_config()
    router.discard_config()
    assert router.compare_config() == ""


def test_the_configuration_reads_back_with_candidate_and_without_secrets(live: Live, router: Any) -> None:
    commit(
        router,
        "router bgp 64500\n neighbor 198.18.1.77 remote-as 64501\n neighbor 198.18.1.77 password s3cret\n",
    )
    router.load_merge_candidate(config=LOCAL_PREFERENCE.format(300))
    config = router.get_config()
    assert "s3cret" in config["running"]
    assert "set local-preference 300" in config["candidate"]
    shown = router.get_config(sanitized=True)
    assert "s3cret" not in "".join(shown.values())
    assert "neighbor 198.18.1.77 password <removed>" in shown["running"]
    router.load_merge_candidate(config="router bgp 64500\n neighbor 198.18.1.77 password other\n")
    assert "other" not in router.compare_config()
    assert router.compare_config() != ""
