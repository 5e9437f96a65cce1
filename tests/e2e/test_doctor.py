"""The doctor on a sound set-up, and on one where everything is broken at once."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.core.feedlist import feeds_toml
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.doctor.examine import examine
from catalyst_ray.models import GpuSample
from catalyst_ray.settings import Settings
from tests.e2e.commands import Done, run

OPTIONS = ("--release=1", "--slow-s=0")
MODEL_SERVER = Path(__file__).parents[1] / "cluster" / "chaos_server.py"
CARD = GpuSample(
    index=0,
    uuid="GPU-0",
    name="L4",
    utilisation_pct=0.0,
    memory_used_bytes=0,
    memory_total_bytes=24 * 2**30,
    power_w=20.0,
    temperature_c=30.0,
)
FEEDS = ("demo_meridian", "demo_sec_8k", "demo_finnhub")


def findings(done: Done) -> dict[str, dict[str, Any]]:
    """Return the findings by name."""
    return {row["name"]: row for row in json.loads(done.out)}


def demo_feeds(world: DemoProcess, folder: Path, *names: str) -> Path:
    """Write a list of some of the demo's feeds."""
    rows = json.loads(urlopen(f"{world.base_url}/_control/feeds", timeout=5).read())
    path = folder / "feeds.toml"
    path.write_text(feeds_toml([row for row in rows if row["name"] in names]))
    return path


def test_a_sound_setup_passes(tmp_path: Path) -> None:
    """Each part is tried for real and passes; what is merely poor is a warning with its mend."""
    with DemoProcess(options=OPTIONS) as world:
        done = run(
            tmp_path,
            "doctor",
            "--json",
            FEEDS_FILE=demo_feeds(world, tmp_path, *FEEDS),
            FEEDS_ALLOW_PRIVATE=1,
            SEC_CONTACT="demo@example.org",
            SEC_TICKERS_URL=f"{world.base_url}/files/company_tickers.json",
            FINNHUB_TOKEN="invented-key",
            LLM_ENGINE="ollama",
            LLM_MODEL_NAME="demo-scripted",
            OLLAMA_HOST=world.base_url,
            PRICE_SOURCE="http",
            PRICE_URL=world.base_url,
            WATCH_LIST="FRWB",
            DISCORD_WEBHOOK_URL=world.webhook_url,
        )
    found = findings(done)
    assert done.code == 0, done.out
    sure = {
        "versions",
        "Ray",
        "store",
        "chart folder",
        "ticker map",
        "prices",
        "discord",
        "charts",
        "time zones",
    }
    sure |= {f"feed {name}" for name in FEEDS}
    assert {name: row["status"] for name, row in found.items() if name in sure} == dict.fromkeys(sure, "ok")
    assert "bars of FRWB" in found["prices"]["words"]
    assert "channel" in found["discord"]["words"]
    assert (
        found["language model"]["status"] == "warn"
    )  # it runs, and a scripted model's verdict has no weight
    assert "test prompt" in found["language model"]["words"]
    assert "tokens/s" in found["language model"]["words"]
    assert "--ray" in found["Ray"]["words"]  # what was not tried is said
    assert all(row["mend"] for row in found.values() if row["status"] != "ok")


def test_everything_broken_is_named_with_its_mend(tmp_path: Path) -> None:
    """No failure hides another: each broken part is a failure with a mend, and no secret is shown."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"127.0.0.1:{probe.getsockname()[1]}"
    (tmp_path / "file").touch()
    with DemoProcess(options=OPTIONS) as world:
        feeds = demo_feeds(world, tmp_path, "demo_meridian", "demo_broken")
        feeds.write_text(f'{feeds.read_text()}\n[[feed]]\nname = "dead"\nurl = "http://{closed}/"\n')
        done = run(
            tmp_path,
            "doctor",
            "--json",
            FEEDS_FILE=feeds,
            FEEDS_ALLOW_PRIVATE=1,
            RAY_ADDRESS=closed,
            LLM_ENGINE="ollama",
            LLM_MODEL_NAME="no-such-model",
            OLLAMA_HOST=world.base_url,
            PRICE_SOURCE="http",
            PRICE_URL=f"http://{closed}",
            DISCORD_WEBHOOK_URL=f"{world.base_url}/api/webhooks/404/t0p-s3cr3t-token",
            OUT_DIR=tmp_path / "file" / "out",
            QUICKCHART_IMAGE_DIR=tmp_path / "file" / "charts",
        )
    found = findings(done)
    broken = {
        "Ray",
        "store",
        "chart folder",
        "feed demo_broken",
        "feed dead",
        "language model",
        "prices",
        "discord",
    }
    assert done.code == 3, done.err
    assert {name for name, row in found.items() if row["status"] == "fail"} == broken
    assert found["feed demo_meridian"]["status"] == "ok"
    assert [name for name, row in found.items() if row["status"] != "ok" and not row["mend"]] == []
    for name, words in (
        ("Ray", "nobody answers"),
        ("language model", "no-such-model"),
        ("discord", "webhook is dead"),
        ("feed demo_broken", "instead of a feed"),
    ):
        assert words in found[name]["words"]
    assert "ollama pull" in found["language model"]["mend"]
    assert "s3cr3t" not in done.out + done.err


def test_people_get_lines_and_the_mend_below(tmp_path: Path) -> None:
    """Without --json a finding is one line with its mark and its mend the next, then a sum."""
    (tmp_path / "feeds.toml").write_text(
        '[[feed]]\nname = "sec"\nurl = "https://www.sec.gov/x"\nrequires = "sec_contact"\n'
    )
    done = run(tmp_path, "doctor", FEEDS_FILE="feeds.toml", LLM_ENGINE="off", SEC_TICKERS_FILE="feeds.toml")
    assert "\nthis machine\n" in done.out
    lines = done.out.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.startswith("! feeds off")]
    assert lines[at].endswith("sec")
    assert "→ set SEC_CONTACT" in lines[at + 1]
    assert lines[-1].split(" ", 1)[1].startswith("ok, ")


@pytest.mark.anyio
@pytest.mark.parametrize(("cards", "device"), [([CARD], "gpu"), ([], "cpu")])
async def test_a_server_of_our_own_runs_where_a_replica_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cards: list[GpuSample], device: str
) -> None:
    """It is started with a replica's share of this machine's cards, and the finding says where it runs."""
    monkeypatch.setattr(NvmlProbe, "sample", lambda _, **_kinds: cards)
    (tmp_path / "feeds.toml").write_text(
        '[[feed]]\nname = "sec"\nurl = "https://www.sec.gov/x"\nrequires = "sec_contact"\n'
    )
    settings = Settings(
        feeds_file=tmp_path / "feeds.toml",
        sec_tickers_file=tmp_path / "feeds.toml",
        out_dir=tmp_path,
        quickchart_image_dir=tmp_path,
        llm_engine="openai",
        llm_model_name="echo",
        llm_server_command=f"{sys.executable} {MODEL_SERVER} {{port}} {tmp_path}",
    )
    found = {finding.name: finding async for finding in examine(settings)}
    assert f"runs echo on {device}" in found["language model"].words


@pytest.mark.anyio
async def test_a_model_may_load_as_long_as_a_replica_may(tmp_path: Path) -> None:
    """LLM_START_TIMEOUT_SECS is the doctor's limit too, and stands in the mend."""
    settings = Settings(
        feeds_file=tmp_path / "none.toml",
        out_dir=tmp_path,
        quickchart_image_dir=tmp_path,
        llm_engine="openai",
        llm_server_command=f"{sys.executable} -c 'import time; time.sleep(60)' {{port}}",
        llm_start_timeout_secs=0.5,
    )
    found = {finding.name: finding async for finding in examine(settings)}
    assert "0.5 s" in found["language model"].words
    assert "LLM_START_TIMEOUT_SECS" in found["language model"].mend


def test_a_ray_of_this_machine_is_started_and_looked_at(tmp_path: Path) -> None:
    """--ray checks a worker's surroundings; nothing of it is open, a stranger is refused; --strict counts warnings."""
    (tmp_path / "feeds.toml").write_text(
        '[[feed]]\nname = "sec"\nurl = "https://www.sec.gov/x"\nrequires = "sec_contact"\n'
    )
    (tmp_path / "tickers.json").write_text('{"0": {"cik_str": 1, "ticker": "FRWB", "title": "Frostweir"}}')
    done = run(
        tmp_path,
        *("doctor", "--ray", "--strict", "--json"),
        FEEDS_FILE="feeds.toml",
        SEC_TICKERS_FILE="tickers.json",
        LLM_ENGINE="off",
    )
    found = findings(done)
    assert done.code == 3, done.err  # for its warnings: nothing failed
    assert {row["status"] for row in found.values()} == {"ok", "warn"}
    sure = {"Ray", "dashboard", "tokens", "jobs API", "versions", "clock", "charts", "metrics port"}
    assert {name: found[name]["status"] for name in sure} == dict.fromkeys(sure, "ok")
    assert found["Ray"]["words"].startswith("1 node, ")
    assert found["tokens"]["words"] == "a stranger is refused"
    assert found["versions"]["part"] == "nodes"
    assert len(found["versions"]["nodes"]) == 1
