"""Debian's Chromium, and pages in it that may ask nothing of any network."""

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000  # milliseconds: the machine may be busy, and how long it takes is not asked
OWN = ("file:", "data:", "blob:", "about:")  # addresses that need no network


def missing() -> str | None:
    """Why there is no browser here, if so."""
    if find_spec("playwright") is None:
        return "playwright is not installed"
    return None if CHROMIUM.exists() else f"{CHROMIUM} is missing"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running browser. On a build server there has to be one.

    It is ended with the module: until then the thread has an event loop, beside which tests of
    other folders cannot run theirs.
    """
    if (reason := missing()) is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open pages: `open_page(path or address, "#fragment", allowed=(), **context options)`.

    Every request that is not of a file on disk, or of an address that begins with one of
    `allowed`, is aborted. The test fails where there was one, an error or a warning in the
    console, or an exception in a script. `open_page.troubles` lists what there was; a test that
    means to cause some takes them out.
    """
    contexts: list[Any] = []
    troubles: list[str] = []

    def opened(
        where: Path | str, fragment: str = "", allowed: tuple[str, ...] = (), **options: Any
    ) -> Any:
        def guard(route: Any) -> None:
            if route.request.url.startswith(OWN + allowed):
                route.continue_()
            else:
                troubles.append(f"asked for {route.request.url}")
                route.abort()

        context = chromium.new_context(**options)
        contexts.append(context)
        context.route("**/*", guard)
        page = context.new_page()
        page.on("console", lambda said: _note(said, troubles))
        page.on("pageerror", lambda error: troubles.append(f"exception: {error}"))
        address = where.resolve().as_uri() if isinstance(where, Path) else where
        page.goto(address + fragment, timeout=PATIENCE)
        return page

    opened.troubles = troubles  # type: ignore[attr-defined]
    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


def _note(said: Any, troubles: list[str]) -> None:
    if said.type in ("error", "warning"):
        troubles.append(f"console {said.type}: {said.text}")
