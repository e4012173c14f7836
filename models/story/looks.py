"""What a finding after a stage of training is about: the model as that stage leaves it for good.

A stage that may be run again ends for good with whichever run turns out to be its last. What is
looked at then is a variable of its own, made up of what the runs leave.
"""

from collections.abc import Iterator

from storyodds.models.logic.cut_sets import CutSet
from storyodds.models.story.graph import Variable
from storyodds.models.story.stages import Unrolled
from storyodds.models.story.written_rates import Reading
from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.rewritten import NEVER, all_of, any_of, simplified
from storyodds.scenarios.grammar.stages import at_the_end_of
from storyodds.scenarios.resolve import ResolvedStory


def as_left(unrolled: Unrolled, stage: str) -> Reading:
    """Read formulas as they are in the run of a stage that turns out to be its last.

    Parameters
    ----------
    unrolled : Unrolled
    stage : str
    """
    runs = [t for t, step in enumerate(unrolled.steps) if step.stage == stage]

    def read(formula: Formula) -> Formula:
        by_run = [unrolled.at(t)(formula) for t in runs]
        if all(here == by_run[0] for here in by_run):
            return by_run[0]
        parts = []
        for t, later, here in zip(runs, [*runs[1:], None], by_run, strict=True):
            flag = unrolled.steps[t].after_flag
            flags = [] if flag is None else [flag]
            flags += [] if later is None else [f"not {unrolled.steps[later].after_flag}"]
            parts.append(all_of((*flags, here)))
        return simplified(any_of(parts))

    return read


def looks(unrolled: Unrolled, resolved: ResolvedStory) -> Iterator[Variable]:
    """Make the variables that findings after stages which may be repeated are about.

    Parameters
    ----------
    unrolled : Unrolled
    resolved : ResolvedStory
        The story that was unrolled.
    """
    named: set[str] = set()
    for item in resolved.findings:
        stage, literal = item.after or unrolled.stages[-1], item.about.literal
        formulas: dict[str, Formula] = {}
        if literal is not None and unrolled.is_unrolled(literal):
            formulas[at_the_end_of(literal, stage)] = as_left(unrolled, stage)(literal)
        elif item.about.outcome and stage != unrolled.stages[-1]:
            for route in resolved.routes:
                ways = map(_written, unrolled.ways(stage, route.id))
                formulas[at_the_end_of(route.id, stage)] = simplified(any_of(ways))
        for name, formula in formulas.items():
            if not isinstance(formula, str) and formula != NEVER and name not in named:
                named.add(name)
                yield Variable(name, formula=formula)


def literal_after(unrolled: Unrolled, assumption: str, stage: str | None) -> str:
    """Name the variable that an assumption is, looked at after a stage, the last if none.

    Raises
    ------
    UnsupportedStoryError
        If it cannot have come true by then.
    """
    stage = stage or unrolled.stages[-1]
    literal = as_left(unrolled, stage)(assumption)
    if literal == NEVER:
        message = (
            f"evidence: found evidence about '{assumption}' after '{stage}', before which it "
            "cannot come true; expected it after a stage in which it can"
        )
        raise UnsupportedStoryError([Problem(message)])
    return literal if isinstance(literal, str) else at_the_end_of(assumption, stage)


def states_after(unrolled: Unrolled, resolved: ResolvedStory, stage: str | None) -> tuple[str, ...]:
    """Name the states, by route, that the model can be in after a stage.

    None after the last stage, after which they are the routes of the graph.
    """
    if stage is None or stage == unrolled.stages[-1]:
        return ()
    names = []
    for route in resolved.routes:
        (first, *_), *more = map(tuple, unrolled.ways(stage, route.id))
        names.append(at_the_end_of(route.id, stage) if more else first[0])
    return tuple(names)


def _written(literals: CutSet) -> Formula:
    """The formula that holds where all of some literals do."""
    return all_of(name if truth else f"not {name}" for name, truth in sorted(literals))
