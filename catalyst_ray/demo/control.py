"""The demo server's control pages: release a batch, look at state, feeds, truth and Discord's messages.

For a program in another process; one in the same process uses ``DemoServer`` itself.
"""

from __future__ import annotations

import mimetypes
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from catalyst_ray.demo.discord import DiscordMessage
    from catalyst_ray.demo.server import DemoServer


def control_routes(server: DemoServer) -> list[web.RouteDef]:
    """Return the routes under ``/_control/`` of a demo server."""

    async def release(request: web.Request) -> web.Response:
        batch = request.query.get("batch", "")
        try:
            server.release(int(batch) if batch.isdecimal() else server.press.batch + 1)
        except ConfigError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(_state(server))

    async def state(_: web.Request) -> web.Response:
        return web.json_response(_state(server))

    async def feeds(_: web.Request) -> web.Response:
        return web.json_response([asdict(spec) for spec in server.feed_specs()])

    async def truth(_: web.Request) -> web.Response:
        return web.json_response(truth_rows(server))

    async def file(request: web.Request) -> web.Response:
        message = server.discord.message(request.match_info["message"])
        name = request.match_info["name"]
        if message is None or name not in message.files:
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return web.Response(body=message.files[name], content_type=kind)

    return [
        web.post("/_control/release", release),
        web.get("/_control/state", state),
        web.get("/_control/feeds", feeds),
        web.get("/_control/truth", truth),
        web.get("/_control/messages/{message}/{name}", file),
    ]


def truth_rows(server: DemoServer) -> list[dict[str, Any]]:
    """Return what is true of every item that is out, with what it takes to find the item again."""
    return [
        {
            **asdict(item.truth),
            "id": item.id,
            "batch": item.batch,
            "feed": item.channel,
            "title": item.title,
            "url": server.base_url + item.path,
            "accession": item.filing.accession if item.filing else None,
        }
        for item in server.press.released_items()
    ]


def _state(server: DemoServer) -> dict[str, Any]:
    return {
        "batch": server.press.batch,
        "batches": server.press.last_batch,
        "items": len(server.press.released_items()),
        "feed_requests": server.publisher.requests,
        "not_modified": server.publisher.not_modified,
        "llm_requests": server.ollama.requests,
        "discord_requests": server.discord.requests,
        "discord_refused": server.discord.refused,
        "discord": [_message(message) for message in server.discord.messages],
    }


def _message(message: DiscordMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "payload": message.payload,
        "files": {name: len(data) for name, data in message.files.items()},
        "edits": message.edits,
        "received_utc": message.received_utc,
        "edited_utc": message.edited_utc,
    }
