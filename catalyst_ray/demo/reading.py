"""The scripted reading behind the Ollama double: a few whole-word rules and a filler for JSON schemas.

Pure. It is no language model and does not pass for one: it recites.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHORT_OF_WORDS = re.compile(r"^filing\s*:", re.MULTILINE)
_OUTSIDE_THE_TEXT = re.compile(r"^(?:company|filing|headline|first look)\s*:|^(?:<<<|\w+>>>)")
_PART = re.compile(r"^[\w.-]+(?: [\w.-]+)?\s*:\s+")
_SENTENCE = re.compile(r"(?<=[^.][.!?])\s+(?=[A-Z])")
_HEADLINE = re.compile(r"^\W*(?:headline|title)\W*[:=>]\s*(.+?)(?:</\w+>)?\s*$", re.IGNORECASE | re.MULTILINE)
_MAX_SUMMARY_CHARS = 200
_MAX_DEPTH = 6

# The first rule that is found speaks: pattern, direction, kinds of event that a schema may offer for it.
_RULES = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), direction, events)
    for pattern, direction, events in (
        (r"investor alert|shareholder alert|class action|law offices?|llp", 0.0, ("legal", "promotion")),
        (
            r"why .{0,60}\b(?:stock|shares)|stock a buy|here's why|growth stocks",
            0.0,
            ("promotion", "routine"),
        ),
        (r"5635\(c\)\(4|inducement grants?|conference|annual meeting|to present", 0.0, ("routine",)),
        (r"chapter 11|bankruptcy", -0.9, ("bankruptcy",)),
        (r"complete response letter", -0.8, ("rejection",)),
        (r"did not meet|fails? to meet|misses primary endpoint|discontinue", -0.8, ("trial_failure",)),
        (r"delisting", -0.6, ("delisting",)),
        (r"reverse (?:stock )?split", -0.5, ("split",)),
        (r"closing of|closes", 0.0, ("routine",)),
        (r"registered direct|at-the-market|private placement", -0.6, ("offering", "financing")),
        (r"public offering|underwritten offering|424b5", -0.6, ("offering", "financing")),
        (
            r"(?:cuts|lowers) .{0,30}(?:guidance|outlook)|below (?:prior )?(?:guidance|expectations)",
            -0.6,
            ("guidance_down",),
        ),
        (r"misses|revenue falls", -0.5, ("earnings_miss",)),
        (r"to be acquired|to acquire|taken private", 0.8, ("merger",)),
        (r"fda approv(?:es|al)|drug administration approves", 0.8, ("approval",)),
        (r"met primary|meets primary|positive topline|statistically significant", 0.8, ("trial_success",)),
        (r"raises .{0,30}(?:guidance|outlook)|outlook raised", 0.6, ("guidance_up",)),
        (r"results beat|record .{0,20}revenue|above guidance|strong", 0.5, ("earnings_beat",)),
        (r"awards|awarded|wins|secures", 0.6, ("contract",)),
        (r"license agreement|collaboration", 0.5, ("partnership",)),
        (r"uplist(?:ing)?", 0.4, ("routine",)),
    )
)

_AMOUNT = r"\$(?P<value>\d[\d,]*(?:\.\d+)?)(?: (?P<scale>million|billion))?"
_COUNT = r"(?P<value>\d[\d,]*(?:\.\d+)?)(?: (?P<scale>million|billion))?"
_SHARE = r"(?P<value>\d+(?:\.\d+)?)(?:%| percent| per cent)"
_SCALES = {"": 1.0, "million": 1e6, "billion": 1e9}

# Terms of a sale of securities, by the names that a schema has for them; the first pattern that is found speaks.
_TERMS = {
    term: tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    for term, patterns in {
        "price_usd": (rf"price of {_AMOUNT}", rf"at {_AMOUNT} per (?:share|unit)"),
        "size_usd": (
            rf"gross proceeds of (?:approximately |about |up to )?{_AMOUNT}",
            r"\$(?P<value>\d[\d,]*(?:\.\d+)?) (?P<scale>million|billion)",
        ),
        "discount_pct": (rf"discount of {_SHARE}", rf"{_SHARE} discount"),
        "warrants": (rf"{_COUNT} (?:\w+ ){{0,2}}warrants", rf"warrants to purchase (?:up to )?{_COUNT}"),
        "dilution_pct": (rf"dilution of {_SHARE}", rf"{_SHARE} of (?:\w+ ){{0,3}}outstanding"),
    }.items()
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rules made of a prompt; ``quote`` stands in it word for word.

    ``sentence`` is what the rules read: the headline, or the sentence of a filing that holds the quote. ``terms`` are
    those of a sale of securities that the text states.
    """

    headline: str
    direction: float
    confidence: float
    quote: str
    events: tuple[str, ...]
    sentence: str = ""
    terms: Mapping[str, float] = field(default_factory=dict)


def read_prompt(prompt: str) -> Reading:
    """Read the headline in a prompt: its ``headline:`` or ``title:`` line, else its longest line.

    A filing's headline says next to nothing, so its text is read first.
    """
    found = _HEADLINE.search(prompt)
    lines = [line.strip() for line in prompt.splitlines() if line.strip()]
    headline = (found.group(1) if found else max(lines, key=len, default="")).strip()
    sentences = [headline]
    if _SHORT_OF_WORDS.search(prompt):
        text = [_PART.sub("", line) for line in lines if not _OUTSIDE_THE_TEXT.search(line)]
        sentences = [*(sentence for line in text for sentence in _SENTENCE.split(line)), headline]
    terms = _terms(prompt)
    for pattern, direction, events in _RULES:
        for sentence in sentences:
            hit = pattern.search(sentence)
            if hit:
                sure = 0.9 if direction else 0.8
                return Reading(headline, direction, sure, hit.group(), events, sentence, terms)
    return Reading(headline, 0.0, 0.4, "", ("routine",), max(sentences, key=len), terms)


def _terms(text: str) -> dict[str, float]:
    terms = {}
    for term, patterns in _TERMS.items():
        hit = next((hit for hit in (pattern.search(text) for pattern in patterns) if hit), None)
        if hit:
            terms[term] = (
                float(hit["value"].replace(",", "")) * _SCALES[(hit.groupdict().get("scale") or "").lower()]
            )
    return terms


def answer_text(prompt: str, schema: Any) -> str:
    """Return the answer to a prompt: JSON of the schema, of a plain object for "json", or a sentence."""
    reading = read_prompt(prompt)
    if isinstance(schema, dict):
        return json.dumps(_Form(schema, reading).fill(schema), ensure_ascii=False)
    if schema == "json":
        return json.dumps(_free_form(reading), ensure_ascii=False)
    return f"Scripted reading, direction {reading.direction:+.1f}: {_summary(reading)}"


def _free_form(reading: Reading) -> dict[str, Any]:
    return {"direction": reading.direction, "confidence": reading.confidence, "summary": _summary(reading)}


def _summary(reading: Reading) -> str:
    text = (reading.sentence or reading.headline).rstrip(" .")
    if len(text) > _MAX_SUMMARY_CHARS:
        text = text[:_MAX_SUMMARY_CHARS].rpartition(" ")[0]
    return f"{text}." if text else "No headline was given."


class _Form:
    """Fills a JSON schema from a reading: by a property's name where that says what is meant."""

    def __init__(self, schema: Mapping[str, Any], reading: Reading) -> None:
        self._defs = schema.get("$defs", {})
        self._reading = reading

    def fill(self, schema: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
        """Return a value of the schema for the property ``name``."""
        if depth > _MAX_DEPTH:
            return None
        if name in _TERMS and (name in self._reading.terms or _allows_null(schema)):
            return self._reading.terms.get(name)
        inner = self._inner(schema)
        if inner is not None:
            return self.fill(inner, name, depth + 1)
        if "const" in schema or "enum" in schema:
            return schema["const"] if "const" in schema else _choose(schema["enum"], name, self._reading)
        if schema.get("type") == "object" or "properties" in schema:
            properties = schema.get("properties", {})
            return {key: self.fill(value, key, depth + 1) for key, value in properties.items()}
        is_list = schema.get("type") == "array"
        return self._rows(schema, name, depth) if is_list else _scalar(schema, name, self._reading)

    def _inner(self, schema: Mapping[str, Any]) -> Any:
        """Return the schema that stands for this one: what it refers to, or its first alternative."""
        if "$ref" in schema:
            return self._defs.get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return {**schema, "type": next((kind for kind in kinds if kind != "null"), "null")}
        return next(iter(schema.get("anyOf") or schema.get("oneOf") or ()), None)

    def _rows(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        items, reading = schema.get("items", {}), self._reading
        most = schema.get("maxItems", 1)
        if "enum" in items:
            return [event for event in reading.events if event in items["enum"]][:most]
        if _is_about(name, "evidence", "quote") and items.get("type") == "string":
            return [reading.quote[: items.get("maxLength", 120)]][:most] if reading.quote else []
        if _is_about(name, "event"):
            return list(reading.events)[:most]
        return [self.fill(items, name, depth + 1) for _ in range(schema.get("minItems", 0))]


def _allows_null(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type")
    if kinds == "null" or (isinstance(kinds, list) and "null" in kinds):
        return True
    return any(_allows_null(one) for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())))


def _scalar(schema: Mapping[str, Any], name: str, reading: Reading) -> Any:
    kind = schema.get("type", "string")
    if kind in {"number", "integer"}:
        return _number(schema, name, reading, whole=kind == "integer")
    if kind == "boolean":
        return reading.direction != 0
    return None if kind == "null" else _words(schema, name, reading)


def _choose(choices: list[Any], name: str, reading: Reading) -> Any:
    """Return the choice nearest to the reading: by number, by the sign's usual words, by event."""
    numbers = [choice for choice in choices if isinstance(choice, int | float)]
    if numbers:
        wished = reading.confidence if _is_about(name, "confiden") else reading.direction
        return min(numbers, key=lambda choice: abs(choice - wished))
    words = {1: ("positive", "bullish", "up"), 0: ("neutral", "none"), -1: ("negative", "bearish", "down")}
    sign = (reading.direction > 0) - (reading.direction < 0)
    wished_words = (*reading.events, *words[sign])
    return next((one for one in choices if str(one).lower() in wished_words), choices[0])


def _number(schema: Mapping[str, Any], name: str, reading: Reading, *, whole: bool) -> float:
    """Return the figure within the schema's bounds; whole numbers are on the scale of its maximum."""
    value = reading.confidence if _is_about(name, "confiden", "probab", "certain") else reading.direction
    least, most = float(schema.get("minimum", -1)), float(schema.get("maximum", 1))
    return min(max(round(value * most), int(least)), int(most)) if whole else min(max(value, least), most)


def _words(schema: Mapping[str, Any], name: str, reading: Reading) -> str:
    text = reading.quote if _is_about(name, "evidence", "quote") and reading.quote else _summary(reading)
    return text[: schema.get("maxLength", _MAX_SUMMARY_CHARS)]


def _is_about(name: str, *stems: str) -> bool:
    return any(stem in name.lower() for stem in stems)
