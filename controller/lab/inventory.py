"""An inventory of the lab with other numbers in its policy: shorter waits for demonstrations and tests."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from controller.config import default_inventory, load
from controller.core.model import Policy


def write_inventory(directory: Path, changes: Mapping[str, Mapping[str, Any]]) -> Policy:
    """Copy the starter inventory, which describes the lab, and replace values in sections of policy.yaml.

    ``changes`` maps sections to what is replaced in them: ``{"health": {"recover": "2s"}}``; comments stay.
    Raises ConfigError when the result is no policy.
    """
    shutil.copytree(default_inventory(), directory)
    path = directory / "policy.yaml"
    yaml = YAML()
    policy = yaml.load(path)
    for section, values in changes.items():
        policy[section].update(values)
    with path.open("w") as file:
        yaml.dump(policy, file)
    return load(directory).policy
