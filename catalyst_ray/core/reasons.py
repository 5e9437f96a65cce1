"""Every code that a reason may have, with the words that people read for it.

A reason is a constant code, a detail and a figure, so that programs can count what people can read. The codes of
events are the taxonomy's (files of ``data/events/``) and spoken as they are written. Decides nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from catalyst_ray.core.message_figures import signed

if TYPE_CHECKING:
    from typing import Self

    from catalyst_ray.models import Reason

FIGURE = "{detail} ({figure})"
COUNT = "{value:.0f} times; {detail}"


class Code(StrEnum):
    """Codes by who gives them.

    Args:
        words: What it is, short enough for a table.
        more: What a reason of this code adds, with ``{detail}``, ``{value}`` and ``{figure}`` (the value with its
            sign) filled in; of one without a value, its detail.
    """

    words: str
    more: str

    def __new__(cls, code: str, words: str, more: str = "{detail}") -> Self:
        """Make a member that is its code, with the words beside it."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.words = words
        member.more = more
        return member

    # What the decision rests on; the first of an item's reasons decided.
    STRONG = "strong", "strong enough", "value {figure}, {detail}"
    WEAK = "weak", "too weak", "value {figure} is {detail}"
    STALE = "stale", "too old"
    NO_TICKER = "no_ticker", "no US-listed company found"
    NO_SUBJECT = "no_subject", "about none of the companies named", "{detail}"
    NOT_ENGLISH = "not_english", "not in English"
    DUPLICATE = "duplicate", "the same item from another source"
    NEAR_DUPLICATE = "near_duplicate", "another alert tells the story"
    CORRECTED = "corrected", "corrected by its source"
    RETRACTED = "retracted", "retracted by its source"
    COOLDOWN = "cooldown", "alerted a short time ago"
    PRICE_ABOVE = "price_above", "price too high", "${value:,.2f} is above {detail}"
    PRICE_BELOW = "price_below", "price too low", "${value:,.4g} is below {detail}"
    THIN = "thin", "too little traded", "{value:,.0f} shares a day are below {detail}"
    SESSION_EXCLUDED = "session_excluded", "not at this time of day"
    FAILED = "failed", "could not be decided"
    CAP = "cap", "waits for the next cycle"

    # What else a decision says.
    WATCH_LIST = "watch_list", "on the watch list", "an alert from {value:.2f}"
    PRICE_UNKNOWN = "price_unknown", "price not known"
    SESSION = "session", "market session"
    RELEASED = "released", "held before, released now"
    TICKER = "ticker", "ticker"
    FILING_READ = "filing_read", "the filing was read"
    FILING_UNREAD = "filing_unread", "decided on the form alone"
    DILUTION = "dilution", "dilution", "{value:.0f} % of {detail}"

    # Parts of a score.
    EVENT = "event", "event", FIGURE
    EVENT_AGAINST = "event_against", "what speaks against it", FIGURE
    EVENTS_ALONG = "events_along", "what goes along with it", FIGURE
    WORDING = "wording", "wording", FIGURE
    NO_EVENT = "no_event", "no event found", FIGURE
    FRESHNESS = "freshness", "freshness", FIGURE
    AGE = "age", "age", "{value:,.0f} seconds"
    UNDATED = "undated", "without a date", FIGURE
    SOURCE = "source", "trust in the source", FIGURE
    NOISE = "noise", "no catalyst", FIGURE

    # The language model.
    LLM_OFF = "llm_off", "LLM off"
    LLM_NOT_NEEDED = "llm_not_needed", "LLM not asked"
    LLM_PENDING = "llm_pending", "LLM not in yet"
    LLM_DEADLINE = "llm_deadline", "LLM was late"
    LLM_REFUSED = "llm_refused", "LLM refused"
    LLM_FAILED = "llm_failed", "LLM failed"
    LLM_JUDGED = "llm_judged", "LLM judged", "{detail} says {figure}"
    LLM_NO_WEIGHT = "llm_no_weight", "LLM does not count"
    LLM_AGREES = "llm_agrees", "LLM agrees", "together {figure}"
    LLM_WEIGHED = "llm_weighed", "LLM weighed", "together {figure}"
    LLM_DISAGREES = "llm_disagrees", "LLM disagrees", "together {figure}"
    LLM_FLIPS = "llm_flips", "LLM overrules the fast tier", "{figure}"
    LLM_LIFTS = "llm_lifts", "LLM lifts it", "{detail}, fast tier {figure}"
    LLM_SINKS = "llm_sinks", "LLM sinks it", "{detail}, fast tier {figure}"
    QUEUE_FULL = "queue_full", "queue full"
    DEADLINE_PASSED = "deadline_passed", "asked too late"

    # By what evidence a ticker was taken, and what was refused.
    CIK = "cik", "the filing"
    EXCHANGE_TAG = "exchange_tag", "the exchange tag"
    CASHTAG = "cashtag", "the cashtag"
    CATEGORY = "category", "the publisher’s category"
    TICKER_LIST = "ticker_list", "the list of tickers"
    NAME = "name", "the company’s name"
    BARE_TICKER = "bare_ticker", "the ticker in capitals"
    BRACKETED = "bracketed", "the ticker in brackets"
    RELATED = "related", "asked for, and in the text"
    SHARE_OF = "share_of", "another security of the company"
    AMBIGUOUS_NAME = "ambiguous_name", "several companies bear the name"
    RELATED_UNCONFIRMED = "related_unconfirmed", "asked for, and not in the text"
    FOREIGN_VENUE = "foreign_venue", "listed abroad"
    UNLISTED = "unlisted", "ticker not in SEC’s map"
    CIK_UNLISTED = "cik_unlisted", "filer without a ticker"
    MORE_TICKERS = "more_tickers", "more tickers named", "{value:.0f} left out"

    # What a ticker is, where it is no common share on an exchange.
    ADR = "adr", "American depositary receipt"
    FUND = "fund", "fund"
    PREFERRED = "preferred", "preferred share"
    WARRANT = "warrant", "warrant"
    UNIT = "unit", "unit"
    RIGHT = "right", "right"
    NOTE = "note", "note"
    OTC = "otc", "traded over the counter"

    # Pictures.
    NO_PRICES = "no_prices", "no prices"
    NO_CHART = "no_chart", "no chart"

    # Remarks on what came from outside: feeds, price bars, the ticker map.
    NO_TEXT = "no_text", "entry without text", COUNT
    REPEATED = "repeated", "entry repeated", COUNT
    NO_ACCESSION = "no_accession", "entry without accession number", COUNT
    NOT_WELL_FORMED = "not_well_formed", "feed not well-formed", COUNT
    ENTRY_UNREADABLE = "entry_unreadable", "entry unreadable", COUNT
    ENTRIES_LEFT_OUT = "entries_left_out", "entries left out", COUNT
    FEED_BROKEN = "feed_broken", "feed broken", COUNT
    DATE_UNREADABLE = "date_unreadable", "date unreadable", COUNT
    DATE_IN_FUTURE = "date_in_future", "date in the future", COUNT
    DATE_BEFORE_1990 = "date_before_1990", "date before 1990", COUNT
    BARS_DROPPED = "bars_dropped", "price bars dropped", COUNT
    BARS_REPEATED = "bars_repeated", "price bars repeated", COUNT
    BARS_REPAIRED = "bars_repaired", "price bars repaired", COUNT
    DAYS_UTC = "days_utc", "days stamped in UTC", COUNT
    UNIT_ERROR = "unit_error", "price in another unit", COUNT
    BARS_SPIKE = "bars_spike", "prices far off the market", COUNT
    SPLIT_ADJUSTED = "split_adjusted", "split"
    BARS_CUT = "bars_cut", "prices not comparable"
    TICKER_MAP_MISSING = "ticker_map_missing", "ticker map missing"
    TICKER_MAP_STALE = "ticker_map_stale", "ticker map old", "{value:.0f} days; {detail}"
    TICKER_MAP_NOT_CACHED = "ticker_map_not_cached", "ticker map not kept"


_LISTED = {code.value: code for code in Code}


def title(code: str) -> str:
    """Return what a code says in a few words; one that is not listed (an event's) as it is written."""
    listed = _LISTED.get(code)
    return listed.words if listed else code.replace("_", " ")


def said(reason: Reason) -> str:
    """Return a reason as one line for people: what it is, then what this one adds."""
    listed = _LISTED.get(reason.code)
    more = listed.more if listed else FIGURE
    if reason.value is None or (not listed and not reason.value):  # an event that is named and not counted
        added = reason.detail
    else:
        added = more.format(detail=reason.detail, value=reason.value, figure=signed(reason.value))
    added = added.strip(" ;,")
    return f"{title(reason.code)}: {added}" if added else title(reason.code)


def is_listed(code: str) -> bool:
    """Return whether a code is one of these; otherwise it is an event's."""
    return code in _LISTED


def capital(words: str) -> str:
    """Return words as a line begins with them."""
    return words[:1].upper() + words[1:]


def duration(seconds: float) -> str:
    """Return a time span in its largest unit of which there is more than one."""
    for limit_s, unit_s, unit in ((90, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
