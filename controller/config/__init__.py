"""Operator-written YAML to core objects, with file:line:column errors."""
