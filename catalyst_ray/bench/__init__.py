"""What a cluster can do: charts, answers of the language model and whole cycles, as fast as they go. Judges nothing."""

from catalyst_ray.bench.figures import BenchReport
from catalyst_ray.bench.run import BenchWish, bench

__all__ = ["BenchReport", "BenchWish", "bench"]
