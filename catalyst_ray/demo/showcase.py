"""Picks the demo's strongest alert and leaves it as a page that looks like Discord: the README's picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_ray.adapters.page import card_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from catalyst_ray.models import Alert

NAME = "card.html"


def write_card(folder: Path, alerts: Sequence[Alert], gauge: Callable[[float], bytes]) -> Path | None:
    """Write the page of the strongest alert that has a chart; None when there is none."""
    drawn = [alert for alert in alerts if alert.chart_path and Path(alert.chart_path).is_file()]
    if not drawn:
        return None
    best = max(drawn, key=lambda alert: (abs(alert.value), alert.id))
    chart = Path(str(best.chart_path)).read_bytes()
    path = folder / NAME
    path.write_text(card_page(best, chart, gauge(best.value)), encoding="utf-8")
    return path
