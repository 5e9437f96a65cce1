"""Templates to pages: the engine with autoescape on, and the few ways in which pages write figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.core.message import eastern
from catalyst_ray.core.message_figures import signed
from catalyst_ray.core.message_text import plain, safe_link
from catalyst_ray.core.reasons import duration, title
from catalyst_ray.web.asking import iso

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.web.assets import Assets

_OURS = Path(__file__).parent / "templates"
_SHARED = Path(__file__).parents[1] / "adapters" / "templates"


class Renderer:
    """Renders the page's templates; those of the static page lend their macros, and further ``folders`` bring their own."""

    def __init__(self, assets: Assets, *folders: Path) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([_OURS, _SHARED, *folders]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["asset"] = assets.address
        self._environment.filters.update(
            eastern=eastern,
            clock=clock,
            iso=iso,
            plain=plain,
            link=safe_link,
            secs=seconds,
            signed=signed,
            count="{:,}".format,
            title_of=title,
        )

    def page(self, template: str, **values: object) -> bytes:
        """Return a page as it is sent."""
        return self._environment.get_template(template).render(values).encode("utf-8", "replace")


def clock(when_utc: datetime) -> str:
    """Return the time of day in the market's zone."""
    return f"{when_utc.astimezone(EASTERN):%H:%M:%S}"


def seconds(span_s: float) -> str:
    """Return a time span as short as its size allows."""
    if abs(span_s) < 0.0995:
        return f"{span_s * 1000:.0f} ms".replace("-", "−")
    if abs(span_s) < 9.995:
        return f"{span_s:.2f} s".replace("-", "−")
    return duration(span_s) if span_s > 0 else f"−{duration(-span_s)}"
