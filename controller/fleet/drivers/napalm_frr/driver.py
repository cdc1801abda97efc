"""The NAPALM driver for FRR: SSH to the router's own shell, vtysh there, nothing installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from napalm.base.base import NetworkDriver
from napalm.base.exceptions import (
    CommitConfirmException,
    CommitError,
    ConnectionClosedException,
    MergeConfigException,
    NapalmException,
    ReplaceConfigException,
)

from .candidate import Candidate, load
from .getters import Getters
from .router import Reply, Router
from .transport import Connection, Login

if TYPE_CHECKING:
    from .router import Device

_LINE = re.compile(r"line \d+: .*")


class FRRDriver(Getters, NetworkDriver):  # type: ignore[misc]  # napalm is untyped
    """FRR 8.4 to 10.x over SSH.

    ``optional_args``: ``port``, ``key_file``, ``passphrase``, ``known_hosts``, ``host_key_policy``
    (``strict`` or ``accept-new``), ``pathspace`` (FRR's ``-N``). ``timeout`` bounds the connect and every
    silence, in seconds.

    The user needs group frrvty and a POSIX login shell; group frr too, to read the startup configuration.
    A later load takes the place of an earlier candidate. A candidate compares with what ran when it was
    loaded; ``commit_config`` refuses when that moved since.
    """

    platform = "frr"

    def __init__(
        self,
        hostname: str,
        username: str,
        password: str,
        timeout: int = 60,
        optional_args: dict[str, Any] | None = None,
    ) -> None:
        options = optional_args or {}
        self.hostname = hostname
        self.username = username
        self.password = password
        self.timeout = timeout
        self.device: Device | None = None
        self._login = Login(
            host=hostname,
            username=username,
            password=password,
            port=int(options.get("port") or 22),
            key_file=options.get("key_file"),
            passphrase=options.get("passphrase"),
            known_hosts=options.get("known_hosts"),
            policy=options.get("host_key_policy") or "strict",
            timeout_s=float(timeout),
        )
        self._pathspace = str(options.get("pathspace") or "")
        self._candidate: Candidate | None = None
        self._undo: Candidate | None = (
            None  # of this session's last commit, when nothing waits for confirmation
        )

    def _router(self) -> Router:
        if self.device is None:
            raise ConnectionClosedException(f"{self.hostname}: not open; call open() first")
        return Router(self.device, self.hostname, self._pathspace)

    def open(self) -> None:
        """Connect. Raises ConnectAuthError, ConnectTimeoutError or ConnectionException, saying what to do."""
        self.close()
        self.device = Connection(self._login)

    def close(self) -> None:
        """Close the connection; the candidate is forgotten, a commit that waits for confirmation is not."""
        self._candidate = self._undo = None
        if self.device is not None:
            self.device.close()
            self.device = None

    def is_alive(self) -> dict[str, bool]:
        """Whether the connection is up; keepalives notice a dead peer within about 15 s."""
        return {"is_alive": self.device is not None and self.device.alive}

    # --- the candidate: one exec to load, none to compare -------------------------------------

    def load_merge_candidate(self, filename: str | None = None, config: str | None = None) -> None:
        """Check a candidate and read what it would be merged into. Raises MergeConfigException."""
        self._load(filename, config, replaces=False)

    def load_replace_candidate(self, filename: str | None = None, config: str | None = None) -> None:
        """Check a candidate and read what it would replace. Raises ReplaceConfigException.

        Kept from the running configuration unless the candidate states them: log, debug, service, forwarding,
        passwords and users, ``line vty``; and always: version, defaults, hostname.
        """
        self._load(filename, config, replaces=True)

    def _load(self, filename: str | None, config: str | None, *, replaces: bool) -> None:
        self._candidate = None
        text = _text(filename, config, _refusal(replaces=replaces))
        reply = self._router().act("load", payload=text if text.endswith("\n") else f"{text}\n")
        running = self._router().whole_config(reply["show"], reply["errors"])
        wrong = _LINE.findall(reply["check"])
        if wrong or reply["code"].strip() != "0":
            said = "\n".join(wrong) or reply["check"]
            raise _refusal(replaces=replaces)(f"{self.hostname}: FRR does not accept the candidate:\n{said}")
        candidate = load(running, text, reply["fingerprint"].strip(), replaces=replaces)
        if faults := candidate.faults():
            said = "\n".join(faults)
            raise _refusal(replaces=replaces)(
                f"{self.hostname}: the candidate refers to what is not there:\n{said}"
            )
        self._candidate = candidate

    def compare_config(self) -> str:
        """The candidate's changes as a unified diff, "" without any; each hunk names the context it is in."""
        return self._candidate.diff() if self._candidate else ""

    def discard_config(self) -> None:
        """Forget the candidate."""
        self._candidate = None

    # --- commit: one exec, undone on the router if anything is not as asked for ----------------

    def commit_config(self, message: str = "", revert_in: int | None = None) -> None:
        """Apply the candidate; with ``revert_in`` seconds the router takes it back unless it is confirmed.

        Written to the startup configuration only without ``revert_in``, or when confirmed. Raises LockError,
        CommitConfirmException while another commit waits, CommitError when the router changed since the load,
        Merge- or ReplaceConfigException with FRR's words when it was not taken; it is undone then.
        """
        candidate = self._candidate
        if candidate is None:
            raise CommitError(f"{self.hostname}: no candidate is loaded")
        if revert_in is not None and int(revert_in) < 1:
            raise CommitError(f"{self.hostname}: revert_in is {revert_in}; it must be at least 1 second")
        self._candidate = None
        if not candidate.changed:
            return
        fingerprint = self._commit(candidate, message, int(revert_in or 0))
        self._undo = None if revert_in else candidate.inverse(fingerprint)

    def _commit(self, candidate: Candidate, message: str, revert_in: int) -> str:
        """Apply; the fingerprint of what runs then."""
        arguments = (
            uuid4().hex,
            candidate.fingerprint,
            candidate.wanted(),
            str(revert_in),
            _one_line(message),
        )
        reply = self._router().act("commit", *arguments, payload=candidate.payload())
        if reply.result == "ok":
            return reply["fingerprint"].strip()
        if reply.result == "pending":
            raise CommitConfirmException(f"{self.hostname}: {_waiting(reply)}; confirm or roll it back first")
        if reply.result == "stale":
            moved = candidate.moved(self._router().whole_config(reply["show"], reply["errors"]))
            raise CommitError(
                f"{self.hostname}: the running configuration changed since it was compared; nothing was "
                f"applied. Load and compare again. What changed meanwhile:\n{moved}"
            )
        raise self._failure(candidate, reply)

    def _failure(self, candidate: Candidate, reply: Reply) -> NapalmException:
        undone = reply["undone"].strip()
        fate = (
            "it was undone"
            if undone == "clean"
            else f"undoing it left differences, look at the router: {undone}"
        )
        if reply.result == "unsaved":
            said = reply["saved"].strip()
            return CommitError(
                f"{self.hostname}: the startup configuration was not written, so {fate}:\n{said}"
            )
        if reply.result == "refused":
            said = reply["troubles"].strip()
            return _refusal(replaces=candidate.replaces)(
                f"{self.hostname}: FRR refused the change, {fate}:\n{said}"
            )
        if reply.result == "mismatch":
            said = "\n".join(candidate.mismatch(reply["show"]))
            return _refusal(replaces=candidate.replaces)(
                f"{self.hostname}: FRR took the change but shows something else, {fate}. Write the candidate "
                f"as `show running-config` would show it, without defaults:\n{said}"
            )
        return CommitError(
            f"{self.hostname}: the commit did not arrive whole; nothing was applied ({reply.result})"
        )

    def confirm_commit(self) -> None:
        """Keep what waits for confirmation and write it to the startup configuration.

        Raises CommitConfirmException when nothing waits (it may have been reverted: then it says so) and
        CommitError when the startup configuration could not be written; the revert timer runs on then.
        """
        reply = self._router().act("confirm")
        if reply.result == "none":
            raise CommitConfirmException(
                f"{self.hostname}: no commit waits for confirmation{_reverted(reply)}"
            )
        if reply.result == "unsaved":
            raise CommitError(
                f"{self.hostname}: not confirmed: the startup configuration was not written, and the change "
                f"will be reverted when its time is over:\n{reply['saved'].strip()}"
            )

    def has_pending_commit(self) -> bool:
        """Whether a commit, of this session or another, waits for confirmation on the router."""
        return bool(self._router().act("pending")["waiting"].strip())

    def rollback(self) -> None:
        """Undo the commit that waits for confirmation, else this session's last one; harmless without."""
        self._candidate = None
        if self._undo is not None:
            undo, self._undo = self._undo, None
            self._commit(undo, "rollback", 0)
            return
        reply = self._router().act("rollback")
        undone = reply["undone"].strip()
        if reply.result == "ok" and undone != "clean":
            raise CommitError(f"{self.hostname}: rolled back, but the router differs from before: {undone}")

    def _get_candidate_text(self) -> str:
        return self._candidate.text() if self._candidate else ""


def _text(filename: str | None, config: str | None, error: type[Exception]) -> str:
    if filename:
        try:
            return Path(filename).read_text(encoding="utf-8")
        except OSError as why:
            raise error(f"candidate {filename} cannot be read: {why.strerror}") from why
    if config is None:
        raise error("neither filename nor config was given")
    return config


def _refusal(*, replaces: bool) -> type[NapalmException]:
    refusal: type[NapalmException] = ReplaceConfigException if replaces else MergeConfigException
    return refusal


def _one_line(message: str) -> str:
    return " ".join(message.split())[:200]


def _waiting(reply: Reply) -> str:
    lines = [*reply["waiting"].split("\n"), "", ""]
    timer, message = lines[1], lines[2]
    what = f'another commit ("{message}")' if message else "another commit"
    if timer == "gone":
        return f"{what} waits for confirmation and its revert timer is gone"
    return f"{what} waits for confirmation and will be reverted in {timer} s"


def _reverted(reply: Reply) -> str:
    lines = [line for line in reply["reverted"].split("\n") if line]
    if not lines:
        return ""
    how = "" if lines[1:] == ["clean"] else f", leaving differences: {' '.join(lines[1:])}"
    return f": the last one was reverted by the router at {lines[0]}{how}"
