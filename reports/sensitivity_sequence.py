"""The odds as the evidence came in: JSON, and on a terminal.

`summarize_sequence` gives, under the keys

steps
    A list, each given one finding more, in the order in which the story writes them: `item`, the
    last of these findings, null for the first step, which is given none; `opinion`, whether that is
    a forecast; by event of `odds` a summary, the `error` of its mean and, null for the first step,
    the `change_error` of its difference from the step before; `ess` and `pareto_k` of the draws
    behind it, and `ok`, whether these can be relied on. Both ends are those of the estimate. Known
    results of checks come last, together.
draws
    How many are behind the steps between both ends.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from storyodds.models.posterior.soundness import LEVELS
from storyodds.models.sensitivity.evidence_sequence import EvidenceSequence
from storyodds.reports.frame import heading
from storyodds.reports.layout import Row, fitting, wrap
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import band, marked, percent, points
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.shortening import plain

SHOWN = 10  # lines of a table
_LEVELS = {0.05: "q05", 0.5: "median", 0.95: "q95"}


def summarize_sequence(found: EvidenceSequence) -> dict[str, Any]:
    """Give the odds as the evidence came in as plain data.

    Parameters
    ----------
    found : EvidenceSequence

    Returns
    -------
    dict

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.models.sensitivity.evidence_sequence import evidence_sequence
    >>> from storyodds.scenarios.resolve import resolve
    >>> assessed = assess(resolve(load_story("carlsmith-six-premises")))
    >>> steps = summarize_sequence(evidence_sequence(assessed))["steps"]
    >>> [(step["item"], round(step["odds"]["catastrophe"]["mean"], 4)) for step in steps]
    [(None, 0.0514)]
    """
    steps = [
        {
            "item": item,
            "opinion": item in found.opinions,
            "odds": {
                event: {
                    "mean": float(found.mean[k, e]),
                    **{
                        _LEVELS[level]: float(x)
                        for level, x in zip(LEVELS, found.quantiles[k, e], strict=True)
                    },
                    "error": float(found.error[k, e]),
                    "change_error": float(found.change_error[k - 1, e]) if k else None,
                }
                for e, event in enumerate(found.events)
            },
            "ess": float(found.ess[k]),
            "pareto_k": found.pareto_k[k],
            "ok": found.trusted[k],
        }
        for k, item in enumerate((None, *found.items))
    ]
    return {"steps": steps, "draws": found.draws}


def lines_sequence(
    sequence: Json, width: int, fates: Sequence[str] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay out the odds as the evidence came in.

    Parameters
    ----------
    sequence : mapping
        From `summarize_sequence`.
    width : int
        Of the terminal.
    fates : sequence of str
        Which the story makes a claim about.

    Yields
    ------
    rich.text.Text
    """
    yield from heading("As the findings came in", "in the order in which the story gives them")
    steps = sequence["steps"]
    events = [event for event in steps[0]["odds"] if event in fates]
    heads = [head for event in events for head in (event, "90% interval")]
    rows: list[Row] = [[Text(head, style="dim") for head in ("", *heads)]]
    shown = steps if len(steps) <= SHOWN else [*steps[: SHOWN - 1], steps[-1]]
    for step in shown:
        cells = []
        for odds in (step["odds"][event] for event in events):
            cells += [Text(percent(odds["mean"]) + "?" * (not step["ok"]))]
            cells += [Text(band(odds), style="dim")]
        rows.append([_name(step), *cells])
    for line in fitting(rows, width):
        line.rstrip()
        yield line
    if len(shown) < len(steps):
        yield Text(f"and {len(steps) - len(shown)} more before the last", style="dim")
    notes = (
        "Each line is given its finding and all above it. Another order gives other steps, but "
        "the same first and last line, which are those of the estimate."
    )
    most = {event: max(step["odds"][event]["error"] for step in steps) for event in events}
    if any(most.values()):
        errors = " and ".join(
            f"{points(error).removeprefix('+')} of {event}" for event, error in most.items()
        )
        notes += f" Monte Carlo standard errors of the means are at most {errors}."
    if not all(step["ok"] for step in steps):
        notes += " Not to be relied on: ?, where too few draws carry the answer."
    yield from (Text(line.plain, style="dim") for line in wrap(Text(notes), width))


def _name(step: Json) -> str:
    return "before" if step["item"] is None else marked(plain(step["item"]), step["opinion"])
