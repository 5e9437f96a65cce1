"""The gauge as strokes of an SVG: 21 segments of a half circle, of which those from zero to the value are lit. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS = 10
"""To each side of zero."""
_CENTRE_X, _CENTRE_Y = 100.0, 96.0
_OUTER, _INNER = 88.0, 68.0
_GAP_RAD = 0.02
_SLICE_RAD = math.pi / (2 * STEPS + 1)


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its outline, and ``bullish``, ``bearish`` or ``neutral`` with whether it is lit."""

    path: str
    tone: str
    is_lit: bool


@dataclass(frozen=True, slots=True)
class Dial:
    """A gauge; ``needle`` is a triangle."""

    segments: tuple[Segment, ...]
    needle: str


def dial(value: float) -> Dial:
    """Return the gauge of a strength, clamped to −1…+1; one that is no finite number stands at zero."""
    shown = max(-1.0, min(1.0, value)) if math.isfinite(value) else 0.0
    step = round(shown * STEPS)
    segments = tuple(
        Segment(_outline(place), _tone(place), min(step, 0) <= place <= max(step, 0))
        for place in range(-STEPS, STEPS + 1)
    )
    angle = _angle(step)
    tip, left, right = (
        _point(_INNER - 8, angle),
        _point(_OUTER + 5, angle - 0.05),
        _point(_OUTER + 5, angle + 0.05),
    )
    return Dial(segments, f"M{tip}L{left}L{right}Z")


def _tone(place: int) -> str:
    return "bullish" if place > 0 else "bearish" if place < 0 else "neutral"


def _angle(place: float) -> float:
    """Return the middle of a segment, in radians from the left end."""
    return (place + STEPS + 0.5) * _SLICE_RAD


def _point(radius: float, angle: float) -> str:
    return f"{_CENTRE_X - radius * math.cos(angle):.2f} {_CENTRE_Y - radius * math.sin(angle):.2f}"


def _outline(place: int) -> str:
    begin, end = _angle(place - 0.5) + _GAP_RAD, _angle(place + 0.5) - _GAP_RAD
    return (
        f"M{_point(_OUTER, begin)}A{_OUTER} {_OUTER} 0 0 1 {_point(_OUTER, end)}"
        f"L{_point(_INNER, end)}A{_INNER} {_INNER} 0 0 0 {_point(_INNER, begin)}Z"
    )
