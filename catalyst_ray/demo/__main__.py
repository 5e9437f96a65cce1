"""``python -m catalyst_ray.demo``: serve a demo world until SIGTERM, Ctrl-C or the end of standard input."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from typing import TYPE_CHECKING

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.demo.options import demo_options
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from catalyst_ray.errors import CatalystError, ConfigError

if TYPE_CHECKING:
    import argparse

_STDIN = 0


async def _serve(options: argparse.Namespace) -> None:
    clock = SystemClock()
    world = World(
        options.seed,
        clock.now_utc(),
        feeds=options.feeds,
        items=options.items,
        batches=options.batches,
        burst=options.burst,
        refile=options.refile,
    )
    server = DemoServer(
        world,
        clock,
        host=options.host,
        port=options.port,
        slow_s=options.slow_s,
        slow_feed=options.slow_feed,
        price_s=options.price_s,
        llm_latency_s=options.llm_latency_s,
        llm_parallel=options.llm_parallel,
        llm_slow_every=options.llm_slow_every,
        discord_window_s=options.discord_window_s,
        discord_keep=options.discord_keep,
        is_endless=options.endless,
    )
    stop = _stop_event()  # before anyone is told that it serves: a signal may follow at once
    async with server:
        server.release(options.release)
        ready = {"base_url": server.base_url, "webhook_url": server.webhook_url, "pid": os.getpid()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _stop_event() -> asyncio.Event:
    """Return an event that a signal sets, or the end of standard input where that is a pipe."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def read() -> None:
        if not os.read(_STDIN, 4096):
            loop.remove_reader(_STDIN)
            stop.set()

    # A terminal or /dev/null says nothing about a parent; only a pipe's end does.
    mode = os.fstat(_STDIN).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        loop.add_reader(_STDIN, read)
    return stop


def main(arguments: list[str] | None = None) -> int:
    """Serve; returns the exit code."""
    try:
        asyncio.run(_serve(demo_options(sys.argv[1:] if arguments is None else arguments)))
    except CatalystError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, ConfigError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
