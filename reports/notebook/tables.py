"""The tables of each kind of result, for notebooks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markupsafe import Markup

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.head import StoryDocument
from storyodds.reports.contract.sensitivity.whole import Sensitivity
from storyodds.reports.contract.summaries import Interval, Summary
from storyodds.reports.contract.value import InformationValue
from storyodds.reports.words.numbers import NO_ERRORS, Errors, band, percent
from storyodds.reports.words.sentences import cases, errors_of
from storyodds.reports.words.sequences import is_sequence, link_words, sequence_words
from storyodds.reports.words.shortening import plain

type Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def cells(row: Sequence[str]) -> Markup:
    """Give the cells of a row, escaped."""
    return Markup("").join(Markup("<td>{}</td>").format(plain(cell)) for cell in row)


def _odds(doc: StoryDocument, entry: Interval, errors: Errors = NO_ERRORS) -> tuple[str, str, str]:
    return (
        percent(entry["mean"], errors.get("mean", 0.0)),
        band(entry, errors),
        cases(doc, entry),
    )


def _estimate(doc: Estimate) -> Iterator[Table]:
    opinions = doc["opinions"]
    heads = ["Chance", "90% interval", "In cases", *["Without forecasts"] * (opinions is not None)]
    without: dict[str, Summary] = {}
    if opinions is not None:
        without = dict((*opinions["fates"].items(), *opinions["classes"].items()))
    for name, of in (("Fate", doc["fates"].items()), ("Class", doc["classes"].items())):
        rows = [
            (
                kind,
                *_odds(doc, entry, errors_of(doc, kind)),
                *([percent(without[kind]["mean"])] if kind in without else []),
            )
            for kind, entry in of
        ]
        yield (name, *heads), rows
    yield from _decision_day(doc)
    rows = [
        (
            path["hazard"] or path["route"],
            percent(path["concern"]["mean"]),
            band(path["concern"]),
            _needs(path["literals"]),
            link_words(path["literals"], path["weakest_link"] or ""),
        )
        for path in doc["paths"]
    ]
    if rows:
        path_heads = (
            "Failure path",
            "Ends in catastrophe",
            "90% interval",
            "Needs",
            "Weakest link",
        )
        yield path_heads, rows


def _decision_day(doc: Estimate) -> Iterator[Table]:
    """The odds once no check has flagged, where a check still can."""
    day = doc["deployed"]
    if day is None or all(check["result"] for check in doc["checks"].values()):
        return
    odds = {"deployed": day["probability"], "success": day["success"]}
    odds |= {"catastrophe": day["catastrophe"], "deceptive": day["classes"]["deceptive"]}
    rows = [(name, *_odds(doc, entry)) for name, entry in odds.items()]
    yield ("Once no check has flagged", "Chance", "90% interval", "In cases"), rows


def _sensitivity(doc: Sensitivity) -> Iterator[Table]:
    if "local" in doc:
        swinging = [(number, number["swing"]) for number in doc["local"]["numbers"]]
        moving = [(number, swing) for number, swing in swinging if swing is not None]
        moving.sort(key=lambda entry: -abs(entry[1]["success"]))
        yield (
            ("Number", "Basis", "P(success), low", "P(success), high"),
            [
                (
                    number["name"],
                    number["basis"],
                    percent(number["low"]["mean"]["success"]),
                    percent(number["high"]["mean"]["success"]),
                )
                for number, _ in moving
                if number["low"] is not None and number["high"] is not None
            ],
        )
    if "failure" in doc:
        shares = doc["failure"]["given_failure"].items()
        rows = [(name, *_odds(doc, entry)) for name, entry in shares if entry is not None]
        yield ("Of deployed failures", "Chance", "90% interval", "In cases"), rows


def _value(doc: InformationValue) -> Iterator[Table]:
    rows = [
        (p["id"], f"{p['bits']['value']:.2g} ± {p['bits']['error']:.1g}", p["about"], p["claim"])
        for p in doc["proposals"]
    ]
    yield ("Observation", "Bits about success", "About", "What is done"), rows


# By the middle of the name of a schema, as in storyodds/value/1.
PARTS: dict[str, Callable[[Any], Iterator[Table]]] = {
    "estimate": _estimate,
    "sensitivity": _sensitivity,
    "value": _value,
}


def _needs(literals: Sequence[str]) -> str:
    return sequence_words(literals) if is_sequence(literals) else ", ".join(literals)
