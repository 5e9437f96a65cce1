"""Discord's double: takes webhook messages under Discord's own rules, keeps them, fails when told to.

Owns the exchange; the rules for a message are in ``discord_rules``, how often it lets itself be asked in
``discord_limits``, faults by chance in ``discord_faults``. Messages are kept for whoever asks: a test, a bench, the
demo's page.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from catalyst_ray.demo import discord_rules as rules
from catalyst_ray.demo.discord_faults import FORCED, FORM, STORED, UNANSWERED, FaultPlan
from catalyst_ray.demo.discord_limits import ROUTE_WINDOW_S, Limited, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from catalyst_ray.ports import Clock

WEBHOOK_ID = "1180000000000000042"
TOKEN = "demo-token-invented-for-the-loopback-world"  # noqa: S105  (opens nothing but this double)
CHANNEL_ID = "1180000000000000001"
NAME = "demo"
_DISCORD_EPOCH_MS = 1_420_070_400_000
MAX_MESSAGES = 2_000
"""Kept unless told otherwise; a message with its two pictures takes some 80 kB."""
_HANG_S = 60.0


@dataclass(slots=True, kw_only=True)
class DiscordMessage:
    """One message as it stands. ``edits`` counts later changes; ``files`` maps names to bytes."""

    id: str
    payload: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    received_utc: str
    edited_utc: str | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)


class _Refused(Exception):
    """An answer other than the wished one."""

    def __init__(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status)
        self.response = web.json_response(body, status=status, headers=headers)


class DiscordDouble:
    """One webhook of an invented Discord.

    Args:
        clock: Dates messages and runs the rate limit's window.
        rate_window_s: Seconds in which five posts are let by, as Discord does today; other windows shrink with it; 0
            lets all by.
        hang_s: How long a request hangs under the fault ``hang``, unless the server stops before.
        keep: Messages kept; older ones are gone, as if somebody had deleted them.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        rate_window_s: float = ROUTE_WINDOW_S,
        hang_s: float = _HANG_S,
        keep: int = MAX_MESSAGES,
    ) -> None:
        self._clock = clock
        self._keep = keep
        self._hang_s = hang_s
        self._closing = asyncio.Event()
        self._plan = FaultPlan()
        self.traffic = Traffic(clock, route_window_s=rate_window_s)
        self._kept: OrderedDict[str, DiscordMessage] = OrderedDict()
        self._sequence = 0
        self.is_deleted = False
        """Whether somebody deleted the webhook."""
        self.requests = 0
        self.refused = 0
        self.met: Counter[str] = Counter()
        """Requests that met a planned fault, by method and name (``POST hang``)."""

    @property
    def messages(self) -> list[DiscordMessage]:
        """Return the messages kept, oldest first."""
        return list(self._kept.values())

    @property
    def faults(self) -> tuple[str | None, ...]:
        """Return what the next requests will meet, as far as it is listed; assign a plan, or names, one a request.

        ``discord_faults.FAULTS`` has the names; None is an honest answer.
        """
        return self._plan.listed

    @faults.setter
    def faults(self, plan: FaultPlan | Iterable[str | None]) -> None:
        self._plan = plan if isinstance(plan, FaultPlan) else FaultPlan(plan)

    def forget(self, message_id: str) -> None:
        """Delete a message, as a moderator does."""
        self._kept.pop(message_id, None)

    def message(self, message_id: str) -> DiscordMessage | None:
        """Return a message by its id."""
        return self._kept.get(message_id)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        routes = []
        for prefix in ("/api", "/api/v10"):
            base = prefix + "/webhooks/{webhook}/{token}"
            one = base + "/messages/{message}"
            routes += [web.get(base, self._describe), web.post(base, self._execute)]
            routes += [web.get(one, self._show), web.patch(one, self._edit)]
        return routes

    def close(self) -> None:
        """Let hanging requests go."""
        self._closing.set()

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authorise(request)
        except _Refused as refused:
            return refused.response
        return web.json_response({"id": WEBHOOK_ID, "type": 1, "name": NAME, "channel_id": CHANNEL_ID})

    async def _execute(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, self._post)

    async def _edit(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, self._patch)

    async def _show(self, request: web.Request) -> web.StreamResponse:
        message = self._kept.get(request.match_info["message"])
        if message is None:
            return web.json_response(rules.UNKNOWN_MESSAGE[1], status=404)
        return web.json_response(_as_discord(message, request))

    async def _answer(self, request: web.Request, act: Any) -> web.StreamResponse:
        self.requests += 1
        fault = self._plan.next()
        if fault:
            self.met[f"{request.method} {fault}"] += 1
        try:
            if fault in UNANSWERED:
                await request.read()
                return await self._unanswered(request, fault)
            headers = self.traffic.admit(request.method, forced=FORCED.get(fault or ""))
            self._authorise(request)
            payload, files = await _read(request)
            _refuse_as_planned(fault, headers, has_files=bool(files))
            message = act(request, payload, files)
            if fault in STORED:
                return await self._unanswered(request, fault.removeprefix("accept_then_"))
        except _Refused as refused:
            return self._note(refused.response)
        except Limited as limited:
            return self._note(_too_many(limited))
        if request.method == "POST" and request.query.get("wait", "").lower() not in {"true", "1"}:
            return web.Response(status=204, headers=headers)
        return web.json_response(_as_discord(message, request), headers=headers)

    def _note(self, answer: web.Response) -> web.Response:
        self.refused += 1
        if answer.status in {401, 403, 429}:
            self.traffic.note_invalid()
        return answer

    async def _unanswered(self, request: web.Request, how: str) -> web.Response:
        if how == "hang":
            return await self._hang()
        if how == "cut" and request.transport:
            request.transport.abort()
        return web.Response(status=504, text="upstream request timeout")

    async def _hang(self) -> web.Response:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._hang_s):
                await self._closing.wait()
        return web.Response(status=504, text="upstream request timeout")

    def _authorise(self, request: web.Request) -> None:
        if self.is_deleted or request.match_info["webhook"] != WEBHOOK_ID:
            raise _Refused(*rules.UNKNOWN_WEBHOOK)
        if request.match_info["token"] != TOKEN:
            raise _Refused(*rules.BAD_TOKEN)

    def _post(self, _: web.Request, payload: dict[str, Any], files: dict[str, bytes]) -> DiscordMessage:
        if rules.is_empty(payload, len(files)):
            raise _Refused(*rules.EMPTY_MESSAGE)
        _check(payload, files)
        message = DiscordMessage(id=self._snowflake(), payload=payload, files=files, received_utc=self._now())
        self._kept[message.id] = message
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
        return message

    def _patch(
        self, request: web.Request, payload: dict[str, Any], files: dict[str, bytes]
    ) -> DiscordMessage:
        message = self._kept.get(request.match_info["message"])
        if message is None:
            raise _Refused(*rules.UNKNOWN_MESSAGE)
        after = _files_after(message, payload, files)
        _check(payload, after)
        changed = {**message.payload, **payload}
        if rules.is_empty(changed, len(after)):
            raise _Refused(*rules.EMPTY_MESSAGE)
        message.edits.append(message.payload)
        message.payload = changed
        message.files = after
        message.edited_utc = self._now()
        return message

    def _now(self) -> str:
        return self._clock.now_utc().isoformat(timespec="milliseconds")

    def _snowflake(self) -> str:
        self._sequence += 1
        since_ms = int(self._clock.now_utc().timestamp() * 1000) - _DISCORD_EPOCH_MS
        return str((since_ms << 22) | (self._sequence & 0xFFF))


def _refuse_as_planned(fault: str | None, headers: Mapping[str, str], *, has_files: bool) -> None:
    if fault and fault.isdecimal() and (has_files or fault not in FORM):
        raise _Refused(int(fault), rules.PLANNED.get(fault, {}), headers)


def _too_many(limited: Limited) -> web.Response:
    headers = limited.all_headers()
    if limited.body is None:
        return web.Response(status=429, text="error code: 1015", headers=headers)
    return web.json_response(limited.body, status=429, headers=headers)


def _files_after(
    message: DiscordMessage, payload: dict[str, Any], files: dict[str, bytes]
) -> dict[str, bytes]:
    """Return a message's files after an edit: uploads are added, unless a list of attachments says what is left.

    Such a list names old files by their id and uploads by their place (API v10: both must be listed).
    """
    if "attachments" not in payload:
        return {**message.files, **files}
    listed = {str(row.get("id")) for row in payload["attachments"] or [] if isinstance(row, dict)}
    old = {
        name: data
        for (name, data), id_ in zip(message.files.items(), _file_ids(message), strict=True)
        if id_ in listed
    }
    new = {name: data for place, (name, data) in enumerate(files.items()) if str(place) in listed}
    return {**old, **new}


def _file_ids(message: DiscordMessage) -> list[str]:
    return [f"{int(message.id) + number}" for number in range(1, len(message.files) + 1)]


def _check(payload: dict[str, Any], files: dict[str, bytes]) -> None:
    found = rules.problems(payload, files)
    if found:
        raise _Refused(400, rules.form_error(found))


async def _read(request: web.Request) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a request's payload and files, from JSON or multipart as Discord takes them."""
    if (request.content_length or 0) > rules.MAX_REQUEST_BYTES:
        raise _Refused(*rules.TOO_LARGE)
    if not request.content_type.startswith("multipart/"):
        return _payload(await request.read()), {}
    payload: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read(decode=True))
        if part.name == "payload_json":
            payload = _payload(data)
        elif part.filename and (part.name or "").startswith("file"):
            if len(data) > rules.MAX_FILE_BYTES:
                raise _Refused(*rules.FILE_TOO_LARGE)
            files[part.filename] = data
    return payload, files


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError:
        raise _Refused(*rules.NOT_JSON) from None
    if not isinstance(payload, dict):
        raise _Refused(*rules.NOT_JSON)
    return payload


def _as_discord(message: DiscordMessage, request: web.Request) -> dict[str, Any]:
    """Return the message object that Discord answers with; pictures get addresses of this server."""
    folder = f"{request.scheme}://{request.host}/_control/messages/{message.id}"
    embeds = json.loads(json.dumps(message.payload.get("embeds") or []))
    for embed in embeds:
        for key in ("image", "thumbnail"):
            url = (embed.get(key) or {}).get("url", "")
            if url.startswith("attachment://"):
                embed[key]["url"] = f"{folder}/{url.removeprefix('attachment://')}"
    return {
        "id": message.id,
        "type": 0,
        "content": message.payload.get("content") or "",
        "channel_id": CHANNEL_ID,
        "webhook_id": WEBHOOK_ID,
        "author": {"id": WEBHOOK_ID, "username": message.payload.get("username") or NAME, "bot": True},
        "embeds": embeds,
        "attachments": [
            {
                "id": id_,
                "filename": name,
                "size": len(data),
                "url": f"{folder}/{name}",
            }
            for id_, (name, data) in zip(_file_ids(message), message.files.items(), strict=True)
        ],
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "pinned": False,
        "tts": False,
        "flags": 0,
        "timestamp": message.received_utc,
        "edited_timestamp": message.edited_utc,
    }
