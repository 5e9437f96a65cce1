"""What the tags, attributes and texts of well-formed XML mean to feedparser.

Owns feedparser's names of tags and attributes, which of them it treats in a way of their own, and the
mending of texts. Whatever could mean different things in different places is declined with ``NotPlain``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedparser.mixin import _FeedParserMixin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree import ElementTree as ET

_STANDARD: Mapping[str, str] = {
    uri.lower(): prefix.lower() for uri, prefix in _FeedParserMixin.namespaces.items()
}
_STANDARD_PREFIXES = frozenset(_STANDARD.values())
SPECIAL = frozenset(
    name.split("_", 2)[2] for name in dir(_FeedParserMixin) if name.startswith(("_start_", "_end_"))
)
"""Names for which feedparser has a rule of their own; of all others it only keeps the text."""
USURPERS = frozenset({"date", "links", "title_detail", "generator_detail"})
"""Ordinary names under which it would overwrite what it keeps of others."""
_READ_ATTRIBUTES = frozenset(
    {
        *("domain", "href", "ispermalink", "label", "lang", "lastmod", "mode", "rel", "scheme", "term"),
        *("type", "uri", "url"),
    }
)
_TEXT_TYPES = frozenset({"text", "plain", "html", "text/plain", "text/html"})
_EXTRA_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+,\-.]*://)/+")
_WINDOWS = {code: text for code in range(128, 160) if (text := bytes([code]).decode("cp1252", "ignore"))}


class NotPlain(Exception):
    """The feed holds something that is left to feedparser."""


class Names(dict[str, str]):
    """feedparser's name of each tag: the usual prefix of its namespace, an underscore, the rest."""

    def __init__(self, declared: Iterable[tuple[str, str]]) -> None:
        """Take the feed's namespaces as (prefix, address), in their order.

        Raises:
            NotPlain: A prefix or an address is bound twice, or to what is usually another's.
        """
        self._unknown: dict[str, str] = {}
        bound: dict[str, str] = {}
        usual: set[str] = set()
        misused: set[str] = set()
        for prefix, uri in declared:
            standard = _usual_prefix(uri)
            if standard is None:
                first = self._unknown.setdefault(uri, prefix)  # also names the tags of later prefixes
                if uri.split() != [uri] or bool(first) != bool(prefix) or prefix == "rdf":
                    raise NotPlain
            else:
                usual.add(standard)
            # Where its usual owner comes too, feedparser's name for the other depends on which came last.
            if prefix in _STANDARD_PREFIXES and prefix != standard:
                misused.add(prefix)
            if prefix and bound.setdefault(prefix.lower(), uri) != uri:
                raise NotPlain
        if misused & usual or "xlink" in usual:
            raise NotPlain

    def __missing__(self, tag: str) -> str:
        uri, _, local = tag.rpartition("}")
        prefix = _usual_prefix(uri[1:])
        if prefix is None:
            prefix = self._unknown.get(uri[1:], "")
        name = f"{prefix}_{local}".lower() if prefix else local.lower()
        self[tag] = name
        return name


def _usual_prefix(uri: str) -> str | None:
    uri = uri.lower()
    return "" if "backend.userland.com/rss" in uri else _STANDARD.get(uri)


def attributes_of(el: ET.Element) -> dict[str, str]:
    """Return an element's attributes by feedparser's names."""
    found = {}
    for tag, value in el.items():
        key = tag.lower()
        if key[0] == "{":
            uri, _, key = key[1:].rpartition("}")
            prefix = _STANDARD.get(uri)
            if not prefix and key in _READ_ATTRIBUTES:
                raise NotPlain  # feedparser would take it for the attribute without namespace
            key = f"{prefix}:{key}"
        found[key] = value.lower() if key in {"rel", "type"} else value
    return found


def language_of(el: ET.Element, inherited: str) -> str:
    """Return the language that an element is in; "" for none."""
    if not el.keys():
        return inherited
    attributes = attributes_of(el)
    return attributes.get("xml:lang", attributes.get("lang", inherited))


def text_of(el: ET.Element, *, address: bool = False) -> str:
    """Return an element's text, mended; an address also without the slashes that are too many."""
    if len(el):
        raise NotPlain
    text = (el.text or "").strip()
    if address:
        text = address_of(text)
    return text if text.isascii() else _mended(text)


def address_of(url: str) -> str:
    """Return an address as feedparser has it: without the slashes that are too many."""
    return _EXTRA_SLASHES.sub(r"\1", url) if ":///" in url else url


def _mended(text: str) -> str:
    try:
        text = text.encode("iso-8859-1").decode("utf-8")  # UTF-8 that was taken for Latin-1 and encoded again
    except UnicodeError:
        return text.translate(_WINDOWS)
    return text.translate(_WINDOWS)


def markup_of(el: ET.Element) -> str:
    """Return the text of an element that may hold escaped HTML."""
    attributes = attributes_of(el)
    if attributes.get("type", "text") not in _TEXT_TYPES or attributes.get("mode") == "base64":
        raise NotPlain
    return text_of(el)
