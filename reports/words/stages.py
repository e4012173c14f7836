"""Training in stages, in words."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from storyodds.reports.contract.estimate import Estimate, StageOdds
from storyodds.reports.words.as_written import number_words, numbers_of
from storyodds.reports.words.numbers import counted, listed, percent, points, signed
from storyodds.scenarios.grammar.outcomes import INTENDED, OutcomeClass
from storyodds.scenarios.provenance import NumberRecord
from storyodds.scenarios.schema import Assumption, Check, Evidence

_NAMED = 3  # routes that a stage loses most to; a sentence has room for no more
_TIMES = ("once", "at most twice", "at most three times")  # that a check sends back


def reached_routes(estimate: Estimate) -> list[str]:
    """Give the routes that some stage may leave the model on, in the story's order.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1", of a story in stages.
    """
    stages = estimate["stages"]
    return [
        name
        for name in estimate["routes"]
        if any(stage["routes"][name]["mean"] > 0 for stage in stages)
    ]


def likeliest_by_stage(estimate: Estimate) -> str:
    """Say which route the model is likeliest on after each stage.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1", of a story in stages.

    Returns
    -------
    str
        One sentence.
    """
    parts = []
    for stage in estimate["stages"]:
        chances = {name: entry["mean"] for name, entry in stage["routes"].items()}
        name = max(chances, key=lambda route: chances[route])
        parts.append(f"“{name}” after {stage['stage']} ({percent(chances[name])})")
    return f"The model is most likely {', '.join(parts)}."


@dataclass(frozen=True)
class Loss:
    """What one stage loses of P(intended).

    Attributes
    ----------
    before, stage : str
        The stage before it, and the stage.
    intended : float
        P(the stage before leaves an intended model).
    to : tuple of (str, float, float)
        P(it does, and this stage leaves it on a route of another class), the largest first, and its
        Monte Carlo standard error.
    """

    before: str
    stage: str
    intended: float
    to: tuple[tuple[str, float, float], ...]

    @property
    def lost(self) -> float:
        """All of it together."""
        return math.fsum(chance for _, chance, _ in self.to)


def losses(estimate: Estimate) -> list[Loss]:
    """Give what each stage loses of what was intended before it.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".

    Returns
    -------
    list of Loss
        In the order of stages; of those before which a model can be intended, where what moves
        was worked out.
    """
    by_stage = []
    for before, stage in pairwise(estimate["stages"]):
        moves, intended = stage.get("moves"), before["classes"][INTENDED]["mean"]
        if moves is None or intended <= 0:
            continue
        to = [
            (name, chance, error_of_move(stage, INTENDED, name))
            for name, chance in moves[INTENDED].items()
            if chance > 0 and estimate["routes"][name]["class"] != INTENDED
        ]
        to.sort(key=lambda move: -move[1])
        by_stage.append(Loss(before["stage"], stage["stage"], intended, tuple(to)))
    return by_stage


def error_of_move(stage: StageOdds, before: OutcomeClass, route: str) -> float:
    """Give the Monte Carlo standard error of what moves from a class to a route in a stage.

    Parameters
    ----------
    stage : mapping
        Of an estimate's `stages`.
    before : OutcomeClass
    route : str
    """
    errors = stage.get("move_errors")
    return 0.0 if errors is None else errors[before][route]


def loss_words(loss: Loss) -> str:
    """Say in a sentence what a stage loses of P(intended), and to which routes.

    Examples
    --------
    >>> moved = (("flatterer", 0.16, 0.0), ("schemer", 0.02, 0.0))
    >>> words = loss_words(Loss("first", "last", 0.64, moved))
    >>> words.removeprefix("Of the 64% chance that first leaves an intended model, ")
    'last loses 18 points: 16 to flatterer and 2.0 to schemer.'
    >>> loss_words(Loss("tuning", "polish", 0.64, ()))
    'Of the 64% chance that tuning leaves an intended model, polish loses nothing.'
    """
    start = f"Of the {percent(loss.intended)} chance that {loss.before} leaves an intended model"
    if not loss.to:
        return f"{start}, {loss.stage} loses nothing."
    parts = [f"{_unsigned(signed(p, error))} to {name}" for name, p, error in loss.to[:_NAMED]]
    rest = loss.to[_NAMED:]
    # What several add up to errs by no more than all of them do.
    if rest:
        more = signed(math.fsum(p for _, p, _ in rest), math.fsum(error for *_, error in rest))
        parts.append(f"{_unsigned(more)} to {counted(len(rest), 'other route')}")
    whole = _unsigned(points(loss.lost, math.fsum(error for *_, error in loss.to)))
    if len(loss.to) == 1:
        return f"{start}, {loss.stage} loses {whole}, all to {loss.to[0][0]}."
    return f"{start}, {loss.stage} loses {whole}: {listed(parts)}."


def _unsigned(words: str) -> str:
    return words.removeprefix("+")


def acts_in(stages: Sequence[str] | None) -> str:
    """Say in which stages of training a nudge or a constraint acts; nothing where in all.

    Examples
    --------
    >>> acts_in(("fine-tuning", "reinforcement")), acts_in(None)
    ('in fine-tuning and reinforcement', '')
    """
    return f"in {listed(stages)}" if stages else ""


def stands_after(part: Check | Evidence) -> str:
    """Say after which stage a check or a finding sees the model, and what a flag does there.

    Returns
    -------
    str
        Nothing of one that sees the model that training ends in, and sends nothing back.

    Examples
    --------
    >>> stands_after(Check(id="test", flags={"default": 0.1}, after="tuning", on_flag="retrain",
    ...                    to="tuning"))
    'after tuning, and a flag sends training back to tuning, once'
    """
    after = "" if part.after is None else f"after {part.after}"
    if isinstance(part, Evidence) or part.on_flag == "halt":
        return after
    back = f"a flag sends training back to {part.to}, {_TIMES[part.times - 1]}"
    return f"{after}, and {back}" if after else f"at the end, and {back}"


def comes_true_rows(
    name: str, assumption: Assumption | None, provenance: Sequence[NumberRecord]
) -> Iterator[tuple[str, str]]:
    """Give each stage in which an assumption may come true, and its chance there as written.

    Parameters
    ----------
    name : str
    assumption : Assumption or None
    provenance : sequence of NumberRecord
        Of `estimate --json`.

    Returns
    -------
    iterator of tuple of str
        None of an assumption that is true or false throughout.
    """
    written = dict(numbers_of(provenance, name))
    for stage in (assumption.from_ if assumption is not None else None) or ():
        number = written.get(f"from.{stage}")
        yield stage, "–" if number is None else number_words(number)
