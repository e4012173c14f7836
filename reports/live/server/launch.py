"""Running the application: bound to this machine, told when it is up, ended by Ctrl-C."""

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.file_batches import finish_batches
from storyodds.reports.live.server.app import make_app
from storyodds.reports.live.server.guard import HEAD_BYTES
from storyodds.reports.live.server.patience import PatientProtocol
from storyodds.reports.live.server.worker import Worker

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """Says when it is up: not before, since whoever is told asks at once.

    When it ends, so does what is being computed, for which nobody should have to wait.
    """

    def __init__(
        self, config: uvicorn.Config, workers: tuple[Worker, Worker], up: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._workers = workers
        self._up = up

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.should_exit:
            self._up()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for worker in self._workers:
            await worker.close()
        await super().shutdown(sockets=sockets)


def run(folder: Path, *, port: int, draws: int, seed: int, say: Callable[[int], None]) -> None:
    """Serve until Ctrl-C.

    Parameters
    ----------
    folder : Path
    port : int
        0 takes any that is free.
    draws, seed : int
        Of quick answers.
    say : callable
        Called with the port once the server answers.

    Raises
    ------
    InputError
        If the port is taken.
    KeyboardInterrupt
        After Ctrl-C, once everything is ended.
    """
    here = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        here.bind((LOOPBACK, port))
    except OSError as error:
        here.close()
        sentence = f"--port: found {port}, which cannot be used ({(error.strerror or '').lower()})"
        raise InputError([Problem(f"{sentence}, expected a free one; 0 takes any")]) from None
    finish_batches(folder)  # a state whose saving was cut off
    workers = (
        Worker(folder, draws=draws, seed=seed),
        Worker(folder, draws=draws, seed=seed),
    )
    config = uvicorn.Config(
        make_app(folder, workers),
        log_level="warning",
        access_log=False,
        server_header=False,
        http=PatientProtocol,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ws="none",
        proxy_headers=False,
        limit_concurrency=64,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=2,
    )
    with here:
        _Server(config, workers, lambda: say(here.getsockname()[1])).run(sockets=[here])
