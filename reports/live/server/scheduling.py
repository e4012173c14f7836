"""Who computes when: one at a time for each client, and the newest question before older ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MAX_CLIENTS = 8  # that compute or wait at the same time


class SupersededError(Exception):
    """A newer question of the same client took the place of one that was waiting."""


class TooManyError(Exception):
    """More clients ask than are served."""


class Turns:
    """Turns of clients; every client has one turn at most, and one question that waits for it.

    Examples
    --------
    >>> async def one() -> str:
    ...     async with Turns().turn("a"):
    ...         return "answered"
    >>> asyncio.run(one())
    'answered'
    """

    def __init__(self, clients: int = MAX_CLIENTS) -> None:
        self._clients = clients
        self._busy: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Wait for a client's turn, and have it.

        Raises
        ------
        SupersededError
            If the client asks again before it is this question's turn.
        TooManyError
            If too many other clients are at it.
        """
        if client in self._busy:
            await self._wait(client)
        elif len(self._busy) >= self._clients:
            raise TooManyError
        self._busy.add(client)
        try:
            yield
        finally:
            following = self._waiting.pop(client, None)
            if following is not None and not following.done():
                following.set_result(None)  # the turn is handed on, and the client stays busy
            else:
                self._busy.discard(client)

    async def _wait(self, client: str) -> None:
        older = self._waiting.pop(client, None)
        if older is not None and not older.done():
            older.set_exception(SupersededError())
        turn = asyncio.get_running_loop().create_future()
        self._waiting[client] = turn
        try:
            await turn
        except asyncio.CancelledError:
            if self._waiting.get(client) is turn:
                del self._waiting[client]
            elif turn.done() and not turn.cancelled() and turn.exception() is None:
                self._busy.discard(client)  # it was handed a turn that it no longer wants
            raise
