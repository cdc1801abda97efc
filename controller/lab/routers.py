"""A router of the lab: real FRR daemons and a real sshd in network, mount and UTS namespaces of its own.

Each has private /etc/frr, /etc/ssh, /var/log, /run, /tmp, /home and a private user `netauto`, so that it
behaves like a machine of its own and leaves nothing on this one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from controller.lab import namespaces
from controller.lab.errors import LabError
from controller.lab.frr_config import frr_config
from controller.lab.topology import EDGES, MGMT_ADDRESSES, ROUTERS, UPSTREAMS

FRR_BIN = Path("/usr/lib/frr")
USER = "netauto"
_UID = 64500
_BFD_ROUTERS = (*EDGES, *(upstream.first for upstream in UPSTREAMS))

# Options of the Debian package, plus: no vty on TCP, and no more file descriptors than a router needs,
# for FRR allocates memory for as many as it may have.
_DAEMONS_FILE = """\
bgpd=yes
bfdd={bfdd}
vtysh_enable=yes
MAX_FDS=1024
zebra_options="-A 127.0.0.1 -P 0 -s 8388608"
bgpd_options="-A 127.0.0.1 -P 0"
staticd_options="-A 127.0.0.1 -P 0"
bfdd_options="-A 127.0.0.1 -P 0"
"""

_SSHD_CONFIG = """\
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys/%u
AuthenticationMethods publickey
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
"""

# $1 node directory, $2 host name, then the program to hold the namespaces open. Order matters: /run goes
# last, for the node directory lies under it. The holder is started in the background, so that it belongs
# to nobody, and its pid is the only thing printed.
_SETUP = """\
set -e
dir=$1; ulimit -n 1024; umask 022
hostname "$2"
for place in etc/passwd etc/group etc/shadow etc/frr etc/ssh var/log; do
    mount --bind "$dir/$place" "/$place"
done
for place in /tmp /var/tmp /home /var/lib/frr; do
    [ ! -d $place ] || mount -t tmpfs -o mode=1777,size=64m lab $place
done
mount -t tmpfs -o mode=755,size=16m lab /run
mkdir -p /run/frr /run/sshd /run/lock "/home/$3"
chown frr:frr /run/frr
chown "$3:" "/home/$3"; chmod 700 "/home/$3"
sleep infinity </dev/null >/dev/null 2>&1 &
echo $!
exec >/dev/null
/usr/sbin/sshd -E /var/log/sshd.log
"""

_FRR_FUNCTIONS = """\
. /usr/lib/frr/frrcommon.sh
log_success_msg() { :; }; log_warning_msg() { echo "$@" >&2; }; log_failure_msg() { echo "$@" >&2; }
"""

# The daemons first, then their configuration, then the watch over them.
_START_FRR = f"""\
{_FRR_FUNCTIONS}
all_start >/dev/null
daemon_list daemons
exec /usr/lib/frr/watchfrr -d -F traditional $daemons >/dev/null
"""
_START_BGPD = f"{_FRR_FUNCTIONS}\ndaemon_start bgpd >/dev/null"


@dataclass(frozen=True, slots=True)
class Router:
    """One router of one lab, and its directory on this machine."""

    lab: str
    name: str
    dir: Path

    @property
    def _pid_file(self) -> Path:
        return self.dir / "holder.pid"

    def holder(self) -> int:
        """The process that keeps the router's namespaces. Raises LabError when it is gone."""
        try:
            pid = int(self._pid_file.read_text())
            alive = Path(f"/proc/{pid}/ns/net").stat().st_ino
            ours = namespaces.netns_path(self.lab, self.name).stat().st_ino
        except (OSError, ValueError):
            alive, ours = 0, 1
        if alive != ours:
            raise LabError(f"{self.name} does not run: failover lab down, then up (--name {self.lab})")
        return pid

    def command(self, *argv: str) -> list[str]:
        """The command that runs `argv` on the router. Raises LabError when the router does not run."""
        return namespaces.inside(self.lab, self.name, argv, self.holder())

    def vtysh(self, *commands: str) -> str:
        """Run vtysh commands on the router; returns what they printed. Raises LabError when one fails."""
        return namespaces.run(self.command("vtysh", *(word for c in commands for word in ("-c", c))))

    def prepare(self, authorized_key: str) -> None:
        """Write the router's files."""
        frr, ssh = self.dir / "etc/frr", self.dir / "etc/ssh"
        for folder in (frr, ssh / "authorized_keys", self.dir / "var/log/frr"):
            folder.mkdir(parents=True)
        (frr / "frr.conf").write_text(frr_config(self.name))
        (frr / "daemons").write_text(_DAEMONS_FILE.format(bfdd="yes" if self.name in _BFD_ROUTERS else "no"))
        (frr / "vtysh.conf").write_text("service integrated-vtysh-config\n")
        for path in (frr, *frr.iterdir(), self.dir / "var/log/frr"):
            shutil.chown(path, "frr", "frrvty" if path.name == "vtysh.conf" else "frr")
            path.chmod(0o755 if path.is_dir() else 0o640)
        (ssh / "sshd_config").write_text(_SSHD_CONFIG)
        (ssh / "authorized_keys" / USER).write_text(authorized_key)
        make_key(ssh / "ssh_host_ed25519_key")
        self._write_accounts()

    def _write_accounts(self) -> None:
        accounts = {name: Path("/etc", name).read_text() for name in ("passwd", "group", "shadow")}
        vty_group = next(
            row.split(":")[2] for row in accounts["group"].splitlines() if row.startswith("frrvty:")
        )
        # The one group is frrvty: enough to read and configure by vtysh, and to save through watchfrr.
        accounts["passwd"] += f"{USER}:x:{_UID}:{vty_group}::/home/{USER}:/bin/bash\n"
        accounts["shadow"] += f"{USER}:*:19000:0:99999:7:::\n"  # no password matches "*"
        for name, text in accounts.items():
            path = self.dir / "etc" / name
            path.touch(mode=0o640 if name == "shadow" else 0o644)
            path.write_text(text)
        shutil.chown(self.dir / "etc/shadow", "root", "shadow")  # as PAM's helper expects it

    def boot(self) -> None:
        """Make the router's own namespaces and start its programs. Raises LabError if one will not."""
        private = ["unshare", "--mount", "--uts", "--propagation", "private"]
        setup = [*private, "sh", "-c", _SETUP, "sh", str(self.dir), self.name, USER]
        pid = namespaces.run(namespaces.inside(self.lab, self.name, setup))
        self._pid_file.write_text(pid)
        self.start_frr()

    def start_frr(self) -> None:
        """Start FRR's daemons, load frr.conf, set watchfrr over them."""
        namespaces.run(self.command("bash", "-c", _START_FRR))

    def kill_bgpd(self) -> None:
        """Kill bgpd, and tell watchfrr to leave it dead."""
        self.vtysh("watchfrr ignore bgpd")
        for pid in self._pids("bgpd"):
            namespaces.kill(pid)

    def revive_bgpd(self) -> None:
        """Start bgpd, if it is dead, with the configuration last saved, and let watchfrr watch it again."""
        if not self._pids("bgpd"):
            namespaces.run(self.command("bash", "-c", _START_BGPD))
        self.vtysh("no watchfrr ignore bgpd")

    def _pids(self, program: str) -> list[int]:
        return [
            pid for pid in namespaces.processes(self.lab, [self.name]) if namespaces.program(pid) == program
        ]


def daemons_of(router: str) -> tuple[str, ...]:
    """The programs that a healthy router runs."""
    bfd = ("bfdd",) if router in _BFD_ROUTERS else ()
    return ("zebra", "bgpd", "staticd", *bfd, "watchfrr", "sshd")


def make_key(path: Path) -> None:
    """Make an ed25519 key pair without a pass phrase."""
    namespaces.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.parent.parent.name, "-f", str(path)]
    )


def known_hosts(routers: Path) -> str:
    """The known_hosts file of whoever comes over the management network."""
    lines = []
    for edge in EDGES:
        key = (routers / edge / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        lines.append(f"{MGMT_ADDRESSES[edge][0].ip} {key[0]} {key[1]}\n")
    return "".join(lines)


def all_routers(lab: str, nodes: Path) -> tuple[Router, ...]:
    """Every router of a lab."""
    return tuple(Router(lab, name, nodes / name) for name in ROUTERS)
