"""Well-formed RSS, RDF and Atom, read with ElementTree: many times as fast as feedparser, with its result.

Owns which feeds are plain enough for that, and what stands around their entries. Whatever is not plain (HTML
that is not escaped, ``xml:base``, a DOCTYPE, places on earth, …) is declined, and feedparser reads the feed.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from feedparser.encodings import convert_to_utf8

from catalyst_ray.core.feed_entry import HOLD_MARKUP, LANGUAGES, RULES, Entry, refuse_cdf
from catalyst_ray.core.feed_names import SPECIAL, USURPERS, Names, NotPlain, language_of, text_of

if TYPE_CHECKING:
    from catalyst_ray.core.assemble import RawEntry

# Structure where none is due, and what may upset feedparser: then it must be the one to say so.
_NOT_OUTSIDE = USURPERS | {"rss", "feed", "channel", "item", "entry"}
_NOT_OUTSIDE |= {name for name in SPECIAL if name.startswith(("georss", "gml", "psc", "where", "geom"))}
_SUMMARIES = frozenset({"summary", "itunes_summary"})
_BASE = re.compile(rb"base(?<=[\s:\"']base)\s*=")


def read_plain(body: bytes, headers: dict[str, str]) -> list[RawEntry] | None:
    """Return a feed's entries exactly as feedparser gives them, or None where that is not certain.

    ``body`` and ``headers`` are what feedparser would get. A feed without entries is declined too.
    """
    found: dict[str, Any] = {}
    try:
        body = convert_to_utf8(headers, body, found)
        # Without a DOCTYPE there is no entity, inner or outer, that the parser could expand or fetch.
        if not found["encoding"] or b"<!DOCTYPE" in body or b"<!ENTITY" in body or _BASE.search(body.lower()):
            return None
        parser = ET.iterparse(io.BytesIO(body), ("start-ns",))  # noqa: S314  (no DTD comes here)
        names = Names(declared for _, declared in parser)
        return _read(parser.root, names) or None  # type: ignore[attr-defined]  # typeshed lacks it
    except (NotPlain, ET.ParseError, ValueError, LookupError):
        return None


def _read(root: ET.Element, names: Names) -> list[RawEntry]:
    kind = names[root.tag]
    language = language_of(root, "")
    frame = _Frame(names, "" if kind == "rdf_rdf" else language.replace("_", "-"))
    outer = root
    if kind == "rss":
        if len(root) != 1 or names[root[0].tag] != "channel":
            raise NotPlain
        outer = root[0]
        refuse_cdf(outer)
        language = language_of(outer, language)
    elif kind not in {"feed", "rdf_rdf"}:
        raise NotPlain
    entries = []
    for el in outer:
        name = names[el.tag]
        if name in {"item", "entry"}:
            entries.append(Entry(el, names, language, after_content=frame.has_content))
            frame.has_content = False
        elif kind == "rdf_rdf" and name == "channel":
            refuse_cdf(el)
            for sub in el:
                frame.take(sub)
        else:
            frame.take(el, counts=kind != "rdf_rdf")
    return [entry.raw(frame.language) for entry in entries]


class _Frame:
    """What stands around the entries, as far as it has a bearing on them."""

    def __init__(self, names: Names, language: str) -> None:
        self.language = language
        self.has_content = False  # which feedparser forgets only at the end of an entry
        self._has_summary = False
        self._names = names

    def take(self, el: ET.Element, *, counts: bool = True) -> None:
        """Check an element that belongs to no entry, and note what it says if it counts for the feed."""
        for sub in el.iter():
            name = self._names[sub.tag]
            rule = RULES.get(name)
            if name in _NOT_OUTSIDE or (len(sub) and rule in HOLD_MARKUP):
                raise NotPlain
            if sub is el and counts:
                continue
            if name in LANGUAGES or name in _SUMMARIES or rule is Entry.content:
                raise NotPlain
            if rule is Entry.summary and self._has_summary:
                raise NotPlain
        if counts:
            self._note(el, self._names[el.tag])

    def _note(self, el: ET.Element, name: str) -> None:
        rule = RULES.get(name)
        if name in LANGUAGES:
            self.language = text_of(el)
        elif rule is Entry.content or (rule is Entry.summary and self._has_summary):
            self.has_content = self._has_summary = True
        elif name in _SUMMARIES:
            self._has_summary = True
