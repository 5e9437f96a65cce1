"""What a language model is asked about an item, and how much of its answer is believed.

Owns questions and their reading; knows no engine. The news is data: it is cleaned, stands between two marks that
its own text cannot contain, on lines of its own, and the model that reads it holds no tool. What comes back must stand
in that news, or it is cut.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.deal_terms import TERMS, grounded_deal
from catalyst_ray.core.grounding import Grounded, ground, sentences_of
from catalyst_ray.core.hygiene import as_shown
from catalyst_ray.core.prompt_answers import (
    EVENT_CODES,
    MAX_EVENTS,
    MAX_QUOTES,
    MAX_SENTENCES,
    HeadlineAnswer,
    parse_answer,
)
from catalyst_ray.core.prompt_text import first_look, known_names, news_text
from catalyst_ray.core.prompt_uses import CLOSING, FIRST_LOOK, FORMS, HEADLINE_SYSTEM, OPENING
from catalyst_ray.errors import ParseError
from catalyst_ray.models import Judgement, LlmRequest, LlmUse

if TYPE_CHECKING:
    from catalyst_ray.models import Deal, EngineInfo, FilingText, Item, Link, LlmAnswer, Score

__all__ = [
    "CLOSING", "OPENING", "SCHEMA", "SYSTEM", "HeadlineAnswer", "Question", "Reading", "ask_about", "read_answer",
]  # fmt: skip

SYSTEM = HEADLINE_SYSTEM
SCHEMA = FORMS[LlmUse.HEADLINE].schema


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked about one item, and the text that its answer must be found in.

    Args:
        source: The news' words as the model sees them, folded.
        names: The companies that the item is about, which an answer may name in any case.
        removed: Orders to a model that were cut from the news.
    """

    use: LlmUse
    request: LlmRequest
    source: str
    item_key: str
    names: tuple[str, ...] = ()
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A judgement, and how many sentences, quotes and figures were cut from it because the source lacks them."""

    judgement: Judgement
    cut: int


def ask_about(
    item: Item,
    link: Link,
    score: Score,
    *,
    use: LlmUse,
    document: FilingText | None,
    model: str,
    timeout_s: float,
    priority: int,
) -> Question:
    """Return the question that one use asks about an item.

    The same words about the same company give the same key, whatever the source and the time. Without a
    document a filing is asked about by the feed's few words.
    """
    form = FORMS[use]
    news = news_text(item, link, document if use is LlmUse.FILING else None, form.text_chars)
    ours = [f"{FIRST_LOOK}: {first_look(score)}"] if use is LlmUse.REJUDGE else []
    prompt = "\n".join((*ours, OPENING, *news.lines, CLOSING))
    asked = json.dumps([model, form.system, prompt, form.schema, form.answer_tokens])
    request = LlmRequest(
        key=f"llm:{hashlib.sha256(asked.encode()).hexdigest()}",
        system=form.system,
        prompt=prompt,
        schema=form.schema,
        max_tokens=form.answer_tokens,
        priority=priority,
        timeout_s=timeout_s,
    )
    return Question(use, request, news.source, item.key, known_names(link), news.removed)


def read_answer(answer: LlmAnswer, question: Question, info: EngineInfo, *, cached: bool = False) -> Reading:
    """Turn a model's text into a judgement whose words all stand in the question's source.

    Raises:
        ParseError: It is no answer of the schema, or neither a quote nor a sentence of it stands in the source.
            An event alone does not count: it is one word of ours, picked from a list, and a direction that
            nothing bears out may not move an alert.
    """
    parsed = parse_answer(FORMS[question.use].answer, answer.text, key=question.item_key)
    grounded = _grounded(parsed, question)
    deal, deal_cut = _deal(parsed, question)
    if not grounded.rests_on_source:
        raise ParseError("nothing that the model says stands in the news", key=question.item_key)
    cut = grounded.cut + deal_cut
    judgement = Judgement(
        direction=parsed.direction,
        confidence=parsed.confidence,
        summary=" ".join(sentences_of(grounded.summary)[:MAX_SENTENCES]),
        events=tuple(dict.fromkeys(code for code in parsed.events if code in EVENT_CODES))[:MAX_EVENTS],
        evidence=grounded.evidence,
        model=answer.model,
        engine=answer.engine,
        has_weight=info.has_weight,
        cached=cached,
        seconds=answer.seconds,
        use=question.use,
        deal=deal,
        cut=cut,
    )
    return Reading(judgement, cut)


def _grounded(parsed: HeadlineAnswer, question: Question) -> Grounded:
    quotes = [quote for quote in map(as_shown, parsed.evidence[:MAX_QUOTES]) if quote]
    return ground(as_shown(parsed.summary), quotes, question.source, question.names)


def _deal(parsed: HeadlineAnswer, question: Question) -> tuple[Deal | None, int]:
    if question.use is not LlmUse.FILING:
        return None, 0
    return grounded_deal({term: getattr(parsed, term) for term in TERMS}, question.source)
