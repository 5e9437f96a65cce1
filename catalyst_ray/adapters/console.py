"""Alerts on the terminal: a panel for people, a line of JSON for programs that read the output.

A revised alert is one line more for people, who have the panel above, and its whole record for programs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TextIO

from catalyst_ray.core.message import Card, Tone, card
from catalyst_ray.core.message_record import alert_line
from catalyst_ray.core.message_update import Told, Update, update
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from catalyst_ray.models import Alert

MAX_COLUMNS = 100
"""Longer lines than that are hard to read."""
_STYLES = {Tone.BULLISH: "green", Tone.BEARISH: "red", Tone.NEUTRAL: "bright_black"}


class Console:
    """Writes each alert to ``stream``: a panel if that is a terminal, else one line of JSON.

    Args:
        is_terminal: Overrides what the stream says of itself.
        page_url: Where its readers find our page.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        name: str = "console",
        is_terminal: bool | None = None,
        page_url: str | None = None,
    ) -> None:
        self.name = name
        self._stream = stream
        self._page_url = page_url
        self._is_terminal = stream.isatty() if is_terminal is None else is_terminal
        self._turn = asyncio.Lock()
        self._writing: asyncio.Future[Exception | None] | None = None
        self._told = Told()

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:  # noqa: ARG002  (a terminal shows no picture)
        """Show one alert.

        Raises:
            DeliveryError: The stream cannot be written to (nobody reads it any more): permanent. Or it still
                takes an earlier alert (a pager stands still): to be tried again.
        """
        return await self._show(self._write_alert, alert)

    async def edit(
        self,
        alert: Alert,
        *,
        message_id: str | None,  # noqa: ARG002  (what is printed stays printed)
        chart: bytes | None,  # noqa: ARG002  (as in ``send``)
        gauge: bytes | None,  # noqa: ARG002  (as in ``send``)
    ) -> Receipt:
        """Say in one line what became of an alert; to programs, its record again.

        Raises:
            DeliveryError: As ``send``.
        """
        return await self._show(self._write_update, alert)

    async def close(self) -> None:
        """Do nothing: the stream belongs to the caller."""

    async def _show(self, write: Callable[[Alert], None], alert: Alert) -> Receipt:
        async with self._turn:
            if self._writing and not self._writing.done():
                raise DeliveryError(
                    "nobody reads the output", key=self.name, hint="scroll on or close the pager"
                )
            # In a thread, since a stream whose reader pauses blocks; shielded, since a thread cannot be ended.
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, write, alert))
            error = await asyncio.shield(self._writing)
        if error:
            raise DeliveryError(f"cannot write: {error}", permanent=True, key=self.name) from error
        return Receipt(alert.id)

    def _write(self, write: Callable[[Alert], None], alert: Alert) -> Exception | None:
        """Write one alert; return what went wrong, since nobody may be waiting any more to catch it."""
        try:
            if self._is_terminal:
                write(alert)
            else:
                self._stream.write(alert_line(alert, page_url=self._page_url) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:  # a closed pipe, or a stream closed on our side
            return error
        return None

    def _write_alert(self, alert: Alert) -> None:
        shown = card(alert, page_url=self._page_url)
        self._print(_panel(shown))
        self._told.keep(shown)

    def _write_update(self, alert: Alert) -> None:
        shown = card(alert, page_url=self._page_url)
        self._print(_line(update(shown, self._told.before(shown.alert_id)), shown.tone))
        self._told.keep(shown)

    def _print(self, what: RenderableType) -> None:
        import rich.console  # noqa: PLC0415  (programs that read lines need not load it)

        console = rich.console.Console(file=self._stream, force_terminal=True, highlight=False)
        console.print(what, width=min(console.width, MAX_COLUMNS))


def _line(told: Update, tone: Tone) -> RenderableType:
    from rich.text import Text  # noqa: PLC0415  (as above)

    # Text, never markup, as in the panel.
    line = Text(f"{told.who} ", style=f"bold {_STYLES[tone]}")
    line.append(told.change, style="bold")
    line.append("".join(f" · {fact}" for fact in told.facts), style="not bold default")
    return line


def _panel(shown: Card) -> RenderableType:
    from rich.panel import Panel  # noqa: PLC0415  (as above)
    from rich.style import Style  # noqa: PLC0415  (as above)
    from rich.text import Text  # noqa: PLC0415  (as above)

    style = _STYLES[shown.tone]
    # Text, never markup: a headline may hold "[red]" or "[link=…]".
    body = Text()
    body.append(shown.headline, style="bold")
    if shown.company:
        body.append(f"\n{shown.who}", style="dim")
    if shown.summary:
        body.append(f"\n{shown.summary}")
    for reason in shown.reasons:
        body.append(f"\n• {reason}", style="dim")
    for quote in shown.evidence:
        body.append(f"\n“{quote}”", style="italic")
    if shown.deal:
        body.append(f"\nDeal: {shown.deal}")
    facts = filter(None, (shown.quote, f"{shown.confidence} sure", shown.tier, shown.source, shown.age))
    body.append("\n" + " · ".join(facts))
    if shown.published:
        body.append(f"\n{shown.published}", style="dim")
    if shown.chart_note:
        body.append(f"\nno chart · {shown.chart_note}", style="dim")
    for link in filter(None, (shown.link, shown.page)):
        # A hyperlink: it can be clicked even where it is broken into two lines.
        body.append("\n").append(link, style=Style(dim=True, link=link))
    title = Text(f"{shown.verdict}  {shown.ticker}  {shown.event}", style=f"bold {style}")
    return Panel(body, title=title, title_align="left", subtitle=Text(shown.alert_id), border_style=style)
