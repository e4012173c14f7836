"""The numbers of an Open-PSA file as PRIORs of a story."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from storyodds.priors.distributions.forms import Fixed, Prior
from storyodds.priors.text.phrases import one_of
from storyodds.priors.text.records import Source
from storyodds.priors.text.xml_reader import Element
from storyodds.priors.wording import mistakes_in
from storyodds.scenarios.open_psa.definitions import Definition
from storyodds.scenarios.open_psa.expressions import LITERALS, Expressions, Value, at_mean
from storyodds.scenarios.open_psa.quantities.deviates import (
    REFUSED_CHANGE,
    TOLD_CHANGE,
    Deviate,
    change,
    cut_note,
    means,
    story_form,
)
from storyodds.scenarios.open_psa.quantities.units import PURE, YEAR_NOTE, Quantity
from storyodds.scenarios.open_psa.tree import Tree
from storyodds.scenarios.schema import Assumption

STORY_DEVIATES: Final = ("beta", "lognormal", "normal", "uniform")
INNER_MEAN_NOTE: Final = "A number that makes it is uncertain in the file, and taken at its mean."
MEAN_NOTE: Final = "Taken at the mean of what the file has as uncertain: no band comes from it."


@dataclass(frozen=True, slots=True)
class Estimate:
    """A basic event's number.

    Attributes
    ----------
    prior : Prior
    deviate : Deviate or None
        What of the file it is, if that is uncertain.
    remark : str or None
        What the story has otherwise than the file.
    """

    prior: Prior
    deviate: Deviate | None
    remark: str | None


class Numbers:
    """The numbers of a file: every basic event's PRIOR."""

    def __init__(self, tree: Tree, cite: str, expressions: Expressions) -> None:
        self._tree, self._source, self._expressions = tree, Source(cite=cite), expressions

    def estimate_of(self, event: Definition) -> Estimate | None:
        """Return a basic event's PRIOR; None where something is wrong."""
        if event.body is None:
            if self._tree.is_spoiled(event.name):
                return None
            self._tree.complain(
                f"found nothing inside <{event.element.tag}>, expected its probability",
                event.element,
                event,
            )
            return None
        value = self._expressions.value(event.body, event)
        if value is None or not self._is_probability(value, event.body, event):
            return None
        if isinstance(value, Deviate) and not value.is_of_stories:
            if not self._expressions.at_means:
                self._refuse_distribution(value, event)
                return None
            value = at_mean(value)
        if isinstance(value, Deviate):
            return self._uncertain(value, event)
        if self.prior_of(value.number, event.body, event) is None:
            return None
        tag = event.body.tag
        plain = tag in (*LITERALS, "parameter")
        return self.computed(value, None if plain else f"Computed in the file by <{tag}>.")

    def probability_in(self, element: Element, owner: Definition) -> Quantity | None:
        """Return the value of an expression that has to be one certain probability."""
        value = self._expressions.constant(element, owner)
        if value is None or not self._is_probability(value, element, owner):
            return None
        return None if self.prior_of(value.number, element, owner) is None else value

    def computed(self, value: Quantity, note: str | None) -> Estimate:
        """Return a probability that follows from numbers of the file."""
        remarks = [YEAR_NOTE] * value.years + [MEAN_NOTE] * value.at_mean
        prior = self._noted(Fixed(fixed=value.number), note, *remarks)
        return Estimate(prior, None, " ".join(remarks) or None)

    def at_mean(self, estimate: Estimate) -> Estimate:
        """Return an estimate with the mean of its uncertain number."""
        deviate = estimate.deviate
        return estimate if deviate is None else self.computed(at_mean(deviate), None)

    def _noted(self, prior: Prior, *notes: str | None) -> Prior:
        note = " ".join(sentence for sentence in notes if sentence) or None
        update = {"basis": "assumed", "source": self._source, "note": note}
        return prior.model_copy(update=update)

    def _uncertain(self, deviate: Deviate, event: Definition) -> Estimate | None:
        prior = self.prior_of(story_form(deviate), deviate.element, event)
        if prior is None:
            return None
        in_file, in_story = means(deviate, prior)
        size = change(in_file, in_story)
        if not size <= REFUSED_CHANGE:
            self._refuse_cut(deviate, event, in_file, in_story)
            return None
        remarks = [cut_note(deviate, in_file, in_story)] * (size > TOLD_CHANGE)
        remarks += [INNER_MEAN_NOTE] * deviate.at_mean
        return Estimate(self._noted(prior, *remarks), deviate, " ".join(remarks) or None)

    def _is_probability(self, value: Value, element: Element, owner: Definition) -> bool:
        if value.unit in (None, PURE):
            return True
        assert value.unit is not None
        way_out = (
            "leave the unit away from a chance per demand"
            if value.unit.demands
            else "a rate and a time make one in <exponential>"
        )
        self._tree.complain(
            f"found a value in {value.unit.name}, expected a probability, which has no unit; "
            f"{way_out}",
            element,
            owner,
        )
        return False

    def prior_of(
        self, form: float | dict[str, Any], place: Element, event: Definition
    ) -> Prior | None:
        """Return a number as a PRIOR, complaining of what is wrong with it as a probability."""
        data = {"probability": form}
        try:
            return Assumption.model_validate(data).probability
        except ValidationError as error:
            for mistake in mistakes_in(error, data, Assumption):
                self._tree.complain(mistake.sentence, place, event)
            return None

    def _refuse_distribution(self, deviate: Deviate, event: Definition) -> None:
        self._tree.complain(
            f"found <{deviate.element.tag}>, which a story does not have, expected "
            f"{one_of(f'<{name}-deviate>' for name in STORY_DEVIATES)}; --at-means takes it at its "
            "mean",
            deviate.element,
            event,
        )

    def _refuse_cut(
        self, deviate: Deviate, event: Definition, in_file: float, in_story: float
    ) -> None:
        clamps = deviate.at_least_0 or deviate.at_most_1
        done = "is clamped to" if clamps else "leaves"
        self._tree.complain(
            f"found a deviate of mean {in_file:.6g} that {done} the range from 0 to 1; a story "
            f"cuts it off there, which would make its mean {in_story:.6g}; expected a change of at "
            f"most {REFUSED_CHANGE:.0%}: write a narrower one, or a <beta-deviate>",
            deviate.element,
            event,
        )
