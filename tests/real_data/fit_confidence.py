"""Fits the curves of ``data/confidence.toml`` and prints them: ``python -m tests.real_data.fit_confidence``.

Each curve is a logistic regression on the half of the labelled texts that was read while rules were written,
its slopes held to the side that they must have. Texts without an event: PhraseBank and Twitter, whose people
could say "neutral". Texts with one are few, so SemEval's headlines join them, neutral within ±0.1.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from catalyst_ray.core.calibration import event_figures
from catalyst_ray.core.policy import default_policy
from catalyst_ray.quality import sentiment_texts as texts
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.sentiment import fast_score, is_noise, sign_of

CURVES = {
    "quiet": {"sentiment": -1},
    "sentiment": {"sentiment": 1},
    "event": {"strength": 1, "sentiment": 1},
    "code": {"strength": 1},
}
"""The slopes of each curve, and the sign that each may have."""
_NEUTRAL = 0.1
_STEPS = 40


def fit(folder: DataFolder) -> dict[str, dict[str, float]]:
    """Return the curves as the TOML has them."""
    samples: dict[str, list[tuple[float, float, bool]]] = {name: [] for name in CURVES}
    three_way = [*texts.phrasebank(folder), *texts.twitter(folder)]
    for has_neutral, labelled in ((True, three_way), (False, texts.semeval(folder))):
        for one in labelled:
            scored = fast_score(one) if one.is_in_sight else None
            if scored is None or is_noise(scored):
                continue
            truth = (one.label > _NEUTRAL) - (one.label < -_NEUTRAL)
            right = sign_of(scored) == truth
            weights = [hit.weight for hit in scored.events if hit.weight]
            if weights:
                strength, along = event_figures(weights, scored.sentiment)
                samples["event"].append((strength, along, right))
                samples["code"].append((strength, 0.0, right))
            elif has_neutral:
                size = abs(scored.sentiment)
                is_clear = size >= default_policy().clear_sentiment
                samples["sentiment" if is_clear else "quiet"].append((0.0, size, right))
    return {name: _curve(rows, CURVES[name]) for name, rows in samples.items()}


def _curve(rows: list[tuple[float, float, bool]], slopes: dict[str, int]) -> dict[str, float]:
    table = np.asarray(rows, dtype=float)
    columns = {"strength": table[:, 0], "sentiment": table[:, 1]}
    used = dict(slopes)
    while True:
        found = _logistic(np.stack([np.ones(len(table)), *(columns[name] for name in used)], 1), table[:, 2])
        wrong = [name for name, value in zip(used, found[1:], strict=True) if value * used[name] < 0]
        if not wrong:
            break
        del used[wrong[0]]
    values = dict(zip(("bias", *used), found, strict=True))
    return {name: round(float(values.get(name, 0.0)), 2) for name in ("bias", *slopes)}


def _logistic(features: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the weights of most likelihood, by Newton's steps."""
    weights = np.zeros(features.shape[1])
    for _ in range(_STEPS):
        sure = 1 / (1 + np.exp(-features @ weights))
        curvature = (features.T * (sure * (1 - sure))) @ features + 1e-3 * np.eye(len(weights))
        weights += np.linalg.solve(curvature, features.T @ (right - sure) - 1e-3 * weights)
    return weights


if __name__ == "__main__":
    for name, curve in fit(DataFolder(Path(os.environ["CATALYST_DATA"]))).items():
        print(f"[{name}]")
        for key, value in curve.items():
            print(f"{key} = {value}")
