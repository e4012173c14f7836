"""The addresses: who may ask, what is refused, and that nothing says more than it should."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from support.command_line import SMALL
from support.hostile_story import ATTACK, hostile_story

from storyodds import load_story, load_text
from storyodds.priors.distributions.families import Point
from storyodds.reports.live.requests import MAX_BODY
from storyodds.reports.live.server.app import make_app
from storyodds.reports.live.server.worker import TimeLimitError, Worker, WorkerFailedError
from storyodds.reports.live.tasks import Computer
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.serialize import to_yaml

HOST = "http://127.0.0.1:8321"
ASK = {"x-storyodds-client": "0123456789ab", "content-type": "application/json"}
EXACT = "/api/stories/carlsmith-six-premises"


class Here:
    """Stands for a worker, in the process of the tests."""

    def __init__(self, folder: Path) -> None:
        self.computer = Computer(folder, draws=64, seed=1)
        self.error: Exception | None = None
        self.started, self.go = threading.Event(), threading.Event()
        self.go.set()
        self.asked: list[Any] = []

    async def ask(self, task: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        self.asked.append(task)
        self.started.set()
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        if self.error is not None:
            raise self.error
        found: dict[str, Any] = json.loads(
            json.dumps(self.computer.do(json.loads(json.dumps(task))))
        )
        return found

    async def warm(self) -> None:
        pass

    async def close(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "stories"
    inside.mkdir()
    (inside / "mine.yaml").write_text(SMALL, "utf-8")
    (inside / "broken.yaml").write_text("story: <b>\n", "utf-8")
    (inside / "hostile.yaml").write_text(to_yaml(hostile_story()), "utf-8")
    (tmp_path / "secret.yaml").write_text(SMALL, "utf-8")
    return inside


@pytest.fixture
def here(folder: Path) -> Here:
    return Here(folder)


@pytest.fixture
def client(folder: Path, here: Here) -> Iterator[TestClient]:
    app = make_app(folder, (here, here))
    with TestClient(app, base_url=HOST, raise_server_exceptions=False) as found:
        yield found


def messages(response: Any) -> str:
    return "; ".join(problem["message"] for problem in response.json()["problems"])


# What is there


def test_every_page_goes_with_strict_headers(client: TestClient) -> None:
    for path in ("/", "/stories/mine", "/stories/broken", "/nowhere", "/api/stories", EXACT):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_no_story_text_becomes_markup(client: TestClient) -> None:
    for path in ("/", "/stories/hostile"):
        page = client.get(path).text
        assert "&lt;/script&gt;&lt;script&gt;window.broken=1" in page
        assert "<img src=x" not in page and "<svg onload" not in page
        assert page.count("<script") == page.count("</script>") == 2
    data = re.search(r'id="page-data">(.*?)</script>', client.get("/stories/hostile").text)
    assert data is not None and json.loads(data[1])["story"]["title"].startswith(ATTACK)


def test_a_page_reads_without_its_script(client: TestClient) -> None:
    data = client.get(EXACT).json()
    page = client.get("/stories/carlsmith-six-premises").text
    assert (
        f'data-odds="catastrophe">{data["answer"]["odds"]["catastrophe"]["now"]["words"]}<' in page
    )
    assert all(f'data-number="{number["name"]}"' in page for number in data["numbers"])


def test_answers_follow_the_state(client: TestClient) -> None:
    as_written = client.post(f"{EXACT}/answer", headers=ASK, json={}).json()
    state = {"view": None, "set": {"aps-feasible.probability": "1"}, "off": []}
    changed = client.post(f"{EXACT}/answer", headers=ASK, json=state).json()
    assert changed["state"] == state
    assert changed["odds"]["catastrophe"]["before"] == as_written["odds"]["catastrophe"]["now"]
    assert changed["odds"]["catastrophe"]["difference"]["mean"] > 0
    full = client.post(f"{EXACT}/settle", headers=ASK, json=state).json()
    assert full["odds"]["catastrophe"]["now"] == changed["odds"]["catastrophe"]["now"]


def test_states_are_saved_in_the_folder_only(client: TestClient, folder: Path) -> None:
    before = set(folder.parent.rglob("*"))
    state = {"view": "sceptic", "set": {}, "off": []}
    saved = client.post(f"{EXACT}/states", headers=ASK, json={"name": "dire", "state": state})
    assert (saved.status_code, client.get(f"{EXACT}/states").json()) == (201, {"dire": state})
    again = client.post(f"{EXACT}/states", headers=ASK, json={"name": "dire", "state": state})
    assert again.status_code == 422 and "taken" in messages(again)
    for body in (
        {"name": "../dire", "state": state},
        {"name": "b", "state": {"off": ["check:no-such"]}},
        {"name": "b"},
        {"name": "b", "state": state, "path": "/tmp"},
    ):
        assert client.post(f"{EXACT}/states", headers=ASK, json=body).status_code == 422
    data = saved.json()
    kept = {folder / data["saved"], folder / data["story"]}
    assert set(folder.parent.rglob("*")) - before == kept
    assert data["command"].startswith(f"storyodds estimate {data['story']} --seed 1 --view")
    written = load_story("carlsmith-six-premises")
    own = written.model_copy(update={"story": "carlsmith-six-premises-dire"})
    assert load_story(folder / data["story"]) == own


def test_saved_at_the_same_time_under_one_name_one_is_kept(
    client: TestClient, folder: Path
) -> None:
    def save(prior: str) -> tuple[int, str]:
        state = {"set": {"aps-feasible.probability": prior}}
        headers = {**ASK, "x-storyodds-client": f"client{prior[2:]:>06}".replace(" ", "0")}
        body = {"name": "one", "state": state}
        return client.post(f"{EXACT}/states", headers=headers, json=body).status_code, prior

    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(save, ["0.1", "0.2", "0.3", "0.4"])]
    ((_, prior),) = [it for it in found if it[0] == 201]
    assert {status for status, _ in found} == {201, 422}
    kept = client.get(f"{EXACT}/states").json()["one"]
    assert kept["set"] == {"aps-feasible.probability": prior}
    story = load_story(folder / "carlsmith-six-premises.one.yaml")
    number = resolve(story).numbers[0]
    assert (number.name, number.distribution) == ("aps-feasible.probability", Point(float(prior)))


def test_a_changed_story_can_be_had_without_saving_it(client: TestClient, folder: Path) -> None:
    before = set(folder.parent.rglob("*"))
    for state, file in (({}, "hostile.yaml"), ({"view": "sceptic"}, "hostile-changed.yaml")):
        asked = {"state": json.dumps(state)}
        response = client.get("/stories/hostile/story.yaml", params=asked)
        headers = response.headers
        assert headers["content-disposition"] == f'attachment; filename="{file}"'
        assert headers["content-type"].startswith("application/yaml")
        assert headers["content-security-policy"].startswith("default-src 'none'")
        own = {"story": f"{hostile_story().story}-changed"} if state else {}
        assert load_text(response.text) == hostile_story().model_copy(update=own)
        assert f"# storyodds estimate {file} --seed 1" in response.text
    assert client.get("/stories/hostile/story.yaml").status_code == 200
    for wrong in ("no", '{"off": ["check:no-such"]}', '{"set": {"nope": "1"}}'):
        response = client.get("/stories/mine/story.yaml", params={"state": wrong})
        assert response.status_code == 422 and "content-disposition" not in response.headers
    assert client.get("/stories/broken/story.yaml").status_code == 422
    assert set(folder.parent.rglob("*")) == before


# Who may ask


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.1.1", ""])
def test_other_hosts_are_refused(client: TestClient, host: str) -> None:
    for path in ("/", "/api/stories"):
        assert client.get(path, headers={"host": host}).status_code == 400
    assert client.get("/api/stories", headers={"host": "localhost:8321"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {**ASK, "x-storyodds-client": "short"},
        {**ASK, "x-storyodds-client": "UPPERCASE123"},
        {**ASK, "origin": "http://evil.example"},
        {**ASK, "origin": "http://127.0.0.1:9999"},
        {**ASK, "origin": "null"},
        {**ASK, "sec-fetch-site": "cross-site"},
        {**ASK, "sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_are_refused(client: TestClient, here: Here, headers: dict[str, str]) -> None:
    for what, body in (("answer", {}), ("settle", {}), ("states", {"name": "a", "state": {}})):
        response = client.post(f"{EXACT}/{what}", headers=headers, json=body)
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers
    assert here.asked == []


def test_our_own_pages_may_ask(client: TestClient) -> None:
    headers = {**ASK, "origin": HOST, "sec-fetch-site": "same-origin"}
    assert client.post(f"{EXACT}/answer", headers=headers, json={}).status_code == 200


def test_other_sites_cannot_make_a_browser_compute(client: TestClient, here: Here) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    story = "/stories/mine"
    for path in (EXACT, "/api/stories", f"{story}/page", f"{story}/story.yaml", f"{EXACT}/states"):
        assert client.get(path, headers=headers).status_code == 403
    assert here.asked == []


# What is refused


@pytest.mark.parametrize(
    "name",
    "%2e%2e %2e%2e%2fsecret ..%2Fsecret mine%00 %00 ..%5Csecret MINE mine.yaml mine/ /mine "
    "%252e%252e secret %0amine mine%0a".split(),
)
def test_no_address_leads_out_of_the_folder(client: TestClient, name: str) -> None:
    for path in (f"/stories/{name}", f"/api/stories/{name}"):
        assert client.get(path).status_code == 404
    for path in (f"/stories/{name}/page", f"/stories/{name}/story.yaml"):
        assert client.get(path).status_code == 404
    assert client.post(f"/api/stories/{name}/answer", headers=ASK, json={}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no",
        "[]",
        "null",
        '{"view": NaN}',
        '{"viw": null}',
        '{"set": {"aps-feasible.probability": 1}}',
        '{"set": {"aps-feasible.probability": "1.5"}}',
        '{"set": {"aps-feasible.probability": ".nan"}}',
        '{"set": {"no-such.number": "0.5"}}',
        '{"off": ["check:no-such"]}',
        '{"view": "../../etc/passwd"}',
        "[" * 60_000,
    ],
)
def test_wrong_bodies_are_refused_in_words(client: TestClient, body: str) -> None:
    response = client.post(f"{EXACT}/answer", headers=ASK, content=body)
    assert response.status_code == 422
    assert messages(response) and "Traceback" not in response.text


def test_every_mistake_is_told_at_once(client: TestClient) -> None:
    state = {"set": {"nope": "1", "aps-feasible.probability": "2"}, "off": ["nudge:nope"]}
    response = client.post(f"{EXACT}/answer", headers=ASK, json=state)
    assert len(response.json()["problems"]) == 3


def test_bodies_are_bounded(client: TestClient) -> None:
    large = b" " * (MAX_BODY + 1)
    assert client.post(f"{EXACT}/answer", headers=ASK, content=large).status_code == 413

    def chunks() -> Iterator[bytes]:
        yield from [b" " * 1024] * 65

    assert client.post(f"{EXACT}/answer", headers=ASK, content=chunks()).status_code == 413
    bad = {**ASK, "content-length": "9" * 5000}
    assert client.post(f"{EXACT}/answer", headers=bad, content=b"{}").status_code == 413


def test_heads_are_bounded(client: TestClient, here: Here) -> None:
    headers = {f"x-{k}": "a" * 8000 for k in range(9)}
    response = client.get("/stories/mine", headers=headers)
    assert response.status_code == 431 and response.headers["x-content-type-options"] == "nosniff"
    address = {"state": "a" * 40_000}
    few = {name: headers[name] for name in ("x-0", "x-1", "x-2", "x-3")}
    assert client.get("/stories/mine/page", params=address, headers=few).status_code == 431
    assert here.asked == []


def test_other_types_and_methods_are_refused(client: TestClient) -> None:
    headers = {**ASK, "content-type": "text/plain"}
    assert client.post(f"{EXACT}/answer", headers=headers, content="{}").status_code == 415
    assert client.get(f"{EXACT}/answer").status_code == 405
    assert client.put(f"{EXACT}/states", headers=ASK, json={}).status_code == 405
    assert client.get("/stories/mine/page", params={"state": "no"}).status_code == 422


def test_a_broken_story_is_no_crash(client: TestClient) -> None:
    assert "This story has mistakes" in client.get("/stories/broken").text
    assert "&lt;b&gt;" in client.get("/stories/broken").text
    response = client.post("/api/stories/broken/answer", headers=ASK, json={})
    assert response.status_code == 422 and response.json()["problems"][0]["file"] == "broken.yaml"


@pytest.mark.parametrize(
    ("error", "status"),
    [(TimeLimitError(), 503), (WorkerFailedError(), 500), (ZeroDivisionError("secret"), 500)],
)
def test_failures_are_told_without_their_insides(
    client: TestClient, here: Here, error: Exception, status: int
) -> None:
    here.error = error
    for found in (
        client.post(f"{EXACT}/answer", headers=ASK, json={}),
        client.get("/stories/mine"),
    ):
        assert found.status_code == status
        assert "secret" not in found.text and "Traceback" not in found.text
        assert found.headers["x-content-type-options"] == "nosniff"
    here.error = None
    assert client.post(f"{EXACT}/answer", headers=ASK, json={}).status_code == 200


def test_a_newer_question_takes_the_place_of_the_one_that_waits(
    client: TestClient, here: Here
) -> None:
    def ask(prior: str) -> int:
        state = {"set": {"aps-feasible.probability": prior}}
        return int(client.post(f"{EXACT}/answer", headers=ASK, json=state).status_code)

    here.go.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, "0.1")
        assert here.started.wait(30)
        rest = [pool.submit(ask, "0.2"), pool.submit(ask, "0.3")]
        wait(rest, return_when=FIRST_COMPLETED)  # one gives way before the first has ended
        here.go.set()
        assert first.result() == 200
        assert sorted(asked.result() for asked in rest) == [200, 409]
    assert len(here.asked) == 2


# With processes


def test_a_computation_that_takes_too_long_is_stopped(folder: Path) -> None:
    workers = (Worker(folder, draws=64, seed=1), Worker(folder, draws=64, seed=1))
    seconds = {"answer": 60.0, "settle": 0.01}
    app = make_app(folder, workers, seconds=seconds)
    with TestClient(app, base_url=HOST) as client:
        response = client.post(f"{EXACT}/settle", headers=ASK, json={})
        assert response.status_code == 503 and "stopped" in messages(response)
        assert client.post(f"{EXACT}/answer", headers=ASK, json={}).status_code == 200


@pytest.mark.slow
def test_the_whole_dashboard_brings_its_own_policy(client: TestClient) -> None:
    state = json.dumps({"set": {"aps-feasible.probability": "1"}})
    response = client.get("/stories/carlsmith-six-premises/page", params={"state": state})
    assert response.status_code == 200
    assert '<meta http-equiv="Content-Security-Policy"' in response.text
    changed = client.post(f"{EXACT}/answer", headers=ASK, content=state).json()
    assert changed["odds"]["catastrophe"]["now"]["words"] in response.text
