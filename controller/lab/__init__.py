"""Real FRR routers in network namespaces, and the faults they can suffer."""
