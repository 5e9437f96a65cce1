"""``catalyst-ray web``: the page, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from catalyst_ray.cli.logs import secrets_of, set_up_logs
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from catalyst_ray.web.server import PageServer


@click.command("web")
@click.option(
    "--port", type=click.IntRange(1, 65_535), help="Instead of WEB_PORT; 8787 where neither is set."
)
@click.option("--host", help="Address to listen on, instead of WEB_HOST.")
@json_option
@env_file_option
def command(*, port: int | None, host: str | None, as_json: bool, env_file: Path | None) -> None:
    """Show alerts, reasons and status as a page, until stopped.

    Reads the store while a driver writes it, on this machine or, with PostgreSQL, on another. The driver serves
    the same page itself where WEB_PORT is set. The page has no login: it listens on this machine alone unless
    --host or WEB_HOST names another address. /healthz answers 503 when the driver has stopped.
    """
    given: dict[str, Any] = {"web_port": port, "web_host": host}
    settings = load_settings({name: value for name, value in given.items() if value}, env_file=env_file)
    set_up_logs(settings.log_level, secrets=secrets_of(settings))
    serve(settings, as_json=as_json)


def serve(
    settings: Settings, *, as_json: bool, port: int | None = None, period_s: float | None = None
) -> None:
    """Serve the page over the store of these settings until a signal comes.

    Raises:
        ConfigError: The port is taken, or there is no store yet.
        StoreError: The store cannot be read.
    """
    from catalyst_ray.wiring import open_page  # noqa: PLC0415  (loads aiohttp and SQLAlchemy: not for --help)

    with open_page(settings, port=port, period_s=period_s) as page:
        if sys.stdout.isatty() and not as_json:
            click.echo(f"The page is at {settings.web_url or page.url}  Ctrl-C ends it.")
        else:
            click.echo(json.dumps({"type": "page", "url": page.url}))
        asyncio.run(_until_stopped(page))


async def _until_stopped(page: PageServer) -> None:
    from catalyst_ray.cluster.stop import StopSignal  # noqa: PLC0415  (not for --help)

    with StopSignal() as stop:
        async with page.serving():
            await stop.wait()
