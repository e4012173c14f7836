"""How storyodds compares with other tools: the same answers first, then the time they take.

Every suite puts the same question, at the same draws of all uncertain numbers, to storyodds, to a
reference in plain numpy, and to such other tools as are installed. Where answers differ by more
than the tolerance that is printed with them, the run fails with exit code 1. Then those that are
fast enough to be timed repeatedly take turns, so that a busy spell of the machine hits all of
them. Everybody has one core, unless --all-cores lets each take as many as it likes.

`make bench` runs it; `make bench BENCH_ARGS=--quick` in half a minute.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contest import Section, Settings

SUITES = ("thirty", "routes", "assumptions", "stages", "fault-tree", "large-trees")
PACKAGES = ("storyodds", "numpy", "scipy", "pyagrum", "pgmpy", "pymc", "pytensor", "nutpie", "dd")
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites asked for; 1 if any answers differ."""
    options = _parser().parse_args(arguments)
    if not options.all_cores:
        _take_one_core()
    from contest import MissingError, Settings, lines
    from picture import draw_picture

    quick = options.quick
    settings = Settings(
        draws=options.draws or (500 if quick else 4000),
        seed=options.seed,
        repeats=3 if quick else 7,
        quick=quick,
        trees=options.trees,
    )
    for line in _machine():
        print(line)
    print("all cores" if options.all_cores else "one core each", end=", ")
    print(f"load {os.getloadavg()[0]:.1f}\n", flush=True)
    sections = []
    start = time.perf_counter()
    for suite in options.only or SUITES:
        for section in _suite(suite)(settings):
            sections.append(section)
            print("\n".join(lines(section)), flush=True)
    wrong = [section.question for section in sections if not section.agrees]
    print(f"load {os.getloadavg()[0]:.1f} after {time.perf_counter() - start:.0f} s")
    try:
        for path in draw_picture(sections, options.out):
            print(f"wrote {path}")
    except MissingError as error:
        print(f"no picture: matplotlib is {error}")
    if options.json:
        _write(options.json, settings, sections)
        print(f"wrote {options.json}")
    for question in wrong:
        print(f"answers differ: {question}", file=sys.stderr)
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=SUITES, help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing slow")
    parser.add_argument("--all-cores", action="store_true", help="instead of one for everybody")
    parser.add_argument("--draws", type=_positive, help="default: 4000, or 500 if quick")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    trees = "a folder of fault trees (Open-PSA XML files) for the suite large-trees"
    parser.add_argument("--trees", type=Path, metavar="DIR", help=trees)
    out = Path(__file__).parent / "out"
    parser.add_argument("--out", type=Path, metavar="DIR", default=out, help="for the picture")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("expected 2 or more")
    return number


def _take_one_core() -> None:
    """Hold this process and what it starts to one core; call it before numpy is loaded."""
    for library in THREADS:
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _suite(name: str) -> "Callable[[Settings], Iterator[Section]]":
    from suites import assumptions, fault_tree, large_trees, routes, stages, thirty

    return {
        "thirty": thirty.run,
        "routes": routes.run,
        "assumptions": assumptions.run,
        "stages": stages.run,
        "fault-tree": fault_tree.run,
        "large-trees": large_trees.run,
    }[name]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    found["scram"] = "on the path" if shutil.which("scram") else "not installed"
    return found


def _machine() -> Iterator[str]:
    yield f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    yield ", ".join(f"{name} {number}" for name, number in _versions().items())


def _write(path: Path, settings: "Settings", sections: "Sequence[Section]") -> None:
    document = {
        "versions": _versions(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "settings": asdict(settings) | {"trees": settings.trees and str(settings.trees)},
        "sections": [asdict(section) | {"agrees": section.agrees} for section in sections],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
