"""What happens in the demo world: a day's items, drawn from a seed, each with its truth.

Pure and deterministic: equal arguments give an equal world. Times are offsets from the moment at
which an item's batch is released, so that a world never grows stale. Makes no bytes.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from catalyst_ray.demo.channels import channels
from catalyst_ray.demo.companies import companies
from catalyst_ray.demo.desk import Desk
from catalyst_ray.demo.items import Expected, Move
from catalyst_ray.demo.near_misses import near_misses
from catalyst_ray.demo.retell import correct, retell, retract
from catalyst_ray.demo.writer import Template, templates, write_filing, write_news
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.demo.companies import Company
    from catalyst_ray.demo.items import DemoItem, Truth
    from catalyst_ray.demo.writer import Draft

BATCHES = 3
CATALYSTS_PER_BATCH = 12
_STALE_PER_BATCH = 2
_FUTURE_PER_BATCH = 1
_UNDATED_PER_BATCH = 3
_FILING_SHARE = 0.28
"""Part of the noise that comes as filings."""
_DAY_S = 86_400.0
_TRIES = 24
_ANYTHING = Template(code="anything")
_SAME_TOPIC = {
    "loaded_name": ("loaded_name", "conference", "earnings_date", "appointment", "earnings_report")
}


class World:
    """A made day: what is published, in which batch, and what is true of it.

    Args:
        start_utc: The day that texts speak of.
        feeds: Number of feeds, at least ``channels.MIN_FEEDS``.
        items: Releases and filings over all batches, copies included.
        batches: One for each cycle of a demo.
        burst: Filings that come all at once in the first batch, in place of a day's items; 0 for a day.
        look_alikes: Groups of a batch's stories that are like one another, and must not be taken for one.
        after: The day before, if any: ids and batches go on from its last ones.
        refile: File all filings of earlier batches again, word for word under new numbers, on top of ``items``: a load
            that repeats itself.

    Raises:
        ConfigError: Too few feeds or items for a day.
    """

    def __init__(
        self,
        seed: int,
        start_utc: datetime,
        *,
        feeds: int = 20,
        items: int = 300,
        batches: int = BATCHES,
        burst: int = 0,
        look_alikes: int = 0,
        after: World | None = None,
        refile: bool = False,
    ) -> None:
        least = batches * CATALYSTS_PER_BATCH * 4
        if batches < 1 or items < least:
            raise ConfigError(
                f"{batches} batches need at least {max(least, 1)} items, was {items}",
                key="items",
                hint="ask for more items or fewer batches",
            )
        self.seed = seed
        self.start_utc = start_utc
        self._size = {"feeds": feeds, "items": items, "burst": burst, "look_alikes": look_alikes}
        self._refile = refile
        self._first_batch = after.batches + 1 if after else 1
        self._day_batches = batches
        self.batches: int = self._first_batch - 1 + batches
        """Number of the last batch."""
        self.channels = channels(feeds)
        self._last_id: int = after._last_id if after else 0  # noqa: SLF001  (another of this class)
        desk = Desk(self.channels, start_utc, after_id=self._last_id)
        day = _Day(random.Random(seed), start_utc, desk, first_batch=self._first_batch)  # noqa: S311  (a toy's dice)
        self.items: tuple[DemoItem, ...] = (
            day.burst(burst) if burst else day.publish(items, batches, look_alikes, refile=refile)
        )
        self._last_id += len(self.items)
        self.moves: tuple[Move, ...] = tuple(day.moves)

    def next_day(self, start_utc: datetime) -> World:
        """Return the day after this one, of the same size, with news of its own."""
        day = {"batches": self._day_batches, **self._size}
        return World(self.seed + 1, start_utc, after=self, refile=self._refile, **day)

    @property
    def truth(self) -> dict[int, Truth]:
        """Return what is true of each item, by item id."""
        return {item.id: item.truth for item in self.items}

    def stories(self, batch: int) -> dict[str, Truth]:
        """Return the stories that begin in a batch and should each make one alert, by story."""
        earlier = {item.truth.story for item in self.items if item.batch < batch}
        found = (item.truth for item in self.items if item.batch == batch)
        alerted = {truth.story: truth for truth in found if truth.action is Expected.ALERT}
        return {story: truth for story, truth in alerted.items() if story not in earlier}


class _Day:
    """The draw of one day, batch by batch."""

    def __init__(self, rng: random.Random, start_utc: datetime, desk: Desk, *, first_batch: int) -> None:
        self._first_batch = first_batch
        self._rng = rng
        self._start_utc = start_utc
        self._desk = desk
        self._uses: Counter[str] = Counter()
        self._titles: dict[str, Truth] = {}
        self._topics: set[tuple[str, str]] = set()
        """Company and kind of the noise there was: none sends the same news twice a day."""
        self._told: list[tuple[Draft, Truth]] = []
        """News of earlier batches that should have alerted, not yet followed up."""
        self._filed: list[tuple[Draft, Truth]] = []
        self._refiled = 0
        self.moves: list[Move] = []

    def publish(self, items: int, batches: int, look_alikes: int, *, refile: bool) -> tuple[DemoItem, ...]:
        schedule = self._schedule(batches * CATALYSTS_PER_BATCH)
        for number in range(batches):
            quota = items * (number + 1) // batches
            first = number * CATALYSTS_PER_BATCH
            batch = self._first_batch + number
            self._follow_up(batch)
            if refile:
                self._refile(batch)
            for template in schedule[first : first + CATALYSTS_PER_BATCH]:
                self._catalyst(template, batch)
            self._stale(batch)
            self._look_alikes(batch, look_alikes)
            self._noise(batch, quota + self._refiled - len(self._desk.items))
        return tuple(self._desk.items)

    def burst(self, filings: int) -> tuple[DemoItem, ...]:
        """Return catalysts filed all at once, in turn by kind of filing and company."""
        kinds = [template for template in templates("filing") if self._desk.takes_form(template.form)]
        for number in range(filings):
            self._catalyst(kinds[number % len(kinds)], self._first_batch)
        return tuple(self._desk.items)

    def _schedule(self, count: int) -> list[Template]:
        """Return the catalysts: each kind once, then news drawn at random; shuffled."""
        events = list(templates("event"))
        filings = [template for template in templates("filing") if self._desk.takes_form(template.form)]
        chosen = [*events, *filings, *self._rng.choices(events, k=max(0, count - len(events) - len(filings)))]
        self._rng.shuffle(chosen)
        return chosen[:count]

    def _catalyst(self, template: Template, batch: int) -> None:
        company = self._rarest_company(template)
        age_s = self._rng.uniform(5, 90)
        move_pct = template.sign * self._rng.uniform(*template.move_pct)
        self.moves.append(Move(ticker=company.ticker, batch=batch, age_s=age_s, pct=move_pct))
        draft = self._draft(template, company)
        if template.form:
            self._file(draft, batch, age_s)
            return
        copies = self._rng.choices((0, 1, 2, 3), weights=(2, 4, 3, 1))[0]
        truth = self._desk.release(draft, batch=batch, age_s=age_s, rng=self._rng, copies=copies)
        self._told.append((draft, truth))

    def _follow_up(self, batch: int) -> None:
        """Publish what comes after earlier batches' news: a correction, a retraction and a late copy."""
        told, self._told = self._told, []
        self._rng.shuffle(told)
        corrections = ((one, truth, correct(one, self._rng)) for one, truth in told)
        found = next(((one, truth, right) for one, truth, right in corrections if right), None)
        if found:
            self._publish_again(found[2], found[1], batch)
        left = [row for row in told if found is None or row[0] is not found[0]]
        for change, (draft, truth) in zip((retract, retell), left, strict=False):
            self._publish_again(change(draft, self._rng), truth, batch)

    def _publish_again(self, draft: Draft, truth: Truth, batch: int) -> None:
        age_s = self._rng.uniform(5, 60)
        self._desk.release(draft, batch=batch, age_s=age_s, rng=self._rng, of=truth)

    def _file(self, draft: Draft, batch: int, age_s: float) -> None:
        truth = self._desk.file(draft, batch=batch, age_s=age_s, rng=self._rng)
        self._filed.append((draft, truth))

    def _refile(self, batch: int) -> None:
        for draft, truth in self._filed:
            self._desk.file(draft, batch=batch, age_s=self._rng.uniform(5, 60), rng=self._rng, of=truth)
        self._refiled += len(self._filed)

    def _look_alikes(self, batch: int, groups: int) -> None:
        for _ in range(groups):
            company = self._rarest_company(_ANYTHING)
            drafts = near_misses(company, self._rng, self._start_utc)
            topics = {(one.company.ticker, one.template.code) for one in drafts if one.company}
            if topics & self._topics:
                continue  # it would tell a second story in the words of one that there is
            self._topics |= topics
            for draft in drafts:
                age_s, copies = self._rng.uniform(5, 240), self._rng.choice((0, 1, 2))
                self._desk.release(draft, batch=batch, age_s=age_s, rng=self._rng, copies=copies)

    def _stale(self, batch: int) -> None:
        for template in self._rng.sample(templates("event"), _STALE_PER_BATCH):
            draft = self._draft(template, self._rarest_company(template))
            age_s = self._rng.uniform(2, 6) * _DAY_S
            self._desk.release(draft, batch=batch, age_s=age_s, rng=self._rng, expected=Expected.QUIET)

    def _noise(self, batch: int, count: int) -> None:
        quiet_filings = [row for row in templates("quiet_filing") if self._desk.takes_form(row.form)]
        filings = round(count * _FILING_SHARE)
        for template in self._rng.choices(quiet_filings, [row.share for row in quiet_filings], k=filings):
            draft = self._draft(template, self._any_company(template))
            self._file(draft, batch, self._rng.uniform(5, 240))
        news = templates("noise")
        drawn = self._rng.choices(news, [row.share for row in news], k=count - filings)
        for number, template in enumerate(drawn):
            draft = self._draft(template, self._any_company(template))
            told = self._titles.get(draft.title)
            age_s = self._noise_age_s(number)
            truth = self._desk.release(draft, batch=batch, age_s=age_s, rng=self._rng, of=told)
            self._titles[draft.title] = truth

    def _noise_age_s(self, number: int) -> float | None:
        if number < _FUTURE_PER_BATCH:
            return -self._rng.uniform(1, 4) * 3600
        if number < _FUTURE_PER_BATCH + _UNDATED_PER_BATCH:
            return None
        return self._rng.uniform(5, 240)

    def _draft(self, template: Template, company: Company) -> Draft:
        """Draft an item, with a title not used before and a company without such news, where that can be had."""
        write = write_filing if template.form else write_news
        for _ in range(_TRIES):
            draft = write(template, company, self._rng, self._start_utc)
            topics = {(company.ticker, code) for code in _SAME_TOPIC.get(template.code, (template.code,))}
            is_new = draft.title not in self._titles and (
                template.about != "company" or not topics & self._topics
            )
            if template.form or template.sign or is_new:
                break
            company = self._any_company(template)
        self._topics |= topics
        return draft

    def _rarest_company(self, template: Template) -> Company:
        """Draw among the companies that have had the fewest catalysts."""
        suited = [company for company in companies() if template.suits(company)]
        fitting = [one for one in suited if (one.ticker, template.code) not in self._topics] or suited
        least = min(self._uses[company.ticker] for company in fitting)
        company = self._rng.choice([one for one in fitting if self._uses[one.ticker] == least])
        self._uses[company.ticker] += 1
        return company

    def _any_company(self, template: Template) -> Company:
        return self._rng.choice([company for company in companies() if template.suits(company)])
