"""The same cases each time, so that a run says something of a change; FAILOVER_EXAMPLES searches for others."""

import os

from hypothesis import settings

settings.register_profile("steady", derandomize="FAILOVER_EXAMPLES" not in os.environ)
settings.load_profile("steady")
