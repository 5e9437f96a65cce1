"""The doctor's checks of where alerts go: each sink is asked whether it lives, and gets nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from catalyst_ray.errors import CatalystError
from catalyst_ray.models import Finding
from catalyst_ray.wiring import REMOTE_SINKS, UNSIGNED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from catalyst_ray.ports import RemoteNotifier
    from catalyst_ray.settings import Settings

log = logging.getLogger(__name__)

MEND = "try again in a minute; if it stays, check its address"
NO_SINK = "set DISCORD_WEBHOOK_URL, SLACK_WEBHOOK_URL, WEBHOOK_URL or APPRISE_URLS to post alerts"


async def check_sinks(settings: Settings) -> AsyncIterator[Finding]:
    """Yield a finding for every sink that is set up, whether or not this is a dry run; no check stops another."""
    sinks: list[RemoteNotifier] = []
    for kind, make in REMOTE_SINKS.items():
        try:
            sinks += make(settings)
        except CatalystError as error:
            yield Finding(kind, "fail", error.message, error.hint or MEND)
    for sink in sinks:
        finding = await _check(sink)
        if finding.status == "ok" and settings.dry_run:
            finding = Finding(sink.name, "warn", f"{finding.words}; dry run", "unset DRY_RUN to post alerts")
        yield finding
    if not settings.has_sinks:
        yield Finding("sinks", "warn", "dry run: alerts stay on this machine", NO_SINK)
    if settings.webhook_url and not settings.webhook_secret:
        yield Finding("webhook secret", "warn", "events are not signed", UNSIGNED)


async def _check(sink: RemoteNotifier) -> Finding:
    try:
        return Finding(sink.name, "ok", await sink.check())
    except CatalystError as error:
        return Finding(sink.name, "fail", error.message, error.hint or MEND)
    except Exception as error:  # the boundary of a check: the others must still run
        log.exception("a check broke off", extra={"check": sink.name})
        words = f"broke off: {type(error).__name__}"
        return Finding(sink.name, "fail", words, "a fault of the program: report it with the lines above")
    finally:
        await sink.close()
