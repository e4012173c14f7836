"""Mistakes in which checks are said to fail together."""

from collections.abc import Iterator, Mapping
from typing import Any

from storyodds.priors.text.errors import Mistake, Path
from storyodds.priors.text.phrases import did_you_mean, misspelled, quoted
from storyodds.scenarios.checks.evidence_rules import target_mistakes
from storyodds.scenarios.grammar.names import Names, items, mapping, sequence
from storyodds.scenarios.grammar.outcomes import DEFAULT


def common_cause_mistakes(data: Mapping[str, Any], names: Names) -> Iterator[Mistake]:
    """Hold sets of checks that fail together to checks of the story, each in one set."""
    checks = {c["id"]: c for _, c in items(data.get("checks")) if isinstance(c.get("id"), str)}
    first: dict[str, int] = {}
    for index, cause in items(data.get("common_cause")):
        path: Path = ("common_cause", index, "checks")
        for position, name in enumerate(sequence(cause.get("checks"))):
            if not isinstance(name, str):
                continue
            place: Path = (*path, position)
            if name not in checks:
                other = names.what_is(name)
                opening = f"found {quoted(name)}{', ' + other if other else ''}"
                hint = did_you_mean(name, checks)
                yield Mistake(place, f"{opening}, expected the id of a check{hint}")
            elif name in first:
                where = "twice" if first[name] == index else "in a set of checks before"
                sentence = f"found '{name}', which is {where}, expected every check once"
                yield Mistake(place, sentence)
            first.setdefault(name, index)
        share = mapping(cause.get("share"))
        choices = [*names.outcomes, *names.hazards, DEFAULT]
        yield from target_mistakes(("common_cause", index, "share"), share, choices, names)
        if share and DEFAULT not in share and not misspelled(DEFAULT, share, choices):
            sentence = "the key 'default' is missing: it is the share for all that is not named"
            yield Mistake(("common_cause", index, "share"), sentence)
