"""Names of a story's numbers: what a place is called, and which number a name means."""

from collections.abc import Mapping
from typing import Any

from storyodds.priors.text.errors import Path
from storyodds.scenarios.grammar.names import mapping, sequence


def number_meant(name: str, at_place: Mapping[str, str]) -> str | None:
    """Return the number that a name means: its own name, a bare id, or one of its places.

    A bare id means its `probability`, else its `bits`, else the only bits of that nudge.

    Parameters
    ----------
    name : str
    at_place : mapping of str to str
        The number at every place of the story, and every number by its own name.

    Examples
    --------
    >>> at_place = {"a.probability": "hard", "hard": "hard", "push.bits.deceptive": "push"}
    >>> number_meant("a", at_place), number_meant("push", at_place), number_meant("b", at_place)
    ('hard', 'push', None)
    """
    for candidate in (name, f"{name}.probability", f"{name}.bits"):
        if candidate in at_place:
            return at_place[candidate]
    start = f"{name}.bits."
    of_one_nudge = [place for place in at_place if place.startswith(start)]
    return at_place[of_one_nudge[0]] if len(of_one_nudge) == 1 else None


def place_name(data: Mapping[str, Any], path: Path) -> str | None:
    """Return the name that a number has by where it stands in a story's plain data.

    Parameters
    ----------
    data : mapping
        Plain data in the shape of a story file.
    path : tuple of str and int
        As of `references.numbers_in`.

    Returns
    -------
    str or None
        None where the part has no id.

    Examples
    --------
    >>> data = {"checks": [{"id": "audit", "flags": {"default": {"given": []}}}]}
    >>> place_name(data, ("checks", 0, "flags", "default", "given", 1, "otherwise"))
    'audit.flags.default.otherwise'
    """
    owner: Any
    if path[0] in ("numbers", "assumptions"):
        owner, field = path[1], path[2:]
    elif path == ("rationale", "feasibility"):
        owner, field = path[0], path[1:]
    else:
        depth = 2 if path[0] in ("goal", "rationale") else 1
        section: Any = data
        for key in path[:depth]:
            section = mapping(section).get(key)  # type: ignore[arg-type]
        place = path[depth]
        assert isinstance(place, int)
        implied = f"common-cause-{place + 1}" if path[0] == "common_cause" else None
        owner = mapping(sequence(section)[place]).get("id") or implied
        field = path[depth + 1 :]
    if not isinstance(owner, str):
        return None
    return ".".join([owner, *_field_name(field)])


def _field_name(field: Path) -> list[str]:
    """Leave out of a field what only says how a row or a table of states is written."""
    name: list[str] = []
    rest = list(field)
    while rest:
        key = rest.pop(0)
        if key == "given" and rest and isinstance(rest[0], int):
            row, column = rest.pop(0), rest.pop(0)
            name += ["otherwise"] if column == "otherwise" else ["given", str(row)]
        elif key != "states" or (rest and rest[0] not in ("given", "in_turn")) or not rest:
            name.append(str(key))
    return name
