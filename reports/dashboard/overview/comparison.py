"""The page that puts stories, views or versions side by side: all that `compare` reports."""

from collections.abc import Collection, Iterator, Sequence
from typing import cast

from markupsafe import Markup

from storyodds.models.story.outcomes import DEPLOYED
from storyodds.reports.contract.comparison import Comparison
from storyodds.reports.dashboard.html import rendered
from storyodds.reports.dashboard.overview.folder import MARK
from storyodds.reports.dashboard.overview.index import own_file
from storyodds.reports.dashboard.parts import Section, Table
from storyodds.reports.documents.comparison.order import point_words
from storyodds.reports.documents.comparison.sentences import compared_fates
from storyodds.reports.figures.comparison import plot_comparison, plot_ranks_of_sides
from storyodds.reports.figures.drawing.cells import Cell, share_cell, with_band
from storyodds.reports.tables.datasets import dataset
from storyodds.reports.terminal.comparison import (
    CLEAR_WORDS,
    compared_days,
    compared_events,
    share_of_draws,
)
from storyodds.reports.terminal.comparison_changes import form_in_short
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.endings import NO_CLAIM_OF_SAFETY
from storyodds.reports.words.numbers import (
    bits,
    listed,
    odds_words,
    plus_minus,
    signed,
)
from storyodds.reports.words.sentences import HEADLINE_FATES

_FEW_SIDES = 3  # of two, the differences say who comes first
_SHOWN_ERROR = 0.01  # of a number that is shown to two digits: smaller errors change none of them


def comparison_page(summary: Comparison, *, command: str, beside: Collection[str] = ()) -> str:
    """Write the page of a comparison.

    Parameters
    ----------
    summary : mapping
        "storyodds/compare/1".
    command : str
        That makes the page again.
    beside : collection of str
        Stories, and "index", of which there are pages beside this one to link to.

    Returns
    -------
    str
        An HTML document that loads nothing.

    Examples
    --------
    >>> from storyodds import compare, load_story
    >>> story = load_story("carlsmith-six-premises")
    >>> page = comparison_page(compare([story, story]), command="storyodds compare a b")
    >>> "The odds side by side" in page
    True
    """
    fates = compared_fates([side["story_kind"] for side in summary["sides"]])
    sections = [
        _odds(summary),
        _differences(summary, fates),
        *_changes(summary, fates),
        _ranks(summary, fates),
        _tipping(summary, fates),
        _evidence(summary),
        _pairing(summary),
    ]
    return rendered(
        "comparison.html.j2",
        data={"what_if": None},
        more_style=own_file("overview.css"),
        doubtful=False,
        description=" ".join(summary["summary"][:2]),
        mark=Markup(MARK),
        title=_title(summary),
        sides=[_side(side, beside) for side in summary["sides"]],
        home="index.html" if "index" in beside else None,
        ok=summary["diagnostics"]["ok"],
        messages=summary["diagnostics"]["messages"],
        sentences=summary["summary"],
        clear=CLEAR_WORDS if _has_draws(summary) else "",
        no_claim=NO_CLAIM_OF_SAFETY,
        sections=[section for section in sections if section is not None],
        command=command,
        foot=_foot(summary),
    )


def _title(summary: Comparison) -> str:
    names = [side["name"] for side in summary["sides"]]
    titles = list(dict.fromkeys(side["title"] for side in summary["sides"]))
    if len(titles) == 1:
        return f"{titles[0]}: {names[0]} compared with {listed(names[1:])}"
    if len(titles) == len(names):
        names = [f"“{title}”" for title in titles]
    return f"{names[0]} compared with {listed(names[1:])}"


def _side(side: Json, beside: Collection[str]) -> Json:
    settings = [f"{name} = {value}" for name, value in side["settings"].items()]
    view = [f"view {side['view']}"] if side["view"] else []
    href = f"{side['story']}.html" if side["story"] in beside else None
    keys = ("name", "title", "story", "story_sha256", "method")
    return {**{key: side[key] for key in keys}, "changed": [*view, *settings], "href": href}


def _has_draws(summary: Comparison) -> bool:
    differences = (d for pair in summary["pairs"] for d in pair["differences"].values())
    return any(d["clear"] is not None for d in differences)


def _foot(summary: Comparison) -> str:
    versions = summary["versions"]
    return (
        f"Made by storyodds {versions['storyodds']}, python {versions['python']}; seed "
        f"{summary['seed']}; {summary['draws']:,} rows beside each other. This page loads nothing "
        "and sends nothing."
    )


def _against(summary: Comparison) -> dict[str, Json]:
    """By side, its pair with the first one."""
    first = summary["sides"][0]["name"]
    return {pair["second"]: pair for pair in summary["pairs"] if pair["first"] == first}


def _odds(summary: Comparison) -> Section:
    first = summary["sides"][0]["name"]
    rows = [
        row
        for event in compared_events(summary)
        for row in _beside(summary, event, ("odds", "differences"), event)
    ]
    rows += [
        row
        for odds in compared_days(summary)
        for row in _beside(
            summary, odds, ("deployed", "deployed"), odds_words(odds) if odds != DEPLOYED else odds
        )
    ]
    columns = ("ending", "side", "chance", f"less {first}, in points", "share of rows")
    return Section(
        id="odds",
        title="The odds side by side",
        finding=f"Differences are from {first}; means and 90% intervals, at the same numbers.",
        tables=(Table("Odds of every side", columns, tuple(rows)),),
        notes=(
            "Share of rows: how often the difference has its sign, at numbers that either side "
            "finds probable.",
        ),
        long=True,
    )


def _beside(
    summary: Comparison, event: str, keys: tuple[str, str], name: str
) -> Iterator[tuple[str, ...]]:
    """One event of every side, with the difference of each from the first."""
    against = _against(summary)
    for side in cast(Sequence[Json], summary["sides"]):
        pair, odds = against.get(side["name"]), side[keys[0]]
        gaps = None if pair is None else pair[keys[1]]
        gap = ("", "") if gaps is None else _gap(gaps[event])
        yield (name, side["name"], "–" if odds is None else with_band(odds[event]), *gap)


def _gap(difference: Json) -> tuple[str, str]:
    mean = signed(difference["mean"])
    if difference["clear"] is None:
        return Cell(mean, {"mean": 100 * difference["mean"]}), "no draws"
    low, high = signed(difference["q05"]), signed(difference["q95"])
    around = "" if low == high == mean else f" ({low} to {high})"
    clear = ", clear" if difference["clear"] else ""
    numbers = {name: 100 * difference[name] for name in ("mean", "median", "q05", "q95")}
    share = difference["larger"] if difference["mean"] > 0 else difference["smaller"]
    words = Cell(share_of_draws(share), {"": share}) if difference["mean"] else ""
    return Cell(f"{mean}{around}{clear}", numbers), words


def _differences(summary: Comparison, fates: Sequence[str]) -> Section | None:
    pairs = dataset(summary, "pairs")
    if pairs is None or not _has_draws(summary):
        return None
    selection = [fate for fate in fates if fate in compared_events(summary)]
    names = [side["name"] for side in summary["sides"]]
    # A long name has no room in a picture, so that with two sides a sentence gives the direction.
    sign_note = f"Each is {names[1]} less {names[0]}. " if len(names) == 2 else ""
    return Section(
        id="differences",
        title="Differences between every two",
        finding=f"{sign_note}{CLEAR_WORDS}",
        figures=tuple(plot_comparison(pairs, fate) for fate in selection),
        long=True,
    )


def _changes(summary: Comparison, fates: Sequence[str]) -> Iterator[Section]:
    """What every version of the first side's story changes, and what each change adds."""
    events = [event for event in HEADLINE_FATES if event in fates]
    for k, (name, pair) in enumerate(_against(summary).items(), start=1):
        if pair["changed"] is None:
            continue
        changed = pair["changed"]
        entries = [*changed["numbers"], *(changed["evidence"] or ())]
        if not entries and not changed["text"]:
            continue
        tables = []
        if entries:
            rows = tuple(
                (str(e["name"]), form_in_short(e["old"]), form_in_short(e["new"])) for e in entries
            )
            tables.append(Table(f"From {pair['first']} to {name}", ("what", "from", "to"), rows))
        finding, adds = _contributions(pair, events)
        if not entries:
            finding = f"No number, but the story's text or structure differs. {finding}"
        yield Section(
            id=f"changes-{k}",
            title=f"What {name} changes",
            finding=finding,
            tables=(*adds, *tables),
            long=True,
        )


def _contributions(pair: Json, events: Sequence[str]) -> tuple[str, tuple[Table, ...]]:
    """What each change adds, as a sentence on how that was found, and as a table."""
    contributed = pair["contributions"]
    if contributed["why"] is not None:
        return f"What each change adds is not known: {contributed['why']}.", ()
    if not contributed["changes"]:
        return "Nothing that bears on the odds has changed.", ()
    rows = [
        (one["label"], *(_added(one["adds"][event]) for event in events))
        for one in contributed["changes"]
    ]
    sums = (pair["differences"][event]["mean"] for event in events)
    rows.append(("together", *(Cell(signed(x), {"": 100 * x}) for x in sums)))
    orders = contributed["orders"]
    words = "all orders" if orders is None else f"{orders} orders"
    finding = f"What each change adds is an average over {words} in which they can be made."
    columns = ("change", *(f"adds to {event}, in points" for event in events))
    return finding, (Table("What each change adds", columns, tuple(rows)),)


def _added(entry: Json) -> Cell:
    mean, error = entry["mean"], entry["error"]
    spread = f" {plus_minus(error)}" if error > _SHOWN_ERROR * abs(mean) else ""
    return Cell(f"{signed(mean, error)}{spread}".rstrip(), {"": 100 * mean, "error": 100 * error})


def _ranks(summary: Comparison, fates: Sequence[str]) -> Section | None:
    ranks = dataset(summary, "ranks")
    events = [e for e in ("catastrophe", "success") if e in fates and e in compared_events(summary)]
    if len(summary["sides"]) < _FEW_SIDES or ranks is None or not events:
        return None
    return Section(
        id="ranks",
        title="Who comes first",
        finding="How often each side takes each place, over the rows that all of them share.",
        figures=tuple(plot_ranks_of_sides(ranks, event) for event in events),
    )


def _tipping(summary: Comparison, fates: Sequence[str]) -> Section | None:
    entries = [e for e in summary["tipping"] if e["event"] in fates and e["points"] is not None]
    if not entries:
        return None
    rows = [
        (
            f"{entry['first']} has more {entry['event']} than {entry['second']}",
            point["number"],
            point_words(point),
            "both at once" if len(point["of"]) == 2 else point["of"][0],
            share_cell(point["prior_chance"]),
            share_cell(point["probability"]),
        )
        for entry in entries
        for point in entry["points"] or ()
    ]
    columns = (
        "order now",
        "is the other way round with",
        "which is",
        "in",
        "chance of that",
        "both at",
    )
    fixed = [
        f"{e['first']} has more {e['event']} than {e['second']}; no number alone, within its "
        "prior, changes that."
        for e in entries
        if not e["points"]
    ]
    return Section(
        id="order",
        title="Where two change order",
        finding="With one number known, between the 0.5% and 99.5% points of its prior; the chance "
        "of that is before any evidence.",
        tables=(Table("Where two change order", columns, tuple(rows)),) if rows else (),
        notes=tuple(fixed),
        long=True,
    )


def _evidence(summary: Comparison) -> Section | None:
    """How well rivals explain the same findings."""
    evidence = summary["evidence"]
    if not any(side["log_evidence"] for side in summary["sides"]):
        return None
    means = {side["name"]: side["odds"] for side in summary["sides"]}
    tables = []
    for group in evidence["rivals"]:
        rows: list[tuple[str, ...]] = [
            (
                name,
                share_cell(weight),
                Cell(bits(worse), {"": worse}),
                *(share_cell(means[name][e]["mean"]) for e in HEADLINE_FATES),
            )
            for name, weight, worse in zip(
                group["sides"], group["weights"], group["bits"], strict=True
            )
        ]
        averaged = (share_cell(group["odds"][e]["mean"]) for e in HEADLINE_FATES)
        rows.append(("averaged by weight", "", "", *averaged))
        items = "1 item" if len(group["items"]) == 1 else f"the same {len(group['items'])} items"
        caption = f"They speak of {items}, so P(evidence) can be compared"
        columns = ("side", "weight", "bits", "success, mean", "catastrophe, mean")
        tables.append(Table(caption, columns, tuple(rows)))
    apart = tuple(
        f"{one['first']} and {one['second']} are not weighed against each other: {one['why']}."
        for one in evidence["apart"]
    )
    return Section(
        id="evidence",
        title="Which explains the findings",
        finding="Weights are with equal weights before the findings; bits are against the side "
        "that explains them best. Forecasts are opinions and weigh nothing.",
        tables=tuple(tables),
        notes=apart,
    )


def _pairing(summary: Comparison) -> Section:
    sentences = []
    for pair in summary["pairs"]:
        equal = f" Equal: {', '.join(pair['numbers'])}." if pair["numbers"] else ""
        moved = f" Moved together: {', '.join(pair['moved'])}." if pair["moved"] else ""
        names = f"{pair['second']} and {pair['first']}"
        sentences.append(f"{names}: {pair['why']}.{equal}{moved}")
    paired = any(pair["how"] == "paired" for pair in summary["pairs"])
    return Section(
        id="beside",
        title="How they stand beside each other",
        finding="Half of the rows follow the posterior of the one, half that of the other, each "
        "given its own evidence."
        if paired
        else "No two sides stand beside each other at the same numbers.",
        notes=tuple(sentences),
        long=True,
    )
