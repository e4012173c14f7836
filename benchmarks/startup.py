"""Wall time of whole commands, beside what importing PyMC and ArviZ alone takes.

The commands take turns, so that a busy spell of the machine hits all of them.
Run it with `python benchmarks/startup.py --repeats 15`.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

STORYODDS = shutil.which("storyodds", path=str(Path(sys.executable).parent)) or "storyodds"

COMMANDS = {
    "python -c 'import pymc, arviz'": [sys.executable, "-c", "import pymc, arviz"],
    "python -c 'import pymc'": [sys.executable, "-c", "import pymc"],
    "storyodds estimate rlhf-assistant --json": [STORYODDS, "estimate", "rlhf-assistant", "--json"],
    "storyodds check rlhf-assistant": [STORYODDS, "check", "rlhf-assistant"],
    "storyodds --help": [STORYODDS, "--help"],
    "python -c pass": [sys.executable, "-c", "pass"],
}


def wall_time(command: list[str]) -> float:
    """Run a command as an installed one runs, whose bytecode is kept; in seconds."""
    kept = {name: x for name, x in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    nowhere = subprocess.DEVNULL
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=nowhere, stdin=nowhere, env=kept)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    for command in COMMANDS.values():
        wall_time(command)  # once unseen, so that files and bytecode are warm
    before = os.getloadavg()[0]
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, command in COMMANDS.items():
            times[name].append(wall_time(command))
    after = os.getloadavg()[0]
    yardstick = statistics.median(next(iter(times.values())))
    print(f"{'seconds, whole process':<42}  median    best   worst   ratio")
    for name, each in times.items():
        median = statistics.median(each)
        print(
            f"{name:<42}  {median:6.2f}  {min(each):6.2f}  {max(each):6.2f}"
            f"  {median / yardstick:6.2f}"
        )
    print(f"ratio: median over that of {next(iter(times))}")
    print(
        f"{repeats} rounds in turn, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {before:.1f} before and {after:.1f} after"
    )


if __name__ == "__main__":
    main()
