"""Numbers of a story in words, as it writes them: those of one part, and conditional ones."""

from collections.abc import Iterator, Sequence

from storyodds.priors.distributions.forms import parse_prior, plain_prior
from storyodds.priors.references import without_references
from storyodds.reports.words.priors import formula_words, prior_words
from storyodds.scenarios.provenance import NumberRecord, places_of
from storyodds.scenarios.schema import Assumption
from storyodds.scenarios.shared.catalog import CatalogAssumption


def number_words(number: NumberRecord) -> str:
    """Say a number as it is written, what it refers to put in its place.

    Parameters
    ----------
    number : NumberRecord

    Examples
    --------
    >>> number_words({"kind": "probability", "form": {"ref": "carlsmith-2022/aps-feasible"}})
    '65%'
    >>> number_words({"kind": "bits", "form": {"interval": [0, 2.5]}})
    '0 to +2.5 bits (90% interval)'
    """
    kind = number["kind"]
    form = plain_prior(without_references(parse_prior(number["form"], kind), kind))
    return prior_words(form) if kind == "probability" else _bit_words(prior_words(form, _bits))


def _bits(number: float) -> str:
    return f"{number:+g}".replace("-", "−") if number else "0"


def _bit_words(words: str) -> str:
    head, bracket, rest = words.partition(" (")
    return f"{head} bits{bracket}{rest}"


def numbers_of(
    provenance: Sequence[NumberRecord], owner: str
) -> Iterator[tuple[str, NumberRecord]]:
    """Give the numbers of one part of a story, by their place in it.

    Examples
    --------
    >>> numbers = [{"name": "audit.flags.default"}, {"name": "audit-again.flags.default"}]
    >>> list(numbers_of(numbers, "audit"))
    [('flags.default', {'name': 'audit.flags.default'})]
    """
    for number in provenance:
        for place in places_of(number):
            start, _, field = place.partition(".")
            if start == owner:
                yield field, number


def given_rows(
    name: str, assumption: Assumption | CatalogAssumption, provenance: Sequence[NumberRecord]
) -> Iterator[tuple[str, str]]:
    """Give each row of a conditional assumption: its condition, and its chance as written.

    Parameters
    ----------
    name : str
    assumption : Assumption or CatalogAssumption
    provenance : sequence of NumberRecord
        Of `estimate --json`: it has what views and settings say.

    Returns
    -------
    iterator of tuple of str
        None where its chance depends on nothing.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> story = load_story("carlsmith-six-premises")
    >>> numbers = summarize(estimate(story))["provenance"]
    >>> name = "strong-incentives"
    >>> list(given_rows(name, story.assumptions[name], numbers))
    [('aps-feasible', '80%'), ('otherwise', '0%')]
    """
    written = dict(numbers_of(provenance, name))
    for k, row in enumerate(assumption.given or ()):
        number = written.get("otherwise" if row.when is None else f"given.{k}")
        condition = "otherwise" if row.when is None else formula_words(row.when)
        yield condition, "–" if number is None else number_words(number)


def states_in_turn(
    name: str, assumption: Assumption | CatalogAssumption, provenance: Sequence[NumberRecord]
) -> Iterator[tuple[str, str, str]]:
    """Give each chance of a state: its condition, the state, and the chance as written.

    Chances are taken in turn: where none of the states before it holds.

    Parameters
    ----------
    name, assumption, provenance
        As of `given_rows`.

    Returns
    -------
    iterator of tuple of str
        None where the assumption has no states.
    """
    states, written = assumption.states, dict(numbers_of(provenance, name))
    for k, row in enumerate(states.rows if states is not None else ()):
        start = "" if states is None or states.given is None else f"given.{k}."
        condition = "always" if not start else "otherwise"
        if row.when is not None:
            condition = formula_words(row.when)
        elif start:
            start = "otherwise."
        for state in row.odds.names[:-1]:
            number = written.get(f"{start}in_turn.{state}")
            yield condition, state, "–" if number is None else number_words(number)
        yield condition, row.odds.names[-1], "what is left"
