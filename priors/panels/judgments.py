"""A panel's judgments: who said what, how they did on calibration questions, what they believe.

::

    judgments: panel-2026
    title: …
    experts: {ann: {name: Ann Lee}, bo: {name: Bo Ruiz}}
    calibration:                      # questions whose answers are known; optional
      - question: …
        answer: 12.5
        scale: uniform                # or log, for what spans orders of magnitude
        quantiles: {ann: [8, 11, 15], bo: [1, 5, 30]}     # 5 %, 50 % and 95 %
    quantities:                       # what the panel was asked for; optional
      - {id: …, kind: probability, values: {ann: PRIOR, bo: PRIOR}}
    beliefs:                          # probabilities of events that hang together; optional
      - {by: ann, event: a, probability: 0.3}
      - {by: ann, event: b, given: [a, not c], probability: 0.8}
"""

import importlib.resources
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from storyodds.priors.distributions.families import distribution_of
from storyodds.priors.distributions.forms import Bits, Kind, Prior, Probability, parse_prior
from storyodds.priors.panels.classical_model import LEAST
from storyodds.priors.panels.coherence import MAX_EVENTS
from storyodds.priors.panels.events import Event, events_in
from storyodds.priors.references import without_references
from storyodds.priors.text.document import Document
from storyodds.priors.text.errors import MAX_MISTAKES, InputError, Mistake, Problem
from storyodds.priors.text.errors import Path as KeyPath
from storyodds.priors.text.phrases import Suggestions, quoted
from storyodds.priors.text.records import FileRecord, Number, Record, Slug, SourceField, Text
from storyodds.priors.text.yaml_reader import read_document, read_file
from storyodds.priors.wording import mistakes_in

EXAMPLE = "example-panel"


class Expert(Record):
    """Somebody whose judgment was asked for."""

    name: Text
    note: Text | None = None


def _rising(quantiles: tuple[float, float, float]) -> tuple[float, float, float]:
    if not quantiles[0] < quantiles[1] < quantiles[2]:
        raise PydanticCustomError(
            "quantile_order", "expected three rising numbers, at 5 %, 50 % and 95 %"
        )
    return quantiles


class CalibrationQuestion(Record):
    """A question with a known answer.

    Attributes
    ----------
    question : str
    answer : float
    unit : str, optional
    source : Source, optional
        Of the answer.
    scale : {"uniform", "log"}
        What the background of an answer's information is uniform in.
    quantiles : dict of str to three floats
        By expert, at 5 %, 50 % and 95 %.
    """

    question: Text
    answer: Number
    unit: Text | None = None
    source: SourceField | None = None
    scale: Literal["uniform", "log"] = "uniform"
    quantiles: dict[Slug, Annotated[tuple[Number, Number, Number], AfterValidator(_rising)]]


class Quantity(Record):
    """What the panel was asked for.

    Attributes
    ----------
    id : str
    kind : {"probability", "bits"}
    claim : str, optional
        What it is the probability or the bits of.
    values : dict of str to PRIOR, as they stand in the file
        By expert; not everybody has to have one.
    """

    id: Slug
    kind: Literal["probability", "bits"]
    claim: Text | None = None
    values: Annotated[dict[Slug, Any], Field(min_length=1)]

    @property
    def priors(self) -> dict[str, Prior]:
        """The values, read as what the quantity is."""
        return {by: parse_prior(value, self.kind) for by, value in self.values.items()}


class Belief(Record):
    """A probability that somebody gives an event, perhaps under a condition.

    Attributes
    ----------
    by : str
    event : formula
        An id, `not id`, a list (all hold), `{any: […]}` or `{all: […]}`.
    given : formula, optional
    probability : float
    weight : float
        How much it counts when beliefs are repaired: a change of a belief of weight 4 costs as
        much as a change of twice its size does at weight 1.
    """

    by: Slug
    event: Event
    given: Event | None = None
    probability: Annotated[float, Field(strict=True, ge=0, le=1)]
    weight: Annotated[float, Field(strict=True, gt=0)] = 1.0


class Judgments(FileRecord):
    """The file of a panel."""

    judgments: Slug
    title: Text
    summary: Text = ""
    source: SourceField | None = None
    experts: Annotated[dict[Slug, Expert], Field(min_length=1)]
    calibration: tuple[CalibrationQuestion, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    beliefs: tuple[Belief, ...] = ()


class _Values(Record):
    """The values of a quantity, for the sentences about what is wrong with them."""

    probability: dict[Text, Probability] = Field(default_factory=dict)
    bits: dict[Text, Bits] = Field(default_factory=dict)


def read_judgments(source: str | Path) -> Judgments:
    """Read a panel's file.

    Parameters
    ----------
    source : str or pathlib.Path
        The path of a file, or the name of the example that ships with the project.

    Returns
    -------
    Judgments

    Raises
    ------
    InputError
        With every mistake of the file.

    Examples
    --------
    >>> panel = read_judgments("example-panel")
    >>> len(panel.experts), len(panel.calibration), len(panel.beliefs)
    (3, 10, 8)
    """
    if source == EXAMPLE and not Path(source).exists():
        source = Path(str(importlib.resources.files("storyodds.priors"))) / f"{EXAMPLE}.yaml"
    return _judgments(read_file(Path(source)))


def judgments_text(text: str, file: str = "<text>") -> Judgments:
    r"""Read a panel's file from text.

    Examples
    --------
    >>> text = "judgments: duo\ntitle: Two\nexperts: {a: {name: A}, b: {name: B}}\n"
    >>> panel = judgments_text(text + "quantities: [{id: x, kind: bits, values: {a: 1, b: 2}}]\n")
    >>> panel.quantities[0].priors["b"].fixed
    2.0
    """
    return _judgments(read_document(text, file))


def _judgments(document: Document) -> Judgments:
    data = document.data
    record, shape = None, []
    try:
        record = Judgments.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        shape = mistakes_in(error, data, Judgments)
    taken = {(mistake.path, mistake.at_key) for mistake in shape}
    whole = islice(_mistakes(data), MAX_MISTAKES) if isinstance(data, Mapping) else ()
    mistakes = shape + [item for item in whole if (item.path, item.at_key) not in taken]
    if record is None or mistakes:
        problems = [document.problem(mistake) for mistake in mistakes]
        raise InputError(sorted(problems, key=_place))
    return record.read_from(document)


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line or 0, problem.column or 0


# What only the whole file shows. The data may be anything: whatever is not of the right shape has
# been told of already, and is passed over.


_SHOWN_EXPERTS = 20  # experts that a sentence lists


class _Experts(tuple[str, ...]):
    """The ids of the experts, and what may be spent on finding the one that was meant."""

    def __init__(self, _: Iterable[str]) -> None:
        self.suggestions = Suggestions()


def _mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    experts = data.get("experts")
    panel = _Experts(experts if isinstance(experts, Mapping) else ())
    yield from _calibration_mistakes(data, panel)
    yield from _quantity_mistakes(data, panel)
    yield from _belief_mistakes(data, panel)


def _items(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping):
            yield index, item


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _stranger(name: Any, panel: _Experts, path: KeyPath, at_key: bool) -> Iterator[Mistake]:
    if panel and isinstance(name, str) and name not in panel:
        hint = panel.suggestions.nearest(name, panel)
        if not hint and len(panel) <= _SHOWN_EXPERTS:
            hint = f", one of {', '.join(panel)}"
        sentence = f"found {quoted(name)}, expected the id of one of the experts{hint}"
        yield Mistake(path, sentence, at_key=at_key)


def _calibration_mistakes(data: Mapping[str, Any], panel: _Experts) -> Iterator[Mistake]:
    questions = list(_items(data.get("calibration")))
    if 0 < len(questions) < LEAST:
        yield Mistake(
            ("calibration",),
            f"found {len(questions)} question{'s'[: len(questions) > 1]}, expected none or at "
            f"least {LEAST}: fewer say too little of anybody",
        )
    for index, question in questions:
        path: KeyPath = ("calibration", index)
        answers = _mapping(question.get("quantiles"))
        for by in answers:
            yield from _stranger(by, panel, (*path, "quantiles", by), at_key=True)
        missing = [by for by in panel if by not in answers]
        if missing and answers:
            yield Mistake(
                (*path, "quantiles"),
                f"found no quantiles by {', '.join(missing)}, expected every expert's: weights "
                "compare experts on the same questions",
            )
        if question.get("scale") == "log":
            numbers = {(*path, "answer"): question.get("answer")}
            for by, three in answers.items():
                if isinstance(three, list) and three:
                    numbers[(*path, "quantiles", by, 0)] = three[0]
            for place, number in numbers.items():
                if isinstance(number, int | float) and number <= 0:
                    yield Mistake(
                        place, f"found {number:g}, expected a number above 0 on a log scale"
                    )


def _quantity_mistakes(data: Mapping[str, Any], panel: _Experts) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, quantity in _items(data.get("quantities")):
        path: KeyPath = ("quantities", index)
        name, kind = quantity.get("id"), quantity.get("kind")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            yield Mistake(
                (*path, "id"),
                f"found the quantity {quoted(name)} a second time, expected it once",
                first=("quantities", first[name], "id"),
            )
        values = _mapping(quantity.get("values"))
        for by in values:
            yield from _stranger(by, panel, (*path, "values", by), at_key=True)
        if kind in ("probability", "bits"):
            yield from _value_mistakes((*path, "values"), values, kind)


def _value_mistakes(path: KeyPath, values: Mapping[str, Any], kind: Kind) -> Iterator[Mistake]:
    """List what is no PRIOR of the quantity's kind, and which reference leads nowhere."""
    for by, value in values.items():
        data = {kind: {by: value}}
        try:
            _Values.model_validate(data, by_alias=True, by_name=False)
            distribution_of(without_references(parse_prior(value, kind), kind), kind)
        except ValidationError as error:
            for mistake in mistakes_in(error, data, _Values):
                yield Mistake((*path, *mistake.path[1:]), mistake.sentence, mistake.at_key)
        except InputError as error:
            yield Mistake((*path, by), error.problems[0].message)


def _belief_mistakes(data: Mapping[str, Any], panel: _Experts) -> Iterator[Mistake]:
    events: dict[str, Counter[str]] = {}
    for index, belief in _items(data.get("beliefs")):
        path: KeyPath = ("beliefs", index)
        by = belief.get("by")
        yield from _stranger(by, panel, (*path, "by"), at_key=False)
        spoken_of = events.setdefault(str(by), Counter())
        before = len(spoken_of)
        spoken_of.update([*events_in(belief.get("event")), *events_in(belief.get("given"))])
        if before <= MAX_EVENTS < len(spoken_of):
            yield Mistake(
                path,
                f"found {len(spoken_of)} events in the beliefs of {quoted(str(by))} up to here, "
                f"expected at most {MAX_EVENTS}: there are 2 to that power ways in which they may "
                "turn out",
            )
