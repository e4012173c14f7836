"""Answers compared, then times: what every suite has in common."""

import importlib
import statistics
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Answers = dict[str, Array]

OURS = "storyodds"
_PATIENCE = 10  # seconds of timed rounds that anybody gets


class MissingError(Exception):
    """Says what is not installed."""


class UnableError(Exception):
    """Says why a contestant does not do what it is asked."""


def need(module: str) -> Any:
    """Import a peer.

    Raises
    ------
    MissingError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingError(f"not installed ({error})") from None


@dataclass(frozen=True)
class Settings:
    """What the command line asks for.

    Attributes
    ----------
    draws : int
    seed : int
    repeats : int
        Timed rounds, in which all contestants take turns.
    quick : bool
        Small sizes only, and nobody who takes minutes.
    trees : pathlib.Path, optional
        A folder of fault trees.
    """

    draws: int = 4000
    seed: int = 7
    repeats: int = 5
    quick: bool = False
    trees: Path | None = None


@dataclass(frozen=True)
class Difference:
    """How far an answer is from what is expected."""

    what: str
    size: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether it is within the tolerance; NaN is not."""
        return self.size <= self.tolerance


Check = Callable[[Answers], list[Difference]]


@dataclass(frozen=True)
class Contestant:
    """Somebody who is asked for the answers.

    Attributes
    ----------
    name : str
    run : callable
        Gives the answers.
    draws : int
        How many draws of the numbers one run works through.
    check : callable
        Compares the answers.
    once : bool
        Too slow to be timed again.
    warm_up : callable, optional
        What to do before the one run that is timed; without it, that run includes importing.
    cannot : str
        What it was not able to do, or what was done for it by hand.
    """

    name: str
    run: Callable[[], Answers]
    draws: int
    check: Check
    once: bool = False
    warm_up: Callable[[], object] | None = None
    cannot: str = ""


@dataclass
class Result:
    """What became of a contestant.

    Attributes
    ----------
    name : str
    draws : int
    problem : str
        Why there are no answers, if there are none.
    differences : list of Difference
    seconds : list of float
        By timed round, as measured.
    cannot : str
    """

    name: str
    draws: int
    problem: str = ""
    differences: list[Difference] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cannot: str = ""

    @property
    def agrees(self) -> bool:
        """Whether every answer that there is agrees."""
        return all(difference.agrees for difference in self.differences)

    def median(self, draws: int) -> float:
        """Median time, scaled to a number of draws; NaN without any."""
        return statistics.median(self.seconds) * draws / self.draws if self.seconds else np.nan

    def best(self, draws: int) -> float:
        """Shortest time, scaled to a number of draws; NaN without any."""
        return min(self.seconds) * draws / self.draws if self.seconds else np.nan


@dataclass
class Section:
    """One question, put to several contestants.

    Attributes
    ----------
    suite, question : str
    size : int
        What the picture is drawn against.
    draws : int
        That times are scaled to.
    results : list of Result
    facts : list of str
        Further lines to print.
    """

    suite: str
    question: str
    size: int
    draws: int
    results: list[Result]
    facts: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether all answers agree."""
        return all(result.agrees for result in self.results)

    @property
    def yardstick(self) -> Result | None:
        """The result that ratios are taken to: ours, or the first that has a time."""
        timed = [result for result in self.results if result.seconds]
        ours = [result for result in timed if result.name == OURS]
        return next(iter([*ours, *timed]), None)


def exactly(expected: Answers, tolerance: float) -> Check:
    """Compare draw by draw, as many draws as both have, every answer that both have."""

    def check(found: Answers) -> list[Difference]:
        differences = []
        for name in expected.keys() & found.keys():
            n = min(len(expected[name]), len(found[name]))
            size = float(np.max(np.abs(found[name][:n] - expected[name][:n])))
            differences.append(Difference(name, size, tolerance))
        return sorted(differences, key=lambda difference: list(expected).index(difference.what))

    return check


def scram_check(prior: Array, at_means: float) -> Check:
    """Hold SCRAM's exact number to its six digits, and its sampled ones to sampling error."""
    error = float(prior.std() * np.sqrt(2 / len(prior)))
    ends = np.quantile(prior, [0.05, 0.95])

    def check(found: Answers) -> list[Difference]:
        at = abs(float(found["at the means"][0]) - at_means)
        mean = abs(float(found["mean"][0]) - float(prior.mean()))
        # Its quantiles stand at the ends of twenty bins.
        band = float(np.max(np.abs(found["band"] - ends)))
        return [
            Difference("at the means", at, 1e-5 * at_means),
            Difference("mean", mean, 4 * error),
            Difference("band", band, 12 * error),
        ]

    return check


def unchecked(found: Answers) -> list[Difference]:
    """Compare nothing: for the contestant that the others are compared with."""
    return []


def compete(contestants: Sequence[Contestant], repeats: int) -> list[Result]:
    """Ask all contestants, compare their answers, and then time those that can be repeated."""
    results = []
    able: list[tuple[Contestant, Result, int]] = []
    for contestant in contestants:
        result = Result(contestant.name, contestant.draws, cannot=contestant.cannot)
        results.append(result)
        try:
            if contestant.warm_up is not None:
                contestant.warm_up()
            start = time.perf_counter()
            found = contestant.run()
        except (MissingError, UnableError) as error:
            result.problem = str(error)
        else:
            first = time.perf_counter() - start
            result.differences = contestant.check(found)
            if contestant.once:
                result.seconds.append(first)
            else:
                able.append((contestant, result, min(repeats, 1 + int(_PATIENCE / first))))
    for r in range(repeats):
        for contestant, result, rounds in able:
            if r >= rounds:
                continue
            start = time.perf_counter()
            contestant.run()
            result.seconds.append(time.perf_counter() - start)
    return results


def lines(section: Section) -> Iterator[str]:
    """Write a section out: differences first, then times, then what could not be done."""
    yield f"{section.suite}: {section.question}"
    yield from (f"  {fact}" for fact in section.facts)
    yield "  answers, largest difference"
    for result in section.results:
        yield f"    {result.name:<22} {_comparison(result)}"
    yardstick = section.yardstick
    if yardstick is not None:
        base = yardstick.median(section.draws)
        to = f"x {yardstick.name}"
        many = f"seconds for {section.draws:,} draw{'s' * (section.draws > 1)}"
        yield f"  {many:<24}       best     median  {to:>18}"
        for result in section.results:
            if result.seconds:
                median = result.median(section.draws)
                scaled = "" if result.draws == section.draws else f"  scaled from {result.draws:,}"
                rounds = "  once" if len(result.seconds) == 1 else ""
                yield (
                    f"    {result.name:<22} {result.best(section.draws):10.4f} {median:10.4f}"
                    f"  {_ratio(median / base):>18}{rounds}{scaled}"
                )
    for result in section.results:
        if result.cannot:
            yield f"  {result.name}: {result.cannot}"
    yield ""


def _ratio(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.2f}" if x >= 0.1 else f"{x:.4f}"


def _comparison(result: Result) -> str:
    if result.problem:
        return textwrap.shorten(result.problem, 130, placeholder=" …")
    if not result.differences:
        return "what the others are compared with"
    each = [f"{d.what} {d.size:.1e} (at most {d.tolerance:.0e})" for d in result.differences]
    return ("agrees: " if result.agrees else "DIFFERS: ") + ", ".join(each)
