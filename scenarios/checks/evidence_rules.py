"""What goes with what in an evidence item, and in a proposed observation."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from storyodds.priors.text.errors import Mistake, Path
from storyodds.priors.text.phrases import described, did_you_mean, misspelled, one_of, quoted
from storyodds.scenarios.checks.state_rules import state_mistake
from storyodds.scenarios.grammar.names import Names, is_zero, items, mapping, states_of
from storyodds.scenarios.grammar.outcomes import DEFAULT
from storyodds.scenarios.grammar.states import literal_of_state
from storyodds.scenarios.shared import catalog

_FORMS = ("counts", "exposure", "bayes_factor", "forecast")
_BELONGS = {
    "rates": ("counts", "exposure"),
    "rates_of": ("counts",),
    "visibility": ("exposure",),
    "relevance": ("counts", "exposure", "bayes_factor"),
    "sd_bits": ("forecast",),
}
_NEEDS = {
    "counts": ("rates",),
    "exposure": ("rates",),
    "bayes_factor": (),
    "forecast": ("sd_bits",),
}


def evidence_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Find the mistakes of every evidence item."""
    for index, raw in items(data.get("evidence")):
        path: Path = ("evidence", index)
        item = {key: value for key, value in raw.items() if value is not None}
        about = mapping(item.get("about"))
        yield from _parts(path, item)
        yield from _subject(path, item, about, names)
        yield from _instrument(path, item, data, names)
        yield from _exposure(path, item, about)
        yield from _lent(path, item, about, data, names)
        yield from _rows(path, item)
        if about.get("assumption") is not None:
            yield from _about_assumption(path, item, about, names)
        elif about.get("outcome") is True:
            yield from _about_outcome(path, item, names)


def proposal_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Find the mistakes of every proposed observation."""
    for index, raw in items(data.get("proposals")):
        path: Path = ("proposals", index)
        item = {key: value for key, value in raw.items() if value is not None}
        use, about = item.get("use"), mapping(item.get("about"))
        if isinstance(use, str) and use not in catalog.observations():
            hint = did_you_mean(use, catalog.observations())
            choices = "" if hint else f": {one_of(catalog.observations())}"
            sentence = f"found {quoted(use)}, expected the id of a catalogued observation"
            yield Mistake((*path, "use"), f"{sentence}{choices}{hint}")
            continue
        if "replicates" in item:
            yield from _replication(path, item, data, names)
            continue
        for key in ("about", "trials", "rates"):
            if key not in item and not misspelled(key, item) and not misspelled("replicates", item):
                sentence = (
                    f"the key '{key}' is missing: only what replicates a finding does without"
                )
                yield Mistake(path, sentence)
        yield from _subject(path, item, about, names)
        yield from _rows(path, item)
        if about.get("class") is not None:
            sentence = "found a class, expected an assumption or {outcome: true}"
            yield Mistake((*path, "about", "class"), sentence, at_key=True)
        elif about.get("assumption") is not None:
            yield from _about_assumption(path, item, about, names)
        elif about.get("outcome") is True:
            yield from _about_outcome(path, item, names)


def _replication(
    path: Path, item: Mapping[str, Any], data: Mapping[str, Any], names: Names
) -> Iterator[Mistake]:
    """Hold a replication to a finding with counts, from which it has all but its trials."""
    name = item["replicates"]
    counted = [
        str(other.get("id")) for _, other in items(data.get("evidence")) if "counts" in other
    ]
    if isinstance(name, str) and name not in counted:
        hint = names.suggest(name, counted)
        sentence = f"found {quoted(name)}, expected the id of an evidence item with counts{hint}"
        yield Mistake((*path, "replicates"), sentence)
    for key in ("about", "after", "rates", "relevance"):
        if key in item:
            sentence = f"found '{key}' beside 'replicates', expected it from the finding alone"
            yield Mistake((*path, key), sentence, at_key=True)


def _parts(path: Path, item: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold an item to one form of evidence and to the keys that belong to it."""
    forms = [key for key in _FORMS if key in item]
    if not forms and not any(misspelled(form, item) for form in _FORMS):
        choices = (
            "counts (with rates), exposure (with rates), bayes_factor or forecast (with sd_bits)"
        )
        yield Mistake(path, f"found no finding, expected exactly one of {choices}")
    if len(forms) > 1:
        keys = " and ".join(f"'{form}'" for form in forms)
        sentence = f"found {keys} in one item, expected exactly one of them"
        yield Mistake((*path, forms[1]), sentence, at_key=True)
    if len(forms) != 1:
        return
    form = forms[0]
    for key in _NEEDS[form]:
        if key not in item and not misspelled(key, item) and "rates_of" not in item:
            yield Mistake(path, f"the key '{key}' is missing, which goes with '{form}'")
    for key, owners in _BELONGS.items():
        if key in item and form not in owners:
            sentence = f"found '{key}' beside '{form}', expected it only with {one_of(owners)}"
            yield Mistake((*path, key), sentence, at_key=True)


def _subject(
    path: Path, item: Mapping[str, Any], about: Mapping[str, Any], names: Names
) -> Iterator[Mistake]:
    """Hold `about` to known assumptions, and to forecasts where only they make sense."""
    name = about.get("assumption")
    if isinstance(name, str) and name not in names.assumptions and names.assumptions_readable:
        other = names.what_is(name)
        hint = names.suggest(name, names.assumptions)
        opening = f"found {quoted(name)}{', ' + other if other else ''}"
        sentence = f"{opening}, expected the id of an assumption{hint}"
        yield Mistake((*path, "about", "assumption"), sentence)
    if about.get("outcome") is True and "forecast" in item:
        sentence = "found a forecast about the outcome, expected one about an assumption or a class"
        yield Mistake((*path, "about", "outcome"), sentence, at_key=True)
    if about.get("class") is not None:
        for key in ("counts", "exposure", "bayes_factor"):
            if key in item:
                sentence = (
                    f"found '{key}' about a class, expected a forecast; "
                    "for counts, exposure or a Bayes factor write {outcome: true}"
                )
                yield Mistake((*path, "about", "class"), sentence, at_key=True)
                return


def _exposure(path: Path, item: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold exposure to the outcome."""
    if "exposure" not in item:
        return
    if about.get("assumption") is not None:
        sentence = "found 'exposure' about an assumption, expected it about {outcome: true}"
        yield Mistake((*path, "exposure"), sentence, at_key=True)


MAX_ROWS = 64  # of a finding: pairs of each with an alternative are told apart in every sum


def _rows(path: Path, item: Mapping[str, Any]) -> Iterator[Mistake]:
    """Hold the rows of a finding's numbers to so many that they can be told apart."""
    whens: dict[str, int] = {}  # rows by what decides: what has the same conditions has one
    for table in ("rates", "visibility", "bayes_factor"):
        for form in mapping(item.get(table)).values():
            rows = [row.get("when") for _, row in items(mapping(form).get("given"))]
            whens.setdefault(repr(rows[:-1]), max(1, len(rows)))
    count = prod(whens.values())
    if count > MAX_ROWS:
        yield Mistake(
            path,
            f"found {count:,} ways in which rows of its numbers can hold together, expected at "
            f"most {MAX_ROWS}: numbers that depend on the same conditions have one row each",
        )


def _lent(
    path: Path,
    item: Mapping[str, Any],
    about: Mapping[str, Any],
    data: Mapping[str, Any],
    names: Names,
) -> Iterator[Mistake]:
    """Hold `rates_of` to a check, and to what its rates are about."""
    name = item.get("rates_of")
    if name is None:
        return
    if "rates" in item:
        sentence = (
            "found 'rates' beside 'rates_of', expected one of them: its rates are the check's"
        )
        yield Mistake((*path, "rates"), sentence, at_key=True)
    if about.get("assumption") is not None:
        sentence = (
            "found 'rates_of' about an assumption, expected it about {outcome: true}: the rates of "
            "a check are by where training ended"
        )
        yield Mistake((*path, "rates_of"), sentence, at_key=True)
    checks = {check["id"]: check for _, check in items(data.get("checks")) if "id" in check}
    if isinstance(name, str) and name not in checks:
        hint = names.suggest(name, [check for check in checks if isinstance(check, str)])
        sentence = f"found {quoted(name)}, expected the id of a check{hint}"
        yield Mistake((*path, "rates_of"), sentence)


def _instrument(
    path: Path, item: Mapping[str, Any], data: Mapping[str, Any], names: Names
) -> Iterator[Mistake]:
    """Hold `instrument` to the checks of the story."""
    name = item.get("instrument")
    checks = [check["id"] for _, check in items(data.get("checks")) if "id" in check]
    if isinstance(name, str) and name not in checks:
        hint = names.suggest(name, [check for check in checks if isinstance(check, str)])
        sentence = f"found {quoted(name)}, expected the id of a check{hint}"
        yield Mistake((*path, "instrument"), sentence)


def _about_assumption(
    path: Path, item: Mapping[str, Any], about: Mapping[str, Any], names: Names
) -> Iterator[Mistake]:
    """Hold the tables of an item about an assumption to the keys true and false, or to states."""
    name, state = about.get("assumption"), about.get("is")
    spec = names.assumptions.get(name) if isinstance(name, str) else None
    if isinstance(name, str) and isinstance(state, str) and name in names.assumptions:
        sentence = state_mistake(literal_of_state(name, state), names)
        if sentence:
            yield Mistake((*path, "about", "is"), sentence)
            return
    states = states_of(spec)
    if states is not None and state is None:
        yield from _about_states(path, item, states, names)
        return
    for table, keys in (("rates", ("true", "false")), ("bayes_factor", ("true",))):
        if not isinstance(item.get(table), Mapping):
            continue
        values = {str(key).lower(): value for key, value in item[table].items()}
        for key in item[table]:
            if str(key).lower() not in ("true", "false"):
                sentence = f"found {quoted(str(key))}, expected true or false: {_ASSUMPTION}"
                yield Mistake((*path, table, key), sentence, at_key=True)
        for key in keys:
            if key not in values and set(values) <= {"true", "false"}:
                yield Mistake((*path, table), f"the key '{key}' is missing: {_ASSUMPTION}")
        if table == "bayes_factor" and not is_zero(values.get("false", 0)):
            sentence = "expected 0 or nothing: the bits of 'true' are counted against 'false'"
            number = described(values["false"])
            yield Mistake((*path, table, "false"), f"found {number}, {sentence}")


_ASSUMPTION = "the item is about an assumption"


def _about_states(
    path: Path, item: Mapping[str, Any], states: tuple[str, ...], names: Names
) -> Iterator[Mistake]:
    """Hold the rates of an item about all the states of an assumption to those states."""
    for form in ("bayes_factor", "forecast"):
        if item.get(form) is not None:
            sentence = (
                f"found '{form}' about an assumption with states, expected it about one of them: "
                f"add 'is' with {one_of(states)}"
            )
            yield Mistake((*path, "about", "assumption"), sentence)
    rates = item.get("rates")
    if not isinstance(rates, Mapping):
        return
    keys = [str(key) for key in rates]
    for key in rates:
        if str(key) not in states:
            expected = f"expected a state of the assumption{names.suggest(str(key), states)}"
            sentence = f"found {quoted(str(key))}, {expected}"
            if str(key).lower() in ("true", "false"):
                sentence = (
                    f"found {quoted(str(key))}, expected {one_of(states)}, or 'is' beside "
                    "'assumption' where the rates are of one state and of all others"
                )
            yield Mistake((*path, "rates", key), sentence, at_key=True)
    if set(keys) <= set(states):
        for state in states:
            if state not in keys:
                sentence = f"the key '{state}' is missing: every state has a rate of its own"
                yield Mistake((*path, "rates"), sentence)


def _about_outcome(path: Path, item: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Hold the tables of an item about the outcome to routes, classes and a default."""
    for table in ("rates", "visibility", "bayes_factor"):
        if not isinstance(item.get(table), Mapping):
            continue
        values = mapping(item[table])
        yield from target_mistakes((*path, table), values, [*names.outcomes, DEFAULT], names)
        if table == "visibility":  # what it does not name is seen in full
            continue
        if DEFAULT not in values and not misspelled(DEFAULT, values, names.outcomes):
            sentence = "the key 'default' is missing: it holds for every class that is not named"
            yield Mistake((*path, table), sentence)
        elif table == "bayes_factor" and not is_zero(values.get(DEFAULT, 0)):
            sentence = "expected 0: all bits are counted against 'default'"
            yield Mistake(
                (*path, table, DEFAULT), f"found {described(values[DEFAULT])}, {sentence}"
            )


def target_mistakes(
    path: Path, table: Mapping[str, Any], choices: list[str], names: Names
) -> Iterator[Mistake]:
    """Hold the keys of a table to names that it may use."""
    targets = set(choices)
    sorts = ["a route", "a class"]
    sorts += ["a hazard"] if targets & set(names.hazards) else []
    sorts += ["'default'"] if DEFAULT in targets else []
    for key in table:
        if key not in targets and names.outcomes_readable:
            other = names.what_is(key)
            opening = f"found {quoted(key)}{', ' + other if other else ''}"
            sentence = f"{opening}, expected {one_of(sorts)}{names.suggest(key, choices)}"
            yield Mistake((*path, key), sentence, at_key=True)
