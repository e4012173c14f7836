"""Training in stages: what formulas and numbers say of them, and how what is unrolled is named.

`at X` in a formula is what the model is as a stage begins: X is a class, a kind or a route. What
holds at one stage and may not at another has a name for each of them.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from storyodds.priors.distributions.forms import FORM_KEYS, Bits, Form, Probability
from storyodds.priors.text.records import Slug

MAX_STAGES = 12  # of which each has sums of its own
MAX_TIMES = 3  # that a check sends back: each repeats stages

_AT = re.compile(r"(?:not )?at ([a-z0-9][a-z0-9-]*)\Z")


def _shape(value: Any) -> str:
    """Whether a value is one number or a table of them: no stage is named like a form."""
    if isinstance(value, Form) or not isinstance(value, dict):
        return "number"
    return "number" if not value or any(key in FORM_KEYS for key in value) else "stages"


# Bits in every stage alike, or by the stages in which a route is open.
type RouteBits = Annotated[
    Annotated[dict[Slug, Bits], Field(min_length=1), Tag("stages")]
    | Annotated[Bits, Tag("number")],
    Discriminator(_shape),
]

type ByStage = Annotated[dict[Slug, Probability], Field(min_length=1)]


def bits_by_stage(bits: Any) -> Mapping[str, Any]:
    """Return the bits of a route by stage, as a file has them; nothing where they are one number.

    Examples
    --------
    >>> bits_by_stage({"early": 0, "late": [-1, 1]}), bits_by_stage({"interval": [-1, 1]})
    ({'early': 0, 'late': [-1, 1]}, {})
    """
    if not isinstance(bits, Mapping) or any(key in FORM_KEYS for key in bits):
        return {}
    return {stage: number for stage, number in bits.items() if isinstance(stage, str)}


def begins_as(literal: Any) -> str | None:
    """Return the class, kind or route that `at X` names; None for what is no such literal.

    Examples
    --------
    >>> begins_as("not at deceptive"), begins_as("aware"), begins_as("at-home")
    ('deceptive', None, None)
    """
    match = _AT.match(literal) if isinstance(literal, str) else None
    return match[1] if match else None


def route_after(route: str, stage: str) -> str:
    """Name the literal that the model is on a route as a stage ends.

    Examples
    --------
    >>> route_after("simulator", "pre-training")
    'simulator after pre-training'
    """
    return f"{route} after {stage}"


def true_by(assumption: str, stage: str) -> str:
    """Name the literal that an assumption is true at a stage, having come true by then.

    Examples
    --------
    >>> true_by("aware", "reinforcement")
    'aware by reinforcement'
    """
    return f"{assumption} by {stage}"


def comes_true_in(assumption: str, stage: str) -> str:
    """Name the literal that an assumption comes true in a stage, unless it is true already."""
    return f"{assumption} coming true in {stage}"


def holds_in(assumption: str, stage: str) -> str:
    """Name the literal that a formula which reads stages holds at one of them.

    Examples
    --------
    >>> holds_in("hidden-goal", "fine-tuning")
    'hidden-goal in fine-tuning'
    """
    return f"{assumption} in {stage}"


def at_the_end_of(name: str, stage: str) -> str:
    """Name the literal that something is so as a stage that may be repeated ends for good.

    Examples
    --------
    >>> at_the_end_of("flatterer", "fine-tuning")
    'flatterer at the end of fine-tuning'
    """
    return f"{name} at the end of {stage}"


def flags_after(check: str, stage: str) -> str:
    """Name the literal that a check flags the model after a stage."""
    return f"{check} flagging after {stage}"


def sends_back_after(check: str, stage: str) -> str:
    """Name the literal that a check takes training back after a stage."""
    return f"{check} sending back after {stage}"


_RELATIONS = "after|by|at the end of|coming true in|in|flagging after|sending back after"
_UNROLLED = re.compile(rf"\A(\S+) ({_RELATIONS}) (.+)\Z")


def unrolled_name(name: str) -> tuple[str, str, str] | None:
    """Take the name of something at a stage apart.

    Returns
    -------
    tuple of (owner, relation, stage) or None
        None for a name that knows no stages.

    Examples
    --------
    >>> unrolled_name("aware by reinforcement"), unrolled_name("aware is high")
    (('aware', 'by', 'reinforcement'), None)
    """
    match = _UNROLLED.match(name)
    return None if match is None else (match[1], match[2], match[3])


def without_stage(name: str) -> str:
    """Return what something at a stage is of; any other name as it is.

    Examples
    --------
    >>> without_stage("aware by reinforcement"), without_stage("aware is high")
    ('aware', 'aware is high')
    """
    unrolled = unrolled_name(name)
    return name if unrolled is None else unrolled[0]


def is_of_training(name: str) -> bool:
    """Whether what a literal names is of the course of training, and no assumption at a stage.

    Examples
    --------
    >>> is_of_training("simulator after pre-training"), is_of_training("aware by reinforcement")
    (True, False)
    """
    unrolled = unrolled_name(name)
    return unrolled is not None and unrolled[1] not in ("by", "in")
