"""The command line: parse, call, print, exit code. No logic."""

from controller.cli.root import main

__all__ = ["main"]
