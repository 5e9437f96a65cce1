"""Plain text from what feeds carry, and the normal forms by which texts and addresses are compared.

Owns: HTML to text, cleaning of characters, canonical URLs, normal titles. Does not judge: what two equal
normal forms mean is decided in ``identity`` and ``dedupe``. Every function takes any string, never
raises, and needs time linear in its (bounded) input.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_HTML_CHARS = 100_000
MAX_URL_CHARS = 4_096

# Never wanted in text: controls, lone surrogates (JSON can hold them, UTF-8 cannot), soft hyphen, marks that
# reorder or hide what follows, and the tag characters in which instructions for a model are smuggled.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Also without a shape of their own, but part of emoji and of some scripts: dropped only for comparing.
_SHAPELESS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0]"
)

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|<!\[CDATA\[")
_STRAY_LESS = re.compile(r"<(?!/?[a-zA-Z][^<>]*>|!--)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|br|caption|center|dd|div|dl|dt|figcaption|figure|footer|form|h[1-6]"
    r"|header|hr|li|main|nav|ol|option|p|pre|section|table|tbody|tfoot|thead|tr|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_CELL = re.compile(r"</?t[dh]\b[^<>]*>", re.IGNORECASE)
_MAYBE_UNSEEN = re.compile(
    r"<(?:script|style|template|noscript|iframe|object|svg|math|head|title|textarea|select|button)\b|hidden|style\s*=|color\s*=",
    re.IGNORECASE,
)
_UNSEEN_TAGS = (
    "script,style,template,noscript,iframe,object,svg,math,head,title,textarea,select,button,"
    '[hidden],[aria-hidden="true"]'
)
_UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?![.\d]*[1-9])"
    r"|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_WHITE = r"(?:white|#fff(?:fff)?|rgba?\(\s*255\s*,\s*255\s*,\s*255\b[^)]*\)|transparent)\s*(?:!important\s*)?"
_WHITE_STYLE = re.compile(rf"(?:^|;)\s*color\s*:\s*{_WHITE}(?:;|$)", re.IGNORECASE)
_WHITE_FONT = re.compile(rf"\s*{_WHITE}", re.IGNORECASE)
_GROUND = re.compile(rf"background(?:-color)?\s*:\s*(?!{_WHITE}|none|inherit|initial)\w*", re.IGNORECASE)


# Markup so plain that nothing in it can be hidden, moved or cut: what is left without it is the text.
_ATTRIBUTES = r"(?:\s+(?!style|hidden|aria|color)[a-zA-Z-]+=(?:\"[^\"<>]*\"|'[^'<>]*'))*\s*/?>"
_CUT_ENTITY = re.compile(r"&[#\w]*<")
_PLAIN_BLOCK = re.compile(rf"</?(?:br|div|h[1-6]|hr|li|ol|p|ul){_ATTRIBUTES}", re.IGNORECASE)
_PLAIN_INLINE = re.compile(
    rf"</?(?:a|b|em|font|i|img|small|span|strong|sub|sup|u){_ATTRIBUTES}", re.IGNORECASE
)


def html_to_text(markup: str, *, limit: int = MAX_HTML_CHARS) -> str:
    """Return what a reader of the page would see, one line a block, without empty lines.

    Text without tags only has its entities decoded, so "P<Q" and "5 < 6" stay. Scripts, styles and hidden
    elements are dropped. Only the first ``limit`` characters are read.
    """
    if len(markup) > limit:
        markup = markup[:limit]
        if markup.rfind("<") > markup.rfind(">"):
            markup = markup[: markup.rfind("<")]  # a tag cut in two is no text
    if "<" in markup and _TAG.search(markup):
        markup = _visible(markup)
    elif "&" in markup and _ENTITY.search(markup):
        markup = html.unescape(markup)
    markup = _wanted(markup)
    if "\n" not in markup and "\r" not in markup:
        return " ".join(markup.split())
    lines = (" ".join(line.split()) for line in markup.splitlines())
    return "\n".join(line for line in lines if line)


def _visible(markup: str) -> str:
    source = " ".join(markup.replace("<![CDATA[", " ").replace("]]>", " ").split())
    if not _CUT_ENTITY.search(source):
        text = _PLAIN_INLINE.sub("", _PLAIN_BLOCK.sub("\n", source))
        if "<" not in text:
            return html.unescape(text)
    source = _STRAY_LESS.sub("&lt;", source)
    source = _CELL.sub(r" \g<0> ", _BLOCK.sub(r"\n\g<0>\n", source))
    # Text between bare rows or cells would be moved out of the table; in the body nothing moves.
    body = LexborHTMLParser(f"<body>{source}").body
    if body is None:
        return ""
    if _MAYBE_UNSEEN.search(source):
        for node in body.css(_UNSEEN_TAGS):
            node.decompose()
        for node in body.css("[style],[color]"):
            if _UNSEEN_STYLE.search(node.attributes.get("style") or "") or _is_white_on_white(node):
                node.decompose()
    return body.text()


def _is_white_on_white(node: LexborNode) -> bool:
    style, color = node.attributes.get("style") or "", node.attributes.get("color") or ""
    if not (_WHITE_STYLE.search(style) or _WHITE_FONT.fullmatch(color)):
        return False
    around: LexborNode | None = node
    while around is not None:  # white on a ground of its own is the head of a table
        ground = around.attributes.get("bgcolor") or ""
        if _GROUND.search(f"{around.attributes.get('style') or ''};background:{ground or 'none'}"):
            return False
        around = around.parent
    return True


def _wanted(text: str) -> str:
    return (
        text if text.isprintable() else _UNWANTED.sub("", text)
    )  # no unwanted character counts as printable


def one_line(text: str, *, limit: int | None = None) -> str:
    """Return the text as one line of at most ``limit`` characters, cut at a word with an ellipsis."""
    line = " ".join(_wanted(text).split())
    if limit is None or len(line) <= limit:
        return line
    head = line[: limit - 1]
    space = head.rfind(" ")
    return (head[:space] if space > limit // 2 else head).rstrip() + "…"


def fold(text: str) -> str:
    """Return the text in NFKC without characters that have no shape, for comparing and for prompts.

    Line breaks stay; look-alike letters of other scripts are not mapped.
    """
    return unicodedata.normalize("NFKC", _SHAPELESS.sub("", _UNWANTED.sub("", text)))


# Parameters that say where a reader came from, not what is read.
_TRACKING = re.compile(
    r"(?:utm_|ga_|pk_|mtm_|hsa_|soc_|ref_|guce_).*"
    r"|fbclid|gclid|gclsrc|dclid|msclkid|yclid|twclid|igshid|mc_cid|mc_eid|mkt_tok|_ga|_hsenc|_hsmi|ref|referer"
    r"|referrer|cmpid|cmp|ncid|ocid|icid|guccounter|\.?tsrc|siteid|yptr|mod|oc|taid|s_cid|smid|sref|spref|partner",
    re.IGNORECASE,
)
_TRACKING_VALUE = re.compile(r"(?:rss|feed)(?:[-_]|\d*$)", re.IGNORECASE)
_DEFAULT_PORTS = {None, 80, 443}
_UNSAFE_HOST = re.compile(r"[\s/?#@\\<>\"]")


@lru_cache(maxsize=8_192)  # a poll brings mostly what the poll before it brought
def canonical_url(url: str) -> str:
    """Return the form of a web address that is equal for equal pages, or "" for anything else.

    For identity only, never for fetching: http counts as https, fragment, user, default port, trailing
    slash and tracking parameters go, the query is sorted.
    """
    url = _UNWANTED.sub("", url).strip()
    if len(url) > MAX_URL_CHARS:
        return ""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port
    except ValueError:  # a port that is no number, a bracket that is no IPv6
        return ""
    if parts.scheme not in {"http", "https"} or not host or _UNSAFE_HOST.search(host):
        return ""
    if ":" in host:
        host = f"[{host}]"
    if port not in _DEFAULT_PORTS:
        host = f"{host}:{port}"
    path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
    if not parts.query:
        return f"https://{host}{path}"
    query = sorted(
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(name) and not _TRACKING_VALUE.match(value)
    )
    return f"https://{host}{path}" + (f"?{urlencode(query)}" if query else "")


_SOURCES = (
    r"globe ?newswire|pr ?newswire|business ?wire|accesswire|access newswire|newsfile(?: corp\.?)?|reuters|bloomberg"
    r"(?:\.com| news)?|cnbc(?:\.com)?|marketwatch(?:\.com)?|barron'?s(?:\.com)?|wsj(?:\.com)?|the wall street journal"
    r"|yahoo!? ?(?:finance|news)?|seeking alpha|benzinga|the motley fool|motley fool|investing\.com"
    r"|investor'?s business daily|nasdaq(?:\.com)?|tipranks|zacks(?:\.com| investment research)?|stock ?titan|thestreet"
    r"|financial times|ft\.com|the associated press|associated press|ap news|cnn(?:\.com| business)?|fox business"
    r"|forbes|business insider|tradingview|marketscreener|dow jones(?: newswires)?"
)
_SOURCE_SUFFIX = re.compile(rf"\s+(?:[-|:·]+|via|by)\s+(?:{_SOURCES})\s*$|\s*[(\[](?:{_SOURCES})[)\]]\s*$")
_DASHES = str.maketrans("‐‑‒–—―−’‘ʼ", "-------'''")
_GROUPED_DIGITS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_WORD = re.compile(r"\d+(?:\.\d+)+[^\W_]*|[^\W_]+")


@lru_cache(maxsize=8_192)
def normal_title(title: str) -> str:
    """Return the words of a headline in lower case, for comparing headlines of different sources.

    A closing " - Reuters" or "(Business Wire)" goes, and so does punctuation, but not the point within a
    number ("$1,250.5M" gives "1250.5m").
    """
    text = _SOURCE_SUFFIX.sub("", _caseless(one_line(title)))
    return " ".join(_WORD.findall(_GROUPED_DIGITS.sub("", text) if "," in text else text))


def _caseless(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Lower case can undo NFKC and the other way round; after two rounds both hold.
    for _ in range(2):
        text = fold(text).casefold()
    return fold(text).translate(_DASHES)
