"""Scenarios on virtual time: what the controller would do, decided by the code that the loop runs."""

from controller.sim.engine import simulate
from controller.sim.load import ScenarioError, find, load
from controller.sim.report import Run, plain

__all__ = ["Run", "ScenarioError", "find", "load", "plain", "simulate"]
