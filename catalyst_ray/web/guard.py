"""What every request must pass and every response carries: who may ask, and what a browser may do with the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from aiohttp import web

    from catalyst_ray.web.options import PageOptions

MAX_QUERY_CHARS = 2_000
METHODS = ("GET", "HEAD")
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "page",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Server": "catalyst-ray",
}


class Refusal(NamedTuple):
    """Why a request is not answered."""

    status: int
    title: str
    text: str


def refusal(request: web.Request, options: PageOptions) -> Refusal | None:
    """Return why a request is refused; None where it is not."""
    if request.method not in METHODS:
        return Refusal(405, "Not allowed", "This page is read-only: GET and HEAD are answered.")
    if not options.takes(request.headers.get("Host", "")):
        words = "The page does not answer to this name. Set WEB_URL to the address that you type."
        return Refusal(421, "Another name", words)
    if len(request.query_string) > MAX_QUERY_CHARS:
        return Refusal(
            414, "Too long", f"An address may have {MAX_QUERY_CHARS} characters behind its question mark."
        )
    return None


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on a response, streams too."""
    response.headers.update(HEADERS)
