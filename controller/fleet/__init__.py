"""Routers, through Nornir and NAPALM."""
