from __future__ import annotations

import pytest

from catalyst_ray.core.parse import parse_feed
from catalyst_ray.models import FeedSpec, Fetched, ItemKind
from tests.unit.core.feed_samples import NOW, parsed, rss


def test_an_item_comes_out_as_plain_text():
    """Title, summary, link, date, categories, language, source and weight are read and cleaned."""
    (item,) = parsed(
        rss(
            "<title>Acme &amp;amp; Beta merge</title><link>/news/1?utm_source=rss</link><guid>g-1</guid>"
            "<description><![CDATA[<p>All <b>stock</b>.</p><script>x</script><p>Done.</p>]]></description>"
            "<pubDate>Thu, 16 Jul 2026 15:45 GMT</pubDate><category>\nNasdaq:ACME </category>",
            extra="<language>en_US</language>",
        )
    ).items
    assert (item.title, item.summary) == ("Acme & Beta merge", "All stock.\nDone.")
    assert item.url == "https://feeds.example/news/1?utm_source=rss"
    assert item.published_utc == NOW.replace(hour=15, minute=45)
    assert (item.categories, item.language) == (("Nasdaq:ACME",), "en-us")
    assert (item.source, item.source_weight, item.kind, item.received_utc) == (
        "Wire",
        0.8,
        ItemKind.NEWS,
        NOW,
    )


def test_two_forms_of_one_page_are_one_item():
    """Entries whose links differ in tracking only are merged; the entries are still counted."""
    feed = parsed(
        rss(
            "<title>Acme wins a very large order</title><link>https://x.example/a?utm_source=1</link><category>A</category>",
            "<title>Acme wins a very large order</title><link>http://x.example/a/</link><category>B</category>",
        )
    )
    assert (feed.entries, len(feed.items)) == (2, 1)
    assert feed.items[0].categories == ("A", "B")


@pytest.mark.parametrize(
    "link", ["<link>https://x.example/</link>", "<link>https://x.example/halts?id=1</link>", ""]
)
def test_a_link_that_all_items_share_is_no_identity(link):
    """Items that all link to one page stay apart, and keep their keys in the next poll."""
    body = rss(
        *(
            f"<title>{name}</title>{link}<pubDate>Thu, 16 Jul 2026 04:00 GMT</pubDate>"
            for name in ("AAA", "BBB")
        )
    )
    first, again = parsed(body).items, parsed(body).items
    assert len({item.key for item in first}) == 2
    assert first == again


def test_a_guid_is_an_alias_only_when_it_is_one_items():
    """A guid that several entries carry says nothing; a unique one does."""
    one = '<title>Headline {0}</title><link>https://x.example/{0}</link><guid isPermaLink="false">{1}</guid>'
    shared = parsed(rss(one.format(1, "same"), one.format(2, "same"))).items
    unique = parsed(rss(one.format(1, "g1"), one.format(2, "g2"))).items
    assert not any(alias.startswith("guid:") for item in shared for alias in item.aliases)
    assert len({alias for item in unique for alias in item.aliases if alias.startswith("guid:")}) == 2


def test_translations_of_a_release_share_an_alias_and_keep_their_language():
    """GlobeNewswire's dc:identifier joins translations, in its unusual namespace."""
    item = (
        "<title>{0}</title><link>https://www.globenewswire.com/a/{1}.html</link>"
        "<dc:identifier>3328676</dc:identifier><dc:language>{1}</dc:language>"
    )
    body = rss(item.format("Acme opens", "en"), item.format("Acme ouvre", "fr")).replace(
        "<rss ", '<rss xmlns:dc="http://dublincore.org/documents/dcmi-namespace/" '
    )
    items = parsed(body).items
    assert [item.language for item in items] == ["en", "fr"]
    assert all("gnw:3328676" in item.aliases for item in items)


def test_a_link_to_a_filing_makes_it_that_filing():
    """News that lead to an EDGAR document get the filing's key, so that both are one."""
    link = "https://www.sec.gov/Archives/edgar/data/9/000900000126000001/0009000001-26-000001-index.htm"
    (item,) = parsed(rss(f"<title>Acme files a current report</title><link>{link}</link>")).items
    assert (item.key, item.kind, item.aliases) == ("sec:0009000001-26-000001", ItemKind.FILING, ())


def test_titles_are_made_when_missing_and_empty_items_noted():
    """The first sentence serves as title; an entry that says nothing is skipped with a note."""
    feed = parsed(
        rss("<description>Acme won a large order. More follows.</description>", "<guid>empty</guid>")
    )
    assert [item.title for item in feed.items] == ["Acme won a large order."]
    assert [(note.code, note.value) for note in feed.notes] == [("no_text", 1.0)]


def test_the_summary_is_not_the_title_again():
    """Google News repeats the headline with its source: neither stays."""
    (item,) = parsed(
        rss(
            "<title>Acme wins order - The Example Post</title><source url='https://x.example'>The Example Post</source>"
            "<description>&lt;a href='x'&gt;Acme wins order&lt;/a&gt;&amp;nbsp; The Example Post</description>"
        )
    ).items
    assert (item.title, item.summary, item.source) == ("Acme wins order", "", "The Example Post")


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("Thu, 16 Jul 2037 15:45 GMT", "date_in_future"),
        ("Thu, 01 Jan 1970 00:00 GMT", "date_before_1990"),
        ("soon", "date_unreadable"),
    ],
)
def test_a_date_that_cannot_be_is_none_with_a_note(date, code):
    """The item stays, without a date, and the feed's notes say why."""
    feed = parsed(rss(f"<title>Acme</title><pubDate>{date}</pubDate>"))
    assert feed.items[0].published_utc is None
    assert [note.code for note in feed.notes] == [code]


def test_text_is_bounded():
    """Long titles and summaries are cut to what a card can hold."""
    (item,) = parsed(rss(f"<title>{'word ' * 300}</title><description>{'text ' * 3000}</description>")).items
    assert len(item.title) <= 500
    assert len(item.summary) <= 4_000


def test_atom_and_other_encodings_are_read():
    """Atom, and bytes in UTF-16 or Latin-1, give the same text."""
    atom = (
        '<?xml version="1.0" encoding="{}"?><feed xmlns="http://www.w3.org/2005/Atom"><entry><title>Café wins</title>'
        '<link href="https://x.example/1"/><updated>2026-07-16T15:00:00Z</updated></entry></feed>'
    )
    for encoding in ("utf-8", "utf-16", "iso-8859-1"):
        (item,) = parsed(atom.format(encoding).encode(encoding)).items
        assert (item.title, item.published_utc) == ("Café wins", NOW.replace(hour=15))


def test_not_modified_is_no_items():
    """A 304 has an empty body, which is no error."""
    fetched = Fetched(
        feed="w",
        url="https://x.example",
        status=304,
        body=b"",
        not_modified=True,
        first_byte_utc=NOW,
        received_utc=NOW,
    )
    assert parse_feed(fetched, FeedSpec(name="w", url="")).items == ()
