"""Benchmarks: figures as JSON, taken in one run; no test, no assertion on time."""
