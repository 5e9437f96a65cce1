"""``python -m catalyst_ray.demo``: serve a demo world until SIGTERM, Ctrl-C or the end of standard input."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import stat
import sys

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.demo.discord import MAX_MESSAGES
from catalyst_ray.demo.server import HOST, DemoServer
from catalyst_ray.demo.world import BATCHES, World
from catalyst_ray.errors import CatalystError, ConfigError

_STDIN = 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m catalyst_ray.demo", description=__doc__)
    parser.add_argument("--host", default=HOST, help="loopback, or an address of a private network")
    parser.add_argument("--port", type=int, default=0, help="port there; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="equal seeds give equal worlds")
    parser.add_argument("--feeds", type=int, default=20, help="number of feeds")
    parser.add_argument("--items", type=int, default=300, help="items over all batches")
    parser.add_argument("--batches", type=int, default=BATCHES, help="batches to release one by one")
    parser.add_argument("--burst", type=int, default=0, help="filings all at once, in place of a day's items")
    parser.add_argument("--endless", action="store_true", help="the last batch is followed by another day's")
    parser.add_argument(
        "--refile", action="store_true", help="file what earlier batches filed again, word for word"
    )
    parser.add_argument("--release", type=int, default=0, help="publish up to this batch at the start")
    parser.add_argument("--slow-s", type=float, default=1.5, help="seconds that the slow feed takes")
    parser.add_argument("--slow-feed", default="", help="name of another feed that is slow instead")
    parser.add_argument("--price-s", type=float, default=0.0, help="seconds of one table of prices")
    parser.add_argument("--llm-latency-s", type=float, default=0.06, help="seconds of one scripted answer")
    parser.add_argument(
        "--llm-slow-every", type=int, default=0, help="about each so-many-th prompt takes 3 s more"
    )
    parser.add_argument("--llm-parallel", type=int, default=4, help="answers that it makes at a time")
    parser.add_argument("--discord-window-s", type=float, default=2.0, help="rate limit's window; 0 for none")
    parser.add_argument("--discord-keep", type=int, default=MAX_MESSAGES, help="messages that it remembers")
    return parser.parse_args(arguments)


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
        asyncio.run(_serve(_options(sys.argv[1:] if arguments is None else arguments)))
    except CatalystError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, ConfigError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
