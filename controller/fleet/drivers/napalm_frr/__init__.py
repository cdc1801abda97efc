"""NAPALM driver for FRR; NAPALM finds it by the platform name ``frr``."""
