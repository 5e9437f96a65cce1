"""The price source of an installation that has none.

Owns the answer "no prices"; real sources lie beside it, one a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.models import Bars


class NoPrices:
    """Has no bars for anything: cards go out without a chart."""

    name = "none"

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:  # noqa: ARG002  (the port's signature)
        """Return None."""
        return None

    def stats(self) -> Mapping[str, float]:
        """Return nothing: nothing is asked."""
        return {}

    async def close(self) -> None:
        """Do nothing; sources that hold connections close them here."""
