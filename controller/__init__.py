"""Failover controller for multi-homed networks."""

__version__ = "0.1.0"
