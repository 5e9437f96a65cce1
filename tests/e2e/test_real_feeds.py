"""``catalyst-ray run --once`` on the real feeds, served from loopback: every item linked and decided."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import threading
import tomllib
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.store import SqlStore
from tests.e2e.commands import Done, run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real_data
FOLDERS = ("publishers", "wires", "polls_wsj")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def feeds_toml(data: Path, base_url: str) -> str:
    """Return a feed list of every file: EDGAR's pages as EDGAR, the rest as RSS."""
    feeds = data / "01_feeds_finance"
    edgar = sorted(feeds.glob("edgar_getcurrent/*/*.atom"))
    others = sorted(
        p for folder in FOLDERS for p in (feeds / folder).iterdir() if p.suffix in {".xml", ".rss"}
    )
    lines = []
    for number, path in enumerate([*edgar, *others]):
        kind = "edgar" if path in edgar else "rss"
        url = f"{base_url}/{path.relative_to(feeds).as_posix().replace('+', '%2B')}"
        lines += [
            "[[feed]]",
            f'name = "f{number}"',
            f'url = "{url}"',
            f'kind = "{kind}"',
            "allow_private = true",
        ]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def runs(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Done, Done]]:
    """Run the program twice on the same feeds."""
    folder = tmp_path_factory.mktemp("real")
    handler = partial(Quiet, directory=data_dir / "01_feeds_finance")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "feeds.toml").write_text(feeds_toml(data_dir, f"http://127.0.0.1:{server.server_port}"))
    options = {"SEC_TICKERS_FILE": ticker_map(data_dir), "LLM_ENGINE": "off"}
    command = ("run", "--once", "--feeds", "feeds.toml", "--json")
    yield data_dir, folder, run(folder, *command, **options), run(folder, *command, **options)
    server.shutdown()
    server.server_close()


def ticker_map(data: Path) -> Path:
    """Return SEC's map."""
    return next((data / "05_tickers").glob("**/*company_tickers*.json"))


def pages(data: Path) -> str:
    """Return the text of all EDGAR pages."""
    folder = data / "01_feeds_finance" / "edgar_getcurrent"
    return "".join(p.read_text(encoding="iso-8859-1") for p in sorted(folder.glob("*/*.atom")))


def no_feeds(data: Path) -> set[str]:
    """Return the names of files in which feedparser finds no feed at all."""
    with (data / "feedparser_survey.tsv").open() as file:
        return {Path(row["path"]).name for row in csv.DictReader(file, delimiter="\t") if not row["version"]}


def test_every_feed_is_taken(runs) -> None:
    """All files that are feeds are fetched and parsed, and every new item has a decision."""
    data, folder, first, _ = runs
    (report,) = first.cycles
    urls = {f["name"]: f["url"] for f in tomllib.loads((folder / "feeds.toml").read_text())["feed"]}
    failed = {Path(urls[f["feed"]]).name for f in report["feeds"] if f["status"] != "ok"}
    assert failed <= no_feeds(data)
    assert len(report["problems"]) == len(failed)
    assert first.code == (3 if failed else 0), first.err[-2000:]
    counts = report["counts"]
    decided = sum(counts[n] for n in ("alert", "hold", "suppress", "drop", "failed"))
    assert counts["new"] + counts["extended"] == decided > 1000


def test_filings_are_the_distinct_accessions(runs) -> None:
    """1,400 EDGAR entries become exactly as many items as there are accession numbers in the pages.

    Other feeds may link to filings that no page names; those are few.
    """
    data, folder, first, _ = runs
    accessions = set(re.findall(r"accession-number=(\d{10}-\d{2}-\d{6})", pages(data)))
    (report,) = first.cycles
    edgar = [f for f in report["feeds"] if f["entries"] == 100]
    with closing(sqlite3.connect(folder / "out" / "catalyst.db")) as raw:
        rows = raw.execute("SELECT key, kind, feed FROM items").fetchall()
    listed = tomllib.loads((folder / "feeds.toml").read_text())["feed"]
    of_edgar = {feed["name"] for feed in listed if feed["kind"] == "edgar"}
    filings = {key for key, kind, _ in rows if kind == "filing"}
    linked = {key for key, _, feed in rows if key.startswith("sec:") and feed not in of_edgar}
    assert len(edgar) >= 14
    assert filings | linked == {f"sec:{accession}" for accession in accessions} | linked
    assert len(linked) < len(filings) / 10


def test_every_listed_filer_has_its_ticker(runs) -> None:
    """A filing one of whose companies stands in SEC's map names a ticker of that map in its reasons."""
    data, folder, _, _ = runs
    rows = json.loads(ticker_map(data).read_text()).values()
    listed = {int(row["cik_str"]) for row in rows}
    tickers = {row["ticker"] for row in rows}
    store = SqlStore.open(f"sqlite:///{folder}/out/catalyst.db", read_only=True)
    missing = []
    for accession in sorted(set(re.findall(r"accession-number=(\d{10}-\d{2}-\d{6})", pages(data)))):
        (record,) = store.explain(accession, limit=1)
        assert record.decision is not None
        about = [
            p
            for p in record.item.parties
            if p.role.lower() in {"filer", "issuer", "subject", "subject company"}
        ]
        if any(p.cik in listed for p in about):
            named = {r.detail.split()[0] for r in record.decision.reasons if r.code == "ticker"}
            if not named & tickers:
                missing.append((accession, record.decision.reasons))
    store.close()
    assert missing == []


def test_running_again_yields_nothing_new(runs) -> None:
    """The second run sees the same items and makes nothing of them."""
    *_, second = runs
    (report,) = second.cycles
    assert (report["counts"]["new"], report["counts"]["extended"], report["counts"]["recovered"]) == (0, 0, 0)
    assert report["counts"]["alert"] == 0
