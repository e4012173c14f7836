"""A process that computes, and that can be stopped: a thread in the middle of a sum cannot.

It speaks JSON lines over its own pipes, so that nothing is ever unpickled, and it imports nothing
from the folder that it is started in.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LONGEST_LINE = 64 * 2**20  # a whole page in one line


class TimeLimitError(Exception):
    """A computation took longer than it may."""


class WorkerFailedError(Exception):
    """A computation ended in a way that nobody foresaw."""


class Worker:
    """One process; it is started when it is first needed, and again after it had to be stopped.

    Parameters
    ----------
    folder : Path
        Of the stories.
    draws, seed : int
        Of quick answers.
    """

    def __init__(self, folder: Path, *, draws: int, seed: int) -> None:
        self._start = {"folder": str(folder.resolve()), "draws": draws, "seed": seed}
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._closed = False

    async def ask(self, task: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Have one task done; tasks wait for each other.

        Parameters
        ----------
        task : mapping
            As `Computer.do` takes it.
        seconds : float
            From when it starts; a process that takes longer is stopped.

        Raises
        ------
        TimeLimitError
        WorkerFailedError
        """
        async with self._turn:
            try:
                async with asyncio.timeout(seconds):
                    return await self._exchange(task)
            except TimeoutError:
                await self._stop()
                raise TimeLimitError from None
            except (OSError, ValueError) as error:  # it has gone, or said too much
                await self._stop()
                raise WorkerFailedError from error
            except asyncio.CancelledError:  # its answer would be taken for the next one's
                await self._stop()
                raise

    async def close(self) -> None:
        """End the process, and whatever it is at; there will be no other one."""
        self._closed = True
        if self._process is not None:
            _kill(self._process)  # so that whoever waits for its answer gives its turn up
        async with self._turn:
            await self._stop()

    async def warm(self) -> None:
        """Start the process ahead of the first task."""
        async with self._turn:
            await self._running()

    async def _exchange(self, task: Mapping[str, Any]) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(task).encode() + b"\n")
        await process.stdin.drain()
        reply: dict[str, Any] = json.loads(await process.stdout.readline())
        if "failed" in reply:
            raise WorkerFailedError
        return reply

    async def _running(self) -> asyncio.subprocess.Process:
        if self._closed:
            raise WorkerFailedError
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # the folder that it is started in is no place to import from
                "-m",
                "storyodds.reports.live",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
            )
            if self._closed:  # meanwhile; whoever closes it waits to stop the process
                raise WorkerFailedError
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(self._start).encode() + b"\n")
        return self._process

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)
        # Until its pipes are at their end too: what is left of them would complain later, in a
        # loop that is closed by then.
        await process.communicate()


def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
