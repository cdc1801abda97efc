"""Probes: they measure, they never judge."""
