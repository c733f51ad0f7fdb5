"""Pages of learning: plans, sessions, use, and the two ways to record (a page, a television)."""
