"""The alerts as one static page: no script, nothing loaded from elsewhere, readable from a file.

Owns the page's file and what it refers to. Does not own the words (``core/message``) nor the look
(``templates/``). Strangers' text is escaped by the template engine, and the page's content security policy
allows its own style sheet (by hash) and its own pictures, nothing else.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from catalyst_ray.core.message import Card, card, eastern
from catalyst_ray.core.message_discord import embed_fields, is_wide
from catalyst_ray.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from catalyst_ray.models import Alert, CycleReport

_TEMPLATES = Path(__file__).parent / "templates"
_MAX_CARDS = 200  # with a gauge of some kilobytes in each the page stays under a few megabytes
_COUNTS = (
    ("items", "read"),
    ("new", "new"),
    ("alert", "alerts"),
    ("hold", "held"),
    ("suppress", "suppressed"),
    ("drop", "dropped"),
)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A card with the addresses of its pictures; empty where there is none."""

    card: Card
    chart: str
    gauge: str


@dataclass(frozen=True, slots=True)
class _Stage:
    """One piece of the stage bar: where it starts and how long it is, in per cent of all work."""

    name: str
    seconds: float
    start_pct: float
    share_pct: float


def write_page(
    path: Path,
    alerts: Sequence[Alert],
    report: CycleReport | None,
    gauges: Callable[[float], bytes],
) -> None:
    """Write the page and replace the one before in one step; readers never see half a page.

    The first 200 ``alerts`` are shown, in their order. ``gauges`` gives a PNG for a score, which goes into the
    page itself; charts stay files, referred to relatively. ``report`` is the cycle just ended.

    Raises:
        DeliveryError: The folder cannot be written.
    """
    folder = path.resolve().parent
    cards = [
        _Shown(shown, _chart_address(alert, folder), _png_address(gauges(shown.value)))
        for alert in alerts[:_MAX_CARDS]
        for shown in (card(alert),)
    ]
    counts = [(words, report.counts.get(name, 0)) for name, words in _COUNTS] if report else []
    html = _render(
        "index.html.j2", "page.css", cards=cards, report=report, counts=counts, stages=_stages(report)
    )
    try:
        _replace(path, html)
    except OSError as error:
        raise DeliveryError(
            f"cannot write {path}: {error.strerror or error}",
            key="page",
            hint="free disk space, or make the folder writable",
        ) from error


def card_page(alert: Alert, chart_png: bytes | None, gauge_png: bytes | None) -> str:
    """Return a page of one alert as Discord shows it, for documentation; the pictures are inside."""
    shown = card(alert)
    chart, gauge = (_png_address(png) if png else "" for png in (chart_png, gauge_png))
    return _render(
        "embed.html.j2", "embed.css", shown=_Shown(shown, chart, gauge), fields=embed_fields(shown)
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["eastern"] = eastern
    environment.tests["wide"] = is_wide
    return environment


@functools.cache
def _style(name: str) -> tuple[Markup, str]:
    parts = ("tokens.css", name) if name == "page.css" else (name,)  # the picture has Discord's colours
    css = "".join((_TEMPLATES / part).read_text(encoding="utf-8") for part in parts)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Markup(css), f"sha256-{digest}"  # noqa: S704  (our own file, and the policy holds its hash)


def _render(template: str, style: str, **values: object) -> str:
    css, css_hash = _style(style)
    return _environment().get_template(template).render(css=css, css_hash=css_hash, **values)


def _chart_address(alert: Alert, folder: Path) -> str:
    if not alert.chart_path:
        return ""
    chart = Path(alert.chart_path).resolve()
    # Charts are deleted after their time; a page that lives longer must not show a broken picture.
    return quote(os.path.relpath(chart, folder)) if chart.is_file() else ""


def _png_address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _stages(report: CycleReport | None) -> list[_Stage]:
    total_s = sum(report.stages.values()) if report else 0.0
    if not report or total_s <= 0:
        return []
    stages, start_pct = [], 0.0
    for name, seconds in report.stages.items():
        share_pct = 100 * seconds / total_s
        stages.append(_Stage(name, seconds, round(start_pct, 3), round(share_pct, 3)))
        start_pct += share_pct
    return stages


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)  # mkstemp makes it private; a web server may have to read it
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
