"""The scripted reading: its rules on the demo's own headlines, and any schema filled."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from catalyst_ray.core.prompt import SCHEMA, HeadlineAnswer
from catalyst_ray.core.prompt_answers import FilingAnswer
from catalyst_ray.core.prompt_uses import FORMS
from catalyst_ray.demo.items import Expected
from catalyst_ray.demo.reading import answer_text, read_prompt
from catalyst_ray.demo.world import World
from catalyst_ray.models import LlmUse


@pytest.mark.parametrize("seed", range(4))
def test_news_catalysts_are_read_with_their_sign(seed):
    """The script agrees with the truth on every release that is a catalyst, and quotes the headline."""
    seen = set()  # what tells a release again has words of its own
    for item in World(seed, datetime(2026, 11, 23, 14, tzinfo=UTC)).items:
        if item.filing is None and item.truth.action is Expected.ALERT and item.truth.story not in seen:
            seen.add(item.truth.story)
            reading = read_prompt(f"company: X\nheadline: {item.title}\ntext: {item.paragraphs[0]}")
            assert reading.headline == item.title
            assert reading.direction * item.truth.sign > 0, item.title
            assert reading.quote in item.title


def test_the_programs_own_schema_is_honoured():
    """An answer to the program's prompt is valid under its model."""
    text = answer_text(
        "<<<NEWS\nheadline: Norvanta Receives Complete Response Letter\nNEWS>>>", json.loads(SCHEMA)
    )
    answer = HeadlineAnswer.model_validate_json(text)
    assert answer.direction < 0
    assert answer.events == ["rejection"]
    assert answer.evidence == ["Complete Response Letter"]
    assert "Norvanta" in answer.summary


FILING = (
    "<<<NEWS\ncompany: Acme (ACM)\nfiling: 424B5\nheadline: 424B5 - ACME INC (0000000001) (Filer)\n"
    "Cover: We are offering shares at a public offering price of $2.50 per share. Gross proceeds of $12.5 million are"
    " expected. Buyers get 1,000,000 warrants.\nNEWS>>>"
)


def test_a_filings_answer_has_the_terms_of_its_text():
    """Terms that the text states are numbers, the others null; quote and summary come from the text."""
    text = answer_text(FILING, json.loads(FORMS[LlmUse.FILING].schema))
    answer = FilingAnswer.model_validate_json(text)
    assert (answer.size_usd, answer.price_usd, answer.warrants) == (12_500_000, 2.5, 1_000_000)
    assert (answer.discount_pct, answer.dilution_pct) == (None, None)
    assert answer.direction < 0
    assert answer.evidence == ["public offering"]
    assert answer.summary == "We are offering shares at a public offering price of $2.50 per share."


def test_a_second_opinion_reads_the_news_and_not_the_first_look():
    """What the fast tier found does not sway the script."""
    prompt = "first look: offering_priced; direction -0.8\n<<<NEWS\nheadline: Acme Wins Contract\nNEWS>>>"
    assert json.loads(answer_text(prompt, json.loads(FORMS[LlmUse.REJUDGE].schema)))["direction"] > 0


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"properties": {"sentiment": {"enum": ["positive", "neutral", "negative"]}}},
            {"sentiment": "negative"},
        ),
        ({"type": "object", "properties": {"score": {"type": "integer", "maximum": 10}}}, {"score": -1}),
        ({"properties": {"is_catalyst": {"type": "boolean"}}}, {"is_catalyst": True}),
        ({"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"const": 5}}}, {"a": 5}),
        ({"properties": {"x": {"anyOf": [{"type": "null"}, {"type": "string"}]}}}, {"x": None}),
        ({"properties": {"tags": {"type": "array", "items": {"type": "string"}}}}, {"tags": []}),
        ({"properties": {"x": {"type": ["null", "string"], "maxLength": 4}}}, {"x": "Acme"}),
        (
            {"properties": {"price_usd": {"anyOf": [{"type": "number"}, {"type": "null"}]}}},
            {"price_usd": None},
        ),
        ({"properties": {"summary": {"type": "string", "maxLength": 5}}}, {"summary": "Acme "}),
    ],
)
def test_other_schemas_are_filled(schema, expected):
    """Enumerations, bounds, references, alternatives and lists are kept to."""
    assert json.loads(answer_text("title: Acme Files for Voluntary Chapter 11", schema)) == expected


def test_without_schema_it_says_that_it_is_scripted():
    """Plain text owns up to being a script."""
    assert "Scripted" in answer_text("Anything at all", None)
    assert json.loads(answer_text("", "json"))["direction"] == 0
