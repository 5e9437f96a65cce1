"""Renders the demo's full EDGAR submissions: header, main document, press release, a picture.

The shapes are EDGAR's own: SGML around documents, HTML of a word processor with an inline XBRL header, and XML for
Schedules 13D and 13G. Pure: facts come in, text goes out.
"""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from catalyst_ray.core.market_hours import EASTERN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalyst_ray.demo.items import FilingFacts
    from catalyst_ray.demo.wires import Published

_BETWEEN_CELLS = re.compile(r"\s*\|\s*")
_INVENTED = "An invented filing from the catalyst_ray demo world."
_HIDDEN_HEADER = (
    '<div style="display:none"><ix:header><ix:hidden><ix:nonNumeric name="dei:AmendmentFlag">false'
    "</ix:nonNumeric></ix:hidden></ix:header></div>"
)
_PICTURE = "begin 644 logo.jpg\nM_]C_X  02D9)1@ ! 0$ 8 !@  #_VP!#  @&!@<&!0@'!P<)\n \nend\n"


def submission(entry: Published, filing: FilingFacts) -> str:
    """Return the full submission text of a filing."""
    main = filing.main or entry.item.paragraphs
    documents = [(filing.form, _main(filing, main))]
    if filing.release:
        documents.append(("EX-99.1", _html(("Exhibit 99.1", *filing.release))))
    documents.append(("GRAPHIC", _PICTURE))
    when = (entry.when_utc or entry.released_utc).astimezone(EASTERN)
    head = (
        f"<SEC-DOCUMENT>{filing.accession}.txt : {when:%Y%m%d}\n<SEC-HEADER>{filing.accession}.hdr.sgml : {when:%Y%m%d}\n"
        f"<ACCEPTANCE-DATETIME>{when:%Y%m%d%H%M%S}\nACCESSION NUMBER:\t\t{filing.accession}\n"
        f"CONFORMED SUBMISSION TYPE:\t{filing.form}\nPUBLIC DOCUMENT COUNT:\t\t{len(documents)}\n\nFILER:\n\n"
        f"\tCOMPANY CONFORMED NAME:\t\t{filing.parties[0].name}\n</SEC-HEADER>\n"
    )
    parts = [head]
    for number, (kind, text) in enumerate(documents, start=1):
        parts.append(
            f"<DOCUMENT>\n<TYPE>{kind}\n<SEQUENCE>{number}\n<DESCRIPTION>{kind}\n<TEXT>\n{text}</TEXT>\n</DOCUMENT>\n"
        )
    return "".join(parts) + "</SEC-DOCUMENT>\n"


def _main(filing: FilingFacts, paragraphs: Sequence[str]) -> str:
    if filing.form.startswith("SCHEDULE") and filing.main:
        return _xml(filing, paragraphs)
    if not filing.form.startswith("8-K"):
        return _html(paragraphs)
    cover = (
        "UNITED STATES",
        "SECURITIES AND EXCHANGE COMMISSION",
        "FORM 8-K",
        "CURRENT REPORT",
        filing.parties[0].name,
        "(Exact name of registrant as specified in its charter)",
        "Check the appropriate box below if the Form 8-K filing is intended to satisfy another filing obligation:",
        "☐ | Written communications pursuant to Rule 425 under the Securities Act",
        "Emerging growth company ☐",
    )
    return _html((*cover, *paragraphs, "SIGNATURES", _INVENTED))


def _html(paragraphs: Sequence[str]) -> str:
    blocks = "".join(_blocks(paragraphs))
    return f"<html><head><title>demo</title></head><body>\n{_HIDDEN_HEADER}\n{blocks}<!-- {_INVENTED} -->\n</body></html>\n"


def _blocks(paragraphs: Sequence[str]) -> Iterator[str]:
    for is_table, group in groupby(paragraphs, key=_is_row):
        if is_table:
            rows = "".join(f"<tr>{''.join(map(_cell, _BETWEEN_CELLS.split(row)))}</tr>\n" for row in group)
            yield f'<table cellpadding="0">\n{rows}</table>\n'
        else:
            yield from map(_paragraph, group)


def _is_row(paragraph: str) -> bool:
    return "|" in paragraph


def _cell(text: str) -> str:
    return f'<td style="text-align:left"><p>{escape(text, quote=False)}</p></td>'


def _paragraph(text: str) -> str:
    shown = escape(text, quote=False)
    if text.startswith("Item "):
        shown = f"<b>{shown.replace('Item ', 'Item&#160;', 1)}</b>"
    return f'<p style="margin:0pt">{shown}</p>\n'


def _xml(filing: FilingFacts, rows: Sequence[str]) -> str:
    elements = []
    for row in rows:
        path, value = _BETWEEN_CELLS.split(row, maxsplit=1)
        names = path.split("/")
        opening = "".join(f"<{name}>" for name in names)
        closing = "".join(f"</{name}>" for name in reversed(names))
        elements.append(f"{opening}{escape(value, quote=False)}{closing}\n")
    return (
        '<XML>\n<?xml version="1.0" encoding="UTF-8"?>\n<edgarSubmission>\n'
        f"<headerData><submissionType>{filing.form}</submissionType></headerData>\n<formData>\n"
        f"{''.join(elements)}</formData>\n<!-- {_INVENTED} -->\n</edgarSubmission>\n</XML>\n"
    )
