"""A throw-away FRR router with sshd, and a BGP peer, in network namespaces of this test run.

`r` is the router under test (own mount and UTS namespace, watchfrr, sshd, user netauto in group frrvty), `p` its
BGP neighbor, `c` the namespace that tests reach it from. Needs root, FRR and OpenSSH.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyroute2 import netns

PREFIX = "t3"
FRR = "/usr/lib/frr"
PASSWORD = "correct horse battery staple"
ADDRESS = "198.18.0.1"  # of the router, seen from the client
PEER, PEER6 = "198.18.1.1", "2001:db8:501:1::1"

BASELINE = """\
frr defaults traditional
hostname t3-r
service integrated-vtysh-config
!
ip prefix-list OWN seq 5 permit 203.0.113.0/24
ipv6 prefix-list OWN6 seq 5 permit 2001:db8:500::/48
!
ip route 203.0.113.0/24 Null0
!
router bgp 64500
 bgp router-id 198.18.1.2
 neighbor 198.18.1.1 remote-as 64501
 neighbor 198.18.1.1 timers connect 1
 neighbor 2001:db8:501:1::1 remote-as 64501
 neighbor 2001:db8:501:1::1 timers connect 1
 !
 address-family ipv4 unicast
  network 203.0.113.0/24
  neighbor 198.18.1.1 soft-reconfiguration inbound
  neighbor 198.18.1.1 route-map UPSTREAM-IN in
  neighbor 198.18.1.1 route-map UPSTREAM-OUT out
  no neighbor 2001:db8:501:1::1 activate
 exit-address-family
 !
 address-family ipv6 unicast
  neighbor 2001:db8:501:1::1 activate
  neighbor 2001:db8:501:1::1 route-map UPSTREAM-IN in
  neighbor 2001:db8:501:1::1 route-map UPSTREAM-OUT out
 exit-address-family
exit
!
route-map UPSTREAM-IN permit 10
 set local-preference 200
exit
!
route-map UPSTREAM-OUT permit 10
 match ip address prefix-list OWN
exit
!
route-map UPSTREAM-OUT permit 20
 match ipv6 address prefix-list OWN6
exit
!
"""

PEER_CONFIG = """\
hostname t3-p
no ipv6 forwarding
!
ip route 198.51.100.0/24 Null0
ipv6 route 2001:db8:100::/48 Null0
!
router bgp 64501
 bgp router-id 198.18.1.1
 no bgp ebgp-requires-policy
 neighbor 198.18.1.2 remote-as 64500
 neighbor 198.18.1.2 timers connect 1
 neighbor 2001:db8:501:1::2 remote-as 64500
 neighbor 2001:db8:501:1::2 timers connect 1
 !
 address-family ipv4 unicast
  network 198.51.100.0/24
  no neighbor 2001:db8:501:1::2 activate
 exit-address-family
 !
 address-family ipv6 unicast
  network 2001:db8:100::/48
  neighbor 2001:db8:501:1::2 activate
 exit-address-family
exit
!
"""

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
frr:x:{frr}:{frr_group}::/nonexistent:/usr/sbin/nologin
netauto:x:2001:2001::{home}:/bin/bash
outsider:x:2002:2002::/nonexistent:/bin/sh
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
"""
GROUP = """\
root:x:0:
tty:x:5:
frrvty:x:{frrvty}:frr,netauto
frr:x:{frr_group}:
netauto:x:2001:
outsider:x:2002:
nogroup:x:65534:
"""
SSHD = """\
Port 22
ListenAddress 198.18.0.1
HostKey {dir}/ssh/host
PidFile {dir}/sshd.pid
AuthorizedKeysFile {dir}/ssh/authorized
UsePAM no
StrictModes no
PrintMotd no
MaxStartups 50
"""


def run(*command: str, check: bool = True, text: str | None = None) -> str:
    """Run a system tool; its output. Fails loudly."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, input=text)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def wait_for(what: Callable[[], bool], message: str, seconds: float = 20.0) -> None:
    """Poll until true."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            raise TimeoutError(message)
        time.sleep(0.05)


class Node:
    """A namespace (network, mount, UTS) with its own /etc/frr and /run/frr, kept alive by a sleep."""

    def __init__(self, name: str, base: Path) -> None:
        self.name = f"{PREFIX}-{name}"
        self.dir = base / name
        self.started: list[int] = []
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    def enter(self) -> None:
        """Make the mount and UTS namespaces and mount this node's own directories."""
        for sub in ("etc", "run", "log", "ssh", "home"):
            (self.dir / sub).mkdir(parents=True)
        for sub in ("etc", "run", "log"):
            shutil.chown(self.dir / sub, "frr", "frr")
        (self.dir / "etc").chmod(0o750)
        accounts = {
            "frr": int(run("id", "-u", "frr")),
            "frr_group": int(run("id", "-g", "frr")),
            "frrvty": int(run("getent", "group", "frrvty").split(":")[2]),
            "home": self.dir / "home",
        }
        secret = run("openssl", "passwd", "-6", "-stdin", text=PASSWORD).strip()
        for file, text in {
            "passwd": PASSWD.format(**accounts),
            "group": GROUP.format(**accounts),
            "shadow": f"root:*:19000::::::\nnetauto:{secret}:19000::::::\noutsider:*:19000::::::\n",
        }.items():
            (self.dir / file).write_text(text)
        (self.dir / "shadow").chmod(0o640)
        shutil.chown(self.dir / "shadow", "root", "shadow")
        os.chown(self.dir / "home", 2001, 2001)
        mounts = {"etc": "/etc/frr", "run": "/run/frr", "log": "/var/log/frr"}
        mounts |= {file: f"/etc/{file}" for file in ("passwd", "group", "shadow")}
        script = f"hostname {self.name}; mkdir -p /run/sshd; " + "".join(
            f"mount --bind {self.dir / source} {target} && " for source, target in mounts.items()
        )
        self.keeper = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "unshare", "-m", "-u", "--propagation", "private", "sh", "-c",
             f"{script} echo ready && exec sleep infinity"],
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.keeper.stdout is not None
        assert self.keeper.stdout.readline() == "ready\n"

    def sh(self, command: str, *, check: bool = True) -> str:
        """Run a shell command inside, as root."""
        pid = str(self.keeper.pid)
        return run("nsenter", "-t", pid, "-m", "-n", "-u", "sh", "-c", command, check=check)

    def vtysh(self, *commands: str) -> str:
        """What vtysh says, out of band."""
        return self.sh("vtysh " + " ".join(f"-c '{command}'" for command in commands) + " 2>/dev/null")

    def running(self) -> str:
        """The running configuration, read out of band."""
        return self.vtysh("show running-config no-header")

    def write(self, path: str, text: str, owner: str = "frr", mode: int = 0o640) -> Path:
        """A file of this node (same inode when it exists: it may be mounted)."""
        file = self.dir / path
        file.write_text(text)
        shutil.chown(file, owner, owner)
        file.chmod(mode)
        return file

    def processes(self) -> list[int]:
        """Every process in this node's network namespace."""
        return [int(pid) for pid in run("ip", "netns", "pids", self.name).split()]

    def stop(self) -> None:
        """End everything inside and remove the namespace."""
        for _ in range(3):  # watchfrr may start something while it is being ended
            for pid in self.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        run("ip", "netns", "del", self.name, check=False)


class Live:
    """The router, its peer and the client's namespace."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-frr-"))
        self.base.chmod(0o755)
        self.nodes: list[Node] = []
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _node(self, name: str) -> Node:
        self.nodes.append(Node(name, self.base))
        return self.nodes[-1]

    def _start(self) -> None:
        self.router, self.peer, self.client = self._node("r"), self._node("p"), self._node("c")
        self._wire("c", "198.18.0.2/24", "r", "mgmt", f"{ADDRESS}/24")
        self._wire("p", f"{PEER}/30", "r", "upstream", "198.18.1.2/30")
        for node, name, address in (("p", "eth0", f"{PEER6}/64"), ("r", "upstream", "2001:db8:501:1::2/64")):
            run("ip", "-n", f"{PREFIX}-{node}", "address", "add", address, "dev", name, "nodad")
        self.peer.enter()
        self.router.enter()
        self._start_frr(self.peer, PEER_CONFIG)
        self._start_frr(self.router, BASELINE)
        self._start_sshd()
        wait_for(self.established, "BGP sessions did not come up", 40)
        self.first_running = self.router.running()
        self.first_startup = BASELINE

    @staticmethod
    def _wire(a: str, address_a: str, b: str, name_b: str, address_b: str) -> None:
        a, b = f"{PREFIX}-{a}", f"{PREFIX}-{b}"
        run("ip", "-n", a, "link", "add", "eth0", "type", "veth", "peer", "name", name_b, "netns", b)
        for node, name, address in ((a, "eth0", address_a), (b, name_b, address_b)):
            run("ip", "-n", node, "address", "add", address, "dev", name)
            run("ip", "-n", node, "link", "set", name, "up")

    @staticmethod
    def _start_frr(node: Node, config: str) -> None:
        daemons = 'bgpd=yes\nvtysh_enable=yes\nzebra_options=" -A 127.0.0.1"\nbgpd_options=" -A 127.0.0.1"\n'
        node.write("etc/daemons", daemons)
        node.write("etc/frr.conf", config)
        node.write("etc/vtysh.conf", "service integrated-vtysh-config\n")
        node.sh(f"{FRR}/frrinit.sh start >/dev/null 2>&1 </dev/null")

    def _start_sshd(self) -> None:
        directory = self.router.dir
        for key, owner in (("host", "root"), ("user", "root"), ("other", "root")):
            run(
                "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", owner, "-f", str(directory / "ssh" / key)
            )
        shutil.copy(directory / "ssh/user.pub", directory / "ssh/authorized")
        host_key = " ".join((directory / "ssh/host.pub").read_text().split()[:2])
        (directory / "ssh/known_hosts").write_text(f"{ADDRESS} {host_key}\n")
        (directory / "sshd_config").write_text(SSHD.format(dir=directory))
        self.router.sh(f"/usr/sbin/sshd -f {directory}/sshd_config -E {directory}/sshd.log")

    def established(self) -> bool:
        """Whether both sessions are up and have exchanged their routes."""
        out = self.router.sh("vtysh -c 'show bgp summary json' 2>/dev/null", check=False)
        return out.count('"state":"Established"') == 2 and '"pfxRcd":0' not in out

    def file(self, name: str) -> str:
        """Path of a file made for the client: user (its key), other (a wrong key), known_hosts."""
        return str(self.router.dir / "ssh" / name)

    @contextmanager
    def from_client(self) -> Iterator[None]:
        """This thread (and threads and processes it starts) stands in the client's network namespace."""
        netns.pushns(self.client.name)
        try:
            yield
        finally:
            netns.popns()

    def stop(self) -> None:
        """Tear everything down."""
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.base, ignore_errors=True)
