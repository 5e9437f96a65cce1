"""What feedparser takes from the elements of one entry, for feeds that are well-formed.

Owns its rules for which of several titles, links, summaries or dates counts, and which elements are left to
itself. Each rule is a method of ``Entry`` with the element, its depth and the language around it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalyst_ray.core.assemble import RawEntry
from catalyst_ray.core.feed_names import (
    SPECIAL,
    USURPERS,
    Names,
    NotPlain,
    address_of,
    attributes_of,
    language_of,
    markup_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree import ElementTree as ET

    _Rule = Callable[["Entry", ET.Element, int, str], None]
    _Tag = tuple[str | None, str | None, str | None]

MAX_DEPTH = 12
LANGUAGES = frozenset({"language", "dc_language"})

_HTML_TYPES = frozenset({"html", "text/html", "xhtml", "application/xhtml+xml"})
_REFERENCE = re.compile(r"&([A-Za-z0-9_]+);")


def refuse_cdf(el: ET.Element) -> None:
    """Decline what may be in the Channel Definition Format."""
    attributes = attributes_of(el)
    if "href" in attributes or "lastmod" in attributes:
        raise NotPlain


class Entry:
    """What feedparser would keep of an entry, and the state by which it chooses."""

    def __init__(self, el: ET.Element, names: Names, language: str, *, after_content: bool) -> None:
        refuse_cdf(el)
        about = attributes_of(el).get("rdf:about")
        self._kept: dict[str, str] = {"id": about} if about else {}
        self._depths: dict[str, int] = {}
        self._names = names
        self._first_link: str | None = None
        self._contents: list[str] = []
        self._has_content = after_content
        self._tags: list[_Tag] = []
        self._known_tags: set[_Tag] = set()
        self._title_depth = -1
        self._title_language = ""
        self._publisher = ""
        self._walk(el, 1, language_of(el, language))

    def raw(self, feed_language: str) -> RawEntry:
        """Return the entry; ``feed_language`` is for one that states none."""
        kept = self._kept.get
        link = kept("link", "")
        identifier = kept("dc_identifier") or kept("identifier")
        return RawEntry(
            title=kept("title", ""),
            summary=kept("summary") or next((text for text in self._contents if text), ""),
            link=link or self._first_link or "",
            guid=kept("id", ""),
            published=kept("published") or kept("updated") or kept("created", ""),
            categories=tuple(tag[0] or "" for tag in self._tags),
            language=kept("language") or self._title_language or feed_language,
            aliases=(f"gnw:{identifier}",) if identifier and "globenewswire" in link.lower() else (),
            publisher=self._publisher,
        )

    def _walk(self, parent: ET.Element, depth: int, language: str) -> None:
        if depth > MAX_DEPTH:
            raise NotPlain
        for el in parent:
            rule = RULES.get(self._names[el.tag])
            if rule is not None:
                rule(self, el, depth, language)
            elif len(el):
                self._walk(el, depth + 1, language_of(el, language))

    def keep(self, name: str, text: str, depth: int) -> None:
        """Keep the last text of a name among those least deep."""
        if depth <= self._depths.get(name, depth):
            self._depths[name] = depth
            self._kept[name] = text

    def title(self, el: ET.Element, depth: int, language: str) -> None:
        """Keep a title, unless one as high or higher was kept before."""
        text = markup_of(el)
        if not -1 < self._title_depth <= depth:
            self.keep("title", text, depth)
            self._title_language = language_of(el, language).replace("_", "-")
        if text and self._names[el.tag] != "media_title":
            self._title_depth = depth

    def summary(self, el: ET.Element, depth: int, language: str) -> None:
        """Keep a description; a second one counts as content."""
        if "summary" in self._kept and not self._has_content:
            self.content(el, depth, language)
        else:
            self.keep("summary", markup_of(el), depth)

    def abstract(self, el: ET.Element, depth: int, _language: str) -> None:
        """Keep a description, whatever came before."""
        self.keep("summary", markup_of(el), depth)

    def content(self, el: ET.Element, _depth: int, _language: str) -> None:
        """Keep a content, which is also the summary while there is none."""
        text = markup_of(el)
        self._has_content = True
        self._contents.append(text)
        self._kept.setdefault("summary", text)

    def link(self, el: ET.Element, _depth: int, _language: str) -> None:
        """Keep the last link to a page; the first alternate is a stopgap."""
        if len(el):
            raise NotPlain
        attributes = attributes_of(el)
        relation = attributes.get("rel", "alternate")
        url = next((attributes[name] for name in ("url", "uri", "href") if name in attributes), None)
        if url or "href" in attributes:
            url = address_of(url or attributes["href"])
            if relation == "alternate" and attributes.get("type", "text/html") in _HTML_TYPES:
                self._kept["link"] = url
        else:
            url = _REFERENCE.sub(r"&\1", text_of(el, address=True).replace("&amp;", "&"))
            self._kept["link"] = url
        if relation == "alternate" and self._first_link is None:
            self._first_link = url

    def identity(self, el: ET.Element, depth: int, _language: str) -> None:
        """Keep an identifier, which is also the link while there is none and it is not said to be none."""
        permalink = attributes_of(el).get("ispermalink", "true") == "true"
        text = text_of(el, address=permalink)
        self.keep("id", text, depth)
        if permalink:
            self._kept.setdefault("link", text)

    def identifier(self, el: ET.Element, depth: int, _language: str) -> None:
        """Keep a Dublin Core identifier; feedparser drops the text of one with attributes."""
        if el.attrib:
            self._kept[self._names[el.tag]] = ""
        else:
            self.keep(self._names[el.tag], text_of(el), depth)

    def category(self, el: ET.Element, _depth: int, _language: str) -> None:
        """Keep a category: its term, or its text as the term."""
        attributes = attributes_of(el)
        scheme = attributes.get("scheme", attributes.get("domain"))
        if self._names[el.tag] == "media_category":
            scheme = attributes.get("scheme", "http://search.yahoo.com/mrss/category_schema")
        self._tag(attributes.get("term"), scheme, attributes.get("label"))
        text = text_of(el)
        if text and self._tags and not self._tags[-1][0]:
            unnamed = self._tags.pop()
            self._known_tags.discard(unnamed)
            self._tags.append((text, unnamed[1], unnamed[2]))
            self._known_tags.add(self._tags[-1])
        elif text:
            self._tag(text, None, None)

    def keywords(self, el: ET.Element, _depth: int, _language: str) -> None:
        """Keep each of the words between commas as a category."""
        if el.attrib:
            raise NotPlain
        scheme = "http://www.itunes.com/" if self._names[el.tag] == "itunes_keywords" else None
        for word in text_of(el).split(","):
            if word.strip():
                self._tag(word.strip(), scheme, None)

    def _tag(self, term: str | None, scheme: str | None, label: str | None) -> None:
        tag = (term, scheme, label)
        if any(tag) and tag not in self._known_tags:
            self._tags.append(tag)
            self._known_tags.add(tag)

    def source(self, el: ET.Element, _depth: int, _language: str) -> None:
        """Keep the publisher that an entry was taken from."""
        self._publisher = text_of(el)
        self._title_depth = -1

    def image(self, el: ET.Element, _depth: int, _language: str) -> None:
        """Pass over a picture; what stands in it may not count for the entry."""
        if any(self._names[sub.tag] in RULES for sub in el.iter() if sub is not el):
            raise NotPlain
        self._title_depth = -1

    def ignored(self, el: ET.Element, _depth: int, _language: str) -> None:
        """Pass over a text that we do not read."""
        if len(el):
            raise NotPlain

    def declined(self, _el: ET.Element, _depth: int, _language: str) -> None:
        """Leave the feed to feedparser."""
        raise NotPlain


def _kept_as(name: str) -> _Rule:
    def rule(entry: Entry, el: ET.Element, depth: int, _language: str) -> None:
        entry.keep(name, text_of(el), depth)

    return rule


# Names with a rule in feedparser that changes nothing we read, wherever they stand in an entry.
_HARMLESS = frozenset(
    {
        *("cc_license", "cloud", "contributor", "dc_contributor", "dcterms_valid", "email", "enclosure"),
        *("expirationdate", "generator", "height", "homepage", "itunes_block", "itunes_email"),
        *("itunes_explicit", "itunes_image", "itunes_link", "itunes_name", "media_content", "media_credit"),
        *("media_group", "media_license", "media_player", "media_rating", "media_restriction"),
        *("media_thumbnail", "name", "newlocation", "uri", "url", "width"),
    }
)
RULES: dict[str, _Rule] = {
    **dict.fromkeys((SPECIAL - _HARMLESS) | USURPERS, Entry.declined),
    **dict.fromkeys(("title", "dc_title", "media_title"), Entry.title),
    **dict.fromkeys(
        ("description", "dc_description", "media_description", "summary", "itunes_summary"), Entry.summary
    ),
    "abstract": Entry.abstract,
    **dict.fromkeys(("content", "content_encoded", "fullitem"), Entry.content),
    "link": Entry.link,
    **dict.fromkeys(("guid", "id"), Entry.identity),
    **dict.fromkeys(("identifier", "dc_identifier"), Entry.identifier),
    **dict.fromkeys(("published", "issued", "pubdate", "dcterms_issued"), _kept_as("published")),
    **dict.fromkeys(
        ("updated", "modified", "lastbuilddate", "dc_date", "dcterms_modified"), _kept_as("updated")
    ),
    **dict.fromkeys(("created", "dcterms_created"), _kept_as("created")),
    **dict.fromkeys(LANGUAGES, _kept_as("language")),
    **dict.fromkeys(("category", "keywords", "dc_subject", "media_category"), Entry.category),
    **dict.fromkeys(("media_keywords", "itunes_keywords"), Entry.keywords),
    "source": Entry.source,
    "image": Entry.image,
    **dict.fromkeys(
        (
            *("copyright", "dc_rights", "feedburner_browserfriendly", "info", "itunes_subtitle", "rights"),
            *("subtitle", "tagline"),
        ),
        Entry.ignored,
    ),
}
HOLD_MARKUP = {Entry.title, Entry.summary, Entry.abstract, Entry.content, Entry.ignored}
