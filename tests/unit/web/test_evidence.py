"""The words that counted, marked in their text."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.message_text import plain
from catalyst_ray.models import EventHit, Place, Score, Where
from catalyst_ray.web.evidence import Mark, found_elsewhere, passages, pieces
from tests.unit.core.factories import make_alert


def hit(text: str, words: str, where: Where = Where.TITLE, weight: float = -0.7, **more) -> EventHit:
    """Return an event found at these words of a text."""
    start = text.find(words)
    parts = {"code": "offering_priced", "label": "Offering priced", "span": words.lower(), "where": where}
    return EventHit(**parts, weight=weight, start=max(0, start), end=max(0, start) + len(words), **more)


def test_evidence_stands_in_its_text() -> None:
    """Event, company and the model's quote are marked where they stand, each with what it was taken for."""
    alert = make_alert()
    title, summary = alert.item.title, alert.item.summary
    symbol = replace(alert.link.symbols[0], place=Place(Where.SUMMARY, 27, 41))
    alert = replace(
        alert,
        score=replace(alert.score, events=(hit(title, "prices $25 million public offering"),)),
        link=replace(alert.link, symbols=(symbol,)),
    )
    headline, text = passages(alert)
    assert "".join(piece.text for piece in headline.pieces) == title
    assert [(p.kind, p.text, p.note) for p in headline.pieces if p.kind] == [
        ("bearish", "prices $25 million public offering", "Offering priced −0.70")
    ]
    marked = {p.kind: p.text for p in text.pieces if p.kind}
    assert marked == {"company": summary[27:41], "model": "10,000,000 shares at $2.50"}


def test_what_tells_more_hides_what_is_routine() -> None:
    """Of marks that overlap the weightiest is shown, though another begins before it; the rest stays whole."""
    text = "Reports third quarter results above estimates"
    marks = [Mark(0, 29, "routine", ""), Mark(8, 35, "bullish", "", 0.5), Mark(36, 45, "model", "", 0.05)]
    assert [(p.text, p.kind) for p in pieces(text, marks)] == [
        ("Reports ", ""),
        ("third quarter results above", "bullish"),
        (" ", ""),
        ("estimates", "model"),
    ]


def test_what_the_store_does_not_keep_is_quoted() -> None:
    """An event of a filing's document is told with its words and where they stand, not marked in another text."""
    found = hit("", "files for chapter 11", Where.DOCUMENT)
    noise = hit("", "", Where.FORM, weight=0.0, noise=True)
    alert = make_alert(score=Score(value=-0.7, sentiment=0, confidence=1, events=(found, noise)))
    (told,) = found_elsewhere(alert)
    assert (told.words, told.where, told.kind) == ("files for chapter 11", "in the filing", "bearish")
    assert not [p for passage in passages(alert) for p in passage.pieces if p.kind == "bearish"]


def test_a_letter_that_grows_moves_no_mark() -> None:
    """Lower case may be longer than upper case: no quote is looked for then, rather than marked beside its place."""
    alert = make_alert(item={"title": "İİİİ 10,000,000 shares at $2.50", "summary": ""})
    (headline,) = passages(alert)
    assert [p.kind for p in headline.pieces] == [""]


@given(
    text=st.text("abXY .,<&\t\n\u202e\u200b\u6f22", max_size=60),
    marks=st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70), st.floats(0, 1)), max_size=6),
)
def test_no_text_is_lost_or_told_twice(text: str, marks: list[tuple[int, int, float]]) -> None:
    """However marks overlap or lie outside, the pieces together show the text, without what cannot be seen."""
    cut = pieces(text, [Mark(start, end, "bullish", "", weight) for start, end, weight in marks])
    assert plain("".join(piece.text for piece in cut)) == plain(text)
