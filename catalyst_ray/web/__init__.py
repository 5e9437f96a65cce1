"""The page: what alerts there are, why the rest became none, and how the program does. Read-only."""
