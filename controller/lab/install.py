"""What the lab needs of the machine, and getting it."""

from __future__ import annotations

import os
import shutil
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


def missing_packages() -> tuple[str, ...]:
    """Packages that the lab needs and this machine lacks."""
    lacking = {package for program, package in _NEEDED.items() if not _exists(program)}
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
