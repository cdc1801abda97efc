"""NAPALM driver for FRR; NAPALM finds it by the platform name ``frr``."""

from .driver import FRRDriver

__all__ = ["FRRDriver"]
