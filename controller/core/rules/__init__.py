"""One file a rule; each takes what the rule before left over and adds its reasons."""
