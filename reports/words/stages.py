"""Training in stages, in words."""

from collections.abc import Iterator, Sequence

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.words.as_written import number_words, numbers_of
from storyodds.reports.words.numbers import listed, percent
from storyodds.scenarios.provenance import NumberRecord
from storyodds.scenarios.schema import Assumption, Check, Evidence

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
