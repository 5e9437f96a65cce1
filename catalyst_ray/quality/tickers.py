"""How well items are linked to tickers: labelled news, EDGAR's pages, foreign venues.

The rule that picks the samples, and which knows nothing of the linker:

- A label counts where its symbol is in the ticker map. *Tagged*: the symbol stands in the text behind a US exchange's
  name or "symbol", as a cashtag, or in brackets of nothing but symbols. *Named*: not tagged, but the text holds the
  company's name: its registered name (of the map or of the exchanges' lists) without legal form; the first word of it,
  if no other company of the map begins so and the texts never write it in small letters; or the symbol alone, in capitals.
- Found: labels that count and were linked, in whatever role. Missed: those that were not.
- False: linked tickers that are no label of the item and, by the same rule, neither tagged nor named in its text (many
  sets label one stock an item and leave out the others it names). An item's false ones count with its tagged label where
  it has one, else with its names, be any label due or not.
- An item all of whose labels are gone from the map (delisted, renamed) does not count. A label that is gone excuses one
  false ticker of its item: it may be the same company under its new symbol.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from catalyst_ray.core.directory import normal_ticker
from catalyst_ray.core.tickers import link
from catalyst_ray.quality.figure import Estimate, Figure, estimate, f1_of_counts, mean_of
from catalyst_ray.quality.texts import news
from catalyst_ray.quality.ticker_texts import edgar_items, every_text, labelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalyst_ray.models import Link
    from catalyst_ray.quality.folder import DataFolder
    from catalyst_ray.quality.ticker_texts import Labelled

_US = r"(?:nasdaq|nyse|amex|otc)[\w ]{0,24}"
_FOREIGN = re.compile(
    r"\b(?:TSX(?:-?V)?|ASX|AUST|LSE|LON|AIM|HEL|STO|CPH|ICEX|OMX\w*|EPA|AMS|EBR|ETR|FRA|HKG|HKEX|SGX|NSE|BSE|TSE|CVE|CSE|CNSX|NEO|JSE"
    r"|Paris|Stockholm|Helsinki|Copenhagen|Oslo|Toronto|London|Frankfurt)\s*:\s*([A-Z]{1,5})\b"
)
_OLD_BOT = re.compile(r"\((?:NASDAQ|NYSE|AMEX|OTC\w*|NYSE American)\s*:\s*([A-Z]{1,5})\)", re.IGNORECASE)
_LEGAL = re.compile(
    r"(?i)[\s,.]+(?:inc|incorporated|corp|corporation|co|company|companies|ltd|limited|plc|llc|lp|l\.p|s\.a|sa|n\.v|nv|ag|se|ab|asa"
    r"|holdings?|group|trust|the|&|and)\.?$"
)
_STATE = re.compile(r"\s*[/\\].*$| - .*$|\s*\(.*$")
_APOSTROPHE = re.compile(r"[’']")
_POSSESSIVE = re.compile(r"[’']s?(?!\w)")
_WORD = re.compile(r"[^\W_][\w&'’.\-]*")


RULES = (
    "tagged: the map has the label’s symbol, and the text has it as a US tag, a cashtag or in brackets",
    "named: not tagged, but the text has the company’s name without legal form, or its bare symbol",
    "so has it the name’s first word, if no other company begins so and no text writes it small",
    "false: linked, no label, and by that rule neither tagged nor named in the text, labels due or not",
    "short forms and former names (brands, renamed companies) are beyond the rule: they count as false",
    "a label that is gone from the map excuses one false ticker; items of such labels only are left out",
)
"""The rule that picks the samples, for the documentation."""


def tickers(folder: DataFolder) -> tuple[Figure, ...]:
    """Return the figures of linking: labelled news where tagged and where named, EDGAR, foreign venues."""
    rows = list(labelled(folder)) if folder.directory else []
    return (_edgar(folder), *_news(folder, rows), _foreign(folder))


@dataclass
class _Names:
    """Companies' names by the measure's own rule."""

    folder: DataFolder
    small: frozenset[str]

    @cached_property
    def _by_ticker(self) -> Mapping[str, set[str]]:
        names: dict[str, set[str]] = {}
        for listing in self.folder.directory:
            names.setdefault(listing.ticker, set()).add(_core(listing.name))
        for pattern, column in (
            ("05_tickers/sp500*.csv", "Security"),
            ("05_tickers/nasdaq-listed*.csv", "Security Name"),
        ):
            for entry in self.folder.table(pattern):
                ticker = normal_ticker(entry.get("Symbol") or "")
                if ticker in names:
                    names[ticker].add(_core(entry.get(column) or ""))
        return names

    @cached_property
    def _first_words(self) -> Counter[str]:
        """Count companies by the first word of their name; a company's many tickers count once."""
        named = {
            (ticker and self.folder.directory.by_ticker(ticker), _first(name))
            for ticker, some in self._by_ticker.items()
            for name in some
        }
        return Counter(word for _, word in {(listing.cik, word) for listing, word in named if listing})

    def has(self, ticker: str, text: str) -> bool:
        """Return whether a text names the company of a ticker."""
        if (
            len(ticker) > 1
            and not text.isupper()
            and re.search(rf"(?<![\w$]){re.escape(ticker)}(?!\w)", text)
        ):
            return True
        return any(self._stands(name, text) for name in self._by_ticker.get(ticker, ()))

    def _stands(self, name: str, text: str) -> bool:
        if len(name) < 2:
            return False
        if " " in name and _whole(name, text, re.IGNORECASE):
            return True
        if " " not in name and _capitalised(name, text):
            return True
        first = _first(name)
        is_distinctive = len(first) > 3 and self._first_words[first] == 1 and first not in self.small
        return is_distinctive and _capitalised(first, text)


def _core(name: str) -> str:
    """Return a registered name without the state, the kind of share and the legal form, apostrophes left out."""
    core = re.sub(r"[’']", "", _STATE.sub("", name)).strip(" ,.")
    while (shorter := _LEGAL.sub("", core)) != core:
        core = shorter.strip(" ,.")
    return re.sub(r"^the\s+", "", core, flags=re.IGNORECASE)


def _first(name: str) -> str:
    return name.split(" ", maxsplit=1)[0].strip(",.").lower()


def _whole(name: str, text: str, flags: int = 0) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, flags) is not None


def _capitalised(word: str, text: str) -> bool:
    """Return whether a word stands in a text with its capital letter."""
    spellings = {word.title(), word.upper(), word[:1].upper() + word[1:], word.capitalize()}
    spellings |= {word} if word[:1].isupper() else set()
    return any(_whole(spelling, text) for spelling in spellings)


def _plain(text: str) -> str:
    """Return a text twice: its apostrophes left out, and its possessives too."""
    return f"{_APOSTROPHE.sub('', text)}\n{_POSSESSIVE.sub('', text)}"


def is_marked(ticker: str, text: str) -> bool:
    """Return whether a ticker stands in a text as a tag, a cashtag or in brackets of symbols."""
    name = re.escape(ticker).replace(r"\-", r"[.\-/]")
    tag = rf"(?i:(?:{_US}|symbol)\s*:\s*|\b(?:symbol|ticker)\s+)[\"“']?\$?{name}(?!\w)"
    brackets = rf"[(\[](?:[A-Z.]{{1,6}}[,;/]\s?){{0,19}}{name}(?:[,;/]\s?[A-Z.]{{1,6}}){{0,19}}[)\]]"
    return re.search(rf"{tag}|(?<![\w$])\${name}(?!\w)|{brackets}", text) is not None


@dataclass(slots=True)
class _Tally:
    """Counts of items for one figure: rows of found, false, missed."""

    ours: list[tuple[int, int, int]]
    old: list[tuple[int, int, int]]


def _news(folder: DataFolder, samples: Sequence[Labelled]) -> Iterator[Figure]:
    small = frozenset(word for sample in samples for word in _WORD.findall(sample.text) if word.islower())
    names = _Names(folder, small)
    tallies = {kind: _Tally([], []) for kind in ("tagged", "named")}
    notes: Counter[str] = Counter()
    for sample in samples:
        _count(folder, names, sample, tallies, notes)
    for kind, aim in (("tagged", 0.96), ("named", 0.80)):
        yield _f1(kind, tallies[kind], aim, notes)


def _count(
    folder: DataFolder, names: _Names, sample: Labelled, tallies: Mapping[str, _Tally], notes: Counter[str]
) -> None:
    """Weigh one item."""
    labels = {normal_ticker(label) for label in sample.labels}
    known = {label for label in labels if folder.directory.by_ticker(label)}
    gone = len(labels - known)
    notes["labels not in the map"] += gone
    if not known:
        notes["items without a label in the map"] += 1
        return
    plain = _plain(sample.text)
    tagged = {label for label in known if is_marked(label, sample.text)}
    named = {label for label in known - tagged if names.has(label, plain)}
    notes["labels neither tagged nor named"] += len(known - tagged - named)
    found = link(news(sample.title, sample.summary), folder.directory)
    linked = {symbol.ticker for symbol in found.symbols}
    if linked & (tagged | named):
        notes[f"items with a label found, {_aboutness(found, labels)}"] += 1
    old = set(_OLD_BOT.findall(sample.title))
    main = "tagged" if tagged else "named"
    for kind, due in (("tagged", tagged), ("named", named)):
        for guess, rows in ((linked, tallies[kind].ours), (old, tallies[kind].old)):
            strange = [
                ticker
                for ticker in guess - labels
                if not (is_marked(ticker, sample.text) or names.has(ticker, plain))
            ]
            false = max(0, len(strange) - gone) if kind == main else 0
            if due or false:
                rows.append((len(due & guess), false, len(due - guess)))


def _aboutness(found: Link, labels: set[str]) -> str:
    """Return in words whom the linker takes for the subject, which the labels do not say."""
    if found.subject is None:
        return "taken to be about none"
    return "taken to be about it" if found.subject.ticker in labels else "taken to be about another"


def _f1(kind: str, tally: _Tally, aim: float, notes: Counter[str]) -> Figure:
    title = f"Tickers of labelled news, F1, where {'tagged' if kind == 'tagged' else 'only named'}"
    figure = Figure(key=f"tickers_{kind}_f1", title=title, aim=aim)
    if not any(found or missed for found, _, missed in tally.ours):
        return figure
    found = estimate(tally.ours, f1_of_counts)
    sums = [sum(column) for column in zip(*tally.ours, strict=True)]
    return figure.measured(
        found,
        n=sums[0] + sums[2],
        baselines={"exchange tags of titles": estimate(tally.old or [(0, 0, 1)], f1_of_counts).value},
        details=(
            f"{sums[0]} labels found, {sums[2]} missed, {sums[1]} false tickers",
            *RULES,
            *(f"{count} {what}" for what, count in notes.items()),
        ),
    )


def _edgar(folder: DataFolder) -> Figure:
    """Measure entries of EDGAR pages one of whose CIKs is in the map: is that company's ticker linked?"""
    title, rows, alone, old = "EDGAR entries whose CIK is in the map get their ticker", [], 0, 0
    figure = Figure(key="edgar_cik_rate", title=title, aim=1.0)
    for item in edgar_items(folder) if folder.directory else ():
        linked = {symbol.cik for symbol in link(item, folder.directory).symbols}
        for cik in dict.fromkeys(party.cik for party in item.parties):
            if folder.directory.by_cik(cik):
                rows.append((float(cik in linked), 1.0))
                old += bool(_OLD_BOT.search(item.title))
            else:
                alone += 1
    if not rows:
        return figure
    return figure.measured(
        estimate(rows, mean_of),
        n=len(rows),
        baselines={"exchange tags of titles": old / len(rows)},
        details=(f"{alone} parties are not in the map: funds, trusts, persons, private companies",),
    )


def _foreign(folder: DataFolder) -> Figure:
    """Count linked symbols whose letters stand behind a foreign venue's name, and nowhere as a US one's."""
    title, taken, tags, texts, old = "Foreign-venue symbols taken for US ones", 0, 0, 0, 0
    for item in every_text(folder):
        text = "\n".join((item.title, item.summary, *item.categories))
        texts += 1
        abroad = {symbol for symbol in _FOREIGN.findall(text) if not is_marked(symbol, text)}
        if abroad:
            tags += len(abroad)
            taken += len(abroad & {symbol.ticker for symbol in link(item, folder.directory).symbols})
            old += len(abroad & set(re.findall(r":\s*([A-Z]{1,5})\b", item.title)))
    figure = Figure(key="foreign_as_us", title=title, aim=0.0, smaller_is_better=True, is_count=True)
    if not texts:
        return figure
    return figure.measured(
        Estimate(float(taken), float(taken), float(taken)),
        n=tags,
        baselines={"any tag of a title": float(old)},
        details=(f"{tags} foreign tags without a US one, in {texts} texts",),
    )
