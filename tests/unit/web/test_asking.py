"""Query strings read into filters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catalyst_ray.errors import ParseError
from catalyst_ray.web.asking import Filter, read_filter, read_number, read_time, refuse_unknown

NOON = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)


def read(**query: str) -> Filter:
    """Read a filter of at most 200 alerts, 40 where none is named."""
    return read_filter(query, usual=40, most=200)


def test_a_filter_is_read_as_people_write_it() -> None:
    """A cashtag in lower case, an event in words, empty fields of a form: all are taken for what they mean."""
    found = read(
        ticker=" $qlln ", event="Offering Priced", direction="Bearish", q=" two words ", before="", limit=""
    )
    assert found == Filter(
        ticker="QLLN", event="offering_priced", direction="bearish", words="two words", limit=40
    )
    assert found.narrows
    assert not read(limit="3").narrows


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({"ticker": "<script>"}, "ticker"),
        ({"ticker": "A" * 30}, "ticker"),
        ({"event": "drop table"}, None),
        ({"event": "offering-priced"}, "event"),
        ({"direction": "up"}, "direction"),
        ({"q": "x" * 201}, "q"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "-5"}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"before": "2026-03-17T12:00:00"}, "before"),
        ({"before": "0001-01-01T00:00:00+14:00"}, "before"),
    ],
)
def test_nonsense_is_named(query: dict[str, str], key: str | None) -> None:
    """A value that cannot be meant is refused by the name of its parameter."""
    if key is None:
        assert read(**query).event == "drop_table"
        return
    with pytest.raises(ParseError) as caught:
        read(**query)
    assert caught.value.key == key


def test_links_say_what_was_read() -> None:
    """What a filter writes into an address is read back as the same filter."""
    wanted = Filter(ticker="BRK.B", event="", direction="bullish", words="a & b", before_utc=NOON, limit=40)
    address = wanted.link("./")
    assert address == "./?ticker=BRK.B&direction=bullish&q=a+%26+b&before=2026-03-17T12%3A00%3A00Z"
    assert wanted.link("./", before_utc=None, direction="", words="", ticker="") == "./"
    assert read_time({"before": "2026-03-17T14:00:00+02:00"}, "before") == NOON


def test_numbers_have_limits() -> None:
    """A number of too many digits is refused before it is made."""
    assert read_number({}, "hours", usual=6, least=1, most=24) == 6
    with pytest.raises(ParseError, match="from 1 to 24"):
        read_number({"hours": "9" * 60}, "hours", usual=6, least=1, most=24)


def test_a_misspelt_parameter_is_refused() -> None:
    """A program that misspells a parameter is told which there are."""
    refuse_unknown(["limit"], ["since", "limit"])
    with pytest.raises(ParseError, match="there are since, limit") as caught:
        refuse_unknown(["limit", "sinse"], ["since", "limit"])
    assert caught.value.key == "sinse"
