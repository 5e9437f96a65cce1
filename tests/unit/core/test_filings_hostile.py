"""Hostile filings cost bounded time and memory: each is read in a process of its own with hard limits."""

from __future__ import annotations

import subprocess
import sys

import pytest

SIZE = 100_000
CPU_S = 30
"""Linear work needs about four seconds in all; one quadratic pattern needs more than this."""
MEMORY_BYTES = 2 * 1024**3

REPEATED = {
    "a less-than sign": "<",
    "tags without end": "<a",
    "open comments": "<!-- >",
    "open titles": "<title>",
    "open headers": "<ix:header>",
    "open scripts": "<script>",
    "open preformatted text": "<pre>",
    "nested blocks": "<div>",
    "nested tables": "<table><tr><td>",
    "cells": "<td>x",
    "hidden blocks": "<div style='display:none'>",
    "entities": "&#",
    "white space": " ",
    "tabs": "a\t",
    "item headings": "<p>Item 1.01 Entry</p>",
    "item numbers": "Items 1.01 and ",
    "items in a line": "item 1.01 Xy. ",
    "contents": "<p>The Offering</p>",
    "spaced signature": "<p>S I G N A T U R E</p>",
    "labels": "<p>PERCENT OF CLASS</p>",
    "brackets": "(a)",
    "documents": "<DOCUMENT>\n<TYPE>EX-99.1\n<TEXT>\nx\n",
    "document fields": "<TYPE>",
    "ends of text": "</TEXT> ",
    "quotes": "<a href=\"'",
    "wrapped lines": "x" * 60 + "\n",
    "double spacing": "x\n\n",
}
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({cpu}, {cpu}))
if sys.platform == "linux":
    resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))
from catalyst_ray.core.filings import read_submission
from catalyst_ray.errors import ParseError

def read(name, form, body):
    print(name, form, flush=True)
    try:
        text = read_submission(body, form=form, items=("1.01", "9.01"))
    except ParseError:
        return
    assert sum(len(part.text) for part in text.parts) <= 24_000

{work}
print("done")
"""
REPEAT = """
for name, piece in {pieces!r}.items():
    for form in {forms!r}:
        head = f"<DOCUMENT>\\n<TYPE>{{form}}\\n<TEXT>\\n"
        read(name, form, (head + {opening!r} + piece * ({size} // len(piece))).encode())
"""
HUGE = """
main = b"<DOCUMENT>\\n<TYPE>8-K\\n<TEXT>\\n<html><p>Item 8.01 Other Events.</p><p>The board met.</p></TEXT>\\n"
picture = b"<DOCUMENT>\\n<TYPE>GRAPHIC\\n<TEXT>\\nbegin 644 a.jpg\\n" + (b"M" * 60 + b"\\n") * (143_000_000 // 61)
read("huge", "8-K", main + picture)
"""
TABLE = """
rows = "<tr><td><p>1</p></td><td>$</td><td>2</td></tr>" * 22_000
read("table", "10-K", f"<html><table>{rows}".encode())
"""


def last_words(work: str) -> str:
    """Run work in a process with limits on its time and memory, and return the last thing it said."""
    program = PROGRAM.format(cpu=CPU_S, memory=MEMORY_BYTES, work=work)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=240)
    errors = done.stderr.decode().splitlines()[-1:]
    return " ".join([*done.stdout.decode().splitlines()[-1:], *errors])


@pytest.mark.parametrize(
    ("opening", "forms"),
    [("<html><body><p>", ("8-K", "SCHEDULE 13D")), ("", ("8-K", "424B5"))],
    ids=["html", "text"],
)
def test_repeated_input_needs_linear_time(opening, forms):
    """Whatever a pattern might stumble over is read within the limits; else the last words name it."""
    assert last_words(REPEAT.format(pieces=REPEATED, forms=forms, opening=opening, size=SIZE)) == "done"


def test_an_end_that_is_missing_is_looked_for_once():
    """A long page of openings without ends would need minutes if each looked through the rest of it."""
    openings = {name: REPEATED[name] for name in ("open comments", "open titles", "open headers")}
    work = REPEAT.format(pieces=openings, forms=("10-K",), opening="<html>", size=1_500_000)
    assert last_words(work) == "done"


def test_a_tag_without_end_is_tried_once():
    """One tag of half a million letters is matched in one look, not again from each letter."""
    work = REPEAT.format(pieces={"x": "x"}, forms=("10-K",), opening="<html><body><", size=500_000)
    assert last_words(work) == "done"


def test_a_huge_submission_is_read_at_its_beginning():
    """Of 143 MB, more than EDGAR's largest, only the first part is looked at, in bounded memory."""
    assert last_words(HUGE) == "done"


def test_a_giant_table_is_read_within_limits():
    """A million letters of rows and cells need no more than their number."""
    assert last_words(TABLE) == "done"
