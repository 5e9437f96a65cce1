"""The demo world's feeds: their names, shapes and what each carries. No bytes are made here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from catalyst_ray.errors import ConfigError
from catalyst_ray.models import FeedKind, FeedSpec

MIN_FEEDS = 10
"""Fewer would leave out a wire shape, EDGAR or Finnhub."""


class Shape(StrEnum):
    """What a feed's bytes look like; each is modelled on a real publisher's."""

    CATEGORY_TAGS = "category_tags"
    """GlobeNewswire's: ticker in ``category``, odd ``dc`` namespace, dates without seconds."""
    PROSE = "prose"
    """PR Newswire's: ticker in the prose only, day of the month not padded."""
    UNIVERSAL = "universal"
    """Business Wire's: RSS without namespaces, dates end in ``UT``."""
    EASTERN = "eastern"
    """Accesswire's: dates in Eastern time by zone name."""
    ISO_DATE = "iso_date"
    """An aggregator's: ``pubDate`` in ISO-8601, no description beyond a line."""
    DC_DATE = "dc_date"
    """A small wire's: ``dc:date`` in place of ``pubDate``, guid that is no address."""
    ATOM = "atom"
    EDGAR = "edgar"
    FINNHUB = "finnhub"
    BROKEN = "broken"
    """HTML and status 500 by turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One feed. ``desks`` are the kinds of news it carries, ``form`` an EDGAR page's form type."""

    name: str
    source: str
    shape: Shape
    desks: frozenset[str] = frozenset()
    form: str = ""
    weight: float = 1.0
    slow: bool = False

    @property
    def path(self) -> str:
        """Return the feed's address without the host."""
        if self.shape is Shape.EDGAR:
            query = f"type={self.form.replace(' ', '+')}&company=&dateb=&owner=include&start=0&count=100"
            return f"/cgi-bin/browse-edgar?action=getcurrent&{query}&output=atom"
        if self.shape is Shape.FINNHUB:
            return "/api/v1/news?category=general"
        return f"/feeds/{self.name}.xml"

    def spec(self, base_url: str) -> FeedSpec:
        """Return the feed as the program polls it."""
        kinds = {Shape.EDGAR: FeedKind.EDGAR, Shape.FINNHUB: FeedKind.FINNHUB}
        needs = {Shape.EDGAR: "sec_contact", Shape.FINNHUB: "finnhub_token"}
        return FeedSpec(
            name=self.name,
            url=base_url + self.path,
            kind=kinds.get(self.shape, FeedKind.RSS),
            source=self.source,
            weight=self.weight,
            requires=needs.get(self.shape),
            allow_private=True,
        )


def _wire(name: str, source: str, shape: Shape, *desks: str, weight: float = 1.0) -> Channel:
    return Channel(name=name, source=source, shape=shape, desks=frozenset(desks), weight=weight)


def _edgar(form: str) -> Channel:
    slug = form.lower().replace(" ", "_").replace("-", "")
    return Channel(name=f"demo_sec_{slug}", source="SEC EDGAR (demo)", shape=Shape.EDGAR, form=form)


# In the order in which a smaller world keeps them.
_CHANNELS = (
    _wire("demo_meridian", "Meridian Newswire", Shape.CATEGORY_TAGS, "wire", "overseas"),
    _wire("demo_pressline", "PressLine", Shape.PROSE, "wire", "general", "law"),
    _wire("demo_tradewind", "Tradewind Wire", Shape.UNIVERSAL, "wire", "general"),
    _edgar("8-K"),
    _edgar("424B5"),
    _edgar("SCHEDULE 13D"),
    _wire("demo_finnhub", "Finnhub (demo)", Shape.FINNHUB, "copies", "recap", weight=0.8),
    Channel(name="demo_broken", source="Brokenfield Gazette", shape=Shape.BROKEN),
    Channel(
        name="demo_slow",
        source="Slowmere Wire",
        shape=Shape.UNIVERSAL,
        desks=frozenset({"wire", "copies"}),
        slow=True,
    ),
    _wire("demo_openwire", "OpenWire", Shape.EASTERN, "wire", "law"),
    _edgar("FWP"),
    _edgar("SCHEDULE 13G"),
    _wire("demo_northfile", "Northfile", Shape.DC_DATE, "overseas"),
    _wire("demo_streetdigest", "Street Digest", Shape.ISO_DATE, "recap", weight=0.5),
    _wire("demo_harborline", "Harborline Technology News", Shape.ATOM, "wire", "copies"),
    _edgar("424B2"),
    _wire("demo_claimsdesk", "Claims Desk Wire", Shape.PROSE, "law", weight=0.6),
    _wire("demo_southerncross", "Southern Cross Announcements", Shape.ATOM, "overseas"),
    _wire("demo_citydesk", "City Desk", Shape.DC_DATE, "general", weight=0.8),
    _wire("demo_biojournal", "BioJournal Wire", Shape.UNIVERSAL, "wire", "copies"),
)


def channels(feeds: int) -> tuple[Channel, ...]:
    """Return the first ``feeds`` feeds; beyond the twenty named ones, small wires are added.

    Raises:
        ConfigError: ``feeds`` < ``MIN_FEEDS``.
    """
    if feeds < MIN_FEEDS:
        raise ConfigError(
            f"a demo world needs at least {MIN_FEEDS} feeds, was {feeds}", key="feeds", hint="ask for more"
        )
    extra = (
        _wire(f"demo_desk_{number}", f"Desk {number} Wire", Shape.UNIVERSAL, "wire", "general", "copies")
        for number in range(len(_CHANNELS) + 1, feeds + 1)
    )
    return (*_CHANNELS[:feeds], *extra)
