"""The real server: started, asked, and ended by Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from support.command_line import SMALL, Run

from storyodds.commands import serve
from storyodds.models.changes import interactive

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends an interrupt")
COMMAND = "serve"
INTERRUPTED, WRONG_INPUT = 130, 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(SMALL, "utf-8")
    return tmp_path


@pytest.fixture
def process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "storyodds", "serve", str(folder), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        yield started
        started.kill()


def test_it_answers_on_this_machine_until_it_is_interrupted(
    process: subprocess.Popen[bytes], folder: Path
) -> None:
    assert process.stdout is not None
    data = json.loads(process.stdout.readline())
    assert data["address"] == f"http://127.0.0.1:{data['port']}/"
    at = f"{data['address']}api/stories/mine/answer"
    headers = {"content-type": "application/json", "x-storyodds-client": "0123456789ab"}
    body = json.dumps({"set": {"aware.probability": "1"}}).encode()
    with urlopen(Request(at, body, headers)) as answer:
        found = json.load(answer)
    assert found["odds"]["deceptive"]["difference"]["mean"] > 0
    with pytest.raises(HTTPError) as refused, urlopen(Request(at, body, {**headers, "Host": "x"})):
        pass
    assert refused.value.code == 400
    refused.value.close()
    with socket.socket() as elsewhere:  # another address of this machine
        assert elsewhere.connect_ex(("127.0.0.2", data["port"])) != 0
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (INTERRUPTED, b"", b"interrupted\n")
    assert [path.name for path in folder.iterdir()] == ["mine.yaml"]


def test_a_port_that_is_taken_is_a_mistake(run: Run, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run(str(folder), "--port", str(taken.getsockname()[1]))
    assert ran.code == WRONG_INPUT and "--port" in ran.err and ran.out == ""


def test_a_folder_that_is_not_there_is_a_mistake(run: Run, folder: Path) -> None:
    for name in ("gone", "mine.yaml"):
        ran = run(str(folder / name))
        assert ran.code == WRONG_INPUT and "DIR" in ran.err


@pytest.mark.parametrize("option", ["--port=65536", "--port=-1", "--draws=1", "--host=0.0.0.0"])
def test_wrong_options_are_mistakes(run: Run, option: str) -> None:
    assert run(option).code == WRONG_INPUT


def test_the_help_says_how_many_are_drawn() -> None:
    assert serve.DRAWS == interactive.DRAWS


def test_help_imports_nothing_heavy() -> None:
    script = """
import sys
from storyodds.cli import main
main(["serve", "--help"])
heavy = {"numpy", "starlette", "uvicorn", "jinja2", "xarray", "pymc"} & set(sys.modules)
print(sorted(heavy), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stderr.decode().strip() == "[]"


def test_an_interrupt_ends_a_computation_too(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    data = json.loads(process.stdout.readline())
    body = b"{}"
    with socket.create_connection(("127.0.0.1", data["port"])) as asking:
        asking.sendall(
            b"POST /api/stories/rlhf-assistant/settle HTTP/1.1\r\n"
            b"Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"X-Storyodds-Client: 0123456789ab\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        with urlopen(f"{data['address']}api/stories/mine/states") as answer:  # it has been read
            assert json.load(answer) == {}
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (INTERRUPTED, b"")
    assert b"Traceback" not in err


def test_a_client_that_leaves_in_the_middle_is_no_failure(
    process: subprocess.Popen[bytes],
) -> None:
    assert process.stdout is not None
    data = json.loads(process.stdout.readline())
    with socket.create_connection(("127.0.0.1", data["port"])) as leaving:
        leaving.sendall(
            b"POST /api/stories/mine/answer HTTP/1.1\r\n"
            b"Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"X-Storyodds-Client: 0123456789ab\r\nContent-Length: 50\r\n\r\n{"
        )
    with urlopen(f"{data['address']}api/stories/mine/states") as answer:
        assert json.load(answer) == {}
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (INTERRUPTED, b"", b"interrupted\n")
