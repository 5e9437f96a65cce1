"""Measures cycles of the whole program: where the time goes, what GPUs and memory do, and what that says."""
