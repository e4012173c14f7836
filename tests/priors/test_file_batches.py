"""Files that belong together are of one time, whatever happens on the way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storyodds.priors.text import file_batches, files
from storyodds.priors.text.file_batches import finish_batches, write_new_together, write_together

posix = pytest.mark.skipif(os.name != "posix", reason="locks and links are POSIX's")
OLD, NEW = {"a": b"1", "b/c": b"1", "d": b"1"}, {"a": b"22", "b/c": b"22", "d": b"22"}

# Ends a process, in two ways, before every line that writes, one after the other, and looks at
# what is left. It prints how many lines there are.
EVERYWHERE = """
import os, signal, sys
from itertools import count
from pathlib import Path
from storyodds.priors.text import file_batches, files

os.fsync = lambda handle: None  # no power fails here
folder, way, is_new = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "new"
(folder / "b").mkdir()
write = file_batches.write_new_together if is_new else file_batches.write_together
old, new = ({name: text for name in ("a", "b/c", "d")} for text in (b"1", b"22"))
traced = {file_batches.__file__, files.__file__}

def ended_at(line):
    lines = count()
    def trace(frame, event, argument):
        if frame.f_code.co_filename not in traced:
            return None
        if event == "line" and next(lines) == line:
            if way == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt
        return trace
    sys.settrace(trace)
    write(folder, new)

def contents():
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}

def visible():
    return {name: text for name, text in contents().items() if ".storyodds" not in name}

for line in count():
    for name in contents():
        (folder / name).unlink()
    if not is_new:
        write(folder, old)
    child = os.fork()
    if child == 0:
        code = 0
        try:
            ended_at(line)
        except KeyboardInterrupt:
            code = 130
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    half = visible()
    assert set(half.values()) <= {b"1", b"22"} and (is_new or len(half) == 3), (line, half)
    file_batches.finish_batches(folder)
    assert contents() in ({} if is_new else old, new), (line, contents())
    if code == 0:
        print(line)
        break
"""


@posix
@pytest.mark.parametrize("kind", ["new", "old"])
@pytest.mark.parametrize("way", ["kill", "interrupt"])
def test_whoever_is_ended_anywhere_leaves_all_or_none(tmp_path: Path, way: str, kind: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", EVERYWHERE, str(tmp_path), way, kind],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 50, "the lines of writing were passed through"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    write_together(tmp_path, OLD)
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_where_one_cannot_be_written_none_has_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullError(OSError):
        pass

    written = file_batches.write_part

    def full(part: Path, target: Path, content: bytes) -> None:
        if target.name == "d":
            raise FullError
        written(part, target, content)

    monkeypatch.setattr(file_batches, "write_part", full)
    with pytest.raises(FullError):
        write_together(folder, NEW)
    assert everything(folder) == OLD


def test_more_files_than_a_process_may_have_open(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len(os.listdir("/dev/fd")) + 10
    many = {f"{k}.html": b"x" for k in range(2 * few)}
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        write_together(tmp_path, many)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert everything(tmp_path) == many


@posix
def test_new_names_are_whole_from_the_beginning(tmp_path: Path) -> None:
    write_new_together(tmp_path, {"a": b"1", "b": b"1"})
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for taken in ("a", "link"):
        for names in ((taken, "free"), ("free", taken)):
            with pytest.raises(FileExistsError):
                write_new_together(tmp_path, dict.fromkeys(names, b"2"))
    assert everything(tmp_path) == {"a": b"1", "b": b"1"}


@posix
def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    write_new_together(tmp_path, {"a": b"1", "b": b"1"})
    with pytest.raises(FileExistsError):
        write_new_together(tmp_path, {"c": b"2", "b": b"2"})
    assert everything(tmp_path) == {"a": b"1", "b": b"1"}


def planned(folder: Path, plan: object, parts: list[str], *, ending: str = "whole\n") -> None:
    """Leave a plan as a killed process would, and parts beside the names given."""
    token = "0" * 16
    text = plan if isinstance(plan, str) else json.dumps(plan)
    (folder / f"{files.START}{token}.plan").write_text(f"{text}\n{ending}", "utf-8")
    for k, name in enumerate(parts):
        (folder / name).with_name(f"{files.START}{token}-{k}.part").write_bytes(b"22")


@posix
def test_what_was_written_since_is_kept(folder: Path) -> None:
    planned(folder, {"names": ["a", "d"], "new": False}, ["a", "d"])
    later = (folder / f"{files.START}{'0' * 16}.plan").stat().st_mtime_ns + 10**9
    (folder / "a").write_bytes(b"333")
    os.utime(folder / "a", ns=(later, later))
    os.utime(folder / "d", ns=(0, 0))
    finish_batches(folder)
    assert everything(folder) == {"a": b"333", "b/c": b"1", "d": b"22"}


@posix
@pytest.mark.parametrize(
    "plan",
    [
        {"names": ["../out"], "new": False},
        {"names": ["a", "b/../../out"], "new": False},
        {"names": ["/out"], "new": False},
        {"names": [3], "new": True},
        {"names": 3, "new": True},
        {"names": {}},
        "no plan",
        "[" * 100_000,
        "",
    ],
    ids=range(9),
)
def test_a_plan_of_somebody_else_reaches_nothing(tmp_path: Path, plan: object) -> None:
    inside = tmp_path / "inside"
    (inside / "b").mkdir(parents=True)
    write_together(inside, OLD)
    (tmp_path / "out").write_bytes(b"mine")
    planned(inside, plan, [])
    for place in (tmp_path, inside / "b"):
        (place / f"{files.START}{'0' * 16}-0.part").write_bytes(b"22")
    finish_batches(inside)
    assert (tmp_path / "out").read_bytes() == b"mine"
    assert {name: everything(inside).get(name) for name in OLD} == OLD


@posix
def test_what_is_no_plan_is_left_alone(folder: Path) -> None:
    os.mkfifo(folder / f"{files.START}{'1' * 16}.plan")
    (folder / f"{files.START}{'2' * 16}.plan").mkdir()
    (folder / f"{files.START}{'3' * 16}.plan").symlink_to(folder / "a")
    (folder / f"{files.START}short.plan").write_text("mine", "utf-8")
    finish_batches(folder)
    write_together(folder, NEW)
    assert len([*folder.glob(f"{files.START}*")]) == 4 and (folder / "a").read_bytes() == b"22"


@posix
def test_what_is_being_written_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = file_batches.write_part

    def while_another_writes(part: Path, target: Path, content: bytes) -> None:
        monkeypatch.setattr(file_batches, "write_part", written)
        before = {path.name for path in folder.iterdir()}
        finish_batches(folder)
        assert {path.name for path in folder.iterdir()} == before
        write_together(folder, {"other": b"3"})
        written(part, target, content)

    monkeypatch.setattr(file_batches, "write_part", while_another_writes)
    write_together(folder, NEW)
    assert everything(folder) == {**NEW, "other": b"3"}
