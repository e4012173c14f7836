"""Saved results as sides of a comparison: read, checked, and made again from the story they keep.

A result that is made again is compared as its story is, at the same numbers as all others. Where it
cannot be, or does not come out as it was saved, its saved draws stand by themselves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import hypot, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, Method, Progress, assess
from storyodds.models.assessment.result_files import AS_SAVED, SavedDraws, read_draws
from storyodds.models.changes.what_if import base_of
from storyodds.models.comparison.order import DRAWS
from storyodds.models.comparison.sides import (
    EVENTS,
    Posterior,
    log_findings,
    of_assessment,
    of_draws,
)
from storyodds.models.story.events import GIVEN, Event
from storyodds.models.story.outcomes import DEPLOYED
from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.json_reader import MAX_BYTES, read_json
from storyodds.priors.text.phrases import described, did_you_mean
from storyodds.reports.contract.by_event import ByEvent
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.head import Diagnostics
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.comparison.sides import (
    ENDINGS,
    Side,
    day_summaries,
    numbers_by_place,
    numbers_of,
    observations,
    side_head,
)
from storyodds.reports.documents.head import diagnostics
from storyodds.reports.documents.opinions import opinion_totals
from storyodds.reports.documents.saved_estimate import ROUNDING, require_estimate
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.sentences import errors_of
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.provenance import provenance
from storyodds.scenarios.resolve import ResolvedStory, resolve
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import is_switch, with_off

Array = NDArray[np.float64]

MAKE = "storyodds/make/1"  # the schema of what `history` keeps
_MAKE_NAME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)")  # begins with the time of making
_LEAST, _MOST = 64, 2**16  # draws that a result is made again with
_SURE = 5.0  # standard errors that chance exceeds once in two million times
_WIDTH = 2 * 1.6448536269514722  # of a normal's 90 percent interval, in standard deviations


@dataclass(frozen=True)
class Saved:
    """A saved result, as read.

    Attributes
    ----------
    path : Path
    summary : mapping
        "storyodds/estimate/1", checked as far as a comparison needs it.
    story : Story or None
        Which a .nc file keeps, and the history of pages.
    draws : SavedDraws or None
    made : str
        When it was made, in words, of one of several of a story; else empty.
    """

    path: Path
    summary: Estimate
    story: Story | None = None
    draws: SavedDraws | None = None
    made: str = ""

    @property
    def name(self) -> str:
        """What it is called in a comparison."""
        return f"{self.summary['story']} of {self.made}" if self.made else self.path.name


def read_result(name: str | Path) -> Saved:
    """Read a saved result: a .nc file with draws, or the JSON of an estimate without them.

    Raises
    ------
    InputError
        If there is no such file, or it holds no result.
    """
    path = Path(name)
    if not path.is_file():
        raise _missing(path)
    return _read_netcdf(path) if path.suffix == ".nc" else _read_json(path)


def _missing(path: Path) -> InputError:
    if path.is_dir():
        return _wrong(path, "found a folder, expected a saved result")
    names = sorted(p.name for p in path.parent.glob("*") if p.suffix in ENDINGS)
    hint = did_you_mean(path.name, names)
    return _wrong(path, f"found no such file, expected a saved result{hint}")


def _wrong(path: Path, sentence: str) -> InputError:
    return InputError([Problem(sentence, str(path))])


def _read_netcdf(path: Path) -> Saved:
    try:
        draws = read_draws(path)
    except ValueError as error:
        why = str(error) if str(error).startswith("found") else "found something else"
        raise _wrong(path, f"{why}, {AS_SAVED}") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    meta = draws.meta if isinstance(draws.meta, dict) else {}
    summary: Any = meta.get("summary")
    text = meta.get("story_yaml")
    if not isinstance(text, str):
        raise _wrong(path, f"found no text of a story, {AS_SAVED}")
    estimate = require_estimate(summary, path)
    try:
        story = load_text(text, f"{path}, story_yaml")
    except InputError:  # right once, perhaps, by another version of the format
        story = None
    return Saved(path, estimate, story, draws)


def _read_json(path: Path) -> Saved:
    try:
        with path.open("rb") as file:
            summary = read_json(file.read(MAX_BYTES + 1))
    except ValueError as error:
        raise _wrong(path, f"{error}, expected a saved result") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if isinstance(summary, dict) and summary.get("schema") == MAKE:
        return _of_make(summary, path)
    if isinstance(summary, list):
        raise _wrong(path, f"found {described(summary)}, expected the result of one story")
    return Saved(path, require_estimate(summary, path))


def _of_make(make: dict[str, Any], path: Path) -> Saved:
    """A make of a page, which keeps its story beside the estimate."""
    estimate = require_estimate(make.get("estimate"), path)
    text = make.get("story_yaml")
    try:
        story = load_text(text, f"{path}, story_yaml") if isinstance(text, str) else None
    except InputError:  # right once, perhaps, by another version of the format
        story = None
    time = _MAKE_NAME.match(path.name)
    stamp = f"{time[1]} {time[2]}:{time[3]} UTC" if time else ""
    return Saved(path, estimate, story, made=stamp)


def _unreadable(path: Path, error: OSError) -> InputError:
    return _wrong(path, f"cannot read this file: {(error.strerror or str(error)).lower()}")


def _day(summary: Estimate) -> dict[str, Summary] | None:
    """The odds on the day of the decision, where they were kept."""
    day = summary.get("deployed")
    if day is None:
        return None
    return {
        DEPLOYED: _floats(day["probability"]),
        f"success{GIVEN}": _floats(day["success"]),
        f"uncompetitive{GIVEN}": _floats(day["uncompetitive"]),
        f"benign-failure{GIVEN}": _floats(day["benign-failure"]),
        f"catastrophe{GIVEN}": _floats(day["catastrophe"]),
    }


def _floats(entry: Summary) -> Summary:
    """A SUMMARY whose numbers may be whole, as JSON writes them."""
    return {
        "mean": float(entry["mean"]),
        "median": float(entry["median"]),
        "q05": float(entry["q05"]),
        "q95": float(entry["q95"]),
    }


def odds_in(summary: Estimate, event: Event) -> Summary:
    """The SUMMARY of a class or a fate in an estimate."""
    odds: ByEvent[Summary] = dict((*summary["classes"].items(), *summary["fates"].items()))
    return odds[event]


def monte_carlo_error(summary: Estimate, event: Event) -> float:
    """Give the standard error of a mean that an estimate states, or what its interval tells of it.

    Parameters
    ----------
    summary : mapping
        "storyodds/estimate/1", of this version or of one that stated no errors.
    event : str
        A class or a fate.

    Examples
    --------
    >>> entry = {"mean": 0.2, "q05": 0.1, "q95": 0.4}
    >>> estimate = {"classes": {}, "fates": {"success": entry}, "diagnostics": {"ess": 400.0}}
    >>> round(monte_carlo_error(estimate, "success"), 4)
    0.0046
    """
    diagnostics, entry = summary["diagnostics"], odds_in(summary, event)
    stated = diagnostics.get("standard_errors")
    if isinstance(stated, Mapping) and isinstance(stated.get(event), Mapping):
        return float(errors_of(summary, event)["mean"])
    ess = diagnostics.get("ess")  # absent from results of earlier versions
    if not ess:
        return 0.0
    spread = max(0.0, float(entry["q95"]) - float(entry["q05"])) / _WIDTH
    return spread / sqrt(float(ess))


def saved_side(saved: Saved, progress: Progress | None = None) -> Side:
    """Make a side of a saved result.

    Parameters
    ----------
    saved : Saved
    progress : callable, optional
        As in `assess`.
    """
    outcome = _made_again(saved, progress)
    again = outcome if isinstance(outcome, Assessment) else None
    summary = saved.summary
    odds = {event: _floats(odds_in(summary, event)) for event in EVENTS}
    means = np.array([odds[event]["mean"] for event in EVENTS])
    posterior = _kept(saved, means) if again is None else replace(of_assessment(again), means=means)
    method, diagnostics = summary["method"], summary["diagnostics"]
    log_evidence = summary["evidence"]["log_probability"]
    return Side(
        name=saved.name,
        kind="result",
        file=str(saved.path),
        head=side_head(summary),
        odds=odds,
        posterior=posterior,
        numbers=numbers_of(summary["provenance"]),
        observed=_observed(saved),
        log_evidence=log_evidence,
        log_evidence_error=0.0 if method == "exact" else _stated(diagnostics),
        log_findings=_findings(saved) if again is None else log_findings(again),
        diagnostics=diagnostics,
        base=None if again is None else base_of(again, DRAWS),
        why_alone=None if isinstance(outcome, Assessment) else outcome,
        deployed=_day(summary) if posterior is None else day_summaries(posterior),
        opinions=summary.get("opinions") if again is None else opinion_totals(again),
        story_kind=summary.get("kind"),
        number_counts=summary.get("number_counts"),
    )


def _stated(diagnostics: Diagnostics) -> float | None:
    error = diagnostics.get("log_probability_error")
    return float(error) if isinstance(error, int | float) else None


def _findings(saved: Saved) -> float | None:
    """Log P(evidence), where no opinion is in it."""
    story, evidence = saved.story, saved.summary["evidence"]
    if story is None or any(item.forecast is not None for item in story.evidence):
        return None
    return None if evidence["log_probability"] is None else float(evidence["log_probability"])


def _observed(saved: Saved) -> Mapping[str, Any] | None:
    """What the evidence says, where that was kept."""
    if saved.story is not None:
        return observations(saved.story, numbers_by_place(saved.summary["provenance"]))
    return None if saved.summary["evidence"]["items"] else {}


def _kept(saved: Saved, means: Array) -> Posterior | None:
    """The draws that were saved; of a result without any, only where nothing is uncertain."""
    summary = saved.summary
    if summary["method"] == "simulation" and summary["diagnostics"]["draws"] == 1:
        return None  # simulated states have an error that no interval of one row would show
    if saved.draws is not None:
        return replace(of_draws(saved.draws.events), means=means)
    return of_draws(means[None]) if summary["method"] == "exact" else None


def _made_again(saved: Saved, progress: Progress | None) -> Assessment | str:
    """The assessment that was saved, or why there is none."""
    summary = saved.summary
    if saved.draws is None and saved.story is None:
        return "a .json file does not keep the story"
    if summary["method"] == "simulation":
        return "simulated states are those of its own draws"
    resolved = None if saved.story is None else _resolved(saved.story, summary)
    if resolved is None:
        return "this version of the software reads the story that it keeps in another way"
    draws = min(max(int(summary["diagnostics"]["draws"]), _LEAST), _MOST)
    method: Method = "nuts" if summary["method"] == "nuts" else "auto"
    seed = int(summary["seed"]) % 2**63
    try:
        assessment = assess(resolved, method=method, draws=draws, seed=seed, progress=progress)
    except InputError:
        return "this version of the software cannot compute the story that it keeps"
    now = diagnostics(assessment)
    means = dict(zip(EVENTS, of_assessment(assessment).means.tolist(), strict=True))
    for event in EVENTS:
        then = float(odds_in(summary, event)["mean"])
        stated = now["standard_errors"][event]["mean"]
        error = hypot(monte_carlo_error(summary, event), stated)
        if abs(means[event] - then) > _SURE * error + ROUNDING:
            return (
                f"made again from the story that it keeps, {event} is {percent(means[event])} and "
                f"no longer {percent(then)}, as by another version of the software"
            )
    return assessment


def _resolved(story: Story, summary: Estimate) -> ResolvedStory | None:
    """The story with its numbers as they were saved, views and settings among them."""
    try:
        written = numbers_of(provenance(resolve(story)))
        then = numbers_of(summary["provenance"])
        settings = {name: form for name, form in then.items() if written.get(name) != form}
        off = filter(is_switch, summary["settings"])
        resolved = resolve(story, settings=with_off(settings, off))
    except InputError:
        return None
    return replace(resolved, view=summary["view"], settings=dict(summary["settings"]))
