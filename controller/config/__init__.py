"""Operator-written YAML to core objects, with file:line:column errors."""

from controller.config.loader import PLATFORMS, Loaded, load
from controller.config.problems import ConfigError, Problem
from controller.config.reference import reference
from controller.config.schema import schema
from controller.config.starter import StarterError, default_inventory, default_templates, write_starter

__all__ = [
    "PLATFORMS",
    "ConfigError",
    "Loaded",
    "Problem",
    "StarterError",
    "default_inventory",
    "default_templates",
    "load",
    "reference",
    "schema",
    "write_starter",
]
