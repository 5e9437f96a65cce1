"""The page of a profile: complete, harmless, and its plots true."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from catalyst_ray.core.profile_compare import compare
from catalyst_ray.models import Advice, CallProfile, MemoryGrowth, ProcessMemory, QueueMoment
from catalyst_ray.profiler.page import profile_page, write_profile_page
from catalyst_ray.profiler.plots import ROOM, load_plots, stage_plot
from catalyst_ray.web.figures import BOTTOM, LEFT, PLOT_HEIGHT
from tests.unit.core.profile_facts import card, cycle, profile

HOSTILE = "<script>alert(1)</script>\u202e'\""


def full(words: str = "fine"):
    """Return a profile that has everything, with a stranger's ``words`` wherever text can stand."""
    cycles = tuple(
        cycle(
            number,
            1.0 + number / 10,
            stages={"fetch": 0.4, words: 0.1},
            elapsed={"fetch": 0.3, words: 0.1},
            branches={"Feeds": 0.3, "Other": 0.1},
            queues={
                "llm": {"requests": 3, "worked": 3, "seconds": 1.0, "workers": 3},
                "charts": {"requests": 1},
            },
            posted_s={words: (0.5,)},
            gpus=(card(name=words, utilisation_pct=50.0),),
            rss_bytes=200_000_000 + number,
        )
        for number in range(1, 13)
    )
    return profile(
        cycles,
        memory=(
            ProcessMemory(role="worker", name=words, pid=7, rss_bytes=5_000_000, rss_max_bytes=6_000_000),
        ),
        rss_by_cycle=tuple({"driver": 200_000_000, "worker": 5_000_000} for _ in cycles),
        moments=tuple(QueueMoment(at_s=n / 10, llm_waiting=n % 7, llm_oldest_s=n / 50) for n in range(100)),
        calls=(CallProfile(where=f"{words} f", calls=3, own_s=0.1, total_s=0.2),),
        growth=(MemoryGrowth(where=f"{words}:3", bytes=1500, blocks=3),),
        advice=(
            Advice(rule="r", evidence=words, figures={}, setting="LLM_CACHE_TTL", value="60", words=words),
        ),
        notes=(words,),
        settings={"LLM_BATCH_WORKERS": words},
        load_facts={"model": words},
        machine={"cpus": 2.0, "gpus": 1.0, "nodes": 2.0, "ray": words},
    )


class Reader(HTMLParser):
    """Takes down the elements and what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"src", "href", "srcset", "data", "poster"} and value != "data:,":
                self.loads.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(name)


def test_the_page_has_every_part() -> None:
    """Tree, targets, advice, all plots, queues in the guide's words, cards, memory, calls, growth and settings."""
    page = profile_page(full(), compare(full(), full()))
    for words in (
        "Where a cycle’s time goes",
        "Cycle, p95 below 5 s",
        "LLM_CACHE_TTL=60",
        "Stages of each cycle",
        "Length of each cycle",
        "Requests in the queues",
        "GPU use in per cent",
        "Memory by role",
        "LLM requests: 3",
        "Chart requests: 1",
        "fine f",
        "fine:3",
        "no difference",
        "Other nodes’ processes are not read",
        "LLM_BATCH_WORKERS",
    ):
        assert words in page, words
    assert page.count('<svg class="plot"') == 6


def test_a_bare_profile_has_a_page_too() -> None:
    """One cycle without queues, cards or memory: what is absent is said or left out."""
    page = profile_page(profile((cycle(elapsed={"fetch": 0.5}, stages={"fetch": 0.5}),)))
    assert "There is no GPU: none on any node of the cluster." in page
    assert "Nothing was queued." in page
    assert "Memory of this machine" not in page


def test_hostile_words_are_words_and_nothing_is_loaded() -> None:
    """No script, no handler, no address to load; the only style is the one whose hash the policy names."""
    page = profile_page(full(HOSTILE), compare(full(HOSTILE), full()))
    reader = Reader()
    reader.feed(page)
    assert "script" not in reader.tags
    assert (reader.loads, reader.inline) == ([], [])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\u202e" not in page
    css = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert css
    digest = base64.b64encode(hashlib.sha256(css[1].encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in page or f"style-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_the_page_is_written_in_one_step(tmp_path) -> None:
    """The old page stands until the new one is whole, and nothing is left beside it."""
    write_profile_page(tmp_path / "p.html", full())
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]
    assert (tmp_path / "p.html").stat().st_mode & 0o777 == 0o644, "others are to read it"


def test_large_figures_of_plots_are_written_out() -> None:
    """Gigabytes of memory stand as figures with commas, not as powers of ten; one card is one."""
    sizes = tuple({"engine": 3_512_400_000} for _ in range(3))
    page = profile_page(replace(full(), rss_by_cycle=sizes, machine={"cpus": 1.0, "gpus": 1.0, "nodes": 1.0}))
    assert "3,512 MB" in page
    assert "e+0" not in page
    assert "1 CPU, 1 GPU, 1 node;" in page


def test_stacks_are_as_high_as_their_stages_together() -> None:
    """A bar's pieces touch one another from the floor up, in proportion; its line is the cycle's length."""
    plot = stage_plot(full())
    bar = plot.stacks[0]
    fetch, other = bar.pieces
    assert fetch.y + fetch.height == PLOT_HEIGHT - BOTTOM
    assert abs(other.y + other.height - fetch.y) < 0.02
    assert abs(fetch.height / other.height - 3.0) < 0.01
    assert bar.line_y < other.y
    assert "Cycle 1: 1.10 s. fetch 0.30 s" in bar.words


def test_many_cycles_share_bars() -> None:
    """Thousands of cycles make at most 120 bars, which say what they stand for."""
    cycles = tuple(cycle(n, 1.0, stages={"fetch": 1.0}, elapsed={"fetch": 0.5}) for n in range(1, 2001))
    plot = stage_plot(profile(cycles))
    assert len(plot.stacks) == 120
    assert plot.stacks[0].words.startswith("Cycles 1 to 17, mean: 1.00 s")
    assert [tick.words for tick in plot.columns] == ["1", "501", "1001", "1500", "2000"]


def test_no_peak_is_lost_in_a_long_line() -> None:
    """Of many moments in one place of the plot the highest is drawn."""
    moments = tuple(QueueMoment(at_s=float(n), llm_waiting=90 if n == 777 else 1) for n in range(5_000))
    queues = load_plots(profile((cycle(),), moments=moments))[0]
    waiting = queues.series[0]
    assert (waiting.name, waiting.most) == ("LLM waiting", "90")
    assert len(waiting.points.split()) <= 481
    assert min(float(point.split(",")[1]) for point in waiting.points.split()) < 40


def test_without_readings_the_driver_s_memory_comes_from_the_cycles() -> None:
    """A profile of cycles alone still draws what the driver holds; nothing seen is no plot."""
    cycles = tuple(cycle(n, rss_bytes=10_000_000 * n) for n in range(1, 4))
    (memory,) = load_plots(profile(cycles))
    assert [(line.name, line.most) for line in memory.series] == [("driver", "30 MB")]
    assert load_plots(profile((cycle(),))) == []


def test_seconds_on_an_axis_are_where_they_say() -> None:
    """A profile of 5.4 s has its ticks at round seconds, no rounded ones at quarters."""
    moments = tuple(QueueMoment(at_s=n / 10, llm_waiting=1) for n in range(55))
    ticks = load_plots(profile((cycle(),), moments=moments))[0].columns
    assert [tick.words for tick in ticks] == ["0 s", "2 s", "4 s"]
    assert [round((tick.at - LEFT) / ROOM * 5.4, 6) for tick in ticks] == [0.0, 2.0, 4.0]


def test_requests_sent_ahead_are_not_called_work() -> None:
    """Five requests at a replica of three workers are explained where they are drawn."""
    moments = tuple(QueueMoment(at_s=n / 10, llm_busy=5) for n in range(20))
    queues = load_plots(profile((cycle(),), moments=moments))[0]
    assert ("LLM at a replica", "5") in [(line.name, line.most) for line in queues.series]
    assert "sent ahead of them" in profile_page(profile((cycle(),), moments=moments))
