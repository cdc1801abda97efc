"""Every field of policy.yaml, and what differs because of it. ``tests/unit/test_every_field.py`` reads it."""
