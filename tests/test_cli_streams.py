"""Standard input and output, encodings, colors, widths, and Python as it is started."""

import codecs
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.command_line import SMALL, Ran, Run

DONE, FAILED, WRONG_INPUT = 0, 1, 2
EXACT = "carlsmith-six-premises"
UNCERTAIN = ("coinrun-agent", "--draws", "256")


def outside(*arguments: str, **options: Any) -> Ran:
    """Run a command in a process of its own."""
    environment = {**os.environ, **options.pop("env", {})}
    command = [sys.executable, "-m", "storyodds", *arguments]
    done = subprocess.run(command, capture_output=True, env=environment, check=False, **options)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_story_from_standard_input() -> None:
    text = SMALL.replace("A small story", "Eine kleine Überraschung")
    ran = outside("estimate", "-", "--draws", "64", "--json", input=text.encode())
    assert ran.code == DONE, ran.err
    assert ran.json["title"] == "Eine kleine Überraschung"
    ran = outside("check", "-", input=b"title: \xff\n")
    assert (ran.code, ran.out) == (WRONG_INPUT, "")
    assert ran.err == "<stdin>: found the byte 0xff, expected text encoded as UTF-8\n"
    assert outside("check", "-", input=b"").code == WRONG_INPUT


ASCII = {"PYTHONIOENCODING": "ascii"}


ASCII = {"PYTHONIOENCODING": "ascii"}


def test_a_terminal_without_unicode(small: Path) -> None:
    small.write_text(SMALL.replace("A small story", "Ein kleines Märchen 物語"), "utf-8")
    ran = outside("estimate", str(small), "--draws", "64", env=ASCII)
    assert ran.code == DONE, ran.err
    assert ran.out.isascii()
    assert ran.out.startswith("Ein kleines Marchen ??\n")
    assert "[-" in ran.out  # an interval
    found = outside("estimate", str(small), "--draws", "64", "--json", env=ASCII).json
    assert found["title"] == "Ein kleines Märchen 物語"
    copied = subprocess.run(
        [sys.executable, "-m", "storyodds", "show", str(small)],
        capture_output=True,
        env={**os.environ, **ASCII},
        check=True,
    )
    assert copied.stdout == small.read_bytes()


def test_the_c_locale() -> None:
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    ran = outside("estimate", EXACT, env=plain)
    assert (ran.code, ran.err) == (DONE, "")


def test_every_drawing_character_has_an_ascii_twin_of_its_width() -> None:
    nearest = codecs.lookup_error("storyodds.nearest")
    drawn = "├┤─●○✓✗–−"
    text, end = nearest(UnicodeEncodeError("ascii", drawn, 0, len(drawn), ""))
    assert (len(text), end) == (len(drawn), len(drawn))
    assert isinstance(text, str)
    assert text.isascii()
    assert "?" not in text


def test_color_only_where_it_is_wanted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    assert "\x1b[" in outside("estimate", EXACT, env=wanted).out
    assert "\x1b" not in run("estimate", EXACT).out
    for name, value in (wanted | {"NO_COLOR": "1"}).items():
        monkeypatch.setenv(name, value)
    assert "\x1b[3" not in run("estimate", EXACT).out  # bold may stay


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_the_report_keeps_to_the_width(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ran = run("estimate", "rlhf-assistant", "--draws", "64")
    lines = [line for line in ran.out.splitlines() if "Next: " not in line]
    assert max(map(len, lines)) <= int(columns)
    assert all(line == line.rstrip() for line in lines)


def test_a_reader_that_goes_away() -> None:
    command = [sys.executable, "-m", "storyodds", "show", "rlhf-assistant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == FAILED


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments", [("list",), ("estimate", EXACT), ("estimate", EXACT, "--json")]
)
def test_output_that_cannot_be_written(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "storyodds", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == FAILED
    assert done.stderr == b"storyodds: no space left on device\n"


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_closed_output() -> None:
    script = f'"{sys.executable}" -m storyodds list --json >&-'
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (DONE, b"")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_progress_on_a_terminal(tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "storyodds", "estimate", *UNCERTAIN, "--json"]
    environment = {**os.environ, "TERM": "xterm"}
    out = tmp_path / "out.json"  # a pipe would need a second reader while we read the terminal
    with (
        out.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=theirs, env=environment) as process,
    ):
        os.close(theirs)
        seen = bytearray()
        try:
            while chunk := os.read(ours, 1 << 16):
                seen += chunk
        except OSError:  # how Linux says that the other side has gone
            pass
    os.close(ours)
    assert process.returncode == DONE
    assert json.loads(out.read_text("utf-8"))["story"] == "coinrun-agent"
    assert "coinrun-agent: " in seen.decode()


@pytest.mark.parametrize(("level", "code"), [("1", DONE), ("2", WRONG_INPUT)])
def test_python_without_its_texts(tmp_path: Path, level: str, code: int) -> None:
    """Without assertions it is the same; without docstrings no command half works."""
    (tmp_path / "small.yaml").write_text(SMALL, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "storyodds", "estimate", "small.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONOPTIMIZE": level},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == code
    if code == DONE:
        assert done.stderr == ""  # no progress where nobody watches
    else:
        assert done.stderr.startswith("found Python told to leave out docstrings")
    assert bool(done.stdout) == (code == DONE)
