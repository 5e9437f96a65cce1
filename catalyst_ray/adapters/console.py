"""Alerts on the terminal: a panel for people, a line of JSON for programs that read the output."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TextIO

from catalyst_ray.core.message import Card, Tone, card
from catalyst_ray.core.message_record import alert_line
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import Receipt

if TYPE_CHECKING:
    from rich.console import RenderableType

    from catalyst_ray.models import Alert

MAX_COLUMNS = 100
"""Longer lines than that are hard to read."""
_STYLES = {Tone.BULLISH: "green", Tone.BEARISH: "red", Tone.NEUTRAL: "bright_black"}


class Console:
    """Writes each alert to ``stream``: a panel if that is a terminal, else one line of JSON.

    Args:
        is_terminal: Overrides what the stream says of itself.
    """

    def __init__(self, stream: TextIO, *, name: str = "console", is_terminal: bool | None = None) -> None:
        self.name = name
        self._stream = stream
        self._is_terminal = stream.isatty() if is_terminal is None else is_terminal
        self._turn = asyncio.Lock()
        self._writing: asyncio.Future[Exception | None] | None = None

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:  # noqa: ARG002  (a terminal shows no picture)
        """Show one alert.

        Raises:
            DeliveryError: The stream cannot be written to (nobody reads it any more): permanent. Or it still
                takes an earlier alert (a pager stands still): to be tried again.
        """
        async with self._turn:
            if self._writing and not self._writing.done():
                raise DeliveryError(
                    "nobody reads the output", key=self.name, hint="scroll on or close the pager"
                )
            # In a thread, since a stream whose reader pauses blocks; shielded, since a thread cannot be ended.
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._write, alert))
            error = await asyncio.shield(self._writing)
        if error:
            raise DeliveryError(f"cannot write: {error}", permanent=True, key=self.name) from error
        return Receipt(alert.id)

    async def close(self) -> None:
        """Do nothing: the stream belongs to the caller."""

    def _write(self, alert: Alert) -> Exception | None:
        """Write one alert; return what went wrong, since nobody may be waiting any more to catch it."""
        try:
            if self._is_terminal:
                self._print_panel(card(alert))
            else:
                self._stream.write(alert_line(alert) + "\n")
            self._stream.flush()
        except (OSError, ValueError) as error:  # a closed pipe, or a stream closed on our side
            return error
        return None

    def _print_panel(self, shown: Card) -> None:
        import rich.console  # noqa: PLC0415  (programs that read lines need not load it)

        console = rich.console.Console(file=self._stream, force_terminal=True, highlight=False)
        console.print(_panel(shown), width=min(console.width, MAX_COLUMNS))


def _panel(shown: Card) -> RenderableType:
    from rich.panel import Panel  # noqa: PLC0415  (as above)
    from rich.style import Style  # noqa: PLC0415  (as above)
    from rich.text import Text  # noqa: PLC0415  (as above)

    style = _STYLES[shown.tone]
    # Text, never markup: a headline may hold "[red]" or "[link=…]".
    body = Text()
    body.append(shown.headline, style="bold")
    if shown.summary:
        body.append(f"\n{shown.summary}")
    for reason in shown.reasons:
        body.append(f"\n• {reason}", style="dim")
    facts = filter(None, (shown.quote, f"{shown.confidence} sure", shown.tier, shown.source, shown.age))
    body.append("\n" + " · ".join(facts))
    if shown.published:
        body.append(f"\n{shown.published}", style="dim")
    if shown.link:  # a hyperlink: it can be clicked even where it is broken into two lines
        body.append("\n").append(shown.link, style=Style(dim=True, link=shown.link))
    title = Text(f"{shown.verdict}  {shown.ticker}  {shown.event}", style=f"bold {style}")
    return Panel(body, title=title, title_align="left", subtitle=Text(shown.alert_id), border_style=style)
