"""Stories, views and saved results compared: the document of `storyodds compare --json`."""

import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import combinations

from storyodds.models.comparison.coupling import put_beside
from storyodds.reports.contract.comparison import ComparedSide, Comparison
from storyodds.reports.documents.comparison.changes import summarize_contributions
from storyodds.reports.documents.comparison.order import summarize_tipping, tipping_sentences
from storyodds.reports.documents.comparison.pairs import pair_of
from storyodds.reports.documents.comparison.rivals import ranks_of, rivals_of
from storyodds.reports.documents.comparison.sentences import compared_fates, sentences_of
from storyodds.reports.documents.comparison.sides import Side

SCHEMA = "storyodds/compare/1"


def summarize_comparison(
    sides: Sequence[Side],
    *,
    draws: int = 4096,
    seed: int = 1,
    tell: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare two or more sides.

    Parameters
    ----------
    sides : sequence of Side
        Of different names.
    draws : int
        Rows of two sides beside each other, 8,192 at most.
    seed : int
    tell : callable, optional
        Called with what is done next.

    Returns
    -------
    Comparison
        The object of `compare --json`.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.comparison.sides import story_side
    >>> from storyodds.scenarios.resolve import resolve
    >>> story, doubt = load_story("carlsmith-six-premises"), {"aps-feasible": 0.325}
    >>> sides = [
    ...     story_side(assess(resolve(story)), "as written"),
    ...     story_side(assess(resolve(story, settings=doubt)), "in doubt"),
    ... ]
    >>> found = summarize_comparison(sides)["pairs"][0]
    >>> round(found["differences"]["catastrophe"]["mean"], 4)
    -0.0257
    """
    report = tell or (lambda stage: None)
    with_draws = [s for s, side in enumerate(sides) if side.posterior is not None]
    beside = put_beside([p for side in sides if (p := side.posterior) is not None], draws, seed)
    row = {s: k for k, s in enumerate(with_draws)}
    pairs = [pair_of(sides, pair, beside, row) for pair in combinations(range(len(sides)), 2)]
    for pair, other in zip(pairs, sides[1:], strict=False):  # those with the first side come first
        report(f"{other.name}: what each change adds")
        pair["contributions"] = summarize_contributions(sides[0], other, draws=draws, seed=seed)
    ranks = ranks_of([sides[s].name for s in with_draws], beside)
    rivals, apart = rivals_of(sides)
    fates = compared_fates([side.story_kind for side in sides])
    report("looking for where the order changes")
    tipping = summarize_tipping(sides)
    return {
        "schema": SCHEMA,
        "seed": seed,
        "draws": int(sum(beside.follows < 2)),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("storyodds", "numpy", "scipy")},
        },
        "sides": [_side(side) for side in sides],
        "pairs": pairs,
        "ranks": ranks,
        "evidence": {"rivals": rivals, "apart": apart},
        "tipping": tipping,
        "summary": [
            *sentences_of(sides, pairs, ranks, fates),
            *tipping_sentences([entry for entry in tipping if entry["event"] in fates]),
        ],
        "diagnostics": {
            "ok": all(side.diagnostics["ok"] for side in sides),
            "messages": [
                f"{side.name}: {message}"
                for side in sides
                for message in side.diagnostics["messages"]
            ],
        },
    }


def _side(side: Side) -> ComparedSide:
    return {
        "name": side.name,
        "kind": side.kind,
        "file": side.file,
        "why_alone": side.why_alone,
        **side.head,
        "odds": side.odds,
        "deployed": side.deployed,
        "opinions": side.opinions,
        "story_kind": side.story_kind,
        "number_counts": side.number_counts,
        "log_evidence": side.log_evidence,
        "log_evidence_error": side.log_evidence_error,
        "diagnostics": side.diagnostics,
    }
