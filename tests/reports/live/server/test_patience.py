"""Clients that keep the server waiting are not waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from storyodds.reports.live.server import patience
from storyodds.reports.live.server.patience import PatientProtocol

type Client = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]

LONG = 100_000_000  # bytes, more than any buffer on the way takes
FINE = b"GET /short HTTP/1.1\r\nHost: a\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer once the body is there, or its client has gone."""
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = b"a" * (LONG if scope["path"] == "/long" else 1)
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def served(client: Client) -> Any:
    """Run a client beside a server of this protocol."""

    async def both() -> Any:
        config = uvicorn.Config(app, log_config=None, lifespan="off")
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: PatientProtocol(config, state, {}), "127.0.0.1", 0
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                async with asyncio.timeout(60):
                    return await client(reader, writer)
            finally:
                writer.close()

    return asyncio.run(both())


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """What comes before the connection ends, in whichever way."""
    found = b""
    try:
        while chunk := await reader.read(2**16):
            found += chunk
    except ConnectionError:
        pass
    return found


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_an_unfinished_request_is_given_up(monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.2)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(start)
        return await until_closed(reader)

    assert served(client) == b""


def test_a_head_that_comes_letter_by_letter_gets_no_more_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.3)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        async def drip() -> None:
            writer.write(b"GET / HTTP/1.1\r\nX: ")
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        try:
            return await until_closed(reader)
        finally:
            dripping.cancel()

    assert served(client) == b""


def test_the_second_request_of_a_connection_gets_no_more_time_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.3)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(FINE + FINE[:20])
        return await until_closed(reader)

    assert served(client).count(b"200 OK") == 1


def test_a_client_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "READING_SECONDS", 0.3)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(FINE.replace(b"short", b"long"))
        await asyncio.sleep(2.0)
        return len(await until_closed(reader))

    assert 0 < served(client) < LONG


def test_whoever_asks_and_reads_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        found = b""
        for _ in range(3):
            writer.write(FINE)
            found += await reader.readuntil(b"0\r\n\r\n")
        return found

    assert served(client).count(b"200 OK") == 3
