from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalyst_ray.core.text import canonical_url, fold, html_to_text, normal_title, one_line


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>tail", "One\nTwo\nThree\ntail"),
        ("<table><tr><td>Name</td><td>Acme</td></tr></table>", "Name Acme"),
        ("A &amp; B&nbsp;&#8211; C", "A & B – C"),
        ("P<Q and 5 < 6 > 4", "P<Q and 5 < 6 > 4"),
        ("<b>P</b><5", "P<5"),
        ("<script>x()</script>a<style>p{}</style>b", "ab"),
        ('a<span style="display: none">hidden</span>b<i hidden>c</i>', "ab"),
        ('<i style="font-size:0">x</i><i style="font-size:0.9em">y</i>', "y"),
        ("<a href='x'>link</a> and <img src=y alt=z>", "link and"),
        ("one  \n two\n\n\nthree", "one\ntwo\nthree"),
        ("<!-- note --><![CDATA[kept]]>", "kept"),
        ("zero\u200bwidth\u202ebidi\x00nul\ud800", "zerowidthbidinul"),
        ("", ""),
    ],
)
def test_html_becomes_what_a_reader_sees(markup, text):
    """Markup, hidden parts and characters without shape go; words, blocks and stray signs stay."""
    assert html_to_text(markup) == text


def test_a_tag_cut_by_the_limit_is_no_text():
    """The bound on the input never leaves half a tag in the text."""
    assert html_to_text("words <img src='" + "x" * 50, limit=20) == "words"


def test_one_line_cuts_at_a_word():
    """A long line ends with a whole word and an ellipsis, within the limit."""
    assert one_line("alpha  beta\ngamma delta", limit=18) == "alpha beta gamma…"
    assert len(one_line("x" * 100, limit=10)) == 10


def test_fold_maps_wide_letters_and_drops_shapeless_ones():
    """Full-width letters, joiners and tag characters do not make two texts differ."""
    assert fold("Ｂｕｙ\u200d no\U000e0041w\ufe0f") == "Buy now"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://WWW.Example.com:80/a/?utm_source=x&b=2&a=1#top", "https://www.example.com/a?a=1&b=2"),
        ("https://example.com/story?mod=mw_rss_topstories&.tsrc=rss", "https://example.com/story"),
        (
            "https://example.com/story?source=feed_symbol_AAPL&id=feeder",
            "https://example.com/story?id=feeder",
        ),
        ("https://user:pw@example.com:8443/a%20b c", "https://example.com:8443/a%20b%20c"),
        ("https://example.com", "https://example.com"),
        ("https://example.com/?q=", "https://example.com?q="),
        ("javascript:alert(1)", ""),
        ("http://[::bad/", ""),
        ("http://example.com:port/", ""),
        ("/relative", ""),
        ("", ""),
    ],
)
def test_canonical_urls(url, canonical):
    """Equal pages get equal addresses; what is no web address gets none."""
    assert canonical_url(url) == canonical


@given(st.text() | st.text(alphabet="htps:/.?&=#%[]@a1é \t").map("https://a.b/".__add__))
@example("https://x/%ff?%ff=%ff")
def test_canonical_url_is_idempotent(url):
    """The canonical form of a canonical form is itself, and nothing raises."""
    once = canonical_url(url)
    assert canonical_url(once) == once


@pytest.mark.parametrize(
    ("title", "normal"),
    [
        ("Acme Prices $1,250.5M Offering - GlobeNewswire", "acme prices 1250.5m offering"),
        ("Acme’s “plan” — (Business Wire)", "acme s plan"),
        ("Acme up 5% | Reuters", "acme up 5"),
        ("ＡＣＭＥ  wins", "acme wins"),
        ("Reuters to expand", "reuters to expand"),
    ],
)
def test_normal_titles(title, normal):
    """Headlines that differ in case, signs and source are equal."""
    assert normal_title(title) == normal


@given(st.text() | st.text(alphabet="aB1.,-–|() ’İßǆ㎏½").map(lambda text: text + " - Reuters"))
@example("½㎏ İ")
def test_normal_title_is_idempotent(title):
    """The normal form of a normal form is itself, and nothing raises."""
    once = normal_title(title)
    assert normal_title(once) == once


@given(st.text(), st.text(alphabet="<>/!-abscript &;#x\n\"'="))
def test_text_holds_no_control_character(words, markup):
    """Whatever the markup, the text can be stored and printed."""
    text = html_to_text(words + markup)
    assert not any(ord(letter) < 32 and letter != "\n" for letter in text)
    text.encode("utf-8")


MARKUP = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<br/>", "</br>", "<b>", "</b>", "<a href='x'>", "</a>", '<img src="u" alt="z">', "<ul>", "<li>",
         "</ul>", "<h1>", "</h2>", '<div class="a">', "</div>", "<hr>", "<font color='red'>", "</font>", "<td>x</td>",
         "<span style='display:none'>", "<b hidden>", "</span>", "&amp;", "&", "lt;", "<", "word", " ", "\n", "&nbsp;",
         "&#150;", "&#1;", "&#10;", "&#8232;", "&copy", "]]>", "é", "\u200b", "\x0c", "\x85", "\u2028"]
    ),
    max_size=10,
).map("".join)  # fmt: skip


@given(MARKUP)
def test_plain_markup_needs_no_parser(markup):
    """Simple markup, read without the HTML parser, gives the text that the parser gives."""
    by_parser = html_to_text(f"<x-y></x-y><p>{markup}")  # of an unknown element only the parser knows
    assert html_to_text(f"<p>{markup}") == by_parser
