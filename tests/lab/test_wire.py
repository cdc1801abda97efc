"""What crosses a wire in user space, between two hosts of namespaces."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyroute2 import netns

from controller.lab.wire import SO_RCVBUFFORCE
from tests.lab.namespaces import ip, namespaces

pytestmark = pytest.mark.lab

PREFIX = f"t2-{os.getpid()}"
LEFT, RIGHT, MIDDLE = f"{PREFIX}-left", f"{PREFIX}-right", f"{PREFIX}-middle"
LEFT_V4, RIGHT_V4 = "192.0.2.1", "192.0.2.2"
LEFT_V6, RIGHT_V6 = "2001:db8:200::1", "2001:db8:200::2"
PORTS = ("to-left", "to-right")  # the interfaces that the wire joins
BRIDGE = "joined"
PORT = 47100
COMMAND = (
    sys.executable,
    "-m",
    "controller.lab.wire",
    "--netns",
    MIDDLE,
    "--port-a",
    PORTS[0],
    "--port-b",
    PORTS[1],
)

SETUP = f"""
link add name eth0 netns {LEFT} type veth peer name {PORTS[0]} netns {MIDDLE}
link add name eth0 netns {RIGHT} type veth peer name {PORTS[1]} netns {MIDDLE}
"""
HOST = """
-n {ns} addr add {v4}/24 dev eth0
-n {ns} addr add {v6}/64 dev eth0 nodad
-n {ns} link set eth0 up
"""


@pytest.fixture(scope="module", autouse=True)
def two_hosts() -> Iterator[None]:
    with namespaces((LEFT, RIGHT, MIDDLE), SETUP):
        for ns, v4, v6 in ((LEFT, LEFT_V4, LEFT_V6), (RIGHT, RIGHT_V4, RIGHT_V6)):
            for line in HOST.format(ns=ns, v4=v4, v6=v6).strip().splitlines():
                ip(*line.split())
        for port in PORTS:
            ip("-n", MIDDLE, "link", "set", port, "up")
        yield


@contextmanager
def wire(*options: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def in_namespace(name: str, make: Callable[[], socket.socket]) -> socket.socket:
    netns.pushns(name)
    try:
        return make()
    finally:
        netns.popns()


def udp(name: str, address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = in_namespace(name, lambda: socket.socket(family, socket.SOCK_DGRAM))
    made.bind((address, PORT))
    made.settimeout(2)
    made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 2**21)  # holds all that a test sends at once
    return made


def ping(address: str, *options: str) -> str:
    command = ["ip", "netns", "exec", LEFT, "ping", "-n", *options, address]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def average_rtt_ms(output: str) -> float:
    return float(output.rsplit("=", 1)[1].split("/")[1])


@pytest.mark.parametrize(("left", "right"), [(LEFT_V4, RIGHT_V4), (LEFT_V6, RIGHT_V6)])
def test_pings_and_datagrams_of_every_size_cross_unharmed(left: str, right: str) -> None:
    with wire(), udp(LEFT, left) as here, udp(RIGHT, right) as there:
        assert " 0% packet loss" in ping(right, "-c", "5", "-i", "0.05", "-s", "1400")
        for size in (0, 1, 1400, 9000):  # the last one in fragments
            sent = os.urandom(size)
            here.sendto(sent, (right, PORT))
            assert there.recv(65535) == sent
            there.sendto(sent, (left, PORT))
            assert here.recv(65535) == sent


@pytest.mark.parametrize("address", [RIGHT_V4, RIGHT_V6])
def test_a_stream_crosses_unharmed_though_checksums_and_segments_are_left_to_the_interface(
    address: str,
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    received = hashlib.sha256()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while piece := connection.recv(65536):
                received.update(piece)
                connection.send(piece[:1])  # something goes back as well

    with (
        wire(),
        in_namespace(RIGHT, lambda: socket.create_server((address, PORT), family=family)) as listener,
    ):
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        content = os.urandom(2**20)
        with in_namespace(LEFT, lambda: socket.socket(family)) as client:
            client.settimeout(20)
            client.connect((address, PORT))
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        server.join(20)
    assert received.hexdigest() == hashlib.sha256(content).hexdigest()


def test_delay_is_added_in_the_direction_asked_for() -> None:
    with wire("--delay-ms", "40", "--direction", "a-to-b"):
        one_way = average_rtt_ms(ping(RIGHT_V4, "-c", "5", "-i", "0.1"))
    with wire("--delay-ms", "40"):
        both_ways = average_rtt_ms(ping(RIGHT_V4, "-c", "5", "-i", "0.1"))
    assert 40 <= one_way < 60
    assert 80 <= both_ways < 110


def test_loss_hits_the_direction_asked_for_only() -> None:
    count = 400
    with wire("--loss", "25%", "--burst", "4", "--direction", "a-to-b", "--seed", "1") as process:
        with udp(LEFT, LEFT_V4) as here, udp(RIGHT, RIGHT_V4) as there:
            forth = _received(here, there, RIGHT_V4, count)
            back = _received(there, here, LEFT_V4, count)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        told = process.stdout.read()
    assert back == count
    assert forth < count
    assert f"{count - forth} lost as asked" in told


def _received(source: socket.socket, sink: socket.socket, address: str, count: int) -> int:
    # Neighbour discovery is lost like anything else: a loss of its frames would cost datagrams twice.
    pin_neighbours()
    for number in range(count):
        source.sendto(b"%d" % number, (address, PORT))
    sink.settimeout(0.3)
    received = 0
    while True:
        try:
            sink.recv(100)
        except TimeoutError:
            return received
        received += 1


def pin_neighbours() -> None:
    for ns, far in ((LEFT, RIGHT), (RIGHT, LEFT)):
        mac = subprocess.run(
            ["ip", "netns", "exec", far, "cat", "/sys/class/net/eth0/address"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        address = RIGHT_V4 if ns == LEFT else LEFT_V4
        ip("-n", ns, "neigh", "replace", address, "lladdr", mac, "dev", "eth0", "nud", "permanent")


def test_ports_leave_their_bridge_and_go_back_without_losing_a_packet() -> None:
    ip("-n", MIDDLE, "link", "add", "name", BRIDGE, "up", "type", "bridge")
    for port in PORTS:
        ip("-n", MIDDLE, "link", "set", port, "master", BRIDGE)
    try:
        with subprocess.Popen(
            ["ip", "netns", "exec", LEFT, "ping", "-n", "-i", "0.005", RIGHT_V4],
            stdout=subprocess.PIPE,
            text=True,
        ) as pinging:
            with wire("--delay-ms", "5"):
                during = average_rtt_ms(ping(RIGHT_V4, "-c", "5", "-i", "0.1"))
            after = average_rtt_ms(ping(RIGHT_V4, "-c", "5", "-i", "0.1"))
            pinging.send_signal(signal.SIGINT)
            output = pinging.communicate(timeout=20)[0]
    finally:
        ip("-n", MIDDLE, "link", "del", BRIDGE)
    assert during >= 10 > after
    assert " 0% packet loss" in output


def test_a_wire_survives_its_ports_going_down_and_up() -> None:
    with wire():
        ip("-n", MIDDLE, "link", "set", PORTS[1], "down")
        assert " 100% packet loss" in ping(RIGHT_V4, "-c", "1", "-W", "0.3")
        ip("-n", MIDDLE, "link", "set", PORTS[1], "up")
        assert _answers_within(5.0)


def _answers_within(seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if " 0% packet loss" in ping(RIGHT_V4, "-c", "1", "-W", "0.3"):
            return True
    return False


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--netns", "t2-nowhere"), 1, "there is no network namespace t2-nowhere"),
        (
            ("--port-b", "nothing"),
            1,
            f"cannot listen on {PORTS[0]} and nothing: no interface with this name; {MIDDLE} has lo, ",
        ),
        (("--loss", "a lot"), 2, "'a lot' is not a percentage"),
        (("--port-b", PORTS[0]), 2, "a wire has two different ports"),
    ],
)
def test_a_wire_that_cannot_be_laid_says_why(options: tuple[str, ...], code: int, said: str) -> None:
    done = subprocess.run([*COMMAND, *options], check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
