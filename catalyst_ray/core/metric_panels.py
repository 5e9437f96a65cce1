"""What a dashboard is made of: panels, and expressions over ``core/metric_list``. ``core/metric_board`` has ours."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalyst_ray.core.metric_list import Metric

SESSION = 'SessionName=~"$SessionName"'
"""What each expression is narrowed to: the runs of Ray that the reader chose."""


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and the words of its series' legend."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture of some expressions.

    Args:
        unit: As Grafana names it.
        shape: ``line``, ``stack`` (areas that add up) or ``number`` (the last value).
        warn, alarm: From where a number is yellow and red.
        width: Of the dashboard's 24 columns.
        needs: What must be there for it to show anything, for people; empty = a driver that has run a cycle.
    """

    title: str
    unit: str
    words: str
    queries: tuple[Query, ...]
    _: KW_ONLY
    shape: str = "line"
    warn: float | None = None
    alarm: float | None = None
    width: int = 8
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def of(metric: Metric, labels: str = "", *, part: str = "") -> str:
    """Return the selector of a metric's series, or of one ``part`` of a histogram's."""
    name = f"{metric.exported}_{part}" if part else metric.exported
    return f"{name}{{{', '.join(filter(None, (SESSION, labels)))}}}"


def rate(metric: Metric, by: str = "", labels: str = "") -> str:
    """Return a counter's increase a second, summed by some labels."""
    group = f"sum by ({by})" if by else "sum"
    return f"{group} (rate({of(metric, labels)}[$__rate_interval]))"


def quantile(metric: Metric, share: float, by: str = "") -> str:
    """Return a histogram's quantile of the time shown at each point."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({labels}) (rate({of(metric, part='bucket')}[$__rate_interval])))"


def ratio(over: str, under: str) -> str:
    """Return one divided by the other, which is one series, without points where that is 0."""
    return f"{over} / on () group_left () ({under} > 0)"


def latest(metric: Metric, by: str = "", labels: str = "") -> str:
    """Return a gauge as it stands: the largest of all drivers', by some labels."""
    return f"max by ({by}) ({of(metric, labels)})" if by else f"max ({of(metric, labels)})"
