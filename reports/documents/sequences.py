"""How likely the sequences of event trees are: the document of `storyodds sequences --json`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from storyodds.models.assessment.assessment import Assessment, Progress, assess_story
from storyodds.models.engine.quantities import Quantities
from storyodds.models.logic.cut_set_odds import most_probable
from storyodds.models.logic.cut_sets import cut_set_family
from storyodds.models.numerics import weighted_quantile
from storyodds.models.posterior.draws import Computed
from storyodds.priors.distributions.families import distribution_of
from storyodds.priors.text.errors import UnsupportedStoryError, printable
from storyodds.reports.contract.importance import ImportantLiteral
from storyodds.reports.contract.sequences import (
    EndingKind,
    EndingOdds,
    EventTreeOdds,
    FunctionalState,
    SequenceCutSet,
    SequenceOdds,
)
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.head import diagnostics, versions
from storyodds.reports.documents.importance import summarize_importance
from storyodds.reports.documents.summaries import summarize_both
from storyodds.scenarios.open_psa.assembly import ConstantError
from storyodds.scenarios.open_psa.event_trees.frequencies import Frequency
from storyodds.scenarios.open_psa.event_trees.model import Analysis, Ending, EventTreeModel
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

SCHEMA = "storyodds/sequences/1"
LISTED = 10  # cut sets and contributors, unless another number is asked for
_POINTS = np.array([0.5, 0.05, 0.95])


def summarize_sequences(
    model: EventTreeModel,
    *,
    initiating_event: str | None = None,
    top: int = LISTED,
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> SequenceOdds:
    """Work out how likely every sequence and consequence of a file's event trees is.

    Parameters
    ----------
    model : EventTreeModel
    initiating_event : str, optional
        Whose event tree alone to look at; those of all unless stated.
    top : int
        How many cut sets and contributors of each to list.
    draws : int
        Of the uncertain numbers.
    seed : int
        Of the random numbers: the stories with the same seed have the same odds.
    progress : callable, optional
        Called with (stage, endings done, endings in all).

    Returns
    -------
    SequenceOdds
        What `storyodds sequences --json` writes.

    Raises
    ------
    InputError
        If there is no initiating event of that name, or a number of a story cannot be had.
    UnsupportedStoryError
        If a sequence is too large.

    Examples
    --------
    >>> from storyodds.priors.text.xml_reader import parse_xml
    >>> from storyodds.scenarios.open_psa.event_trees.sequences import event_tree_model
    >>> text = '''<opsa-mef><define-event-tree name="Door">
    ...   <define-functional-event name="Lock"/>
    ...   <define-sequence name="Shut"/> <define-sequence name="Open"/>
    ...   <initial-state> <fork functional-event="Lock">
    ...     <path state="holds">
    ...       <collect-expression><float value="0.75"/></collect-expression>
    ...       <sequence name="Shut"/>
    ...     </path>
    ...     <path state="fails">
    ...       <collect-expression><float value="0.25"/></collect-expression>
    ...       <sequence name="Open"/>
    ...     </path>
    ...   </fork> </initial-state>
    ... </define-event-tree></opsa-mef>'''
    >>> odds = summarize_sequences(event_tree_model(parse_xml(text.encode(), "door.xml")))
    >>> [(ending["name"], ending["probability"]["mean"])
    ...  for ending in odds["event_trees"][0]["sequences"]]
    [('Shut', 0.75), ('Open', 0.25)]
    """
    analyses = model.analyses_of(initiating_event)
    count = sum(len(tree.sequences) + len(tree.consequences) for tree in analyses)
    answers: list[_Answer] = []
    trees: list[EventTreeOdds] = []
    for analysis in analyses:
        rate = None if analysis.frequency is None else _Rate(analysis.frequency, seed)
        first = len(answers)
        for ending in (*analysis.sequences, *analysis.consequences):
            if progress is not None:
                progress(printable(ending.definition.shown), len(answers), count)
            answers.append(_answer(model, analysis, ending, rate, top, draws, seed))
        trees.append(_event_tree(analysis, rate, [answer.odds for answer in answers[first:]]))
    remarks = dict.fromkeys(remark for answer in answers for remark in answer.remarks)
    tools = versions("exact")
    for answer in answers:
        if answer.method is not None:
            tools |= versions(answer.method)
    return {
        "schema": SCHEMA,
        "source": model.file,
        "title": model.title,
        "draws": draws,
        "seed": seed,
        "event_trees": trees,
        "remarks": [*model.remarks, *remarks],
        "versions": tools,
    }


@dataclass(frozen=True)
class _Answer:
    """The odds of an ending, the remarks on its story, and how they were computed, if at all."""

    odds: EndingOdds
    remarks: tuple[str, ...] = ()
    method: Computed | None = None


def _event_tree(
    analysis: Analysis, rate: "_Rate | None", endings: Sequence[EndingOdds]
) -> EventTreeOdds:
    """An event tree, with the odds of its sequences, then of its consequences."""
    initiating, event_tree = analysis.initiating, analysis.event_tree
    label = (initiating.label if initiating is not None else "") or event_tree.label
    sequences = list(endings[: len(analysis.sequences)])
    return {
        "initiating_event": None if initiating is None else initiating.name,
        "label": label or None,
        "event_tree": event_tree.name,
        "frequency": None if rate is None else rate.summary,
        "unit": None if analysis.frequency is None else analysis.frequency.unit,
        "sequences": sequences,
        "probability_in_all": sum(ending["probability"]["mean"] for ending in sequences),
        "consequences": list(endings[len(sequences) :]),
    }


def _answer(
    model: EventTreeModel,
    analysis: Analysis,
    ending: Ending,
    rate: "_Rate | None",
    top: int,
    draws: int,
    seed: int,
) -> _Answer:
    try:
        imported = model.story_of(analysis, ending)
    except ConstantError as error:
        return _Answer(_decided(ending, error.truth, rate))
    assessment = assess_story(imported.story, draws=draws, seed=seed)
    sets, count, reason = _cut_sets(imported.story, top)
    soundness = diagnostics(assessment)
    odds: EndingOdds = {
        **_named(ending),
        "story": imported.story.story,
        "probability": summarize_both(assessment.averaged, assessment.exact, _chance),
        "frequency": None if rate is None else rate.times(assessment),
        "cut_sets_in_all": count,
        "cut_sets": sets,
        "undefined": reason,
        "contributors": _contributors(assessment)[:top],
        "ok": soundness["ok"],
        "messages": soundness["messages"],
    }
    return _Answer(odds, imported.remarks, assessment.draws.method)


def _chance(quantities: Quantities) -> Array:
    """The probability of the one route that something opens, which is the sequence's."""
    requirements = [route.requires is not None for route in quantities.graph.routes]
    return np.asarray(quantities.routes[:, requirements.index(True)])


def _named(ending: Ending) -> EndingOdds:
    """What is known of an ending without its odds."""
    definition = ending.definition
    entry = {
        "name": definition.name,
        "label": definition.label or None,
        "kind": cast(EndingKind, definition.kind),
        "sequences": list(dict.fromkeys(way.sequence.name for way in ending.ways)),
        "ways": [list(_states(way.states)) for way in ending.ways],
    }
    return cast(EndingOdds, entry)


def _states(states: Iterable[tuple[object, str]]) -> Iterator[FunctionalState]:
    for event, state in states:
        yield {"functional_event": str(getattr(event, "name", event)), "state": state}


def _decided(ending: Ending, truth: bool, rate: "_Rate | None") -> EndingOdds:
    """An ending that constants decide."""
    chance = float(truth)
    return {
        **_named(ending),
        "story": None,
        "probability": {"mean": chance, "median": chance, "q05": chance, "q95": chance},
        "frequency": None if rate is None else rate.scaled(chance),
        "cut_sets_in_all": int(truth),
        "cut_sets": [{"literals": [], "probability": 1.0}] if truth else [],
        "undefined": None,
        "contributors": [],
        "ok": True,
        "messages": [],
    }


def _contributors(assessment: Assessment) -> list[ImportantLiteral]:
    """What is made up of nothing else and makes a difference, the most important first.

    Most of what a sequence hangs on is usually what did not fail; failures are what is looked for.
    """
    literals = [
        entry
        for entry in summarize_importance(assessment)["literals"]
        if not entry["composite"]
        and entry["criticality"] is not None
        and entry["criticality"]["mean"] > _NO_SHARE
    ]
    return sorted(literals, key=lambda entry: not entry["truth"])


_NO_SHARE = 1e-9  # a smaller share is rounding error


def _cut_sets(story: Story, top: int) -> tuple[list[SequenceCutSet], int | None, str | None]:
    """The most probable minimal cut sets, how many there are, and why they cannot be had."""
    route, composites, chances = story.routes[0], {}, {}
    for name, spec in story.assumptions.items():
        if spec is not None and spec.holds_when is not None:
            composites[name] = spec.holds_when
        elif spec is not None and spec.probability is not None:
            mean = distribution_of(spec.probability, "probability").mean()
            chances[name] = float(mean)
    try:
        family = cut_set_family(route.requires, composites, route.id)
    except UnsupportedStoryError as error:
        return [], None, error.problems[0].message
    listed = most_probable(family, top, chances)
    sets: list[SequenceCutSet] = [
        {
            "literals": sorted(name if truth else f"not {name}" for name, truth in literals),
            "probability": probability,
        }
        for literals, probability in listed
    ]
    return sets, family.count, None


class _Rate:
    """How often an initiating event happens, and what of it falls on an ending."""

    def __init__(self, frequency: Frequency, seed: int) -> None:
        self._frequency, self._seed = frequency, seed
        if frequency.prior is None:
            x = frequency.scale
            self.summary: Summary = {"mean": x, "median": x, "q05": x, "q95": x}
            return
        distribution = distribution_of(frequency.prior, "probability")
        median, low, high = (float(x) for x in distribution.quantile(_POINTS))
        scale = frequency.scale
        self.summary = {
            "mean": float(distribution.mean()) * scale,
            "median": median * scale,
            "q05": low * scale,
            "q95": high * scale,
        }

    def scaled(self, chance: float) -> Summary:
        """Return the frequency of an ending whose chance is certain."""
        return {
            "mean": self.summary["mean"] * chance,
            "median": self.summary["median"] * chance,
            "q05": self.summary["q05"] * chance,
            "q95": self.summary["q95"] * chance,
        }

    def times(self, assessment: Assessment) -> Summary:
        """Return the frequency of an ending; its chance does not hang on that of the beginning."""
        mean = float(assessment.averaged.weights @ _chance(assessment.averaged))
        chances, weights = _chance(assessment.exact), assessment.exact.weights
        if len(chances) == 1 or np.ptp(chances) == 0.0:
            return self.scaled(mean)
        median, low, high = weighted_quantile(chances * self._drawn(len(chances)), _POINTS, weights)
        return {
            "mean": mean * self.summary["mean"],
            "median": float(median),
            "q05": float(low),
            "q95": float(high),
        }

    def _drawn(self, count: int) -> Array:
        """Frequencies, the same for every ending: one of each of so many equal parts."""
        if self._frequency.prior is None:
            return np.full(count, self._frequency.scale)
        random = np.random.default_rng([self._seed, count])
        even = (random.permutation(count) + random.random(count)) / count
        distribution = distribution_of(self._frequency.prior, "probability")
        return np.asarray(distribution.quantile(even)) * self._frequency.scale
