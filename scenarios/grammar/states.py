"""Assumptions with more than two states, of which exactly one holds: `awareness is high`.

The chances of states go together, since they add up to 1. So they are taken in turn: each state
has its chance where none of those before it holds, and the last one takes what is left. Such
chances may be anything, and independent of each other; a Dirichlet distribution is that very thing
with a Beta at each turn (Connor and Mosimann 1969).
"""

from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from storyodds.priors.distributions.forms import Basis, Beta, Fixed, Prior, Probability
from storyodds.priors.text.errors import Path
from storyodds.priors.text.records import Count, Record, Slug, SourceField, Text
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.stages import unrolled_name

MAX_STATES = 16  # each is a variable of its own
ROUNDING = 1e-6  # of chances that should add up to 1: they are often printed with six digits
_LEAST_MEAN = 1e-6  # but 0: below it, a state's pseudo-counts would be too few for a Beta
_FORMS = ("fixed", "counts", "mean", "in_turn")
_KEYS = (*_FORMS, "concentration", "rest", "given", "basis", "source", "note")
_IS = " is "


def _plain_number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise PydanticCustomError(
        "state_chance",
        "expected a number: the chances of states go together and add up to 1; where they are "
        "uncertain write {counts: {…}}, {mean: {…}, concentration: …} or "
        "{in_turn: {…}, rest: …}",
    )


Chance = Annotated[float, Field(ge=0, le=1), BeforeValidator(_plain_number)]
_Table = Field(min_length=1, max_length=MAX_STATES)


class StateOdds(Record):
    """How likely each state of an assumption is: exactly one of four forms.

    Attributes
    ----------
    fixed : dict of str to float, optional
        Chances that add up to 1.
    counts : dict of str to int, optional
        How often each was observed: a Dirichlet distribution on a Jeffreys base, half a count more
        for each state.
    mean : dict of str to float, optional
        Mean chances, which add up to 1, of a Dirichlet distribution with
    concentration : float
        so many pseudo-counts in all.
    in_turn : dict of str to PRIOR, optional
        Chances taken in turn: of each state where none of those before it holds.
    rest : str
        The last state, which takes what those leave.
    basis, source, note
        As of any number.
    """

    fixed: Annotated[dict[Slug, Chance], _Table] | None = None
    counts: Annotated[dict[Slug, Count], _Table] | None = None
    mean: Annotated[dict[Slug, Chance], _Table] | None = None
    concentration: Annotated[float, Field(strict=True, ge=1e-3, le=1e12)] | None = None
    in_turn: Annotated[dict[Slug, Probability], _Table] | None = None
    rest: Slug | None = None
    basis: Basis | None = None
    source: SourceField | None = None
    note: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data and not any(key in data for key in _KEYS):
            return {"fixed": data}
        return data

    @model_validator(mode="after")
    def _one_form(self) -> "StateOdds":
        forms = [key for key in _FORMS if getattr(self, key) is not None]
        if len(forms) != 1 and getattr(self, "given", None) is None:
            raise PydanticCustomError(
                "state_form",
                "found {n} of fixed, counts, mean and in_turn, expected exactly one: how likely "
                "each state is, as in {low: 0.5, medium: 0.3, high: 0.2}",
                {"n": len(forms) or "none"},
            )
        for owner, key in (("mean", "concentration"), ("in_turn", "rest")):
            if (getattr(self, owner) is None) != (getattr(self, key) is None):
                missing = key if getattr(self, key) is None else owner
                raise PydanticCustomError(
                    "state_pair",
                    "the key '{missing}' is missing: '{owner}' and '{key}' go together",
                    {"missing": missing, "owner": owner, "key": key},
                )
        self._add_up()
        return self

    def _add_up(self) -> None:
        names = self.names
        if names and not 2 <= len(names) <= MAX_STATES:
            raise PydanticCustomError(
                "state_count",
                "found {n}, expected 2 to {most} states",
                {"n": len(names), "most": MAX_STATES},
            )
        if len(set(names)) < len(names):
            raise PydanticCustomError(
                "state_twice", "found the state '{rest}' again as 'rest'", {"rest": self.rest}
            )
        for table in (self.fixed, self.mean):
            total = 1.0 if table is None else fsum(table.values())
            if abs(total - 1.0) > ROUNDING:
                raise PydanticCustomError(
                    "state_sum",
                    "found chances that add up to {total}, expected 1: exactly one state holds",
                    {"total": f"{total:.12g}"},
                )
        if any(0 < chance < _LEAST_MEAN for chance in (self.mean or {}).values()):
            raise PydanticCustomError(
                "state_mean",
                "found a mean chance below {least}, expected 0 or at least that",
                {"least": f"{_LEAST_MEAN:g}"},
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The states in order."""
        if self.in_turn is not None:
            return (*self.in_turn, self.rest or "")
        return tuple(self.fixed or self.counts or self.mean or ())


class StateRow(Record):
    """One row of a table of states: `{when, states}`, or `{otherwise}` as the last."""

    when: Formula | None = None
    states: StateOdds | None = None
    otherwise: StateOdds | None = None

    @model_validator(mode="after")
    def _parts(self) -> "StateRow":
        parts = {key for key in ("when", "states", "otherwise") if getattr(self, key) is not None}
        if parts not in ({"when", "states"}, {"otherwise"}):
            raise PydanticCustomError(
                "state_row",
                "expected {when: …, states: …} or, as the last row, {otherwise: …}",
            )
        return self

    @property
    def odds(self) -> StateOdds:
        """How likely each state is where the row counts."""
        odds = self.states or self.otherwise
        assert odds is not None
        return odds


class States(StateOdds):
    """The states of an assumption, and how likely each is: by itself, or by what else is true.

    Attributes
    ----------
    given : tuple of StateRow, optional
        In the place of the four forms: rows, of which the first that holds counts.
    """

    given: Annotated[tuple[StateRow, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _rows(self) -> "States":
        if self.given is None:
            return self
        if any(getattr(self, key) is not None for key in _KEYS if key != "given"):
            raise PydanticCustomError(
                "state_rows", "found 'given' beside other keys, expected it alone"
            )
        last = [row.otherwise is not None for row in self.given]
        if last != [False] * (len(last) - 1) + [True]:
            raise PydanticCustomError(
                "state_otherwise", "expected 'otherwise' in the last row, and only there"
            )
        first = self.given[0].odds.names
        for row in self.given[1:]:
            if row.odds.names != first:
                raise PydanticCustomError(
                    "state_names",
                    "found a row with the states {other}, expected those of the first row in its "
                    "order: {first}",
                    {"other": ", ".join(row.odds.names), "first": ", ".join(first)},
                )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The states in order."""
        return super().names if self.given is None else self.given[0].odds.names

    @property
    def rows(self) -> tuple[StateRow, ...]:
        """Rows of which the first that holds counts; one where they depend on nothing."""
        if self.given is not None:
            return self.given
        odds = StateOdds.model_construct(
            **{key: getattr(self, key) for key in StateOdds.model_fields}
        )
        return (StateRow.model_construct(when=None, states=None, otherwise=odds),)


def literal_of_state(assumption: str, state: str) -> str:
    """Name the literal that a state holds.

    Examples
    --------
    >>> literal_of_state("awareness", "high")
    'awareness is high'
    """
    return f"{assumption}{_IS}{state}"


def assumption_and_state(literal: str) -> tuple[str, str | None]:
    """Take a literal without its `not` apart.

    Examples
    --------
    >>> assumption_and_state("awareness is high"), assumption_and_state("scheming-pays")
    (('awareness', 'high'), ('scheming-pays', None))
    >>> assumption_and_state("aware by fine-tuning")
    ('aware', None)
    """
    unrolled = unrolled_name(literal)
    if unrolled is not None:
        return unrolled[0], None
    assumption, _, state = literal.partition(_IS)
    return assumption, state or None


def claim_of_state(claim: str, state: str | None) -> str:
    """Give what an assumption claims where it is in a state, if it has states.

    Examples
    --------
    >>> claim_of_state("How aware the model is.", "high")
    'How aware the model is: high.'
    """
    return f"{claim.rstrip('.')}: {state}." if claim and state is not None else claim


def chances_in_turn(odds: StateOdds) -> Iterator[tuple[str, Prior, Path]]:
    """Give the chance of each state but the last where none of those before it holds.

    Parameters
    ----------
    odds : StateOdds

    Yields
    ------
    tuple
        The state, its chance in turn, and where it stands inside the odds.

    Examples
    --------
    >>> [(s, prior.fixed) for s, prior, _ in chances_in_turn(StateOdds(fixed={"a": 0.5, "b": 0.5}))]
    [('a', 0.5)]
    >>> dirichlet = StateOdds(counts={"low": 12, "medium": 5, "high": 3})
    >>> [prior.beta for _, prior, _ in chances_in_turn(dirichlet)]
    [(12.5, 9.0), (5.5, 3.5)]
    """
    provenance = {"basis": odds.basis, "source": odds.source, "note": odds.note}
    if odds.in_turn is not None:
        for state, prior in odds.in_turn.items():
            own = {key: getattr(prior, key) or value for key, value in provenance.items()}
            yield state, prior.model_copy(update=own), ("in_turn", state)
        return
    form = next(key for key in _FORMS if getattr(odds, key) is not None)
    # Chances of which nothing else is said stand without the key `fixed`.
    table = () if form == "fixed" and not any(provenance.values()) else (form,)
    sizes = list(_sizes(odds))
    for k, state in enumerate(odds.names[:-1]):
        prior = _share(sizes[k], sizes[k + 1 :], is_known=form == "fixed")
        yield state, prior.model_copy(update=provenance), (*table, state)


def _sizes(odds: StateOdds) -> Iterator[float]:
    """Chances, or pseudo-counts."""
    if odds.counts is not None:
        yield from (count + 0.5 for count in odds.counts.values())
    elif odds.mean is not None:
        assert odds.concentration is not None
        yield from (odds.concentration * chance for chance in odds.mean.values())
    else:
        yield from (odds.fixed or {}).values()


def _share(size: float, later: Sequence[float], *, is_known: bool) -> Fixed | Beta:
    """What share a state has of what those before it leave."""
    rest = fsum(later)
    if size == 0 or rest == 0 or is_known:
        return Fixed(fixed=size / fsum([size, rest]) if size else 0.0)
    return Beta(beta=(_plain(size), _plain(rest)))


def _plain(number: float) -> float:
    """A product of numbers as somebody wrote them, without the last digits, which are rounding."""
    return float(f"{number:.12g}")


def with_chance_in_turn(states: States, field: Sequence[str], prior: Prior) -> States:
    """Put the chance of a state, taken in turn, into a table, whose row is then written in turn.

    Parameters
    ----------
    states : States
    field : sequence of str
        `in_turn`, a row and `in_turn`, or `otherwise` and `in_turn`; then the state.
    prior : Prior

    Examples
    --------
    >>> states = States(fixed={"low": 0.5, "medium": 0.3, "high": 0.2})
    >>> changed = with_chance_in_turn(states, ["in_turn", "medium"], Fixed(fixed=0.9))
    >>> [(state, prior.fixed) for state, prior, _ in chances_in_turn(changed)]
    [('low', 0.5), ('medium', 0.9)]
    """
    *where, _, state = field

    def changed(odds: StateOdds) -> dict[str, Any]:
        chances = {name: chance for name, chance, _ in chances_in_turn(odds)}
        return {"in_turn": {**chances, state: prior}, "rest": odds.names[-1]}

    if states.given is None:
        return States(**changed(states))
    rows = list(states.given)
    k = len(rows) - 1 if where == ["otherwise"] else int(where[-1])
    key = "otherwise" if rows[k].otherwise is not None else "states"
    rows[k] = rows[k].model_copy(update={key: StateOdds(**changed(rows[k].odds))})
    return States(given=tuple(rows))
