"""For scripts and notebooks: the cluster's language model and charts by one call, without the rest of the program.

The first call joins the Ray cluster that runs (``RAY_ADDRESS``, a submitted job's own, or one on this machine) or
starts a local one, and uses the replicas of a running ``catalyst-ray run`` where there are any; all in the
background. Gauges need no cluster. Settings are the program's own. Owns the one background and the one gauge book of
a process, and what is refused at once.
"""

from __future__ import annotations

import atexit
import threading
from functools import cache
from typing import TYPE_CHECKING

from catalyst_ray.api.background import Background
from catalyst_ray.cluster.chart_client import ChartOrder, ChartStatistics
from catalyst_ray.cluster.model_client import LlmStatistics
from catalyst_ray.core.bar_windows import check_timeframe
from catalyst_ray.core.gauge import GaugeBook, rounded
from catalyst_ray.core.price_table import normal_ticker
from catalyst_ray.models import LlmRequest
from catalyst_ray.pipeline.picture_files import PictureFiles
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

__all__ = [
    "ChartStatistics",
    "LlmStatistics",
    "chart_statistics",
    "close",
    "gauge_file",
    "get_or_generate_gauge",
    "llm_statistics",
    "submit_chart_request",
    "submit_llm_request",
]


def submit_llm_request(
    prompt: str,
    *,
    priority: int = 5,
    callback: Callable[[str | None], None] | None = None,
    system: str = "",
    schema: str = "",
    max_tokens: int = 256,
    timeout_s: float | None = None,
) -> Future[str]:
    """Ask the language model; return at once.

    Args:
        prompt: What is asked.
        priority: 0 is the most urgent, 9 the least; equal ones are served in order.
        callback: Called exactly once, in a thread of its own: with the answer, or with None if there is none.
        system: Instructions that stand before the prompt.
        schema: JSON schema of the answer, as text; empty for free text.
        max_tokens: Longest answer.
        timeout_s: Deadline, from when a replica serves; ``LLM_TIMEOUT_SECS`` when None.

    Returns:
        A future of the answer. Its ``result()`` raises ``CatalystError`` with the reason when there is none:
        no engine, refused, too late, broken. Equal prompts are asked once, and kept for ``LLM_CACHE_TTL``.

    Raises:
        ConfigError: A setting is wrong.
        ValueError: ``priority`` is not 0 to 9, ``max_tokens`` or ``timeout_s`` not above 0.
    """
    background = _background()
    timeout_s = background.settings.llm_timeout_secs if timeout_s is None else timeout_s
    if not 0 <= priority <= 9 or max_tokens < 1 or not 0 < timeout_s < float("inf"):
        raise ValueError(
            f"priority must be 0 to 9, max_tokens and timeout_s above 0: {priority}, {max_tokens}, {timeout_s}"
        )
    request = LlmRequest(
        key="",
        system=system,
        prompt=prompt,
        schema=schema,
        max_tokens=max_tokens,
        priority=priority,
        timeout_s=timeout_s,
    )
    return background.ask(request, callback)


def llm_statistics() -> LlmStatistics:
    """Return what the queue did so far: requests, cache hits, joins, times, workers, length and age."""
    return _shared.model_statistics() if _shared else LlmStatistics()


def submit_chart_request(
    ticker: str,
    *,
    timeframe: str | None = None,
    priority: int = 5,
    callback: Callable[[bytes | None], None] | None = None,
    mark_utc: datetime | None = None,
    label: str = "",
    timeout_s: float | None = None,
) -> Future[bytes]:
    """Have a price chart drawn on the cluster; return at once.

    Args:
        ticker: Of the share; ``PRICE_SOURCE`` has the bars.
        timeframe: 1D, 5D, 1M, 3M or 1Y; ``CHART_TIMEFRAME`` when None.
        priority: 0 is the most urgent, 9 the least; equal ones are served in order.
        callback: Called exactly once, in a thread of its own: with the PNG, or with None if there is none.
        mark_utc: A moment to mark, with its time zone.
        label: What happened then, in a few words.
        timeout_s: Deadline, from when the cluster is joined; ``CHART_TIMEOUT_SECS`` when None.

    Returns:
        A future of the PNG. Its ``result()`` raises ``CatalystError`` with the reason when there is none: no
        bars, refused, too late, broken. Equal charts are drawn once, and kept for ``CHART_CACHE_TTL``.

    Raises:
        ConfigError: A setting or the timeframe is wrong.
        ValueError: ``ticker`` is none, ``priority`` is not 0 to 9, ``timeout_s`` not above 0, or ``mark_utc``
            has no time zone.
    """
    background = _background()
    settings = background.settings
    timeout_s = settings.chart_timeout_secs if timeout_s is None else timeout_s
    name = normal_ticker(ticker)
    if name is None:
        raise ValueError(f"no ticker: {ticker[:40]!r}")
    if not 0 <= priority <= 9 or not 0 < timeout_s < float("inf"):
        raise ValueError(f"priority must be 0 to 9, timeout_s above 0: {priority}, {timeout_s}")
    if mark_utc is not None and mark_utc.tzinfo is None:
        raise ValueError("mark_utc must have a time zone")
    order = ChartOrder(
        ticker=name,
        timeframe=check_timeframe(timeframe or settings.chart_timeframe),
        mark_utc=mark_utc,
        label=label,
        priority=priority,
        timeout_s=timeout_s,
    )
    return background.draw(order, callback)


def chart_statistics() -> ChartStatistics:
    """Return what became of the charts so far: requests, cache hits, joins, times, workers, length and age."""
    return _shared.chart_statistics() if _shared else ChartStatistics()


def get_or_generate_gauge(sentiment: float) -> bytes:
    """Return the PNG of a sentiment's gauge, rounded to 0.1 and clamped to −1…+1.

    The first call draws all 21; after that they are looked up. Neither needs a cluster.

    Raises:
        ConfigError: A setting is wrong.
        ValueError: ``sentiment`` is no finite number.
    """
    return _gauges()[0].get(sentiment)


def gauge_file(sentiment: float) -> Path:
    """Return the file of a sentiment's gauge, for what takes files only; written when it is first asked for.

    It lies in ``QUICKCHART_IMAGE_DIR`` and stays there.

    Raises:
        ConfigError: A setting is wrong, or the folder cannot be written.
        OSError: The file cannot.
        ValueError: ``sentiment`` is no finite number.
    """
    book, theme = _gauges()
    png = book.get(sentiment)
    return _files().write_gauge(f"{theme}_{rounded(sentiment):+.1f}", png)


def close() -> None:
    """End what the first call started; requests still open fail. Called at exit by itself."""
    global _shared
    with _lock:
        background, _shared = _shared, None
        _gauges.cache_clear()
        _files.cache_clear()
    if background is not None:
        background.close()


def _background() -> Background:
    global _shared  # noqa: PLW0603  (one a process, as the guide has it)
    with _lock:
        if _shared is None:
            _shared = Background(load_settings())
            atexit.register(close)
        return _shared


@cache
def _gauges() -> tuple[GaugeBook, str]:
    theme = load_settings().picture_theme
    book = GaugeBook(theme=theme)
    book.fill()
    return book, theme


@cache
def _files() -> PictureFiles:
    return PictureFiles(load_settings().quickchart_image_dir)


_lock = threading.Lock()
_shared: Background | None = None
