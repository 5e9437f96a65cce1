from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.feed_bytes import MAX_BODY_BYTES, MAX_ENTRIES
from catalyst_ray.errors import ParseError
from catalyst_ray.models import FeedKind
from tests.unit.core.feed_samples import edgar, edgar_entry, parsed, rss

if TYPE_CHECKING:
    import random

KINDS = st.sampled_from(list(FeedKind))
SEEDS = [
    rss(
        "<title>A</title><link>https://x.example/1</link><author>a@x.example</author>", "<title>B</title>"
    ).encode(),
    edgar(edgar_entry("ACME (0009000001) (Filer)"), edgar_entry("DOE (0009000002) (Reporting)")).encode(),
    b'[{"headline": "A", "datetime": 1784215402, "id": 1, "url": "https://x.example/1"}]',
]


def survives(body: bytes, kind: FeedKind) -> None:
    """Parse, and let nothing but ParseError pass."""
    key = "wire"
    try:
        parsed(body, kind)
    except ParseError as error:
        key = error.key or ""
    assert key == "wire"


@given(st.binary(max_size=400), KINDS)
@settings(max_examples=150, deadline=None)
def test_random_bytes_never_crash(body, kind):
    """Any bytes give items or a ParseError with the feed's name."""
    survives(body, kind)


@given(st.sampled_from(SEEDS), KINDS, st.randoms(use_true_random=False), st.integers(1, 12))
@settings(max_examples=250, deadline=None)
def test_mutated_feeds_never_crash(seed, kind, rng: random.Random, changes):
    """Feeds with bytes cut, doubled and overwritten give items or a ParseError."""
    body = bytearray(seed)
    for _ in range(changes):
        at = rng.randrange(len(body))
        match rng.randrange(4):
            case 0:
                body[at] = rng.choice(b"<>&;\"'\x00\xff/!?[]")
            case 1:
                del body[at : at + rng.randrange(1, 30)]
            case 2:
                body[at:at] = body[at : at + 60]
            case _:
                body[at:at] = rng.choice(
                    [b"<![CDATA[", b"<!--", b"&#x110000;", b"&#99999999999;", b"]]>", b"<item>", b"<?"]
                )
        body = body or bytearray(b"<")
    survives(bytes(body), kind)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "body",
    [
        '<?xml version="1.0"?>' + "\n" * 1_000_000 + "<rss/>",
        "<?xml " + "encoding='x' " * 30_000 + "?>" + rss("<title>A</title>"),
        '<?xml version="1.0" encoding="punycode"?>' + rss("<title>A</title>") + "a" * 500_000,
        rss(f"<title>A</title><author>{'a' * 1_000_000}</author>"),
        rss(f"<title>A</title><dc:creator>{'a.' * 500_000}</dc:creator>"),
        rss("<title>A</title>" + "<a>" * 400_000),
        rss(f"<title>A</title>&bad <{'a' * 1_500_000}"),
        "<rss " + " ".join(f'xmlns:a{n}="u{n}"' for n in range(20_000)) + ">" + "<a/>" * 50_000,
        "<!DOCTYPE r [<!ENTITY a '" + "x" * 50_000 + "'>]>" + rss(f"<title>{'&a;' * 50_000}</title>"),
        '<!DOCTYPE r [<!ENTITY a "xx"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>' + rss("<title>&c;</title>"),
        rss(f"<title>A</title><description><![CDATA[{'<b><i>' * 60_000}]]></description>"),
        "x" * (MAX_BODY_BYTES + 1),
    ],
    ids=lambda body: body[:24],
)
def test_known_traps_end_soon(body):
    """Inputs on which feedparser alone runs for minutes, or without bound, are read or refused."""
    survives(body.encode(), FeedKind.RSS)
    survives(body.encode(), FeedKind.EDGAR)


def test_only_the_first_entries_of_an_endless_feed_are_read():
    """A feed of too many entries is cut, stays well-formed, and the note counts the rest."""
    feed = parsed(rss(*(f"<title>Headline {n}</title>" for n in range(MAX_ENTRIES + 7))))
    assert feed.entries == MAX_ENTRIES
    assert feed.items[-1].title == f"Headline {MAX_ENTRIES - 1}"
    assert [(note.code, note.value) for note in feed.notes] == [("entries_left_out", 7.0)]


def test_an_entry_that_upsets_the_parser_costs_only_itself():
    """An impossible character reference makes feedparser raise; the other entries are saved."""
    feed = parsed(
        rss("<title>Good one</title>", "<title>Bad &#99999999999; & one</title>", "<title>Good two</title>")
    )
    assert [item.title for item in feed.items] == ["Good one", "Good two"]
    assert {note.code for note in feed.notes} == {"feed_broken", "entry_unreadable"}


def test_a_lying_charset_costs_nothing():
    """A codec that no feed is in, or a wide one over plain bytes, is not believed."""
    body = rss("<title>Acme</title>").replace('version="1.0"', 'version="1.0" encoding="utf-16"', 1)
    assert parsed(body).items[0].title == "Acme"
    assert (
        parsed(rss("<title>Acme</title>"), content_type="text/xml; charset=punycode").items[0].title == "Acme"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty body"),
        (b"\xef\xbb\xbf \n", "empty body"),
        (b"<html><head><title>Log in</title></head></html>", "web page 'Log in'"),
        (b'{"items": []}', "JSON where a feed"),
        (b"<opml></opml>", "root is <opml>"),
        (b"hello", "starts with 'hello'"),
    ],
)
def test_what_is_no_feed_is_named(body, message):
    """Every other body says what it looks like, for which feed, and what to do."""
    with pytest.raises(ParseError, match=message) as caught:
        parsed(body)
    assert caught.value.key == "wire"
    assert caught.value.hint
