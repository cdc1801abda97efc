"""One SSH connection to one router: opened with its host key verified, kept warm, one exec per action.

What is asked all the time is asked of a program that is kept running: see ``Connection.ask``.

paramiko by default waits for small packets to be acknowledged (40 ms an exec) and logs tracebacks of its own
thread to stderr; neither happens here.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import paramiko
from napalm.base.exceptions import (
    CommandTimeoutException,
    ConnectAuthError,
    ConnectionClosedException,
    ConnectionException,
    ConnectTimeoutError,
)

LOG = "napalm_frr.ssh"
_KEEPALIVE_S = 5  # a dead peer is noticed after about one keepalive plus the user timeout
_UNACKNOWLEDGED_MS = (
    10_000  # TCP_USER_TIMEOUT (RFC 5482): sent and not acknowledged for this long is a dead peer
)
_SYSTEM_KNOWN_HOSTS = "/etc/ssh/ssh_known_hosts"
_CHUNK = 65536
_ASK_S = 5.0  # longest silence of a program that is kept running, before its command is run by itself instead


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach and enter a router.

    ``known_hosts`` None means the user's and the system's own files. ``policy``: ``strict`` refuses a host
    whose key is not known; ``accept-new`` records it in ``known_hosts`` at first sight. A changed key is
    refused by both.
    """

    host: str
    username: str
    password: str | None = None
    port: int = 22
    key_file: str | None = None
    passphrase: str | None = None
    known_hosts: str | None = None
    policy: str = "strict"
    timeout_s: float = 60.0

    @property
    def where(self) -> str:
        """The router as people name it."""
        return self.host if self.port == 22 else f"{self.host} port {self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command on the router wrote, and its exit code."""

    out: str
    code: int


class Connection:
    """An open SSH connection. Not for use by several threads at once."""

    def __init__(self, login: Login) -> None:
        """Connect and authenticate. Raises a ConnectionException of NAPALM that says what to do."""
        self.login = login
        self._running: dict[str, paramiko.Channel] = {}  # programs that wait for the next question
        self._mute: set[str] = set()  # programs that do not echo: not asked again over this connection
        self._questions = count(1)
        _quiet()
        self._client = paramiko.SSHClient()
        self._client.set_log_channel(LOG)
        self._load_known_hosts()
        try:
            self._connect()
        except BaseException:
            self._client.close()
            raise

    def _load_known_hosts(self) -> None:
        login = self.login
        if login.policy not in {"strict", "accept-new"}:
            raise ConnectionException(f'host_key_policy is "{login.policy}"; it can be strict or accept-new')
        accept = login.policy == "accept-new"
        self._client.set_missing_host_key_policy(
            paramiko.AutoAddPolicy() if accept else paramiko.RejectPolicy()
        )
        own = Path(login.known_hosts or "~/.ssh/known_hosts").expanduser()
        if accept:
            own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            own.touch(mode=0o600)
        elif login.known_hosts and not own.is_file():
            raise ConnectAuthError(
                f"{login.where}: known_hosts file {own} does not exist; make it with: {self._keyscan(own)}"
            )
        if own.is_file():
            self._client.load_host_keys(str(own))
        if not login.known_hosts and Path(_SYSTEM_KNOWN_HOSTS).is_file():
            self._client.load_system_host_keys(_SYSTEM_KNOWN_HOSTS)

    def _keyscan(self, file: Path | str) -> str:
        port = "" if self.login.port == 22 else f"-p {self.login.port} "
        return (
            f"ssh-keyscan -t ed25519 {port}{self.login.host} >> {file}  (then compare it with the router's)"
        )

    def _connect(self) -> None:
        login = self.login
        known = login.known_hosts or "~/.ssh/known_hosts"
        if login.key_file and not Path(login.key_file).expanduser().is_file():
            raise ConnectAuthError(f"{login.where}: key_file {login.key_file} does not exist")
        alone = bool(login.key_file or login.password)
        try:
            self._client.connect(
                login.host,
                port=login.port,
                username=login.username,
                password=login.password or None,
                key_filename=str(Path(login.key_file).expanduser()) if login.key_file else None,
                passphrase=login.passphrase,
                timeout=login.timeout_s,
                banner_timeout=login.timeout_s,
                auth_timeout=login.timeout_s,
                allow_agent=not alone,
                look_for_keys=not alone,
            )
        except paramiko.BadHostKeyException as error:
            raise ConnectAuthError(
                f"{login.where}: the host key is not the one in {known}: got {error.key.get_name()} "
                f"{error.key.fingerprint}. Either the router was reinstalled (then replace its line in that "
                "file) or something else answers at this address."
            ) from error
        except paramiko.AuthenticationException as error:
            tried = (
                f"key {login.key_file}" if login.key_file else "the password" if login.password else "any key"
            )
            raise ConnectAuthError(
                f"{login.where}: user {login.username} was not let in with {tried}; check the user name, and "
                "that the key is in the user's authorized_keys on the router"
            ) from error
        except (TimeoutError, socket.gaierror) as error:
            raise ConnectTimeoutError(
                f"{login.where}: no answer within {login.timeout_s:g} s ({error})"
            ) from error
        except OSError as error:
            raise ConnectionException(f"{login.where}: cannot connect: {error}") from error
        except paramiko.SSHException as error:
            raise self._explained(error, known) from error
        self._tune()

    def _explained(self, error: paramiko.SSHException, known: str) -> ConnectionException:
        where = self.login.where
        if "not found in known_hosts" in str(error):
            return ConnectAuthError(
                f"{where}: its host key is not in {known}; add it: {self._keyscan(known)}"
            )
        if isinstance(error, paramiko.PasswordRequiredException):
            return ConnectAuthError(
                f"{where}: {self.login.key_file} is encrypted; give optional_args passphrase"
            )
        if "timed out" in str(error).lower() or "banner" in str(error):
            return ConnectTimeoutError(f"{where}: connected, but SSH did not begin ({error})")
        if "No authentication methods" in str(error) or "no existing session" in str(error).lower():
            return ConnectAuthError(
                f"{where}: no password, key_file, agent key or default key to log in with"
            )
        return ConnectionException(f"{where}: SSH failed: {error}")

    def _tune(self) -> None:
        transport = self._transport()
        transport.set_keepalive(_KEEPALIVE_S)
        sock = transport.sock
        if not isinstance(sock, socket.socket):
            return  # a channel through another host has no options of its own
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)

    def _transport(self) -> paramiko.Transport:
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise ConnectionClosedException(f"{self.login.where}: the connection is closed; open it again")
        return transport

    @property
    def alive(self) -> bool:
        """Whether the connection is up, as far as keepalives have told."""
        transport = self._client.get_transport()
        return transport is not None and transport.is_active()

    def run(self, command: str, stdin: str = "") -> Answer:
        """Run a command, hand it ``stdin``, wait for its end.

        Raises CommandTimeoutException after ``timeout_s`` without a byte, ConnectionClosedException when the
        connection goes.
        """
        where = self.login.where
        try:
            with contextlib.closing(self._transport().open_session(timeout=self.login.timeout_s)) as channel:
                channel.settimeout(self.login.timeout_s)
                channel.set_combine_stderr(True)
                channel.exec_command(command)
                channel.sendall(stdin.encode())
                channel.shutdown_write()
                out = bytearray()
                while chunk := channel.recv(_CHUNK):
                    out += chunk
                code = channel.recv_exit_status()
        except TimeoutError as error:
            raise CommandTimeoutException(f"{where}: no answer within {self.login.timeout_s:g} s") from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise ConnectionClosedException(
                f"{where}: the connection was lost: {error or 'closed'}"
            ) from error
        return Answer(out.decode(errors="replace"), code)

    def ask(self, program: str, *lines: str) -> str | None:
        """Have a program, started by the first question and kept running, read these lines; what it prints.

        It must echo its input, as whatever reads by readline does, and take ``!`` for a comment: the echo of
        one is how the end of the answer is known. None when it does not answer: then it is given up, and the
        next question starts another.
        """
        if program in self._mute:
            return None
        mark = f"!napalm_frr {next(self._questions)}\n".encode()
        try:
            channel = self._running.pop(program, None) or self._started(program)
            channel.sendall("".join(f"{line}\n" for line in lines).encode() + mark)
            out = self._until(channel, mark)
        except (paramiko.SSHException, OSError, EOFError):  # TimeoutError is an OSError
            return None
        self._running[program] = channel
        return out

    def _started(self, program: str) -> paramiko.Channel:
        channel = self._transport().open_session(timeout=self.login.timeout_s)
        channel.settimeout(_ASK_S)
        channel.set_combine_stderr(True)
        channel.exec_command(program)
        greeting = f"!napalm_frr {next(self._questions)}\n".encode()
        channel.sendall(greeting)
        try:
            self._until(channel, greeting)
        except TimeoutError:
            self._mute.add(program)
            raise
        return channel

    def _until(self, channel: paramiko.Channel, mark: bytes) -> str:
        out, ended = bytearray(), False
        try:
            while not ended and mark not in out[-len(mark) - _CHUNK :]:
                chunk = channel.recv(_CHUNK)
                out, ended = out + chunk, not chunk
        except BaseException:
            channel.close()
            raise
        if ended:
            raise EOFError
        return out.partition(mark)[0].decode(errors="replace")

    def close(self) -> None:
        """Close; harmless when closed already."""
        self._client.close()


def _quiet() -> None:
    """Paramiko's thread logs tracebacks; what they say is raised to the caller in words."""
    log = logging.getLogger(LOG)
    if not log.handlers:
        log.addHandler(logging.NullHandler())
        log.propagate = False
