"""The PRIOR forms: every way in which a story may write a number down.

A bare number is `Fixed`, a bare pair is `Interval`; every other form is a mapping named by its
one distinguishing key. The same records are the Python API: `Beta(beta=(2, 8))` in code and
`{beta: [2, 8]}` in a file are equal values.
"""

from collections.abc import Callable
from math import erf, log, log1p, sqrt
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    model_validator,
)
from pydantic_core import PydanticCustomError

from storyodds.priors.distributions.pool_rules import logarithmic_mistake
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.records import Count, Number, Record, Slug, SourceField, Text

Basis = Literal["elicited", "assumed", "measured"]
Kind = Literal["probability", "bits"]

MAX_BITS = 60.0  # odds of 2**60 : 1, beyond which 1 - p is lost in a float's rounding

MAX_LOG_SD = 20.0  # of a lognormal: its median is then e**200 below its mean
MIN_SD = 1e-100  # of a normal: the square of what is divided by it is still a float
MIN_WIDTH = 1e-290  # of a uniform: given 1e12 counts, its density is still a float
# Of a beta: a rate known to 1 part in 1e8, and a probability of 1e-12 or so to be anything but 0.
MAX_BETA = 1e16
MIN_BETA = 1e-12
# Of the normal that an interval stands for. In logits: [1e-300, 1 - 1e-16] at 90 % has 221. In
# bits: nine such, beside 60 bits, are still odds below the largest float.
MAX_INTERVAL_SD: dict["Kind", float] = {"probability": 300.0, "bits": 100.0}

OWN_FORM_KEYS = tuple("fixed interval beta counts uniform normal lognormal ref pool".split())
FORM_KEYS = (*OWN_FORM_KEYS, "number")  # the last in stories only, which name numbers
_FOREIGN: dict[Kind, set[str]] = {
    "probability": set(),
    "bits": {"beta", "counts", "uniform", "lognormal"},
}
_NAMED: dict[Kind, str] = {
    "probability": "a probability from 0 to 1",
    "bits": f"bits from -{MAX_BITS:g} to {MAX_BITS:g}",
}


class Form(Record):
    """What every mapping form may add to its number.

    Attributes
    ----------
    basis : {"elicited", "assumed", "measured"}, optional
        Absent means assumed.
    source : Source or str, optional
    note : str, optional
    """

    basis: Basis | None = None
    source: SourceField | None = None
    note: Text | None = None


class Fixed(Form):
    """A number that is taken as known: `0.3`, or `{fixed: 0.3, basis: …, source: …}`."""

    fixed: Number


class Interval(Form):
    """A central interval: logit-normal for a probability or rate, normal for bits.

    Attributes
    ----------
    interval : tuple of float
        Lower and upper end, lower < upper.
    level : float
        The probability that the interval holds; 0.9 unless stated.
    """

    interval: tuple[Number, Number]
    level: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.9

    @model_validator(mode="after")
    def _ordered(self) -> "Interval":
        low, high = self.interval
        if not low < high:
            raise PydanticCustomError(
                "interval_order",
                "expected the lower end first and below the upper end",
            )
        return self


class Beta(Form):
    """A Beta distribution: `{beta: [a, b]}`, pseudo-counts of yes and of no."""

    beta: tuple[
        Annotated[float, Field(strict=True, gt=0)], Annotated[float, Field(strict=True, gt=0)]
    ]

    @model_validator(mode="after")
    def _between_certainties(self) -> "Beta":
        for number in self.beta:
            if not MIN_BETA <= number <= MAX_BETA:
                raise PydanticCustomError(
                    "beta_size",
                    "found {number} in a beta, expected {least} to {most}: beyond, the "
                    "probability is as good as fixed; write the fixed number {mean}",
                    {
                        "number": f"{number:g}",
                        "least": f"{MIN_BETA:g}",
                        "most": f"{MAX_BETA:g}",
                        "mean": f"{1 / (1 + self.beta[1] / self.beta[0]):.12g}",
                    },
                )
        return self


class HitsAndTrials(Record):
    """How often something happened, and how often it could have."""

    hits: Count
    trials: Count

    @model_validator(mode="after")
    def _hits_within_trials(self) -> "HitsAndTrials":
        if self.hits > self.trials:
            raise PydanticCustomError(
                "hits_above_trials",
                "found {hits} hits in {trials} trials, expected no more hits than trials",
                {"hits": self.hits, "trials": self.trials},
            )
        return self


class Counts(Form):
    """Counts on a Jeffreys base: Beta(hits + 1/2, misses + 1/2)."""

    counts: HitsAndTrials


class UniformForm(Form):
    """A probability that is equally likely to be anywhere: `{uniform: [low, high]}`."""

    uniform: tuple[
        Annotated[float, Field(strict=True, ge=0, le=1)],
        Annotated[float, Field(strict=True, ge=0, le=1)],
    ]

    @model_validator(mode="after")
    def _ordered(self) -> "UniformForm":
        low, high = self.uniform
        if not low < high:
            raise PydanticCustomError(
                "uniform_order",
                "found {low} to {high}, expected the lower end first and below the upper end",
                {"low": low, "high": high},
            )
        if high - low < MIN_WIDTH:
            raise PydanticCustomError(
                "uniform_width",
                "found {low} to {high}, expected ends that are {least} or more apart",
                {"low": low, "high": high, "least": f"{MIN_WIDTH:g}"},
            )
        return self


class Normal(Form):
    """A normal distribution: `{normal: [mean, standard deviation]}`.

    For a probability or rate it is cut off at 0 and 1, and the two numbers are those before the
    cut.
    """

    normal: tuple[
        Annotated[float, Field(strict=True, ge=-MAX_BITS, le=MAX_BITS)],
        Annotated[float, Field(strict=True, gt=0, le=MAX_BITS)],
    ]


class MeanAndErrorFactor(Record):
    """A lognormal distribution as reliability data states it.

    Attributes
    ----------
    mean : float
        Before the cut at 1.
    error_factor : float
        The quantile at `level` over the median, both before the cut.
    level : float
        0.95 unless stated.
    """

    mean: Annotated[float, Field(strict=True, gt=0)]
    error_factor: Annotated[float, Field(strict=True, gt=1)]
    level: Annotated[float, Field(strict=True, gt=0.5, lt=1)] = 0.95

    @property
    def sd(self) -> float:
        """Standard deviation of the natural logarithm."""
        from statistics import NormalDist  # slow to import, and seldom needed

        return log(self.error_factor) / NormalDist().inv_cdf(self.level)

    @model_validator(mode="after")
    def _computable(self) -> "MeanAndErrorFactor":
        if self.sd > MAX_LOG_SD:
            raise PydanticCustomError(
                "error_factor",
                "found an error factor that makes the standard deviation of the logarithm {sd}, "
                "expected at most {most}",
                {"sd": f"{self.sd:.3g}", "most": f"{MAX_LOG_SD:g}"},
            )
        return self


class LogNormal(Form):
    """A lognormal for a probability or rate, cut off at 1: `{lognormal: {mean, error_factor}}`."""

    lognormal: MeanAndErrorFactor


class Ref(Form):
    """An entry of a prior pack, taken with its provenance: `{ref: pack/entry}`."""

    ref: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*$")]


class NumberUse(Form):
    """A number that the story names, in one of the places where it stands: `{number: id}`."""

    number: Slug

    @model_validator(mode="after")
    def _states_nothing_of_it(self) -> "NumberUse":
        for key in ("basis", "source", "note"):
            if getattr(self, key) is not None:
                raise PydanticCustomError(
                    "number_use",
                    "found '{key}' beside 'number', expected it where the number is defined: "
                    "numbers.{name}",
                    {"key": key, "name": self.number},
                )
        return self


def _pool_mistake(pool: "Pool", kind: Kind) -> str | None:
    """Describe what keeps a pool from being computed, unless a reference leaves that open."""
    for judgment in pool.pool:
        if isinstance(judgment.value, NumberUse):
            return (
                f"found {{number: {judgment.value.number}}} in a pool, expected a number of its "
                "own: give the named number the pool instead"
            )
    if pool.method == "linear":
        return None
    if mistake := logarithmic_mistake(pool, kind == "probability"):
        return mistake
    values = [judgment.value for judgment in pool.pool]
    if all(isinstance(v, Fixed) and (kind == "bits" or 0 < v.fixed < 1) for v in values):
        return None  # a mean of their odds or bits, for which no SciPy need be imported
    from storyodds.priors.distributions.families import distribution_of  # which imports this module

    try:
        distribution_of(pool, kind)  # type: ignore[arg-type]
    except InputError as error:
        return error.problems[0].message
    except TypeError:  # a reference
        return None
    return None


def interval_sd(form: Interval, kind: Kind) -> float:
    """Standard deviation of the logit, or of the bits, that an interval stands for.

    Examples
    --------
    >>> round(interval_sd(Interval(interval=(-1.0, 1.0), level=0.6826894921370859), "bits"), 12)
    1.0
    """
    from scipy.special import erfinv  # slow to import, and not for every file

    return _width(form, kind) / (2 * sqrt(2) * float(erfinv(form.level)))


def _width(form: Interval, kind: Kind) -> float:
    """How far the ends of an interval lie apart, in log odds or in bits."""
    low, high = form.interval
    if kind == "bits":
        return high - low
    # The difference of two logits, which would cancel where the ends are close.
    ratio = log1p((high - low) / low) if high < 2 * low else log(high) - log(low)
    return ratio + log1p((high - low) / (1.0 - high))


def _check_width(form: Interval, kind: Kind) -> None:
    # The level at which the interval would have the largest standard deviation there may be: most
    # files are read without SciPy, whose inverse this is of.
    if form.level < erf(_width(form, kind) / (2 * sqrt(2) * MAX_INTERVAL_SD[kind])):
        sd = interval_sd(form, kind)
        raise PydanticCustomError(
            "interval_width",
            "found an interval at level {level}, so that the standard deviation of its {what} is "
            "{sd}, expected at most {most}: a higher level, or ends that are closer",
            {
                "level": f"{form.level:g}",
                "what": "log odds" if kind == "probability" else "bits",
                "sd": f"{sd:.3g}",
                "most": f"{MAX_INTERVAL_SD[kind]:g}",
            },
        )


def _bounds(kind: Kind) -> Callable[[Any], Any]:
    """Hold the numbers of a form to the range of their kind."""
    low, high = (0.0, 1.0) if kind == "probability" else (-MAX_BITS, MAX_BITS)
    named = _NAMED[kind]

    def check(form: Any) -> Any:
        if isinstance(form, Fixed) and not low <= form.fixed <= high:
            raise PydanticCustomError("out_of_range", "expected " + named)
        if isinstance(form, Pool) and (mistake := _pool_mistake(form, kind)):
            raise PydanticCustomError("pool", "{mistake}", {"mistake": mistake})
        if isinstance(form, Normal) and form.normal[1] < MIN_SD:
            raise PydanticCustomError(
                "normal_sd",
                "found the standard deviation {sd}, expected {least} or more",
                {"sd": form.normal[1], "least": f"{MIN_SD:g}"},
            )
        if isinstance(form, Interval):
            inside = [
                low < end < high if kind == "probability" else low <= end <= high
                for end in form.interval
            ]
            if not all(inside):
                raise PydanticCustomError(
                    "out_of_range",
                    "expected an interval strictly inside 0 and 1"
                    if kind == "probability"
                    else "expected an interval of " + named,
                )
            _check_width(form, kind)
        return form

    return check


def _expand(value: Any) -> Any:
    """Turn the two bare forms into their mappings."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"fixed": value}
    if isinstance(value, list | tuple):
        return {"interval": value}
    return value


def _form_key(value: Any) -> str | None:
    """The one key that says which form a mapping (or a record) is."""
    if isinstance(value, dict):
        present = [key for key in FORM_KEYS if key in value]
        return present[0] if len(present) == 1 else None
    if isinstance(value, Form):
        return next(key for key in FORM_KEYS if key in type(value).model_fields)
    return None


class Judgment(Record):
    """One person's value for a pooled number."""

    by: Text
    weight: Annotated[float, Field(strict=True, gt=0)] = 1.0


class ProbabilityJudgment(Judgment):
    """One person's value for a probability."""

    value: "Probability"


class BitsJudgment(Judgment):
    """One person's value in bits."""

    value: "Bits"


class Pool(Form):
    """Several people's judgments of one number, taken together.

    Attributes
    ----------
    pool : tuple of Judgment
    method : {"linear", "logarithmic"}
        The mixture of the judgments, or their normalized weighted geometric mean.
    """

    pool: tuple[Any, ...]
    method: Literal["linear", "logarithmic"] = "linear"


class ProbabilityPool(Pool):
    """A pool of judgments about a probability."""

    pool: Annotated[tuple[ProbabilityJudgment, ...], Field(min_length=1)]


class BitsPool(Pool):
    """A pool of judgments in bits."""

    pool: Annotated[tuple[BitsJudgment, ...], Field(min_length=1)]


def _discriminator(kind: Kind) -> Discriminator:
    keys = [key for key in FORM_KEYS if key not in _FOREIGN[kind]]
    return Discriminator(
        _form_key,
        custom_error_type="prior_form",
        custom_error_message=f"expected {_NAMED[kind]}: a number, an interval [low, high], or a "
        f"mapping with exactly one of {', '.join(keys)}",
    )


type Probability = Annotated[
    Annotated[Fixed, Tag("fixed")]
    | Annotated[Interval, Tag("interval")]
    | Annotated[Beta, Tag("beta")]
    | Annotated[Counts, Tag("counts")]
    | Annotated[UniformForm, Tag("uniform")]
    | Annotated[Normal, Tag("normal")]
    | Annotated[LogNormal, Tag("lognormal")]
    | Annotated[Ref, Tag("ref")]
    | Annotated[ProbabilityPool, Tag("pool")]
    | Annotated[NumberUse, Tag("number")],
    _discriminator("probability"),
    BeforeValidator(_expand),
    AfterValidator(_bounds("probability")),
]

type Bits = Annotated[
    Annotated[Fixed, Tag("fixed")]
    | Annotated[Interval, Tag("interval")]
    | Annotated[Normal, Tag("normal")]
    | Annotated[Ref, Tag("ref")]
    | Annotated[BitsPool, Tag("pool")]
    | Annotated[NumberUse, Tag("number")],
    _discriminator("bits"),
    BeforeValidator(_expand),
    AfterValidator(_bounds("bits")),
]

Prior = (
    Fixed
    | Interval
    | Beta
    | Counts
    | UniformForm
    | Normal
    | LogNormal
    | Ref
    | ProbabilityPool
    | BitsPool
    | NumberUse
)

for _model in (ProbabilityJudgment, BitsJudgment, ProbabilityPool, BitsPool):
    _model.model_rebuild()


def _own_number(form: Prior) -> Prior:
    """Hold what stands outside a story to numbers of its own: only a story names numbers."""
    if isinstance(form, NumberUse):
        raise PydanticCustomError(
            "number_outside",
            "found {{number: {name}}}, expected the number itself: only the parts of a story "
            "refer to the numbers that it names",
            {"name": form.number},
        )
    return form


PROBABILITY: TypeAdapter[Prior] = TypeAdapter(Annotated[Probability, AfterValidator(_own_number)])
BITS: TypeAdapter[Prior] = TypeAdapter(Annotated[Bits, AfterValidator(_own_number)])


def parse_prior(value: Any, kind: Kind) -> Prior:
    """Read one PRIOR, as it stands in a file, for a probability or for bits.

    Parameters
    ----------
    value : number, pair, mapping or record
    kind : {"probability", "bits"}

    Returns
    -------
    Prior

    Raises
    ------
    pydantic.ValidationError
        If the value is none of the forms, or out of the range of its kind.

    Examples
    --------
    >>> parse_prior([0.1, 0.4], "probability")
    Interval(basis=None, source=None, note=None, interval=(0.1, 0.4), level=0.9)
    """
    return (PROBABILITY if kind == "probability" else BITS).validate_python(value)


def plain_prior(form: Prior) -> Any:
    """Write a PRIOR the shortest way: a bare number or pair where nothing else is said.

    Examples
    --------
    >>> plain_prior(Fixed(fixed=0.3))
    0.3
    >>> plain_prior(Beta(beta=(2, 8), basis="assumed"))
    {'beta': [2.0, 8.0], 'basis': 'assumed'}
    """
    data = form.model_dump(mode="json", exclude_defaults=True)
    provenance = {key: data.pop(key) for key in ("basis", "source", "note") if key in data}
    if isinstance(form, ProbabilityPool | BitsPool):
        data["pool"] = [
            {
                "by": judgment.by,
                "value": plain_prior(judgment.value),
                **({"weight": judgment.weight} if judgment.weight != 1.0 else {}),
            }
            for judgment in form.pool
        ]
    if not provenance and isinstance(form, Fixed):
        return data["fixed"]
    if not provenance and isinstance(form, Interval) and "level" not in data:
        return data["interval"]
    return data | provenance
