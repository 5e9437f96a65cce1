"""The fast reader of plain feeds gives what feedparser gives, or leaves the feed to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalyst_ray.core.assemble import Notes
from catalyst_ray.core.feed_bytes import tame
from catalyst_ray.core.parse_rss import _bounded, _headers, _read_any
from catalyst_ray.core.parse_xml import read_plain
from catalyst_ray.demo.channels import Shape
from catalyst_ray.demo.press import Press
from catalyst_ray.demo.world import World
from catalyst_ray.models import Fetched
from tests.unit.core.feed_samples import NOW, edgar, rss

DC = "http://purl.org/dc/elements/1.1/"
NAMESPACES = (
    ' xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
    ' xmlns:odd="https://odd.example/ns" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
)


def both(body: bytes | str, content_type: str = ""):
    """Return the entries as the fast reader gives them (None where it declines), and as feedparser does."""
    body = tame(body.encode() if isinstance(body, str) else body)
    fetched = Fetched(
        feed="wire",
        url="https://feeds.example/wire.xml",
        status=200,
        body=body,
        content_type=content_type,
        first_byte_utc=NOW,
        received_utc=NOW,
    )
    notes = Notes()
    body = _bounded(body, notes)
    fast = read_plain(body, _headers(fetched))
    if fast is None:
        return None, []
    slow, total = _read_any(body, fetched, notes)
    assert notes.reasons() == ()
    assert total == len(slow)
    return fast, slow


TEXTS = st.sampled_from(
    ["", " ", "Acme wins", " Acme &amp; Beta ", "&lt;p&gt;All &lt;b&gt;stock&lt;/b&gt;&lt;/p&gt;", "Caf\u00e9 \u2019s",
     "<![CDATA[<p>One</p> &amp; two]]>", "&amp;amp; &amp;nbsp;", "a<!-- c -->b", "a<?pi d?>b", "\u00c3\u00a9t\u00c3\u00a9", "&#150;&#x92;",
     "\u00a0x\u00a0", "line one\n  line two\r\n", "12 &lt; 13", "<![CDATA[]]>", "x]]&gt;", "<b>bold</b>", "&#8212; <![CDATA[<br>]]> end"]
)  # fmt: skip
URLS = st.sampled_from(
    ["https://x.example/1", "http:////x.example/1", "/relative?a=1&amp;b=2", "https://x.example/?a=1&amp;amp;b=2",
     " https://x.example/2\n", "", "urn:uuid:1", "https://www.globenewswire.com/news-release/2026/07/16/1/0/en/a.html",
     "?q=1&amp;copy;=2", "https://x.example/\u00e9"]
)  # fmt: skip
DATES = st.sampled_from(["Thu, 16 Jul 2026 15:45 GMT", "2026-07-16T15:45:00Z", "", "soon", " 16 Jul 2026 "])
TYPES = st.sampled_from(
    ["", "", "", ' type="html"', ' type="text"', ' type="xhtml"', ' TYPE="text/HTML"', ' mode="escaped"']
)
LANGS = st.sampled_from(["", "", "", ' xml:lang="fr_CA"', ' lang="de"', ' xml:lang=""'])
SCHEMES = st.sampled_from(
    [
        "",
        ' domain="https://x.example/d"',
        ' scheme="s"',
        ' term="T"',
        ' term="" label="L"',
        ' term="T" scheme="s"',
    ]
)


def element(names: list[str], texts: st.SearchStrategy[str], *attributes: st.SearchStrategy[str]):
    """Return a strategy for an element with one of the names."""
    return st.builds(
        lambda name, text, more: f"<{name}{''.join(more)}>{text}</{name}>",
        st.sampled_from(names),
        texts,
        st.tuples(*attributes),
    )


LINKS = st.builds(
    lambda name, rel, kind, href, text: f"<{name}{rel}{kind}{href}>{text}</{name}>",
    st.sampled_from(["link", "link", "atom:link", "atom10:link"]).map(
        lambda name: name.replace("atom10", "atom")
    ),
    st.sampled_from(
        ["", "", ' rel="alternate"', ' rel="self"', ' rel="Enclosure"', ' rel="related"', ' rel=""']
    ),
    st.sampled_from(["", "", ' type="text/html"', ' type="application/json"', ' type="XHTML"']),
    st.one_of(
        st.just(""),
        URLS.map(lambda url: f' href="{url.strip()}"'),
        URLS.map(lambda url: f' url="" uri="{url.strip()}"'),
    ),
    URLS,
)
LEAVES = st.one_of(
    element(["title", "title", "dc:title", "media:title", "itunes:title", "atom:title", "odd:title"], TEXTS, TYPES, LANGS),
    element(
        ["description", "description", "summary", "content", "content:encoded", "dc:description", "media:description",
         "itunes:summary", "abstract", "subtitle", "fullitem", "atom:summary", "atom:content", "rights", "body"],
        TEXTS, TYPES, LANGS,
    ),
    LINKS,
    element(["guid", "guid", "id", "atom:id"], URLS,
            st.sampled_from(["", "", ' isPermaLink="true"', ' isPermaLink="false"', ' ispermalink="TRUE"'])),
    element(
        ["pubDate", "pubdate", "published", "updated", "dc:date", "dcterms:modified", "dcterms:created", "issued",
         "lastBuildDate", "date", "expirationDate"],
        DATES,
    ),
    element(["category", "category", "dc:subject", "keywords", "media:category"], TEXTS, SCHEMES),
    element(["media:keywords", "itunes:keywords", "tags"], st.sampled_from(["a, b,,a", "", " c "])),
    element(["language", "dc:language", "odd:language"], st.sampled_from(["en", " en_US ", ""])),
    element(["dc:identifier", "identifier", "odd:identifier"], TEXTS, SCHEMES),
    element(["author", "dc:creator", "managingEditor", "odd:thing", "comments", "itunes:duration"], TEXTS, SCHEMES, LANGS),
    element(["source"], TEXTS, st.sampled_from(["", ' url="https://y.example/"']), LANGS),
    st.sampled_from(
        ['<enclosure url="https://x.example/a.mp3" type="audio/mpeg" length="1"/>', '<media:thumbnail url="u"/>',
         "<image><url>https://x.example/i.png</url></image>", "<image><title>I</title></image>",
         "<source><title>Inner</title></source>", "<media:rating>x</media:rating>", "<cloud/>", "<links>x</links>",
         '<itunes:category text="A"><itunes:category text="B"/></itunes:category>', '<itunes:image href="i"/>',
         "<author><name>N</name><uri>u</uri><email>e@x.example</email></author>", "<textInput><name>n</name></textInput>",
         "<contributor><name>N</name></contributor>", "stray text", "<!-- comment -->", "<item><title>inner</title></item>"]
    ),
)  # fmt: skip
NESTED = st.builds(
    lambda name, inner, lang: f"<{name}{lang}>{''.join(inner)}</{name}>",
    st.sampled_from(["media:group", "media:content", "odd:box"]),
    st.lists(LEAVES, max_size=3),
    LANGS,
)
ENTRIES = st.lists(st.one_of(LEAVES, LEAVES, LEAVES, NESTED), max_size=7).map("".join)
OUTSIDE = st.lists(
    st.one_of(
        element(
            [
                "title",
                "description",
                "itunes:summary",
                "language",
                "dc:language",
                "content:encoded",
                "rights",
            ],
            TEXTS,
            LANGS,
        ),
        LINKS,
        st.sampled_from(
            [
                "<image><url>u</url><title>t</title><link>l</link><description>d</description></image>",
                '<itunes:category text="A"/>',
                "<textInput><title>t</title><name>n</name></textInput>",
            ]
        ),
    ),
    max_size=3,
).map("".join)


@given(
    st.sampled_from(["rss", "feed", "rdf:RDF"]),
    OUTSIDE,
    st.lists(st.tuples(ENTRIES, OUTSIDE), min_size=1, max_size=3),
    LANGS,
)
@settings(max_examples=400, deadline=None)
def test_any_mixture_of_elements_reads_the_same(root, outside, entries, lang):
    """Whatever elements stand in whatever order, the readers agree wherever the fast one accepts."""
    tag = "entry" if root == "feed" else "item"
    inner = "".join(f"<{tag}{lang}>{entry}</{tag}>{after}" for entry, after in entries)
    default = {
        "feed": ' xmlns="http://www.w3.org/2005/Atom"',
        "rdf:RDF": ' xmlns="http://purl.org/rss/1.0/"',
    }.get(root, "")
    body = {
        "rss": f"<channel>{outside}{inner}</channel>",
        "feed": f"{outside}{inner}",
        "rdf:RDF": f"<channel>{outside}</channel>{inner}",
    }[root]
    fast, slow = both(f"<{root}{default}{NAMESPACES}{lang}>{body}</{root}>")
    assert fast is None or fast == slow


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "", ":a", ":b", ":dc", ":media", ":DC", ":rdf", ":cc"]),
            st.sampled_from(
                [
                    "https://odd.example/ns",
                    DC,
                    "http://search.yahoo.com/mrss/",
                    "https://odd.example/2",
                    "http://www.w3.org/2005/Atom",
                    "http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html",
                    "HTTP://PURL.ORG/DC/TERMS/",
                    "http://backend.userland.com/rss2",
                    "urn:a b",
                ]
            ),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
)
@example([(":a", "https://odd.example/ns"), (":dc", "https://odd.example/ns"), ("", DC)], [1, 2, 0])
@example([(":media", DC), (":dc", "https://odd.example/ns"), (":b", "https://odd.example/ns")], [1, 0, 2])
@settings(max_examples=200, deadline=None)
def test_any_use_of_namespaces_reads_the_same(declared, used):
    """Unusual prefixes, one prefix for two namespaces and two for one mean to both readers the same."""
    inner = ""
    for at in used:
        prefix, uri = declared[at % len(declared)]
        name = prefix.removeprefix(":")
        for local in ("title", "creator", "identifier", "language", "description", "date", "link"):
            tag = f"{name}:{local}" if name else local
            inner += f'<{tag} xmlns{prefix}="{uri}">{local} {at}</{tag}>'
    fast, slow = both(f'<rss version="2.0"><channel><item>{inner}</item></channel></rss>')
    assert fast is None or fast == slow


@pytest.mark.parametrize(
    "declared", ["", "utf-8", "iso-8859-1", "windows-1252", "us-ascii", "latin-1", "koi8-r", "utf-7"]
)
@pytest.mark.parametrize("real", ["utf-8", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize(
    "content_type", ["", "text/xml", "application/rss+xml; charset=windows-1252", "text/xml; charset=utf-8"]
)
def test_any_encoding_reads_the_same(declared, real, content_type):
    """Declared, sent and real encodings that differ are settled by feedparser's own rule."""
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    body = f"{head}<rss version='2.0'><channel><item><title>Café 5 £</title></item></channel></rss>"
    fast, slow = both(body.encode(real), content_type)
    assert fast is None or fast == slow


@pytest.mark.parametrize(
    "inner",
    [
        "<title>A</title><link>https://x.example/1</link><guid>g</guid><description>&lt;p&gt;x&lt;/p&gt;</description>",
        "<title>A</title><content:encoded><![CDATA[<p>x</p>]]></content:encoded><dc:creator>J</dc:creator>",
        '<title>A</title><media:group><media:content url="u"><media:title>M</media:title></media:content></media:group>',
        '<title>A</title><source url="https://y.example">Y</source><category domain="d">C</category>',
        '<title type="html">A</title><atom:link rel="self" href="https://x.example/"/><enclosure url="u"/>',
    ],
)
def test_what_newswires_send_is_read_fast(inner):
    """The fast reader does accept the ordinary, and gives what feedparser gives."""
    fast, slow = both(f'<rss version="2.0"{NAMESPACES}><channel><item>{inner}</item></channel></rss>')
    assert fast
    assert fast == slow


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE rss [<!ENTITY a "b">]>' + rss("<title>&a;</title>"),
        '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + rss("<title>&a;</title>"),
        '<!DOCTYPE rss SYSTEM "https://x.example/rss.dtd">' + rss("<title>A</title>"),
        '<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE rss [+ADwAIQ-ENTITY a "b"+AD4-]+AD4-' + rss("<title>&a;</title>")[21:],
        rss("<title>Undeclared &nbsp; entity</title>"),
        rss("<title>A</title>").removesuffix("</rss>"),
        rss("<title>A</title><link>1</link>").replace("<item>", '<item xml:base="https://x.example/">'),
        rss("<title>A <b>bold</b> claim</title>"),
        rss("<title>A</title><description mode='base64'>QQ==</description>"),
        rss("<title>A</title>" + "<media>" * 50 + "</media>" * 50),
        rss(),
        "<opml><body/></opml>",
    ],
    ids=lambda body: body[:30],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_feedparser(body):
    """Entities of any kind, broken XML, markup that is not escaped and changed bases are declined."""
    assert read_plain(body.encode(), {}) is None


def test_a_summary_of_the_feed_has_feedparsers_effect_on_the_first_entry():
    """Two summaries around the entries make feedparser choose otherwise in the entry after them; so do we."""
    item = "<item><title>A</title><description>one</description><itunes:summary>two</itunes:summary></item>"
    outside = "<itunes:summary>s</itunes:summary><description>d</description>"
    fast, slow = both(f'<rss version="2.0"{NAMESPACES}><channel>{outside}{item}{item}</channel></rss>')
    assert fast == slow
    assert [entry.summary for entry in slow] == ["two", "one"]


@pytest.mark.timeout(30)
def test_thousands_of_categories_take_no_quadratic_time():
    """An entry with as many categories as a body can hold is read at once."""
    fast = read_plain(rss("".join(f"<category>{n}</category>" for n in range(60_000))).encode(), {})
    assert fast
    assert len(fast[0].categories) == 60_000


def test_the_demo_worlds_feeds_are_read_fast_and_equal():
    """Each wire of the demo world, as it stands after all batches, is plain."""
    opened = datetime(2026, 7, 16, 14, 0, tzinfo=UTC)
    press = Press(World(7, opened), opened)
    press.release(press.world.batches, opened + timedelta(minutes=1))
    compared = 0
    for channel in press.world.channels:
        if channel.shape not in {Shape.EDGAR, Shape.FINNHUB} and press.entries(channel):
            edition = press.edition(channel, "http://127.0.0.1:1")
            fast, slow = both(edition.body, edition.content_type)
            assert fast == slow, channel.name
            compared += 1
    assert compared > 3


def test_a_page_of_edgar_is_plain_too():
    """An Atom page with escaped HTML and attributes in its summaries reads the same."""
    entry = '<entry><title>A</title><summary type="html">&lt;b&gt;x&lt;/b&gt;</summary><updated>2026-07-16T11:39:40-04:00</updated></entry>'
    fast, slow = both(edgar(entry, entry))
    assert fast == slow
    assert len(slow) == 2
