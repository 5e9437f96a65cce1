"""How a load was judged, from the store that its cycles filled."""

from __future__ import annotations

from datetime import timedelta

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.models import Judgement, Reason, Trace, Verdict
from catalyst_ray.profiler.quality import quality_of
from catalyst_ray.settings import load_settings
from tests.adapters.store_world import NOW, alert_on, decision, filing, news

JUDGED = Verdict(Judgement(direction=-1.0, confidence=0.9, summary="s"), Reason("llm_judged"))


def row(item, action, story):
    """Return what is true of an item, as the demo's control page tells it."""
    return {"accession": item.accession, "url": f"{item.url}?x=1", "action": action, "story": story}


def trace(**seconds):
    """Return a trace with these steps, so long after the first byte."""
    steps = [("first_byte", NOW), *((name, NOW + timedelta(seconds=s)) for name, s in seconds.items())]
    return Trace(steps=tuple(steps))


def test_alerts_are_held_against_the_truth(tmp_path):
    """Stories found, false alerts, second alerts on one story, verdicts and their time; held alerts count as found."""
    settings = load_settings({"out_dir": tmp_path})
    found, twice, false, held, quiet = (news(name) for name in ("found", "twice", "false", "held", "quiet"))
    filed = filing()
    with SqlStore.open(settings.store_url) as store:
        store.claim([found, twice, false, held, quiet, filed], now_utc=NOW)
        slow = trace(judged=1.0, revised=9.0)
        store.commit_alert(alert_on(found, verdict=JUDGED, trace=slow), ("discord",), now_utc=NOW)
        quick = trace(judged=1.0)
        store.commit_alert(
            alert_on(filed, verdict=JUDGED, trace=quick, chart_path="c.png"), ("discord",), now_utc=NOW
        )
        for item in (twice, false):
            store.commit_alert(alert_on(item), ("discord",), now_utc=NOW)
        store.hold_alert(alert_on(held), now_utc=NOW)
        store.decide([(quiet, decision())], now_utc=NOW)
    truth = [
        row(found, "alert", "s1"),
        row(twice, "alert", "s1"),
        row(false, "quiet", "s2"),
        row(held, "alert", "s3"),
        row(filed, "alert", "s4"),
        row(news("missed"), "alert", "s5"),
        row(quiet, "quiet", "s6"),
    ]
    assert quality_of(settings, truth) == {
        "alerts": 5.0,
        "decided": 6.0,
        "judged": 2.0,
        "charted": 1.0,
        "stories": 4.0,
        "found": 3.0,
        "wrong": 2.0,
        "verdict_p95_s": 9.0,
    }
    assert quality_of(settings, ()).keys() == {"alerts", "decided", "judged", "charted", "verdict_p95_s"}
