"""One turn for each client, and the newest question before older ones."""

import asyncio

import pytest

from storyodds.reports.live.server.scheduling import SupersededError, TooManyError, Turns


class Asking:
    """Questions that take until they are told to end."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.running: list[str] = []
        self.most = 0

    async def ask(self, client: str, name: str, until: asyncio.Event) -> str:
        async with self.turns.turn(client):
            self.running.append(name)
            self.most = max(self.most, len(self.running))
            await until.wait()
            self.running.remove(name)
        return name


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_the_newest_question_of_a_client_is_next() -> None:
    async def play() -> None:
        asking, go = Asking(Turns()), asyncio.Event()
        tasks = []
        for name in ("first", "second", "third"):
            tasks.append(asyncio.create_task(asking.ask("a", name, go)))
            await settle()
        assert asking.running == ["first"]
        with pytest.raises(SupersededError):
            await tasks[1]
        go.set()
        assert await tasks[0] == "first" and await tasks[2] == "third"
        assert asking.most == 1
        assert await asking.ask("a", "later", go) == "later"

    asyncio.run(play())


def test_clients_do_not_wait_for_each_other_unless_they_are_too_many() -> None:
    async def play() -> None:
        asking, go = Asking(Turns(clients=2)), asyncio.Event()
        tasks = [asyncio.create_task(asking.ask(client, client, go)) for client in "ab"]
        await settle()
        assert asking.running == ["a", "b"]
        with pytest.raises(TooManyError):
            await asking.ask("c", "c", go)
        go.set()
        await asyncio.gather(*tasks)
        assert await asking.ask("c", "c", go) == "c"

    asyncio.run(play())


def test_a_question_that_is_given_up_keeps_nobody_waiting() -> None:
    async def play() -> None:
        turns = Turns(clients=1)
        asking, go = Asking(turns), asyncio.Event()
        running = asyncio.create_task(asking.ask("a", "first", go))
        await settle()
        waiting = asyncio.create_task(asking.ask("a", "second", go))
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go.set()
        await running
        # Given up at the very moment when the turn is handed on:
        go.clear()
        running = asyncio.create_task(asking.ask("a", "first", go))
        await settle()
        waiting = asyncio.create_task(asking.ask("a", "second", go))
        await settle()
        running.cancel()
        await asyncio.wait([running])
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go.set()
        assert await asking.ask("b", "another", go) == "another"

    asyncio.run(play())


def test_a_question_that_fails_ends_its_turn() -> None:
    async def play() -> None:
        turns = Turns(clients=1)
        with pytest.raises(ZeroDivisionError):
            async with turns.turn("a"):
                raise ZeroDivisionError
        async with turns.turn("b"):
            pass

    asyncio.run(play())
