"""A full EDGAR submission as its documents: the SGML around them, from the 1990s to now.

Owns decoding, the bounds on what is looked at, and which documents can be read at all. Does not know what
a document says. Source of the shapes: EDGAR Public Dissemination Service Technical Specification (SEC).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

MAX_SUBMISSION_BYTES = 16 * 1024 * 1024
"""Main document and exhibits stand first; what lies behind this is data files and pictures."""
MAX_DOCUMENTS = 200
_HEAD_CHARS = 2_000

_DOCUMENT = re.compile(r"^[ \t]*<DOCUMENT>", re.MULTILINE | re.IGNORECASE)
_DOCUMENT_END = re.compile(r"</DOCUMENT>", re.IGNORECASE)
_FIELD = re.compile(r"^[ \t]*<(TYPE|SEQUENCE|FILENAME|DESCRIPTION)>[ \t]*([^\r\n<]{0,300})", re.MULTILINE)
_TEXT = re.compile(r"^[ \t]*<TEXT>[ \t]*\r?\n?", re.MULTILINE | re.IGNORECASE)
_TEXT_END = re.compile(r"</TEXT>\s*\Z", re.IGNORECASE)
_HEADER_FORM = re.compile(r"^CONFORMED SUBMISSION TYPE:[ \t]*([^\r\n]{1,40})", re.MULTILINE)
_HEADER_ONLY = re.compile(
    r"\s*(?:-----BEGIN PRIVACY|<(?:SEC-DOCUMENT|IMS-DOCUMENT|SEC-HEADER|IMS-HEADER|ACCEPTANCE-DATETIME)>)"
    r"|\s*<html><head><title>SEC EDGAR Submission",
    re.IGNORECASE,
)
# Pictures, archives and data come as text too: uuencoded, or as tables of XBRL.
_UNREADABLE_TYPE = re.compile(
    r"GRAPHIC|ZIP|EXCEL|PDF|JSON|XML\b|EX-10[14]|EX-100|.*\.(?:INS|SCH|CAL|DEF|LAB|PRE)$"
)
_UNREADABLE_NAME = re.compile(
    r".*\.(?:jpe?g|gif|png|bmp|tiff?|pdf|zip|xlsx?|xsd|json|css|js)$", re.IGNORECASE
)
_UNREADABLE_TEXT = re.compile(r"\s*(?:<PDF>|begin [0-7]{3,4} |%PDF-|PK\x03\x04)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a submission; ``text`` is its markup."""

    type: str
    name: str = ""
    description: str = ""
    text: str

    @property
    def is_exhibit(self) -> bool:
        """Return whether it is an exhibit."""
        return self.type.startswith("EX-")


def decode(body: bytes) -> str:
    """Return the text of a submission, UTF-8 or what Windows wrote; never fails, a cut body included."""
    body = body[:MAX_SUBMISSION_BYTES]
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def split_submission(text: str) -> tuple[str, list[Document]]:
    """Return the form that the header names ("" if none) and the documents that can be read, in order.

    A text that is no submission is one document without a type; a header without documents is none.
    """
    starts = []
    for match in _DOCUMENT.finditer(text):
        starts.append(match)
        if len(starts) > MAX_DOCUMENTS:
            break
    head = text[: starts[0].start() if starts else _HEAD_CHARS]
    named = _HEADER_FORM.search(head[:20_000])
    form = named[1].strip().upper() if named else ""
    if not starts:
        return form, [] if _HEADER_ONLY.match(text) else [Document(type="", text=text)]
    ends = [match.start() for match in starts[1:]] + [len(text)]
    # Beyond the bound the last start only ends the document before it.
    spans = list(zip(starts, ends, strict=True))[:MAX_DOCUMENTS]
    documents = [_document(text[start.end() : end]) for start, end in spans]
    return form, [document for document in documents if _is_readable(document)]


def _document(source: str) -> Document:
    end = _DOCUMENT_END.search(source)
    source = source[: end.start()] if end else source
    begin = _TEXT.search(source, 0, _HEAD_CHARS)
    head = source[: begin.start() if begin else _HEAD_CHARS]
    fields = {name: value.strip() for name, value in _FIELD.findall(head)}
    if begin:
        body = source[begin.end() :]
    else:
        last = max((match.end() for match in _FIELD.finditer(head)), default=0)
        body = source[last:]
    return Document(
        type=fields.get("TYPE", "").upper(),
        name=fields.get("FILENAME", ""),
        description=fields.get("DESCRIPTION", ""),
        text=_without_end(body),
    )


def _without_end(body: str) -> str:
    # Only the tail is searched: white space at the end would else be tried from each of its letters.
    tail = body.rstrip()[-20:]
    match = _TEXT_END.search(tail)
    return body.rstrip()[: -len(tail) + match.start()] if match else body


def _is_readable(document: Document) -> bool:
    return not (
        _UNREADABLE_TYPE.match(document.type)
        or _UNREADABLE_NAME.match(document.name)
        or _UNREADABLE_TEXT.match(document.text, 0, 200)
    )
