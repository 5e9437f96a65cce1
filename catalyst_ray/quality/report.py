"""Figures as JSON, as a table on a terminal and as Markdown for ``docs/quality.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.errors import ConfigError
from catalyst_ray.quality.measures import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.table import Table

    from catalyst_ray.quality.figure import Figure

FIGURES, DETAILS = "figures", "details"
"""Parts of the page that are generated, each between two lines that ``mark`` gives."""
_HEAD = ("figure", "key", "value", "95 % interval", "n", "aim", "others")


def as_json(figures: Iterable[Figure]) -> dict[str, dict[str, float | int | None] | None]:
    """Return the figures by key; None for one that was not measured, or that the folder has no data for."""
    return dict.fromkeys(KEYS) | {
        figure.key: None
        if figure.value is None
        else {
            "value": round(figure.value, 5),
            "low": None if figure.low is None else round(figure.low, 5),
            "high": None if figure.high is None else round(figure.high, 5),
            "n": figure.n,
        }
        for figure in figures
    }


def as_table(figures: Sequence[Figure], *, with_details: bool) -> Iterator[Table | str]:
    """Yield the table, and after it, if wanted, how each figure was made."""
    from rich.table import Table  # noqa: PLC0415  (not for --json)
    from rich.text import Text  # noqa: PLC0415  (as above)

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in _HEAD:
        is_figure = name in {"value", "n", "aim"}
        table.add_column(name, justify="right" if is_figure else "left", no_wrap=name != "figure")
    for figure in figures:
        style = {True: "green", False: "red", None: ""}[figure.is_met]
        title, key, value, *rest = _cells(figure)
        table.add_row(title, Text(key, "dim"), Text(value, style), *rest)
    yield table
    for figure in figures if with_details else ():
        if figure.details:
            yield f"\n{figure.key}: {figure.title}\n  " + "\n  ".join(figure.details)


def figures_page(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of Markdown."""
    lines = [f"| {' | '.join(_HEAD)} |", "|---|---|---:|---|---:|---:|---|"]
    for figure in figures:
        title, key, value, *rest = _cells(figure)
        met = f"**{value}**" if figure.is_met is False else value
        lines.append(f"| {' | '.join([title, f'`{key}`', met, *rest])} |")
    return "\n".join(lines)


def details_page(figures: Sequence[Figure]) -> str:
    """Return each figure's details as Markdown."""
    parts = (["```text", figure.key, *figure.details, "```"] for figure in figures if figure.details)
    return "\n\n".join("\n".join(part) for part in parts)


def mark(part: str) -> tuple[str, str]:
    """Return the lines between which a part of the page is generated."""
    return f"<!-- {part}: begin -->", f"<!-- {part}: end -->"


def into_page(page: str, figures: Sequence[Figure]) -> str:
    """Return a page with its generated parts made anew.

    Raises:
        ConfigError: The page lacks the lines between which one stands.
    """
    for part, text in ((FIGURES, figures_page(figures)), (DETAILS, details_page(figures))):
        begin, end = mark(part)
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ConfigError(f"the page has no lines {begin} and {end}", key="--write")
        page = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    return page


def _cells(figure: Figure) -> list[str]:
    others = ", ".join(f"{name} {_written(value, figure)}" for name, value in figure.baselines.items())
    if figure.value is None:
        return [figure.title, figure.key, "no data", "", "", _aim(figure), others]
    interval = (
        ""
        if figure.low is None or figure.high is None
        else f"{_written(figure.low, figure)} – {_written(figure.high, figure)}"
    )
    value = f"{_written(figure.value, figure)}{f' {figure.unit}' if figure.unit else ''}"
    return [figure.title, figure.key, value, interval, f"{figure.n:,}", _aim(figure), others]


def _aim(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    return f"{'≤' if figure.smaller_is_better else '≥'} {figure.aim:g}"


def _written(value: float, figure: Figure) -> str:
    if figure.is_count:
        return f"{value:,.0f}"
    return f"{value:.4f}" if 0 < abs(value) < 0.01 or 0.995 < value < 1 else f"{value:.3f}"
