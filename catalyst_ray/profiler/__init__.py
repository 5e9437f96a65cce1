"""Profiles the program over some cycles of a load. Owns the run and the page; the arithmetic is in ``core``."""

from catalyst_ray.profiler.measure import measure
from catalyst_ray.profiler.outlook import outlook
from catalyst_ray.profiler.wish import ProfileWish

__all__ = ["ProfileWish", "measure", "outlook"]
