"""What a page costs: `storyodds dashboard` beside `storyodds estimate`, and live answers.

The commands take turns, so that a busy spell of the machine hits all of them. The server is asked
as a page asks it, with one number moved, after some questions that nobody times.
Run it with `python benchmarks/pages.py --repeats 7`.
"""

import argparse
import http.client
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from startup import STORYODDS, wall_time

STORY = "rlhf-assistant"
NUMBER = "situational-awareness.probability"  # of this story
WARMING = 5  # answers before those that are timed
STARTING = 60.0  # seconds that a server may take to say where it is


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--answers", type=int, default=30, help="questions put to the server")
    asked = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            f"storyodds estimate {STORY} --json": [STORYODDS, "estimate", STORY, "--json"],
            f"storyodds dashboard {STORY}": [STORYODDS, "dashboard", STORY, "-o", folder],
        }
        _print_times(commands, asked.repeats)
        size = (Path(folder) / f"{STORY}.html").stat().st_size
    print(f"page: {size / 1e3:.0f} kB in one file\n")
    _print_answers(asked.answers)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {before:.1f} before "
        f"and {os.getloadavg()[0]:.1f} after"
    )


def _print_times(commands: dict[str, list[str]], repeats: int) -> None:
    for command in commands.values():
        wall_time(command)  # once unseen, so that files, bytecode and compiled loops are warm
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            times[name].append(wall_time(command))
    first = statistics.median(next(iter(times.values())))
    print(f"{'seconds, whole process':<42}  median    best   worst   ratio   added")
    for name, each in times.items():
        median = statistics.median(each)
        print(
            f"{name:<42}  {median:6.2f}  {min(each):6.2f}  {max(each):6.2f}"
            f"  {median / first:6.2f}  {median - first:6.2f}"
        )
    print(f"ratio, added: to the median of {next(iter(times))}; {repeats} rounds in turn")


def _print_answers(count: int) -> None:
    with _server() as (host, port):
        times = [_answer(host, port, k) for k in range(WARMING + count)][WARMING:]
    times.sort()
    print(f"{'milliseconds, over HTTP':<42}  median    best   worst")
    name = f"live answer, {STORY}"
    print(f"{name:<42}  {statistics.median(times):6.0f}  {times[0]:6.0f}  {times[-1]:6.0f}")


@contextmanager
def _server() -> Iterator[tuple[str, int]]:
    """Serve the bundled stories until the block is left."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [STORYODDS, "serve", folder, "--port", "0", "--json"], stdout=subprocess.PIPE, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            if not select.select([server.stdout], [], [], STARTING)[0]:
                sys.exit(f"the server did not say within {STARTING:.0f} s where it is")
            address = urlsplit(json.loads(server.stdout.readline())["address"])
            assert address.hostname is not None
            assert address.port is not None
            yield address.hostname, address.port
        finally:
            server.terminate()


def _answer(host: str, port: int, k: int) -> float:
    """Ask with a value that was not asked before; milliseconds until all of it is there."""
    body = json.dumps({"set": {NUMBER: f"{0.3 + k / 1000:.3f}"}})
    headers = {"Content-Type": "application/json", "X-Storyodds-Client": "benchmark"}
    start = time.perf_counter()
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("POST", f"/api/stories/{STORY}/answer", body, headers)
    found = connection.getresponse()
    said = found.read()
    took = 1000 * (time.perf_counter() - start)
    connection.close()
    if found.status != 200:
        sys.exit(f"the server answered {found.status}: {said[:300]!r}")
    return took


if __name__ == "__main__":
    main()
