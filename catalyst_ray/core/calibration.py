"""Owns what the fast tier's confidence means: how likely its sign (good, bad or none) is right.

The sign is the strongest event's; without an event, the sentiment's where that is clear, and none where it
is not. Four curves, fitted on texts labelled by people (``tests/real_data/fit_confidence.py``), are
data in ``data/confidence.toml``. It does not know how events or sentiment are found.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from typing import TYPE_CHECKING

from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

OPPOSED = 0.5
"""Share of the strongest event against it that is taken from an event's strength."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A logistic curve: log odds = ``bias`` + ``strength`` × strength + ``sentiment`` × sentiment."""

    bias: float
    strength: float = 0.0
    sentiment: float = 0.0

    def at(self, strength: float, sentiment: float) -> float:
        """Return the probability, 0 to 1."""
        odds = self.bias + self.strength * strength + self.sentiment * sentiment
        return 1 / (1 + exp(-odds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The curves of ``data/confidence.toml``, which says what each is for."""

    quiet: Curve
    sentiment: Curve
    event: Curve
    code: Curve

    def confidence(
        self, weights: Sequence[float], sentiment: float, *, clear: float, has_text: bool
    ) -> float:
        """Return the probability that the fast tier's sign is right.

        Args:
            weights: Signed weights of the events, the strongest first.
            sentiment: Of the text.
            clear: The |sentiment| from which its sign is meant.
            has_text: Whether the item has words of its own: the silence of a filing's form and name says
                nothing against its event.
        """
        if not weights:
            curve = self.sentiment if abs(sentiment) >= clear else self.quiet
            return round(curve.at(0.0, abs(sentiment)), 3)
        strength, along = event_figures(weights, sentiment)
        return round((self.event if has_text else self.code).at(strength, along), 3)


def event_figures(weights: Sequence[float], sentiment: float) -> tuple[float, float]:
    """Return how strong the events are, less what speaks against them, and the sentiment along with them."""
    strongest = weights[0]
    against = max((abs(weight) for weight in weights if weight * strongest < 0), default=0.0)
    return abs(strongest) - OPPOSED * against, sentiment if strongest > 0 else -sentiment


@cache
def default_calibration() -> Calibration:
    """Return the curves that ship with the program."""
    return load_calibration(files("catalyst_ray.core").joinpath("data/confidence.toml").read_text("utf-8"))


def load_calibration(text: str) -> Calibration:
    """Build the curves from TOML.

    Raises:
        ConfigError: The text holds no such curves.
    """
    try:
        return Calibration(**{name: Curve(**row) for name, row in tomllib.loads(text).items()})
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ConfigError(
            f"unreadable: {error}", key="confidence.toml", hint="compare it with the file shipped"
        ) from error
