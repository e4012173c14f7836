"""References to prior packs, followed."""

from pydantic import ValidationError

from storyodds.priors import library
from storyodds.priors.distributions.forms import (
    BitsPool,
    Kind,
    Prior,
    ProbabilityPool,
    Ref,
    parse_prior,
)
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.phrases import described

_NAMED: dict[Kind, str] = {"probability": "a probability", "bits": "a number of bits"}


def without_references(form: Prior, kind: Kind) -> Prior:
    """Put what packs say in the place of references, in pools too.

    Parameters
    ----------
    form : Prior
    kind : {"probability", "bits"}

    Returns
    -------
    Prior

    Raises
    ------
    InputError
        If there is no such entry, or it is of the other kind.

    Examples
    --------
    >>> without_references(Ref(ref="carlsmith-2022/aps-feasible"), "probability")
    Fixed(basis=None, source=None, note=None, fixed=0.65)
    """
    if isinstance(form, Ref):
        value = library.pack_entry(form.ref).value
        try:
            return without_references(parse_prior(value, kind), kind)
        except ValidationError:
            opening = f"found '{form.ref}', whose value is {described(value)}"
            raise InputError(f"{opening}, expected {_NAMED[kind]}") from None
    if isinstance(form, ProbabilityPool | BitsPool):
        judgments = tuple(
            judgment.model_copy(update={"value": without_references(judgment.value, kind)})
            for judgment in form.pool
        )
        return form.model_copy(update={"pool": judgments})
    return form
