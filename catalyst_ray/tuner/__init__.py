"""Tries the advice of a profile, one change at a time, and keeps what helps. Writes nothing unless asked."""

from catalyst_ray.tuner.session import Limits, Tuner, TuneResult

__all__ = ["Limits", "TuneResult", "Tuner"]
