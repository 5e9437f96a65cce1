"""Charts and gauges for scripts: futures, callbacks, statistics, and what is refused."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import pytest
from ray import cloudpickle  # noqa: TID253  (these tests are about Ray)

from catalyst_ray import api
from catalyst_ray.cluster import chart_pool
from catalyst_ray.core.gauge import draw_gauge
from catalyst_ray.errors import CatalystError, ConfigError
from tests.cluster.calls import Calls

# Ray's workers cannot import a test file: what it defines travels by value.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

OPENED_S = 1_764_167_400
TICKERS = ("AAA", "BBB", "CCC")


def table(start: float) -> str:
    """Return a CSV of 40 bars of five minutes."""
    rows = [
        f"{OPENED_S + 300 * i},{start + i / 10},{start + i / 10 + 0.2},{start + i / 10 - 0.2},{start + i / 10},1000"
        for i in range(40)
    ]
    return "\n".join(("time,open,high,low,close,volume", *rows))


def hang(_asked):
    """Stand in for a chart that never comes."""
    time.sleep(60)


@pytest.fixture
def settings(ray_session, monkeypatch, tmp_path):
    """Point the settings at a folder of three tables; end the service afterwards."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices").mkdir()
    for number, ticker in enumerate(TICKERS):
        (tmp_path / "prices" / f"{ticker}.csv").write_text(table(10.0 + number))
    for name, value in {
        "PRICE_SOURCE": "csv",
        "PRICE_DIR": str(tmp_path / "prices"),
        "OUT_DIR": str(tmp_path / "out"),
        "QUICKCHART_IMAGE_DIR": str(tmp_path / "charts"),
        "CHART_QUEUE_WORKERS": "2",
    }.items():
        monkeypatch.setenv(name, value)
    yield
    api.close()


def test_a_request_returns_at_once_and_its_callback_is_called_once(settings) -> None:
    """The future and the callback have the same picture; the callback runs in a thread of its own."""
    calls = Calls()
    future = api.submit_chart_request(ticker="aaa", timeframe="1D", priority=2, callback=calls)
    assert not future.done()
    png = future.result(timeout=60)
    assert png.startswith(b"\x89PNG")
    assert png.endswith(b"IEND\xaeB`\x82")
    assert calls.told.wait(10)
    assert calls.answers == [png]
    assert calls.threads == {"catalyst-callbacks"}


def test_equal_charts_are_drawn_once_and_the_counts_are_true(settings) -> None:
    """Joined, cached, without bars, another mark: each is counted once, in its place."""
    first = [api.submit_chart_request(ticker="AAA") for _ in range(4)]
    pictures = {future.result(timeout=60) for future in first}
    assert len(pictures) == 1
    assert api.submit_chart_request("AAA").result(timeout=60) in pictures
    marked = api.submit_chart_request(
        "AAA", mark_utc=datetime.fromtimestamp(OPENED_S + 900, UTC), label="Contract won"
    )
    assert marked.result(timeout=60) not in pictures
    with pytest.raises(CatalystError, match="csv has no bars"):
        api.submit_chart_request("ZZZ").result(timeout=60)
    stats = api.chart_statistics()
    assert (stats.requests, stats.hits + stats.joined, stats.failed) == (7, 4, 1)
    assert stats.hits >= 1
    assert (stats.timed_out, stats.refused, stats.busy, stats.queue_length) == (0, 0, 0, 0)
    assert (stats.workers, stats.queue_age_s) == (2, 0.0)
    assert 0 < stats.mean_seconds < 10
    assert str(stats).splitlines()[0] == (
        f"Chart requests: 7 ({stats.hits} cache hits, {stats.joined} joined, 1 failed, 0 timed out, 0 refused)"
    )
    assert str(stats).splitlines()[2] == "Workers busy: 0 of 2"


def test_what_is_open_is_counted_and_told_at_the_end(settings, monkeypatch, tmp_path) -> None:
    """Of four hung charts two are with workers and two wait; each callback has None, once, and the future why."""
    api.submit_chart_request("AAA").result(timeout=60)
    api.close()
    monkeypatch.setattr(chart_pool, "render", hang)
    calls = [Calls() for _ in range(4)]
    futures = [
        api.submit_chart_request("BBB", label=f"{number}", callback=call) for number, call in enumerate(calls)
    ]
    until_s = time.monotonic() + 30
    while (stats := api.chart_statistics()).queue_length < 2 and time.monotonic() < until_s:
        time.sleep(0.05)
    assert (stats.requests, stats.busy, stats.queue_length, stats.workers) == (4, 2, 2, 2)
    assert api.chart_statistics().queue_age_s > 0
    api.close()
    assert all(call.told.wait(10) for call in calls)
    assert [call.answers for call in calls] == [[None]] * 4
    for future in futures:
        with pytest.raises(CatalystError, match="closed"):
            future.result(timeout=10)
    assert api.chart_statistics() == api.ChartStatistics()


def test_late_is_told_with_none_and_counted(settings, monkeypatch) -> None:
    """A chart that is not there in time is no failure of the chart: the counts tell the two apart."""
    api.submit_chart_request("AAA").result(timeout=60)
    calls = Calls()
    with pytest.raises(CatalystError, match="csv gave no bars within"):
        api.submit_chart_request("BBB", timeout_s=0.0001, callback=calls).result(timeout=60)
    assert calls.told.wait(10)
    assert calls.answers == [None]
    stats = api.chart_statistics()
    assert (stats.requests, stats.failed, stats.timed_out, stats.refused) == (2, 0, 1, 0)


def test_without_prices_the_mend_is_named(settings, monkeypatch) -> None:
    """A source that is none is an error that says what to set, and counts as failed."""
    monkeypatch.setenv("PRICE_SOURCE", "none")
    with pytest.raises(CatalystError, match="set PRICE_SOURCE"):
        api.submit_chart_request("AAA").result(timeout=60)
    assert (api.chart_statistics().requests, api.chart_statistics().failed) == (1, 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ticker": "../etc"}, "no ticker"),
        ({"timeframe": "2D"}, "no timeframe"),
        ({"priority": 10}, "priority must be"),
        ({"timeout_s": 0.0}, "priority must be"),
        ({"mark_utc": datetime(2026, 1, 2)}, "time zone"),  # noqa: DTZ001  (that is the mistake)
    ],
)
def test_nonsense_is_refused_at_once(settings, wrong, words) -> None:
    """What cannot be drawn is the caller's bug."""
    with pytest.raises(ValueError, match=words):
        api.submit_chart_request(**{"ticker": "AAA", **wrong})


def test_gauges_are_looked_up_and_lie_in_files_on_demand(settings, monkeypatch, tmp_path) -> None:
    """Any sentiment has one of the 21 pictures of the set theme; its file is written once and is the same picture."""
    monkeypatch.setenv("CHART_THEME", "light")
    png = api.get_or_generate_gauge(0.34)
    assert png == draw_gauge(0.3, "light")
    assert api.get_or_generate_gauge(0.26) is png
    assert api.get_or_generate_gauge(7.0) == api.get_or_generate_gauge(1.0)
    path = api.gauge_file(0.34)
    assert path == tmp_path / "charts" / "gauge-light_+0.3.png"
    assert path.read_bytes() == png
    assert (api.gauge_file(0.28), len(list(path.parent.iterdir()))) == (path, 1)
    with pytest.raises(ValueError, match="finite"):
        api.get_or_generate_gauge(float("nan"))


def test_a_folder_that_takes_no_gauge_is_told(settings, monkeypatch, tmp_path) -> None:
    """The error names the setting."""
    (tmp_path / "charts").write_text("a file")
    with pytest.raises(ConfigError, match="QUICKCHART_IMAGE_DIR"):
        api.gauge_file(0.5)
