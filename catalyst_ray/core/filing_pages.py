"""A filing's document as lines of plain text: HTML of every age, or text wrapped at 80 columns.

Owns what is seen and what is not (hidden inline XBRL, scripts, comments), rows of tables on one line with
" | " between cells, and paragraphs joined. Reads markup with one pass over its tokens, not as a tree: time
and memory are linear however deep or broken it is. Does not know what a filing is.
"""

from __future__ import annotations

import html
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from catalyst_ray.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PAGE_CHARS = 4 * 1024 * 1024
_LAYOUT_CHARS = 1_500
"""A row longer than this is a page laid out with a table, not a row of figures."""
_WRAPPED_CHARS = 45
"""A line of wrapped text that goes on is at least this long."""

_IS_HTML = re.compile(r"<(?:html|body|div|p|br|font|span|td)\b[^<>]{0,2000}>", re.IGNORECASE)
# Possessive quantifiers: no token is tried twice, so that a tag without an end costs one look ahead.
_TOKEN = re.compile(r"<(?:(/?+)([a-zA-Z][\w:.-]*+)([^<>]*+)>|!--|[?!][^<>]*+>)|[^<]++|<")
_UNSEEN = {"script", "style", "title", "ix:header", "ix:hidden", "pre"}
_BLOCK_NAMES = (
    "p div h1 h2 h3 h4 h5 h6 li ul ol center blockquote hr br dl dt dd address section article header footer"
    " body html form caption page table tbody thead tfoot tr"
)
_HIDING_NAMES = "div span font p td tr th li table section b i u"
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CAN_HIDE = frozenset(_HIDING_NAMES.split())
_SELF_ENDING = frozenset({"p", "td", "tr", "th", "li"})
_HIDDEN = re.compile(
    r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden|\shidden(?:[\s=/]|$)"
    r"|(?:font-size|opacity)\s{0,9}:\s{0,9}0(?![.\d]{0,9}[1-9])",
    re.IGNORECASE,
)
_MONEY = frozenset({"$", "(", "$(", "US$", "C$", "€", "£"})
_BEFORE = _MONEY | frozenset({"•", "●", "·", "○", "▪", "■", "-", "–", "—", "o", "*"})
_AFTER = frozenset({")", "%", ")%", "%)", "*"})
_SGML = re.compile(r"</?(?:PAGE|TABLE|S|C|CAPTION|FN|F\d{1,2}|XBRL|XML)>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*+>")
_GAP = re.compile(r"(?<=\S)[ \t]{4,}+(?=\S)")
_ITEM_START = re.compile(r"\s*items?\s*\d", re.IGNORECASE)
_RULE = re.compile(r"[\W_]*")


def page_lines(markup: str) -> list[str]:
    """Return the lines that a reader sees, in order, without empty ones and rules.

    Only the first ``MAX_PAGE_CHARS`` characters are read.
    """
    markup = markup[:MAX_PAGE_CHARS]
    lines = _HtmlPage(markup).lines() if _IS_HTML.search(markup, 0, 200_000) else _wrapped_lines(markup)
    return [line for line in lines if not _RULE.fullmatch(line) or "☐" in line or "☒" in line]


class _HtmlPage:
    """One pass over the tokens of a page."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._lines: list[str] = []
        self._words: list[str] = []
        self._row: list[list[str]] | None = None
        self._hiding = ""
        self._depth = 0
        self._endless: set[str] = set()

    def lines(self) -> list[str]:
        """Return the page's lines."""
        at, end = 0, len(self._markup)
        while at < end:
            token = _TOKEN.match(self._markup, at)
            if token is None:
                break
            at = token.end()
            if token[2]:
                at = self._tag(token[2].lower(), token[3], at, is_end=bool(token[1]))
            elif token[0] == "<!--":
                at = self._after("-->", at)
            elif not self._hiding and not token[0].startswith(("<?", "<!")):
                self._words.append(token[0])
        self._end_row()
        return self._lines

    def _tag(self, name: str, rest: str, at: int, *, is_end: bool) -> int:
        """Take one tag and return where to go on."""
        is_empty = rest.endswith("/")
        if name in _UNSEEN:
            return at if is_end or is_empty else self._unseen(name, at)
        if self._hiding:
            self._hidden_tag(name, is_end=is_end, is_empty=is_empty)
            if self._hiding:
                return at
        if not is_end and not is_empty and name in _CAN_HIDE and _HIDDEN.search(rest):
            self._hiding, self._depth = name, 1
            return at
        self._shown_tag(name, is_end=is_end)
        return at

    def _hidden_tag(self, name: str, *, is_end: bool, is_empty: bool) -> None:
        if name != self._hiding or is_empty:
            return
        if is_end or name in _SELF_ENDING:
            self._depth -= 1
        else:
            self._depth += 1
        if self._depth == 0:
            self._hiding = ""

    def _shown_tag(self, name: str, *, is_end: bool) -> None:
        if name in {"td", "th"}:
            self._end_line()
            if not is_end:
                if self._row is None:
                    self._row = []
                self._row.append([])
        elif name in {"tr", "table"}:
            self._end_row()
        elif name in _BLOCKS:
            self._end_line()

    def _unseen(self, name: str, at: int) -> int:
        """Skip an element whose content is no text of the page, or is text of another kind."""
        if name in self._endless:
            return at
        end = re.compile(rf"</{name}\b[^<>]*+>", re.IGNORECASE).search(self._markup, at)
        if end is None:
            self._endless.add(name)
        if name == "pre":
            stop = end.start() if end else len(self._markup)
            if not self._hiding:
                self._end_row()
                self._lines += _wrapped_lines(html.unescape(_ANY_TAG.sub("", self._markup[at:stop])))
            return end.end() if end else stop
        if end is None:
            return len(self._markup) if name in {"script", "style"} else at
        return end.end()

    def _after(self, mark: str, at: int) -> int:
        if mark not in self._endless:
            end = self._markup.find(mark, at)
            if end >= 0:
                return end + len(mark)
            # Looked for once: a thousand open comments must not cost a thousand looks.
            self._endless.add(mark)
        end = self._markup.find(">", at)
        return end + 1 if end >= 0 else len(self._markup)

    def _end_line(self) -> None:
        if not self._words:
            return
        line = one_line(html.unescape("".join(self._words)))
        self._words.clear()
        if not line:
            return
        if self._row:
            self._row[-1].append(line)
        else:
            self._lines.append(line)

    def _end_row(self) -> None:
        self._end_line()
        row, self._row = self._row, None
        cells = [cell for cell in row or () if cell]
        if len(cells) == 1:
            self._lines += cells[0]
        elif sum(len(line) for cell in cells for line in cell) <= _LAYOUT_CHARS:
            self._lines += _joined(" ".join(cell) for cell in cells)
        else:
            self._lines += _joined(cell[0] for cell in cells)
            self._lines += [line for cell in cells for line in cell[1:]]


def _joined(cells: Iterable[str]) -> list[str]:
    """Return a row as one line; a dollar or per-cent sign in a cell of its own goes to its figure."""
    parts: list[str] = []
    glue = ""
    for cell in cells:
        if cell in _BEFORE:
            glue += cell if cell in _MONEY else f"{cell} "
        elif cell in _AFTER and parts and not glue:
            parts[-1] += cell
        else:
            parts.append(glue + cell)
            glue = ""
    if glue.strip():
        parts.append(glue.strip())
    return [" | ".join(parts)] if parts else []


def _wrapped_lines(text: str) -> list[str]:
    """Return text wrapped by hand as one line a paragraph, and gaps between columns as cells."""
    lines: list[str] = []
    goes_on = False
    for raw in _single_spaced(_SGML.sub("", text).expandtabs(8).splitlines()):
        line = one_line(_GAP.sub(" | ", raw.strip()))
        is_row = " | " in line
        if not line or _RULE.fullmatch(line):
            # A rule under a heading ends it; the edge of a page does not end a paragraph, but nothing tells.
            goes_on = False
            continue
        if goes_on and not is_row and not _ITEM_START.match(line):
            lines[-1] += " " + line
        else:
            lines.append(line)
        goes_on = not is_row and len(line) >= _WRAPPED_CHARS
    return lines


def _single_spaced(lines: list[str]) -> list[str]:
    """Return the lines without the empty line after each one that some old copies have."""
    empty = [not line.strip() for line in lines]
    touching = sum(not a and not b for a, b in pairwise(empty))
    if touching * 20 > len(lines) or sum(empty) * 5 < len(lines) * 2:
        return lines
    kept: list[str] = []
    skipped = False
    for line, is_empty in zip(lines, empty, strict=True):
        if is_empty and not skipped:
            skipped = True
            continue
        kept.append(line)
        skipped = False
    return kept
