"""Where the states of an assumption are named: in formulas, and in what evidence is about."""

from storyodds.priors.text.phrases import quoted
from storyodds.scenarios.grammar.names import Names, literal_name, literal_state, states_of
from storyodds.scenarios.grammar.states import literal_of_state


def state_mistake(literal: str, names: Names) -> str:
    """Describe what is wrong with the state that a literal names, or does not name.

    Parameters
    ----------
    literal : str
        Of an assumption that the story has.
    names : Names

    Returns
    -------
    str
        Empty where nothing is wrong.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.names import names_in
    >>> names = names_in({"assumptions": {"awareness": {"states": {"low": 0.5, "high": 0.5}}}})
    >>> state_mistake("not awareness", names)
    "found 'not awareness', which has states, expected one of them: 'awareness is low' or \
'awareness is high'"
    """
    name, state = literal_name(literal), literal_state(literal)
    assert name is not None
    if names.assumptions.get(name) is not None and not _is_readable(names, name):
        return ""
    states = states_of(names.assumptions.get(name))
    opening = f"found {quoted(literal)}"
    if states is None:
        return (
            ""
            if state is None
            else f"{opening}, but {quoted(name)} has no states, expected '{name}'"
        )
    choices = listed([literal_of_state(name, choice) for choice in states])
    if state is None:
        return f"{opening}, which has states, expected one of them: {choices}"
    if state not in states:
        return f"{opening}, expected {choices}{names.suggest(state, states)}"
    return ""


def _is_readable(names: Names, name: str) -> bool:
    """Whether the states of an assumption can be read at all; else its record is at fault."""
    spec = names.assumptions[name]
    return not isinstance(spec, dict) or "states" not in spec or states_of(spec) is not None


def listed(choices: list[str]) -> str:
    """Write choices one after the other.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    "'a', 'b' or 'c'"
    """
    *first, last = [f"'{choice}'" for choice in choices]
    return f"{', '.join(first)} or {last}" if first else last
