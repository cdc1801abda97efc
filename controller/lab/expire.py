"""Clears one fault when its time is up: ``python -m controller.lab.expire LAB FAULT``.

It is started in the lab's namespaces, so that it goes when the lab does.
"""

from __future__ import annotations

import sys

from controller.lab.lab import Lab

if __name__ == "__main__":
    Lab(sys.argv[1]).expire(sys.argv[2])
