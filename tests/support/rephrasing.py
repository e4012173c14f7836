"""The same story in other words: an assumption turned into its opposite, lists in another order.

Neither may change what a story means.
"""

import math
import random
from typing import Any

from storyodds.priors.distributions.forms import (
    Beta,
    Counts,
    Fixed,
    Form,
    Interval,
    Normal,
    ProbabilityPool,
    UniformForm,
)
from storyodds.priors.text.records import Record
from storyodds.scenarios.grammar.formulas import AllOf, AnyOf, AtLeast
from storyodds.scenarios.grammar.parts import BitsTable, GivenRow, GivenTable, rows_of
from storyodds.scenarios.schema import Assumption, Evidence
from storyodds.scenarios.story import Story
from support.oracle_evidence import mean_power_of_two

PREFIX = "non-"
# Fields that may depend on assumptions.
RATES = ("harm", "probability", "flags", "share", "rates", "visibility", "bayes_factor")


# --- the opposite of an assumption ------------------------------------------------------------


def opposite(name: str) -> str:
    """Name the opposite of an assumption; that of the opposite is the assumption again.

    Examples
    --------
    >>> opposite("aware"), opposite("non-aware")
    ('non-aware', 'aware')
    """
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else PREFIX + name


def negated(story: Story, name: str) -> Story:
    """Tell a story by the opposite of an assumption, which is true where that one is false.

    Everything that speaks of the assumption is turned round: its own numbers, all formulas, and
    the evidence about it. Bits of a Bayes factor are counted against false, so that log P(E)
    becomes less by their `mean_bits` times ln 2; nothing else changes.

    Parameters
    ----------
    story : Story
    name : str
        An assumption with numbers or a formula of its own.

    Raises
    ------
    ValueError
        If bits of an item about the assumption depend on others.
    KeyError
        If the story has no such assumption.
    TypeError
        If the opposite of a number has no form, as that of a lognormal.
    """
    if name not in story.assumptions:
        raise KeyError(f"found no assumption {name!r}, expected one of {list(story.assumptions)}")

    def rewritten(part: Any) -> Any:
        """Write the opposite in the place of the assumption, in every formula of a part."""
        if isinstance(part, str):
            return {name: f"not {opposite(name)}", f"not {name}": opposite(name)}.get(part, part)
        if isinstance(part, tuple):
            return tuple(rewritten(member) for member in part)
        if isinstance(part, dict):
            return {key: rewritten(rate) for key, rate in part.items()}
        if isinstance(part, GivenTable | BitsTable):
            return part.model_copy(update={"given": tuple(map(with_formulas, part.given))})
        if isinstance(part, AllOf | AnyOf | AtLeast):
            fields = {key: rewritten(getattr(part, key)) for key in type(part).model_fields}
            return part.model_copy(update=fields)
        return part

    def with_formulas[T: Record](record: T) -> T:
        fields = {"requires", "holds", "when", "holds_when", *RATES} & set(
            type(record).model_fields
        )
        return record.model_copy(update={key: rewritten(getattr(record, key)) for key in fields})

    def assumption(key: str, spec: Assumption | None) -> Assumption:
        if spec is None:
            raise ValueError(f"{key} has no numbers of its own: resolve the catalog first")
        if key == name:
            spec = opposite_assumption(spec)
        rows = spec.given and tuple(with_formulas(row) for row in spec.given)
        return with_formulas(spec).model_copy(update={"given": rows})

    rationale = story.rationale.model_copy(
        update={
            "constraints": tuple(map(with_formulas, story.rationale.constraints)),
            "nudges": tuple(map(with_formulas, story.rationale.nudges)),
        }
    )
    hazards = tuple(map(with_formulas, story.goal.hazards))
    return story.model_copy(
        update={
            "goal": story.goal.model_copy(update={"hazards": hazards}),
            "rationale": rationale,
            "assumptions": {
                opposite(key) if key == name else key: assumption(key, spec)
                for key, spec in story.assumptions.items()
            },
            "routes": tuple(map(with_formulas, story.routes)),
            "checks": tuple(map(with_formulas, story.checks)),
            "common_cause": tuple(map(with_formulas, story.common_cause)),
            "evidence": tuple(
                with_formulas(opposite_item(item) if item.about.assumption == name else item)
                for item in story.evidence
            ),
        }
    )


def opposite_assumption(spec: Assumption) -> Assumption:
    """Turn round what decides an assumption; what its formulas name stays."""
    return spec.model_copy(
        update={
            "probability": spec.probability and complement(spec.probability),
            "given": spec.given and tuple(map(opposite_row, spec.given)),
            "holds_when": spec.holds_when and opposite_formula(spec.holds_when),
        }
    )


def opposite_row(row: GivenRow) -> GivenRow:
    return row.model_copy(
        update={
            "probability": row.probability and complement(row.probability),
            "otherwise": row.otherwise and complement(row.otherwise),
        }
    )


def opposite_formula(formula: Any) -> Any:
    """Write what holds where a formula does not: by De Morgan's laws, without a `not` of parts.

    Examples
    --------
    >>> opposite_formula(("a", "not b"))
    AnyOf(any=('not a', 'b'))
    """
    match formula:
        case str():
            return formula.removeprefix("not ") if formula.startswith("not ") else f"not {formula}"
        case tuple():
            return AnyOf(any=tuple(map(opposite_formula, formula)))
        case AllOf():
            return AnyOf(any=tuple(map(opposite_formula, formula.all)))
        case AnyOf():
            return AllOf(all=tuple(map(opposite_formula, formula.any)))
        case AtLeast():
            parts = tuple(map(opposite_formula, formula.of))
            return AtLeast(at_least=len(parts) - formula.at_least + 1, of=parts)
    raise TypeError(f"not a formula: {formula!r}")


def opposite_item(item: Evidence) -> Evidence:
    """Let an item about an assumption speak of its opposite."""
    name = item.about.assumption
    if name is None:
        raise ValueError(f"{item.id} is about no assumption")
    if not is_of_one_row(item):
        raise ValueError(f"{item.id} has bits that depend on assumptions")
    update: dict[str, Any] = {"about": item.about.model_copy(update={"assumption": opposite(name)})}
    if item.forecast is not None:
        update["forecast"] = 1.0 - item.forecast
    if item.rates is not None:
        update["rates"] = {"true": item.rates["false"], "false": item.rates["true"]}
    if item.bayes_factor is not None:
        # The item's own numbers are averaged out: 2 ** bits counts by its mean alone.
        update["bayes_factor"] = {"true": Fixed(fixed=-mean_bits(item))}
    return item.model_copy(update=update)


def mean_bits(item: Evidence) -> float:
    """Log2 of the mean Bayes factor of true against false, 0 where an item has none."""
    if item.bayes_factor is None:
        return 0.0
    form = item.bayes_factor["true"]
    return form.fixed if isinstance(form, Fixed) else math.log2(mean_power_of_two(form))


def is_of_one_row(item: Evidence) -> bool:
    """Whether no bits of an item depend on assumptions.

    Bits are counted against false in every row: counted against true, rows would compare otherwise.
    """
    return not any(map(rows_of, (item.bayes_factor or {}).values()))


def complement(form: Any) -> Any:
    """Write the PRIOR of 1 - p for that of p."""
    match form:
        case Fixed():
            return Fixed(fixed=1.0 - form.fixed)
        case Beta():
            return Beta(beta=form.beta[::-1])
        case Counts():
            misses = form.counts.trials - form.counts.hits
            return Counts(counts=form.counts.model_copy(update={"hits": misses}))
        case Interval():
            low, high = form.interval
            return Interval(interval=(1.0 - high, 1.0 - low), level=form.level)
        case UniformForm():
            low, high = form.uniform
            return UniformForm(uniform=(1.0 - high, 1.0 - low))
        case Normal():
            mean, sd = form.normal
            return Normal(normal=(1.0 - mean, sd))
        case ProbabilityPool():
            judges = tuple(
                judge.model_copy(update={"value": complement(judge.value)}) for judge in form.pool
            )
            return form.model_copy(update={"pool": judges})
    raise TypeError(f"found {form!r}, expected a probability whose opposite has a form")


# --- another order ----------------------------------------------------------------------------


def reordered(story: Story, seed: int) -> Story:
    """Shuffle everything of a story whose order means nothing.

    That is every list and table but the rows of `given`, of which the first that holds counts,
    and what stands inside of a number.

    Parameters
    ----------
    story : Story
    seed : int
    """
    rng = random.Random(seed)

    def shuffled(part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(rng.sample([shuffled(member) for member in part], len(part)))
        if isinstance(part, dict):
            keys = rng.sample(list(part), len(part))
            return {key: shuffled(part[key]) for key in keys}
        if isinstance(part, Form) or not isinstance(part, Record):
            return part
        fields = {key: getattr(part, key) for key in type(part).model_fields}
        rows = fields.pop("given", None)
        update = {key: shuffled(value) for key, value in fields.items()}
        if rows:
            update["given"] = tuple(shuffled(row) for row in rows)
        return part.model_copy(update=update)

    again: Story = shuffled(story)
    return again
