"""What the lab needs of the machine, and getting it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from controller.lab.errors import LabError

# What is looked for, and the Debian and Ubuntu package that brings it.
_NEEDED = {
    "/usr/lib/frr/zebra": "frr",
    "/usr/lib/frr/bgpd": "frr",
    "/usr/lib/frr/bfdd": "frr",
    "/usr/lib/frr/staticd": "frr",
    "/usr/lib/frr/watchfrr": "frr",
    "vtysh": "frr",
    "/usr/sbin/sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "nft": "nftables",
    "ping": "iputils-ping",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}

_NEEDED_BY_TESTS = {"prometheus": "prometheus"}

_SERVICES = {
    "frr": ("frr",),
    "openssh-server": ("ssh", "ssh.socket"),
    "nftables": ("nftables",),
    "prometheus": ("prometheus",),
}


def missing_packages(*, tests: bool = False) -> tuple[str, ...]:
    """Packages that the lab (and, if asked, the project's tests) need and this machine lacks."""
    needed = _NEEDED | (_NEEDED_BY_TESTS if tests else {})
    lacking = {package for program, package in needed.items() if not _exists(program)}
    return tuple(sorted(lacking))


def _exists(program: str) -> bool:
    if program.startswith("/"):
        return os.access(program, os.X_OK)
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def check_machine(*, programs: bool = True) -> None:
    """Raise LabError when the lab cannot work here: who we are, and (if asked) which programs there are."""
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and needs root: sudo failover lab ...")
    if not Path("/proc/self/ns/net").exists():
        raise LabError("the lab needs a Linux kernel with network namespaces")
    if programs and (lacking := missing_packages()):
        raise LabError(f"the lab needs {', '.join(lacking)}: failover lab install")


def install(progress: Callable[[str], None], *, tests: bool = False) -> None:
    """Install the packages that the lab lacks, and leave none of their services enabled that was not before.

    ``tests``: what the project's tests need besides, too.
    Raises LabError when this is not Debian or Ubuntu, or the packages cannot be had.
    """
    check_machine(programs=False)
    lacking = missing_packages(tests=tests)
    if not lacking:
        progress("the lab has all it needs")
        return
    if shutil.which("apt-get") is None:
        raise LabError(f"this machine has no apt-get; install these by its own means: {', '.join(lacking)}")
    progress(f"installing {', '.join(lacking)}")
    _apt_get("update")
    _apt_get("install", "--yes", "--no-install-recommends", *lacking)
    for package in lacking:
        for service in _SERVICES.get(package, ()):
            _disable(service, progress)
    if still := missing_packages(tests=tests):
        raise LabError(f"apt-get installed everything asked for, and still missing are: {', '.join(still)}")
    progress("the lab has all it needs now: failover lab up")


def _apt_get(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "-q", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise LabError(f"apt-get {arguments[0]} failed: {said[-1] if said else 'it said nothing'}")


def _disable(service: str, progress: Callable[[str], None]) -> None:
    """Stop a service that came with a package, now and at boot."""
    if Path("/run/systemd/system").exists():
        commands = [["systemctl", "disable", "--now", service]]
    elif Path("/etc/init.d", service).exists():
        commands = [["update-rc.d", service, "disable"], ["invoke-rc.d", service, "stop"]]
    else:
        return
    for command in commands:
        subprocess.run(command, capture_output=True, check=False)  # a service that never ran is as good
    progress(f"{service} came with the packages and is switched off: the lab starts its own")
