"""The tables of each kind of result, for notebooks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from storyodds.reports.frame import band
from storyodds.reports.layout import plain
from storyodds.reports.wording import about_one_in, percent

Json = Mapping[str, Any]
type Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def cells(row: Sequence[str]) -> Markup:
    """Give the cells of a row, escaped."""
    return Markup("").join(Markup("<td>{}</td>").format(plain(cell)) for cell in row)


def _odds(entry: Json) -> tuple[str, str, str]:
    return percent(entry["mean"]), band(entry), about_one_in(entry["mean"])


def _estimate(doc: Json) -> Iterator[Table]:
    heads = ("", "Chance", "90% interval", "In cases")
    yield ("Fate", *heads[1:]), [(name, *_odds(entry)) for name, entry in doc["fates"].items()]
    yield ("Class", *heads[1:]), [(name, *_odds(entry)) for name, entry in doc["classes"].items()]
    rows = [
        (
            path["hazard"] or path["route"],
            percent(path["concern"]["mean"]),
            band(path["concern"]),
            ", ".join(path["literals"]),
            path["weakest_link"] or "",
        )
        for path in doc["paths"]
    ]
    if rows:
        wanted = ("Failure path", "Ends in catastrophe", "90% interval", "Needs", "Weakest link")
        yield wanted, rows


def _sensitivity(doc: Json) -> Iterator[Table]:
    if "local" in doc:
        moving = [n for n in doc["local"]["numbers"] if n["swing"] is not None]
        moving.sort(key=lambda number: -abs(number["swing"]["success"]))
        yield (
            ("Number", "Basis", "P(success), low", "P(success), high"),
            [
                (
                    number["name"],
                    number["basis"],
                    *(percent(number[end]["mean"]["success"]) for end in ("low", "high")),
                )
                for number in moving
                if number["low"] is not None and number["high"] is not None
            ],
        )
    if "failure" in doc:
        shares = doc["failure"]["given_failure"].items()
        rows = [(name, *_odds(entry)) for name, entry in shares if entry is not None]
        yield ("Given failure", "Chance", "90% interval", "In cases"), rows


def _value(doc: Json) -> Iterator[Table]:
    rows = [
        (p["id"], f"{p['bits']['value']:.2g} ± {p['bits']['error']:.1g}", p["about"], p["claim"])
        for p in doc["proposals"]
    ]
    yield ("Observation", "Bits about success", "About", "What is done"), rows


# By the middle of the name of a schema, as in storyodds/value/1.
PARTS: dict[str, Callable[[Json], Iterator[Table]]] = {
    "estimate": _estimate,
    "sensitivity": _sensitivity,
    "value": _value,
}
