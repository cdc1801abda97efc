"""Throw-away network namespaces for tests that need a kernel and no routers."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def ip(*words: str, stdin: str | None = None) -> None:
    """Run ``ip`` and fail with what it said."""
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True, input=stdin)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


@contextmanager
def namespaces(names: Sequence[str], setup: str) -> Iterator[None]:
    """The named namespaces, set up by the lines of an ``ip -batch``, and gone in the end."""
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-batch", "-", stdin=setup)
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
