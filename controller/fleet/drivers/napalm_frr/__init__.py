"""NAPALM driver for FRR; NAPALM finds it by the platform name ``frr``.

The driver is imported when it is first asked for: importing NAPALM takes longer than most commands, and those
who only read configurations (``napalm_frr.lines``) do without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .driver import FRRDriver

__all__ = ["FRRDriver"]


def __getattr__(name: str) -> Any:
    if name != "FRRDriver":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .driver import FRRDriver  # noqa: PLC0415 - see above

    return FRRDriver


def __dir__() -> list[str]:
    return [*globals(), *__all__]  # NAPALM looks for the driver class by listing the module
