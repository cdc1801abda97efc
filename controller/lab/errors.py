"""The one error of the lab."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked; the message tells the user why and what to do."""
