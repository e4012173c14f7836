"""The server: addresses, who may ask, and answers as pages or JSON."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from storyodds.priors.text.errors import InputError
from storyodds.reports.live.folder import is_name
from storyodds.reports.live.requests import State, read_body, read_name, read_state
from storyodds.reports.live.saved_states import save_state, saved_states, story_file
from storyodds.reports.live.server.guard import (
    HOSTS,
    Headed,
    bounded_body,
    client_of,
    require_same_site,
)
from storyodds.reports.live.server.scheduling import SupersededError, TooManyError, Turns
from storyodds.reports.live.server.worker import TimeLimitError, WorkerFailedError

SECONDS = {  # by task; every story is read for the list, and compiled before it is first answered
    "home": 60.0,
    "list": 60.0,
    "story": 60.0,
    "describe": 60.0,
    "rewrite": 60.0,
    "judgments": 60.0,
    "answer": 30.0,
    "settle": 120.0,
    "page": 180.0,
}
_SLOW = ("settle", "page")

type Json = dict[str, Any]


class Asked(Protocol):
    """What answers tasks: a worker, or in tests whatever stands for one."""

    async def ask(self, task: Mapping[str, Any], seconds: float) -> Json:
        """Do one task."""

    async def warm(self) -> None:
        """Get ready."""

    async def close(self) -> None:
        """End."""


class _Server:
    """What the handlers share."""

    def __init__(self, folder: Path, quick: Asked, slow: Asked, seconds: Mapping[str, float]):
        self.folder, self.quick, self.slow, self.seconds = folder, quick, slow, seconds
        # A long computation does not keep a client from moving a slider.
        self.turns = {True: Turns(), False: Turns()}

    async def work(self, client: str, task: Json) -> Any:
        """Have a task done in the client's turn; refusals become what HTTP calls them."""
        is_slow = task["do"] in _SLOW
        try:
            async with self.turns[is_slow].turn(client):
                worker = self.slow if is_slow else self.quick
                reply = await worker.ask(task, self.seconds[task["do"]])
        except SupersededError:
            raise HTTPException(409, "a newer question took the place of this one") from None
        except TooManyError:
            raise HTTPException(429, "too many pages ask at the same time") from None
        except TimeLimitError:
            limit = f"{self.seconds[task['do']]:g} seconds"
            raise HTTPException(503, f"this took longer than {limit} and was stopped") from None
        except WorkerFailedError:
            raise HTTPException(500, "this could not be worked out") from None
        if reply.get("unknown"):
            raise HTTPException(404, "there is no such story")
        if "problems" in reply:
            raise _WrongError(reply["problems"])
        return reply["done"]

    async def home(self, request: Request) -> Response:
        return _page(await self.work(_reader(request), {"do": "home"}))

    async def story(self, request: Request) -> Response:
        return _page(await self.work(_reader(request), {"do": "story", "story": _name(request)}))

    async def page(self, request: Request) -> Response:
        require_same_site(request)
        task = {"do": "page", "story": _name(request), "state": _asked(request).as_data()}
        return _page(await self.work(_reader(request), task))

    async def download(self, request: Request) -> Response:
        require_same_site(request)
        story, state = _name(request), _asked(request)
        file = f"{story}{'' if state == State() else '-changed'}.yaml"
        task = {"do": "rewrite", "story": story, "state": state.as_data(), "file": file}
        task["name"] = "" if state == State() else "changed"
        reply = await self.work(_reader(request), task)
        headers = {"content-disposition": f'attachment; filename="{file}"'}
        return Response(reply["yaml"], media_type="application/yaml", headers=headers)

    async def judgments(self, request: Request) -> Response:
        require_same_site(request)
        story, state = _name(request), _asked(request)
        task = {"do": "judgments", "story": story, "state": state.as_data()}
        reply = await self.work(_reader(request), task)
        headers = {"content-disposition": f'attachment; filename="{story}-judgments.yaml"'}
        return Response(reply["yaml"], media_type="application/yaml", headers=headers)

    async def list(self, request: Request) -> Response:
        require_same_site(request)
        return JSONResponse(await self.work(_reader(request), {"do": "list"}))

    async def describe(self, request: Request) -> Response:
        require_same_site(request)
        task = {"do": "describe", "story": _name(request)}
        return JSONResponse(await self.work(_reader(request), task))

    async def compute(self, request: Request, do: str) -> Response:
        client = client_of(request)
        state = read_state(read_body(await bounded_body(request)))
        task = {"do": do, "story": _name(request), "state": state.as_data()}
        return JSONResponse(await self.work(client, task))

    async def states(self, request: Request) -> Response:
        require_same_site(request)
        states = saved_states(self.folder, _name(request))
        return JSONResponse({name: state.as_data() for name, state in states.items()})

    async def save(self, request: Request) -> Response:
        client, story = client_of(request), _name(request)
        body = read_body(await bounded_body(request))
        if not isinstance(body, dict) or set(body) != {"name", "state"}:
            raise InputError("body: expected an object of a name and a state")
        name, state = read_name(body["name"]), read_state(body["state"])
        file = story_file(story, name)
        task = {"do": "rewrite", "story": story, "state": state.as_data(), "file": file}
        task["name"] = name
        reply = await self.work(client, task)  # what does not fit the story is not worth keeping
        try:
            written = save_state(self.folder, story, name, state, reply["yaml"], reply["odds"])
        except OSError as error:
            raise HTTPException(507, f"cannot be saved: {error.strerror}") from None
        saved, changed = (path.name for path in written)
        return JSONResponse({"saved": saved, "story": changed, "command": reply["command"]}, 201)


class _WrongError(Exception):
    """Mistakes that the worker found in what was asked for."""

    def __init__(self, problems: list[Json]) -> None:
        super().__init__()
        self.problems = problems


def make_app(
    folder: Path, workers: tuple[Asked, Asked], *, seconds: Mapping[str, float] = SECONDS
) -> ASGIApp:
    """Make the application that `storyodds serve` runs.

    Parameters
    ----------
    folder : Path
        Of the user's stories; states and their stories are saved here, and nothing is written
        elsewhere.
    workers : pair
        For quick answers and for long ones; they are ended with the application.
    seconds : mapping of str to float
        By task, how long it may take.

    Returns
    -------
    ASGI application

    Examples
    --------
    >>> from storyodds.reports.live.server.worker import Worker
    >>> quick, slow = (Worker(Path("."), draws=1024, seed=1) for _ in range(2))
    >>> app = make_app(Path("."), (quick, slow))
    """
    quick, slow = workers
    server = _Server(folder, quick, slow, seconds)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await quick.warm()
        try:
            yield
        finally:
            await quick.close()
            await slow.close()

    path = "/api/stories/{id}"
    app = Starlette(
        routes=[
            Route("/", server.home),
            Route("/stories/{id}", server.story),
            Route("/stories/{id}/page", server.page),
            Route("/stories/{id}/story.yaml", server.download),
            Route("/stories/{id}/judgments.yaml", server.judgments),
            Route("/api/stories", server.list),
            Route(path, server.describe),
            Route(f"{path}/answer", partial(server.compute, do="answer"), methods=["POST"]),
            Route(f"{path}/settle", partial(server.compute, do="settle"), methods=["POST"]),
            Route(f"{path}/states", server.states, methods=["GET"]),
            Route(f"{path}/states", server.save, methods=["POST"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)
        ],
        exception_handlers={
            HTTPException: _refused,
            InputError: _mistaken,
            _WrongError: _wrong,
            Exception: _unforeseen,
        },
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return Headed(app)


def _page(page: Json) -> Response:
    return HTMLResponse(page["html"], headers={"content-security-policy": page["policy"]})


def _name(request: Request) -> str:
    name: str = request.path_params["id"]
    if not is_name(name):
        raise HTTPException(404, "there is no such story")
    return name


def _asked(request: Request) -> State:
    """The state that an address asks for."""
    text = request.query_params.get("state")
    return State() if text is None else read_state(read_body(text.encode()))


def _reader(request: Request) -> str:
    """Every page that is opened is a client of its own."""
    return f"page {id(request)}"


def _told(request: Request, status: int, problems: list[Json]) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"problems": problems}, status)
    paragraphs = "".join(f"<p>{escape(problem['message'])}</p>" for problem in problems)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>storyodds</title>'
        f'<main><h1>{status}</h1>{paragraphs}<p><a href="/">All stories</a></p></main></html>'
    )
    return HTMLResponse(page, status)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _told(request, error.status_code, [{"message": str(error.detail)}])
    response.headers.update(error.headers or {})
    return response


async def _mistaken(request: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    return _told(request, 422, [{"message": problem.message} for problem in error.problems])


async def _wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, _WrongError)
    return _told(request, 422, error.problems)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return _told(request, 500, [{"message": "this went wrong in a way that nobody foresaw"}])
