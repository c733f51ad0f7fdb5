"""Pages of plans, by noun."""
