"""Uncertain numbers that a story names, so that one unknown may stand in several places.

`numbers: {id: {…PRIOR, kind: …}}` names one; `{number: id}` stands wherever a PRIOR of that kind
may. A named number is one number however often it stands: where it stands is in `uses`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, model_validator

from storyodds.priors.distributions.forms import (
    Bits,
    Form,
    NumberUse,
    Probability,
    plain_prior,
)
from storyodds.priors.text.records import Record, Text

_OWN_KEYS = ("kind", "claim", "prior")


class _Named(Record):
    """What both kinds of named numbers have: the PRIOR's keys stand beside `kind` and `claim`."""

    @model_validator(mode="before")
    @classmethod
    def _prior_apart(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "prior" in data:
            return data
        own = {key: data[key] for key in _OWN_KEYS if key in data}
        return {**own, "prior": {key: data[key] for key in data if key not in _OWN_KEYS}}


class NamedProbability(_Named):
    """A probability or rate that a story names, to use it in several places."""

    kind: Literal["probability"]
    claim: Text = ""
    prior: Probability


class NamedBits(_Named):
    """A number of bits that a story names, to use it in several places."""

    kind: Literal["bits"]
    claim: Text = ""
    prior: Bits


def _kind(value: Any) -> Any:
    return value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)


type NamedNumber = Annotated[
    Annotated[NamedProbability, Tag("probability")] | Annotated[NamedBits, Tag("bits")],
    Discriminator(
        _kind,
        custom_error_type="number_kind",
        custom_error_message="expected a mapping that states the kind of the number, probability "
        "or bits, beside its value: {interval: [0.1, 0.4], kind: probability}",
    ),
]


def plain_named(number: NamedProbability | NamedBits) -> dict[str, Any]:
    """Return a named number as its file holds it, the keys of its PRIOR beside its own.

    Examples
    --------
    >>> plain_named(NamedBits.model_validate({"interval": [-1, 1], "kind": "bits"}))
    {'interval': [-1.0, 1.0], 'kind': 'bits'}
    """
    prior = plain_prior(number.prior)
    if isinstance(prior, list):
        prior = {"interval": prior}
    elif not isinstance(prior, Mapping):
        prior = {"fixed": prior}
    claim = {"claim": number.claim} if number.claim else {}
    return {**claim, **prior, "kind": number.kind}


def with_numbers_in_place[T: Record](story: T) -> T:
    """Write named numbers out at every place where they stand: for whoever reads a single place.

    What is returned is no longer one unknown in several places, and so not for computing.

    Parameters
    ----------
    story : Story

    Returns
    -------
    Story
    """
    named: Mapping[str, Any] = getattr(story, "numbers", {})
    return _in_place(story, named) if named else story


def _in_place(value: Any, named: Mapping[str, Any]) -> Any:
    if isinstance(value, NumberUse):
        return named[value.number].prior
    if isinstance(value, Form):
        return value
    if isinstance(value, Record):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        written = {name: _in_place(field, named) for name, field in fields.items()}
        changed = {name: new for name, new in written.items() if new is not fields[name]}
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, tuple):
        items_in_place = tuple(_in_place(item, named) for item in value)
        same = all(new is old for new, old in zip(items_in_place, value, strict=True))
        return value if same else items_in_place
    if isinstance(value, dict):
        entries = {key: _in_place(item, named) for key, item in value.items()}
        return value if all(entries[key] is value[key] for key in value) else entries
    return value
