"""Files that are none, and bytes that are no text; what is wrong inside: tests/golden/policy_errors/mistakes.yaml."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.config import ConfigError, load
from controller.config.sources import POLICY

BASE = Path(__file__).parent.parent / "golden" / "policy_errors" / "base"
Slip = Callable[[Path], object]


def replaced(make: Slip) -> Slip:
    """The file is taken away, and something else made in its place."""

    def slip(path: Path) -> None:
        path.unlink()
        make(path)

    return slip


def rewritten(change: Callable[[str], bytes]) -> Slip:
    return lambda path: path.write_bytes(change(path.read_text()))


def fifo(path: Path) -> None:
    os.mkfifo(path)


MISTAKES: dict[str, tuple[Slip, str]] = {
    "no such file": (
        Path.unlink,
        "policy.yaml: there is no such file in {dir}. Copy it from a directory made with 'failover init DIR'.",
    ),
    "a name that leads nowhere": (
        replaced(lambda path: path.symlink_to("elsewhere.yaml")),
        "policy.yaml: there is no such file in {dir}. Copy it from a directory made with 'failover init DIR'.",
    ),
    "a name that leads to itself": (
        replaced(lambda path: path.symlink_to(path)),
        "policy.yaml: this file cannot be read: Too many levels of symbolic links. Look at what the name leads to.",
    ),
    "a directory": (
        replaced(Path.mkdir),
        "policy.yaml: this is a directory. Put a file of that name there.",
    ),
    "a pipe that nobody writes to": (
        replaced(fifo),
        "policy.yaml: this is not a regular file. Put a file of that name there.",
    ),
    "an empty file": (
        rewritten(lambda _: b""),
        "policy.yaml:1:1: this file is empty. Copy it from a directory made with 'failover init DIR'.",
    ),
    "nothing but comments": (
        rewritten(lambda _: b"# to do\n\n"),
        "policy.yaml:1:1: this file is empty. Copy it from a directory made with 'failover init DIR'.",
    ),
    "Latin-1": (
        rewritten(lambda text: text.replace("GE", "Géorgie").encode("latin-1")),
        "policy.yaml:2:33: this is not UTF-8 text: the byte 0xe9 is not of it. Save the file in UTF-8.",
    ),
    "UTF-16": (
        rewritten(lambda text: text.encode("utf-16")),
        "policy.yaml:1:1: this is UTF-16 text. Save the file in UTF-8.",
    ),
    "a picture": (
        rewritten(lambda _: b"\x89PNG\r\n\x1a\n\x00\x00"),
        "policy.yaml:1:1: this is not UTF-8 text: the byte 0x89 is not of it. Save the file in UTF-8.",
    ),
    "a zero byte": (
        rewritten(lambda text: text.replace("GE", "G\0E").encode()),
        "policy.yaml:2:33: a control character stands here. Delete it.",
    ),
    "a slip on a line that ends as on Windows": (
        rewritten(lambda text: text.replace("10min", "10").replace("\n", "\r\n").encode()),
        "policy.yaml:21:14: the duration 10 has no unit. Write it like 400ms, 10s, 10min, 1h or 1d.",
    ),
    "a slip after a byte order mark": (
        rewritten(lambda text: b"\xef\xbb\xbf" + text.replace("GE", "ge").encode()),
        "policy.yaml:2:32: 'ge' is not a country code. Write GE.",
    ),
    "spaces that do not break": (
        rewritten(lambda text: text.replace("  timeout:", "\u00a0\u00a0timeout:").encode()),
        "policy.yaml:8:1: something that only looks like a space indents this line. Write ordinary spaces.",
    ),
    "curly quotes": (
        rewritten(lambda text: text.replace("GE", "\u201cGE\u201d").encode()),
        "policy.yaml:2:32: '\u201cGE\u201d' is not a country code. Write two capital letters of ISO 3166-1, like AZ.",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_answered_with_place_cause_and_remedy(name: str, tmp_path: Path) -> None:
    slip, says = MISTAKES[name]
    inventory = Path(shutil.copytree(BASE, tmp_path / "inventory"))
    slip(inventory / POLICY)
    with pytest.raises(ConfigError) as caught:
        load(inventory)
    assert str(caught.value) == says.format(dir=inventory)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    inventory = Path(shutil.copytree(BASE, tmp_path / "inventory"))
    (inventory / POLICY).chmod(0)
    with pytest.raises(ConfigError, match=r"^policy\.yaml: this file may not be read\. Look at its owner"):
        load(inventory)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: ("---\n" + text + "...\n").encode(),
    ],
    ids=["a byte order mark", "lines that end as on Windows", "as on old Macs", "no last newline", "markers"],
)
def test_what_editors_do_to_a_file_does_not_matter(change: Callable[[str], bytes], tmp_path: Path) -> None:
    inventory = Path(shutil.copytree(BASE, tmp_path / "inventory"))
    for path in inventory.glob("*.yaml"):
        path.write_bytes(change(path.read_text()))
    assert list(load(inventory).policy.upstreams) == ["north", "south"]
