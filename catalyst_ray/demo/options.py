"""The options of ``python -m catalyst_ray.demo``, and whether given ones can be meant. Starts nothing."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NoReturn

from catalyst_ray.demo.discord import MAX_MESSAGES
from catalyst_ray.demo.server import HOST
from catalyst_ray.demo.world import BATCHES
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong, in place of printing how it is used and leaving."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message, hint=f"`{self.prog} --help` lists what there is")


def demo_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a demo server.

    Raises:
        ConfigError: There is no such option, or not with such a value.
    """
    parser = _Parser(
        prog="python -m catalyst_ray.demo",
        description="Serve a demo world until SIGTERM, Ctrl-C or the end of standard input.",
    )
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
