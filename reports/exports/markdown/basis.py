"""Parts of a Markdown annex: what it rests on, what it leaves out, and how to make it again."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.exports.markdown.story import cited
from storyodds.reports.exports.markdown.text import code, table, text
from storyodds.reports.terminal.frame import verdict
from storyodds.reports.words.as_written import number_words
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.recipe import Recipe
from storyodds.reports.words.sentences import headline_fates
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.grammar.outcomes import RESIDUAL
from storyodds.scenarios.numbers.story_number import BASES
from storyodds.scenarios.provenance import NumberRecord, is_reference


def basis_words(doc: Estimate) -> str:
    """How many numbers are assumed, elicited and measured, and what hangs on the assumed ones."""
    counts = Counter(n["basis"] for n in doc["provenance"] if not is_reference(n["name"]))
    parts = ", ".join(f"{counts[basis]} {basis}" for basis in BASES if counts[basis])
    sentence = f"Of the {counts.total()} numbers of the story: {parts or 'none'}."
    shares = [
        f"{percent(share['assumed'])} of P({event})"
        for event in headline_fates(doc)
        if (share := doc["rests_on"][event]) is not None
    ]
    return text(f"{sentence} On assumed ones rest {' and '.join(shares)}." if shares else sentence)


def left_out(doc: Estimate) -> Iterator[str]:
    """What these odds do not cover."""
    yield from ("## What this leaves out", "")
    residual = doc["routes"].get(RESIDUAL)
    if residual is not None:
        share = text(percent(residual["mean"]))
        yield f"- Kinds of model that nobody named: they are one route, {code(RESIDUAL)} ({share})."
    counts = Counter(path["hazard"] or path["route"] for path in doc["paths"])
    ways = {path["hazard"] or path["route"]: path["ways"] for path in doc["paths"]}
    for ending, count in ways.items():
        if count is None:
            yield f"- {code(ending)} comes about in more ways than can be told apart."
        elif count > counts[ending]:
            yield f"- {code(ending)} comes about in {count:,} ways; {counts[ending]} are listed."
    yield "- Whether the story's own assumptions, rates and harms are right: intervals cover the"
    yield "  uncertainty that the story states, and none that it does not."
    yield "- What is correlated in ways that the story does not state: what is not linked in it is"
    yield "  taken to be independent."
    yield "- Anything after deployment but the harm that the story gives each ending, and anything"
    yield "  that several models or developers do together."
    yield ""


def numbers_part(doc: Estimate) -> Iterator[str]:
    """Every number with its basis and source."""
    yield from ("## The numbers, with their basis and source", "")
    rows = [
        [
            code(number["name"]),
            text(_form(number)),
            number["basis"],
            text(_place(number)),
            _source(number),
        ]
        for number in doc["provenance"]
        if not is_reference(number["name"])
    ]
    yield from table(("Number", "As written", "Basis", "Where", "Source"), rows, "lllll")


def _form(number: NumberRecord) -> str:
    """A prior in few words: what it is, without basis and source."""
    form = number["form"]
    if not isinstance(form, Mapping):
        return json.dumps(form, ensure_ascii=False)
    kept = {k: v for k, v in form.items() if k not in ("basis", "source", "note")}
    if set(kept) == {"interval"} and len(kept["interval"]) == 2:
        return "{:g} to {:g}".format(*kept["interval"])
    if set(kept) <= {"fixed"} and kept:
        return f"{kept['fixed']:g}"
    if set(kept) == {"ref"}:
        return f"as {kept['ref']}: {number_words(number)}"
    return number_words(number) if "pool" in kept else json.dumps(kept, ensure_ascii=False)


def _place(number: NumberRecord) -> str:
    return number["origin"] if number["file"] is None else f"{number['file']}:{number['line']}"


def _source(number: NumberRecord) -> str:
    citation = cited(number["source"])
    return f"{citation}; {text(number['note'])}" if number["note"] else citation


def diagnostics_part(doc: Estimate) -> Iterator[str]:
    """Whether the computation was sound, in words and in figures."""
    yield from ("## Diagnostics", "")
    yield from (text(line.plain) + "\n" for line in verdict(doc))
    rows = [
        [code(name), text(f"{x:,.4g}" if isinstance(x, float) else str(x))]
        for name, x in doc["diagnostics"].items()
        if isinstance(x, int | float | str)
    ]
    yield from table(("Diagnostic", "Value"), rows, "lr")


def make_again(doc: Estimate, recipe: Recipe) -> Iterator[str]:
    """The command that gives the same numbers, and what it was run with."""
    yield from ("## How to make it again", "", "```sh", _command(recipe), "```", "")
    yield f"The story's content has the SHA-256 {code(doc['story_sha256'])}; computed by"
    used = ", ".join(f"{name} {version}" for name, version in doc["versions"].items())
    yield from (f"{text(doc['method'])} with {text(used)}.", "")


def _command(recipe: Recipe) -> str:
    # One line that starts with a letter cannot end the block of code it stands in.
    return plain(recipe.command("estimate", "--json"))
