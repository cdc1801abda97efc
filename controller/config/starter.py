"""The starter set: an inventory that works as it stands, and the templates, ready to be made one's own.

In an installed package both lie in ``controller/starter``; in a source checkout, beside ``controller``.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_KINDS = (".yaml", ".j2", ".md")


class StarterError(Exception):
    """The starter set cannot be written there; the message says why and what to do."""


def default_inventory() -> Path:
    """The starter inventory, which describes the lab's network."""
    return _shipped("inventory")


def default_templates() -> Path:
    """The starter templates: one folder a platform."""
    return _shipped("templates")


def write_starter(directory: Path) -> list[Path]:
    """Write ``directory/inventory`` and ``directory/templates``; the files written, sorted.

    Makes ``directory`` if need be. Overwrites nothing: raises StarterError, before it writes anything,
    if a single one of the files is there already.
    """
    wanted = {
        directory / name / source.relative_to(_shipped(name)): source
        for name in ("inventory", "templates")
        for source in _files(_shipped(name))
    }
    try:
        there = sorted(str(path) for path in wanted if path.exists() or path.is_symlink())
        if there:
            raise StarterError(
                f"{directory} already has {', '.join(there)}. Choose another directory, or move them away."
            )
        for path, source in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(source.read_bytes())
    except OSError as error:
        raise StarterError(
            f"cannot write {error.filename or directory}: {error.strerror}. "
            "Choose a directory that you may write to."
        ) from error
    return sorted(wanted)


def _shipped(name: str) -> Path:
    for place in (_PACKAGE / "starter" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise StarterError(f"this installation lacks its {name}. Install it again.")


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.suffix in _KINDS and path.is_file())
