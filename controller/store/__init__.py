"""Records: decisions, outcomes, and what a restart must remember."""
