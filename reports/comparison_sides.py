"""What can be compared: stories as assessed, and results that were saved."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np

from storyodds.models.assessment import Assessment
from storyodds.models.comparison import EVENTS, Posterior, of_assessment, of_result
from storyodds.models.order_tipping import DRAWS
from storyodds.models.what_if import Base, base_of
from storyodds.priors.errors import InputError, Problem
from storyodds.priors.phrases import described, did_you_mean, quoted
from storyodds.reports import summary as estimates
from storyodds.scenarios.loader import load_text
from storyodds.scenarios.provenance import plain_source, provenance
from storyodds.scenarios.schema import CLASSES, Story
from storyodds.scenarios.serialize import to_data

Json = Mapping[str, Any]
Kind = Literal["story", "view", "result"]

ENDINGS = (".nc", ".json")  # of saved results
AS_WRITTEN = "as written"
_POINTS = ("mean", "median", "q05", "q95")


@dataclass(frozen=True)
class Side:
    """One thing that is compared.

    Attributes
    ----------
    name : str
    kind : {"story", "view", "result"}
    file : str or None
        Of a saved result.
    head : mapping
        `story`, `title`, `story_sha256`, `view`, `settings`, `method` and `seed`, as in
        `storyodds/estimate/1`.
    odds : mapping of str to SUMMARY
        By event.
    posterior : Posterior or None
        None where no draws were kept.
    numbers : mapping of str to PRIOR as plain data
        Every number that somebody wrote down, as written.
    observed : mapping of str to plain data, or None
        What each evidence item observed; None where that was not kept.
    log_evidence : float
        Natural log of P(evidence).
    log_evidence_error : float or None
        Its Monte Carlo standard error, where it is known.
    diagnostics : mapping
    base : Base or None
        Draws on which one of its numbers can be moved; None where the story is not at hand.
    """

    name: str
    kind: Kind
    file: str | None
    head: Json
    odds: Mapping[str, Mapping[str, float | None]]
    posterior: Posterior | None
    numbers: Json
    observed: Json | None
    log_evidence: float
    log_evidence_error: float | None
    diagnostics: Json
    base: Base | None = None


def story_side(assessment: Assessment, name: str, kind: Kind = "story") -> Side:
    """Make a side of an assessment.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> side = story_side(assess(resolve(load_story("carlsmith-six-premises"))), "six premises")
    >>> round(side.odds["catastrophe"]["mean"], 4), side.log_evidence
    (0.0514, 0.0)
    """
    posterior, resolved = of_assessment(assessment), assessment.prepared.resolved
    diagnostics, numbers = estimates.diagnostics(assessment), _numbers(provenance(resolved))
    head = estimates.head(assessment, estimates.SCHEMA)
    return Side(
        name=name,
        kind=kind,
        file=None,
        head=_head(head),
        odds=summaries(posterior),
        posterior=posterior,
        numbers=numbers,
        observed=observations(resolved.story, numbers),
        log_evidence=assessment.draws.log_evidence,
        log_evidence_error=_error(head["method"], diagnostics),
        diagnostics=diagnostics,
        base=None if head["method"] == "simulation" else base_of(assessment, DRAWS),
    )


def summaries(posterior: Posterior) -> dict[str, dict[str, float]]:
    """Summarize the odds of a side by event."""
    return {
        event: estimates.summarize_draws(
            posterior.exact[:, e], posterior.exact[:, e], posterior.weights
        )
        | {"mean": float(posterior.means[e])}
        for e, event in enumerate(EVENTS)
    }


def observations(story: Story, numbers: Json) -> dict[str, Any]:
    """Give what each evidence item of a story observed, and where that was published.

    Rates are left out: they say how a story explains an observation. Of a forecast the event that
    it is about belongs to it, and of a Bayes factor its bits too, which are all that it says.

    Parameters
    ----------
    story : Story
    numbers : mapping of str to PRIOR as plain data
        By name, views and settings applied.

    Examples
    --------
    >>> from storyodds import load_story
    >>> observations(load_story("coinrun-agent"), {})["seed-flips-preference"]["counts"]
    {'hits': 1, 'trials': 1}
    """
    found: dict[str, Any] = {}
    for item, data in zip(story.evidence, to_data(story).get("evidence", []), strict=True):
        source = {k: v for k, v in (plain_source(item.source) or {}).items() if k != "note"}
        kept = ("counts",) if item.counts else ("about", "forecast")
        seen = {key: data[key] for key in kept if data.get(key) is not None}
        if item.bayes_factor is not None:
            start = f"{item.id}.bayes_factor."
            seen["bayes_factor"] = {k: v for k, v in numbers.items() if k.startswith(start)}
        found[item.id] = _plain({**seen, "source": source})
    return found


def saved_side(name: str) -> Side:
    """Read a saved result: a .nc file with draws, or the JSON of an estimate without them.

    Raises
    ------
    InputError
        If there is no such file, or it holds no result.
    """
    path = Path(name)
    if not path.is_file():
        raise _missing(path)
    return _from_netcdf(path) if path.suffix == ".nc" else _from_json(path)


def _missing(path: Path) -> InputError:
    if path.is_dir():
        return _wrong(path, "found a folder, expected a saved result")
    folder = path.parent
    names = sorted(p.name for p in folder.glob("*") if p.suffix in ENDINGS)
    hint = did_you_mean(path.name, names)
    return _wrong(path, f"found no such file, expected a saved result{hint}")


def _wrong(path: Path, sentence: str) -> InputError:
    return InputError([Problem(sentence, str(path))])


def _from_netcdf(path: Path) -> Side:
    from storyodds.models.datatree import load_result  # xarray: not for every command

    try:
        result = load_result(path)
        meta = json.loads(result.attrs["meta"])
        summary, text = meta["summary"], meta["story_yaml"]
        posterior = of_result(result)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        sentence = "found a file that storyodds estimate --output did not write"
        raise _wrong(path, f"{sentence}, expected a saved result") from error
    story = load_text(text, f"{path}, story_yaml")
    observed = observations(story, _numbers(summary["provenance"]))
    return _saved(path, summary, lambda _: posterior, observed)


def _from_json(path: Path) -> Side:
    try:
        summary = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "found a text that is not JSON, expected a saved result") from error
    if isinstance(summary, list):
        raise _wrong(path, f"found {described(summary)}, expected the result of one story")
    if not isinstance(summary, dict) or summary.get("schema") != estimates.SCHEMA:
        found = summary.get("schema") if isinstance(summary, dict) else summary
        raise _wrong(
            path,
            f"schema: found {described(found)}, expected {quoted(estimates.SCHEMA)}, as storyodds "
            "estimate --json writes it",
        )
    try:
        return _saved(path, summary, _certain, None if _with_evidence(summary) else {})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        sentence = "found a result with parts missing or changed"
        raise _wrong(path, f"{sentence}, expected it as it was saved") from error


def _saved(
    path: Path, summary: Json, posterior: Callable[[Json], Posterior | None], observed: Json | None
) -> Side:
    odds = {event: _checked(_odds(summary, event)) for event in EVENTS}
    simulated_once = summary["method"] == "simulation" and summary["diagnostics"]["draws"] == 1
    return Side(
        name=path.name,
        kind="result",
        file=str(path),
        head=_head(summary),
        odds=odds,
        # One row of simulated states has an error that no interval of it would show.
        posterior=None if simulated_once else posterior(summary),
        numbers=_numbers(summary["provenance"]),
        observed=observed,
        log_evidence=float(summary["evidence"]["log_probability"]),
        log_evidence_error=_error(summary["method"], summary["diagnostics"]),
        diagnostics=summary["diagnostics"],
    )


def _certain(summary: Json) -> Posterior | None:
    """Draws of a result without draws: only where nothing in it is uncertain."""
    if summary["method"] != "exact":
        return None
    means = np.array([float(_odds(summary, event)["mean"]) for event in EVENTS])
    return Posterior(means, means[None, :], np.ones(1))


def _with_evidence(summary: Json) -> bool:
    return bool(summary["evidence"]["items"])


def _odds(summary: Json, event: str) -> Any:
    return summary["classes" if event in CLASSES else "fates"][event]


def _checked(entry: Any) -> dict[str, float | None]:
    found = {point: float(entry[point]) for point in _POINTS}
    if not all(isfinite(p) and -1e-9 <= p <= 1 + 1e-9 for p in found.values()):
        raise ValueError(entry)
    return dict(found)


_HEAD = ("story", "title", "story_sha256", "view", "settings", "method", "seed")


def _head(summary: Json) -> dict[str, Any]:
    return {key: summary[key] for key in _HEAD}


def _numbers(written: Any) -> dict[str, Any]:
    return {entry["name"]: _plain(entry["form"]) for entry in written}


def _plain(data: Any) -> Any:
    """As it would be read back from JSON."""
    return json.loads(json.dumps(data))


def _error(method: str, diagnostics: Json) -> float | None:
    """Of the log of a mean of weights, as if they were independent: quasi-random ones do better."""
    if method == "exact":
        return 0.0
    if method != "weighting" or not diagnostics.get("ess"):
        return None
    draws, ess = diagnostics["draws"], diagnostics["ess"]
    return sqrt(max(0.0, draws / ess - 1) / draws)
