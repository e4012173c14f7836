"""What keeps other sites away from a server on this machine."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from storyodds.reports.live.requests import MAX_BODY

HEAD_BYTES = MAX_BODY  # of an address and headers: a state may stand in an address
HOSTS = ("127.0.0.1", "localhost")
CLIENT_HEADER = "x-storyodds-client"

_CLIENT = re.compile(r"[a-z0-9]{8,40}")
_STRICT = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


class Headed:
    """Put the strict headers on every answer, whoever gives it; a policy of its own may stay."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _STRICT.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] == "http" and _head_size(scope) > HEAD_BYTES:
            refusal = PlainTextResponse(f"expected a head of at most {HEAD_BYTES:,} bytes", 431)
            await refusal(scope, receive, headed)
        else:
            await self.app(scope, receive, headed)


def _head_size(scope: Scope) -> int:
    """Bytes of the address and the headers of a request."""
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return len(scope["path"]) + len(scope["query_string"]) + headers


def require_same_site(request: Request) -> None:
    """Refuse what a page of another site made a browser ask for.

    Raises
    ------
    HTTPException
        403.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{request.headers.get('host', '')}":
        raise HTTPException(403, "asked by another site")
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise HTTPException(403, "asked by another site")


def client_of(request: Request) -> str:
    """Give the client that asks to compute or write.

    No other site can set this header, since no answer of ours ever allows it to.

    Raises
    ------
    HTTPException
        403 without it, or for another site.
    """
    require_same_site(request)
    client = request.headers.get(CLIENT_HEADER, "")
    if not _CLIENT.fullmatch(client):
        raise HTTPException(403, f"expected the header {CLIENT_HEADER}")
    return client


async def bounded_body(request: Request, most: int = MAX_BODY) -> bytes:
    """Read a JSON body, no more of it than it may have.

    Raises
    ------
    HTTPException
        413 where it is larger, 415 where it is no JSON.
    """
    headers: Headers = request.headers
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "expected a body of the type application/json")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or int(length[:20]) > most:
        raise HTTPException(413, f"expected a body of at most {most:,} bytes")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise HTTPException(413, f"expected a body of at most {most:,} bytes")
    except ClientDisconnect:  # nobody is there to read the answer
        raise HTTPException(400, "the client left before its body was whole") from None
    return bytes(body)
