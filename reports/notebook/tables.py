"""The tables of each kind of result, for notebooks."""

from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import NO_ERRORS, Errors, band, percent
from storyodds.reports.words.sentences import cases, errors_of
from storyodds.reports.words.shortening import plain

type Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def cells(row: Sequence[str]) -> Markup:
    """Give the cells of a row, escaped."""
    return Markup("").join(Markup("<td>{}</td>").format(plain(cell)) for cell in row)


def _odds(doc: Json, entry: Json, errors: Errors = NO_ERRORS) -> tuple[str, str, str]:
    return (
        percent(entry["mean"], errors.get("mean", 0.0)),
        band(entry, errors),
        cases(doc, entry),
    )


def _estimate(doc: Json) -> Iterator[Table]:
    opinions = doc["opinions"]
    heads = ["Chance", "90% interval", "In cases", *["Without forecasts"] * (opinions is not None)]
    for name, of in (("Fate", "fates"), ("Class", "classes")):
        rows = [
            (
                kind,
                *_odds(doc, entry, errors_of(doc, kind)),
                *([] if opinions is None else [percent(opinions[of][kind]["mean"])]),
            )
            for kind, entry in doc[of].items()
        ]
        yield (name, *heads), rows
    yield from _decision_day(doc)
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


def _decision_day(doc: Json) -> Iterator[Table]:
    """The odds once no check has flagged, where a check still can."""
    day = doc["deployed"]
    if day is None or all(check["result"] for check in doc["checks"].values()):
        return
    odds = {"deployed": day["probability"], "success": day["success"]}
    odds |= {"catastrophe": day["catastrophe"], "deceptive": day["classes"]["deceptive"]}
    rows = [(name, *_odds(doc, entry)) for name, entry in odds.items()]
    yield ("Once no check has flagged", "Chance", "90% interval", "In cases"), rows


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
        rows = [(name, *_odds(doc, entry)) for name, entry in shares if entry is not None]
        yield ("Of deployed failures", "Chance", "90% interval", "In cases"), rows


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
