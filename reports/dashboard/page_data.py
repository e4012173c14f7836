"""Everything a page shows about one story, worked out once and kept as plain data."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypedDict, cast

from storyodds.models.assessment.assessment import Assessment, Progress
from storyodds.models.engine.evaluation import much_work
from storyodds.priors.text.errors import UnsupportedStoryError
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.sensitivity.failure import FailurePart
from storyodds.reports.contract.sensitivity.spread import GlobalPart
from storyodds.reports.contract.sensitivity.structure import StructurePart
from storyodds.reports.contract.sensitivity.whole import SensitivityParts
from storyodds.reports.contract.value import InformationValue
from storyodds.reports.documents.cards.limits import Verdicts, verdicts_on
from storyodds.reports.documents.cards.parts import CardParts
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.history.makes import History
from storyodds.reports.documents.sensitivity.whole import PARTS, SCHEMA
from storyodds.reports.documents.story_graph.records import GraphDocument
from storyodds.reports.tables.datasets import dataset
from storyodds.reports.words.recipe import Recipe, recipe_of
from storyodds.scenarios.grammar.limits import Limit
from storyodds.scenarios.lint.linter import Finding, lint
from storyodds.scenarios.schema import RISK_ARGUMENT
from storyodds.scenarios.serialize import to_yaml
from storyodds.scenarios.story import Story

if TYPE_CHECKING:
    import xarray as xr

    from storyodds.models.sensitivity.dependence import Bounds

SIMULATED = (
    "The odds of this story were simulated, not summed exactly, and this part is only worked out "
    "from exact sums."
)

FAILURE = ("assumptions", "near_misses", "paths")  # of how it fails, what a page shows
FEWER = 1024  # draws that do for what observations are worth
KEPT = 350  # draws in a page: for several sliders at once, and for intervals
NOT_ASKED = (
    "Not worked out here: with --thorough, the page leaves out each part of the story in turn, "
    "takes each assumption for true and for false, and looks for the values at which a verdict "
    "would flip."
)
NOTHING_TO_MOVE = "The story has no uncertain number that could be moved."


_Spread = TypedDict("_Spread", {"global": GlobalPart}, total=False)


class PageParts(CardParts, _Spread, total=False):
    """What was worked out beyond the estimate, by name, as far as it could be."""

    structure: StructurePart
    failure: FailurePart
    value: InformationValue
    dependence: "Bounds"
    graph: GraphDocument
    what_if: Mapping[str, object]
    """What the page's sliders need."""
    history: History
    """Earlier makes, if the page is put beside them."""


@dataclass(frozen=True)
class Dossier:
    """What a page shows.

    Attributes
    ----------
    story : Story
    yaml : str
        The story as it reads back.
    estimate : mapping
        "storyodds/estimate/1".
    parts : PageParts
    reasons : mapping of str to str
        Why a part is not there, in a sentence.
    doubts : tuple of Finding
        What a careful reader would ask of the story.
    assessment : Assessment
        What all of it was worked out from.
    settings : mapping of str to PRIOR
        Overrides under which it was assessed.
    recipe : Recipe
        For the commands that make the page again.
    thorough : bool
        Whether the page takes its time, for ArviZ's plots too.
    verdicts : tuple of LimitVerdict
        On the limits of the story and of the reader.
    """

    story: Story
    yaml: str
    estimate: Estimate
    parts: PageParts
    reasons: Mapping[str, str]
    doubts: tuple[Finding, ...]
    assessment: Assessment
    settings: Mapping[str, object]
    recipe: Recipe
    thorough: bool = False
    verdicts: Verdicts = ()

    @property
    def sensitivity(self) -> SensitivityParts:
        """The parts of a sensitivity analysis, as far as they were worked out."""
        return cast(SensitivityParts, self.parts)

    def table(self, node: str, of: str = "sensitivity") -> "xr.Dataset | None":
        """One table as labelled data, for pictures; None where there is none.

        `of` is the document that it is of: "estimate", "sensitivity" or "value".
        """
        worked = {name: part for name, part in self.parts.items() if name in PARTS}
        documents = {
            "estimate": self.estimate,
            "sensitivity": {"schema": SCHEMA, **worked},
            "value": self.parts.get("value", {}),
        }
        return dataset(documents[of], node)

    @property
    def ok(self) -> bool:
        """Whether the computation passed its own checks."""
        return bool(self.estimate["diagnostics"]["ok"])


def make_dossier(
    assessment: Assessment,
    *,
    settings: Mapping[str, object] | None = None,
    recipe: Recipe | None = None,
    thorough: bool = False,
    limits: Sequence[Limit] = (),
    only: Collection[str] | None = None,
    tell: Progress | None = None,
) -> Dossier:
    """Work out everything that a page shows.

    Parameters
    ----------
    assessment : Assessment
        Of a story resolved with `standard=True`, where the catalog's observations are to be
        weighed too.
    settings : mapping of str to PRIOR, optional
        The overrides under which the story was assessed.
    recipe : Recipe, optional
        What was asked for, for the commands that make the page again; unless stated they take the
        story as a file of its name.
    thorough : bool
        Take every number to its ends, not only those whose slopes say that they may matter; look
        for tipping points; leave out each part of the story in turn; and work out views, shares of
        the variance and what observations are worth at more draws.
    limits : sequence of Limit, optional
        What a reader would put up with, beside the limits that the story states.
    only : collection of str, optional
        Parts that are wanted; all of them unless stated.
    tell : callable, optional
        Called with (stage, steps done, steps in all).

    Returns
    -------
    Dossier

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = make_dossier(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> round(found.estimate["fates"]["catastrophe"]["mean"], 4), found.ok
    (0.0514, True)
    """
    story = assessment.prepared.resolved.story
    parts: dict[str, object] = {}
    reasons: dict[str, str] = {} if thorough else {"structure": NOT_ASKED}
    if recipe is None:
        draws = assessment.draws
        resolved, n_draws = assessment.prepared.resolved, draws.diagnostics["draws"]
        recipe = recipe_of(resolved, draws.method, n_draws, assessment.seed)
    recipe = recipe.saved_as(f"{story.story}.yaml")
    estimate = summarize(assessment)
    works = _works(assessment, estimate, settings or {}, recipe, thorough)
    if only is not None:
        works = {name: work for name, work in works.items() if name in only}
    for k, (name, work) in enumerate(works.items()):
        if tell is not None:
            tell(f"the page: {name.replace('_', ' ')}", k, len(works))
        try:
            with much_work():
                part = work()
            if part is not None:
                parts[name] = part
            else:
                reasons[name] = NOTHING_TO_MOVE
        except UnsupportedStoryError as error:
            simulated = assessment.draws.method == "simulation"
            reasons[name] = SIMULATED if simulated else _sentence(error)
    with much_work():
        verdicts = verdicts_on(assessment, estimate, limits)
    return Dossier(
        story=story,
        yaml=to_yaml(assessment.prepared.resolved.written),
        estimate=estimate,
        parts=cast(PageParts, parts),
        reasons=reasons,
        doubts=tuple(lint(story)),
        assessment=assessment,
        settings=settings or {},
        recipe=recipe,
        thorough=thorough,
        verdicts=verdicts,
    )


def _works(
    assessment: Assessment,
    estimate: Estimate,
    settings: Mapping[str, object],
    recipe: Recipe,
    thorough: bool,
) -> dict[str, Callable[[], object]]:
    """What has to be worked out beyond the estimate, by name."""
    from storyodds.models.sensitivity.dependence import dependence_bounds
    from storyodds.reports.dashboard.what_if import what_if_data
    from storyodds.reports.documents.sensitivity.failure import summarize_failure
    from storyodds.reports.documents.sensitivity.spread import summarize_global
    from storyodds.reports.documents.sensitivity.structure import summarize_structure
    from storyodds.reports.documents.sensitivity.swings import summarize_swings
    from storyodds.reports.documents.sensitivity.trust import summarize_trust
    from storyodds.reports.documents.sensitivity.views import summarize_views
    from storyodds.reports.documents.story_graph.build import summarize_story_graph
    from storyodds.reports.documents.value import summarize_value

    story = assessment.prepared.resolved.written
    command = recipe.without_assignments().command()
    rows = 1024 if thorough else 512
    works: dict[str, Callable[[], object]] = {
        "local": partial(_whole_local if thorough else summarize_swings, assessment),
        "global": partial(summarize_global, assessment, rows=rows),
        "failure": partial(summarize_failure, assessment, parts=FAILURE),
        "trust": partial(summarize_trust, assessment, whole=thorough),
        "views": partial(summarize_views, story, assessment, settings=settings, draws=rows),
        "value": partial(
            summarize_value, assessment, draws=None if thorough else FEWER, of=_about(story)
        ),
        "dependence": partial(dependence_bounds, assessment),
        "graph": partial(summarize_story_graph, assessment, estimate),
        "what_if": partial(what_if_data, assessment, command=command, draws=KEPT),
    }
    if thorough:
        works["structure"] = partial(summarize_structure, assessment)
    return works


def _about(story: Story) -> str:
    """What observations are to tell of."""
    return "catastrophe" if story.kind == RISK_ARGUMENT else "success"


def _whole_local(assessment: Assessment) -> dict[str, object]:
    """All of the local analysis, of every number that has ends to be taken to."""
    from storyodds.reports.documents.sensitivity.local import summarize_local

    local = summarize_local(assessment)
    moved = [number for number in local["numbers"] if number["swing"] is not None]
    return {**local, "numbers": moved, "left_out": 0}


def _sentence(error: UnsupportedStoryError) -> str:
    reasons = "; ".join(str(problem.message) for problem in error.problems)
    return f"Not worked out: {reasons}."
