"""What the fast tier costs a headline: link, events, sentiment and score, on one core."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.quality.figure import Figure, estimate_of
from catalyst_ray.quality.texts import NOW_UTC, news

if TYPE_CHECKING:
    from catalyst_ray.quality.folder import DataFolder

_MOST = 5_000
"""Headlines that are enough for a median; of a larger folder they are taken at even steps."""
_WARM_UP = 50
"""Headlines read before the clock runs: they build the indexes. Each other one is read once, as in a cycle."""


def speed(folder: DataFolder) -> tuple[Figure, ...]:
    """Return the milliseconds of a headline, median over all labelled ones."""
    figure = Figure(
        key="ms_per_headline",
        title="Milliseconds a headline: link, events, sentiment, score",
        aim=0.3,
        smaller_is_better=True,
        unit="ms",
    )
    titles = [row["title"] for row in folder.table("05_tickers/labelled/*headlines*.csv") if row.get("title")]
    if not titles:
        return (figure,)
    tier = FastTier(
        directory=folder.directory, sentiment=SentimentModel(), policy=default_policy(), uses=ModelUses()
    )
    step = max(1, len(titles) // _MOST)
    items = [news(text, key=f"url:{index}") for index, text in enumerate(titles[::step])]
    for item in items[:_WARM_UP]:
        tier.read(item, now_utc=NOW_UTC)
    times_ms = []
    for item in items[_WARM_UP:] or items:
        begun = perf_counter()
        tier.read(item, now_utc=NOW_UTC)
        times_ms.append(1_000 * (perf_counter() - begun))
    found = estimate_of(times_ms, lambda sample: float(np.median(sample)))
    return (figure.measured(found, n=len(times_ms)),)
