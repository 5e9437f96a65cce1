"""Puts drafts into channels: ids, addresses, copies over several wires, EDGAR accession numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.items import DemoItem, Expected, FilingFacts, Truth
from catalyst_ray.demo.retell import retell

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.demo.channels import Channel
    from catalyst_ray.demo.writer import Draft

_FILING_AGENT = 9_000_017
_ACCESSIONS_A_YEAR = 1_000_000
"""An accession number counts with six digits; a filing agent with more filings has another number."""
_COPY_LAG_S = 45.0
"""A copy comes out at most this much later than the first release."""


class Desk:
    """Publishes drafts; ``items`` grows in the order of publication.

    Args:
        after_id: The last id given before; ids, addresses and accession numbers go on from it.
    """

    def __init__(self, channels: Sequence[Channel], start_utc: datetime, *, after_id: int = 0) -> None:
        self._after_id = after_id
        self._news = [channel for channel in channels if channel.desks]
        self._forms = {channel.form: channel for channel in channels if channel.form}
        self._start_utc = start_utc
        self.items: list[DemoItem] = []

    @property
    def _next_id(self) -> int:
        return self._after_id + len(self.items) + 1

    def takes_form(self, form: str) -> bool:
        """Return whether a channel lists filings of this form."""
        return form in self._forms

    def release(
        self,
        draft: Draft,
        *,
        batch: int,
        age_s: float | None,
        rng: random.Random,
        copies: int = 0,
        expected: Expected | None = None,
        of: Truth | None = None,
    ) -> Truth:
        """Publish news on one channel, and up to ``copies`` more times on others, told as those tell it.

        ``of`` is the truth of the story that it goes on with, if any.
        """
        home = rng.choice([channel for channel in self._news if draft.template.desk in channel.desks])
        truth = of or self._truth(draft, expected)
        self._add(draft, home, batch=batch, age_s=age_s, truth=truth)
        others = [one for one in self._news if one is not home and one.desks & {"wire", "copies"}]
        for channel in rng.sample(others, min(copies, len(others))):
            copy_age_s = (age_s or 0.0) - rng.uniform(0, min(_COPY_LAG_S, age_s or 0.0))
            self._add(retell(draft, rng), channel, batch=batch, age_s=copy_age_s, truth=truth)
        return truth

    def file(
        self, draft: Draft, *, batch: int, age_s: float, rng: random.Random, of: Truth | None = None
    ) -> Truth:
        """Publish a filing on the EDGAR page of its form; ``of`` is the truth of the one that it repeats, if any."""
        truth = of or self._truth(draft, None)
        number = self._next_id
        agents, serial = divmod(number, _ACCESSIONS_A_YEAR)
        accession = f"{_FILING_AGENT + agents:010d}-{self._start_utc:%y}-{serial:06d}"
        folder = f"/Archives/edgar/data/{draft.parties[0].cik}/{accession.replace('-', '')}"
        self.items.append(
            DemoItem(
                id=number,
                batch=batch,
                channel=self._forms[draft.template.form].name,
                title=draft.title,
                paragraphs=draft.paragraphs,
                age_s=age_s,
                path=f"{folder}/{accession}-index.htm",
                truth=truth,
                filing=FilingFacts(
                    form=draft.template.form,
                    accession=accession,
                    parties=draft.parties,
                    items=draft.template.items,
                    size=rng.choice(("14 KB", "211 KB", "388 KB", "1 MB", "5 MB")),
                    main=draft.main,
                    release=draft.release,
                ),
            )
        )
        return truth

    def _add(self, draft: Draft, channel: Channel, *, batch: int, age_s: float | None, truth: Truth) -> None:
        number = self._next_id
        slug = "-".join(re.findall(r"[a-z0-9]+", draft.title.lower()))[:80].rstrip("-")
        tracking = "?.tsrc=rss" if channel.shape is Shape.ISO_DATE else ""
        self.items.append(
            DemoItem(
                id=number,
                batch=batch,
                channel=channel.name,
                title=draft.title,
                paragraphs=draft.paragraphs,
                city=draft.city,
                category=draft.category,
                age_s=age_s,
                path=f"/news/{channel.name}/{number}/{slug}.html{tracking}",
                truth=truth,
            )
        )

    def _truth(self, draft: Draft, expected: Expected | None) -> Truth:
        return Truth(
            action=expected or draft.template.expected,
            ticker=draft.company.ticker if draft.company else None,
            event=draft.template.code,
            sign=draft.template.sign,
            story=f"s{self._next_id}",
        )
