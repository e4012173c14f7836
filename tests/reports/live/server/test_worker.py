"""A process of its own: it answers, it can be stopped, and it does not outlive its server."""

import asyncio
import gc
import os
from pathlib import Path

import pytest

from storyodds.reports.live.server.worker import TimeLimitError, Worker, WorkerFailedError

QUESTION = {"do": "answer", "story": "carlsmith-six-premises", "state": {}}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_answers_is_stopped_and_answers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file that a Python started here would import in place of the real one.
    (tmp_path / "numpy.py").write_text("raise SystemExit('imported from the folder')", "utf-8")
    monkeypatch.chdir(tmp_path)

    async def play() -> None:
        worker = Worker(tmp_path, draws=64, seed=1)
        try:
            first = await worker.ask(QUESTION, 60)
            assert first["done"]["odds"]["catastrophe"]["now"]["mean"] > 0
            assert worker._process is not None
            stopped = worker._process.pid
            with pytest.raises(TimeLimitError):
                await worker.ask({**QUESTION, "story": "rlhf-assistant"}, 0.001)
            assert not alive(stopped)
            assert await worker.ask(QUESTION, 60) == first
            with pytest.raises(WorkerFailedError):
                await worker.ask({"do": "no such task"}, 60)
            assert await worker.ask(QUESTION, 60) == first
            worker._process.kill()
            await worker._process.wait()
            assert await worker.ask(QUESTION, 60) == first
            last = worker._process.pid
        finally:
            await worker.close()
        assert not alive(last)

    asyncio.run(play())


LONG = {"do": "settle", "story": "rlhf-assistant", "state": {}}


@pytest.mark.parametrize("started", [True, False])
def test_it_is_ended_in_the_middle_of_an_answer(tmp_path: Path, started: bool) -> None:
    async def play() -> None:
        worker = Worker(tmp_path, draws=64, seed=1)
        if started:
            await worker.warm()
        asking = [asyncio.create_task(worker.ask(task, 600)) for task in (LONG, QUESTION)]
        await asyncio.sleep(0)  # the first has its turn, the second waits for it
        process = worker._process
        assert (process is not None) == started
        await worker.close()
        assert process is None or not alive(process.pid)
        for one in asking:
            with pytest.raises(WorkerFailedError):
                await one
        assert worker._process is None

    asyncio.run(play())
    gc.collect()  # a pipe or a process that is left open complains now
