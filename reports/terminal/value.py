"""What is worth finding out next, on a terminal: a sentence, then the proposals, then the rest."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from storyodds.reports.contract.value import (
    Decision,
    Gain,
    Gains,
    InformationValue,
    ProposalResult,
    ProposedObservation,
    Unit,
)
from storyodds.reports.documents.value import SURE
from storyodds.reports.terminal.frame import heading, opening, verdict
from storyodds.reports.terminal.layout import Row, fitting, print_wrapped, with_words, wrap
from storyodds.reports.words.correlations import LEARNED, sentences
from storyodds.reports.words.numbers import between, listed, odds_words, percent, significant
from storyodds.reports.words.shortening import plain

SHOWN = 10  # of proposals, assumptions and numbers, unless another number is asked for
_NAMED = 8  # of those that tell nothing
_INDENT = 14  # of the legend
_NOTHING = 1e-3  # of what is open: a smaller share is not worth a line of its own


def print_value(console: Console, summary: InformationValue, top: int = SHOWN) -> None:
    """Print what is worth finding out next.

    Parameters
    ----------
    console : rich.console.Console
    summary : mapping
        The object of `value --json`.
    top : int
        How many proposals, assumptions and numbers to show.
    """
    print_wrapped(console, lambda width: _report(summary, top, width))


def _report(summary: InformationValue, top: int, width: int) -> Iterator[Text]:
    yield from opening(summary)
    yield from _headline(summary)
    if summary["proposals"]:
        yield from heading("Observations that could be made", _ranked_by(summary))
        yield from _proposals(summary, top, width)
    if summary["sharing"]:
        names = listed(summary["sharing"])
        yield Text(
            f"No value is given of {names}: uncertain numbers of what would be seen stand in one "
            "other place of the story, of which a result would tell as well."
        )
    yield from heading("What would be worth knowing for sure", "each by itself")
    yield from _certainties(summary, top, width)
    if summary.get("correlations"):
        for sentence in (*sentences(summary), LEARNED):
            yield from wrap(Text(plain(sentence), style="dim"), width)
    yield Text()
    for name, meaning in _legend(summary):
        for line in wrap(Text(meaning), width, f"{name:<{_INDENT}}", " " * _INDENT):
            line.stylize("dim")
            yield line
    yield Text()
    yield from verdict(summary)


# In words


def _headline(summary: InformationValue) -> Iterator[Text]:
    if summary["decision"] is not None:
        yield _decision(summary["decision"])
    proposals = summary["proposals"]
    if not proposals:
        yield Text("Nothing is proposed, so nothing is ranked.")
        return
    first, unit = proposals[0], summary["unit"]
    gain, whole = _in(first, unit), _in(summary["perfect"], unit)["value"]
    if gain["value"] <= max(SURE * gain["error"], _NOTHING / 10 * whole):
        yield _nothing(summary)
        return
    if first["net"] is not None and first["net"] <= 0:
        yield (
            Text("No proposed observation is worth its cost; the least bad is ")
            .append(plain(first["id"]), style="bold")
            .append(f", worth {significant(gain['value'])} at a cost of ")
            .append(f"{significant(first['cost'] or 0.0)}.")
        )
        return
    text = Text("The most telling thing to find out next is ")
    text.append(plain(first["id"]), style="bold").append(": on average ")
    if unit == "bits":
        text.append(f"{significant(gain['value'])} bits about {_of(summary)}", style="bold")
        text.append(f", {percent(_share(summary, gain['value']))} of the ")
        yield text.append(f"{significant(whole)} that are open.")
    else:
        text.append(f"worth {significant(gain['value'])} to the decision", style="bold")
        net = f", {significant(first['net'])} after its cost" if first["net"] is not None else ""
        yield text.append(f"{net}." if first["cost"] else ".")
    yield _after(summary, first)
    if rivals := [plain(entry["id"]) for entry in proposals[1:] if _ties(entry)]:
        are = "is" if len(rivals) == 1 else "are"
        yield Text(f"{_listed(rivals)} {are} not told apart from it by these draws.", style="dim")


def _nothing(summary: InformationValue) -> Text:
    if summary["unit"] == "bits":
        start = "None of the proposed observations would tell anything to speak of about"
        return Text(f"{start} {_of(summary)}.")
    start = "Whatever the proposed observations show, that all but surely stays the better choice"
    return Text(f"{start}: none of them is worth anything to speak of.")


def _ties(entry: ProposedObservation) -> bool:
    behind = entry["behind"]
    return bool(behind["error"] > 0 and behind["value"] <= SURE * behind["error"])


def _decision(decision: Decision) -> Text:
    choices = {"deploy": decision["deploy"], "withhold": decision["withhold"]}
    choice = decision["choice"]
    other = "withhold" if choice == "deploy" else "deploy"
    text = Text("As things stand, the better choice is to ").append(choice, style="bold")
    return text.append(
        f": worth {significant(choices[choice])}, against {significant(choices[other])} to {other}."
    )


def _after(summary: InformationValue, entry: ProposedObservation) -> Text:
    """What the odds asked about would be, in the two cases of one trial or over all results."""
    results, chance = entry["results"], f"The chance of {_of(summary)}"
    if entry["trials"] == 1 and len(results) == 2:
        missed, hit = results
        return Text(
            f"{chance} would then be {_then(hit)} if it is seen (chance "
            f"{percent(hit['probability'])}) and {_then(missed)} if not."
        )
    then = entry["then"]
    if then["q05"] is None or then["q95"] is None:
        return Text(f"{chance} would then be undefined.")
    low, high = percent(then["q05"]), percent(then["q95"])
    if low == high:
        return Text(f"{chance} would then nearly always be {low}.")
    range_words = f"from {low} to {high}"
    return Text(f"{chance} would then be {range_words}, in nine cases of ten.")


def _then(result: ProposalResult) -> str:
    return "undefined" if result["then"] is None else percent(result["then"])


def _ranked_by(summary: InformationValue) -> str:
    if summary["unit"] == "bits":
        return f"by what they tell of {_of(summary)}"
    return "by worth to the decision" + (", less cost" if _costs(summary) else "")


def _costs(summary: InformationValue) -> bool:
    return any(entry["cost"] for entry in summary["proposals"])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _of(summary: InformationValue) -> str:
    return odds_words(summary["of"])


# In numbers


def _error(x: float) -> str:
    return f"± {significant(x, 1)}" if x > 0 else ""


def _share(summary: InformationValue, gain: float) -> float:
    """Of what knowing the ending itself would tell."""
    whole = _in(summary["perfect"], summary["unit"])["value"]
    return float(min(1.0, gain / whole)) if whole > 0 else 0.0


def _in(entry: Gains, unit: Unit) -> Gain:
    """What is gained, in what proposals are ranked by."""
    gain = entry[unit]
    assert gain is not None  # where they are ranked by worth, it is known
    return gain


def _gain(entry: Gains, unit: Unit) -> list[Text]:
    gain = _in(entry, unit)
    return [
        Text(significant(gain["value"]), style="bold"),
        Text(_error(gain["error"]), style="dim"),
    ]


def _telling[Entry: Gains](summary: InformationValue, entries: Sequence[Entry]) -> list[Entry]:
    """What is worth a line of its own."""
    least = _NOTHING * _in(summary["perfect"], summary["unit"])["value"]
    return [entry for entry in entries if _in(entry, summary["unit"])["value"] > least]


def _proposals(summary: InformationValue, top: int, width: int) -> Iterator[Text]:
    unit, proposals = summary["unit"], summary["proposals"]
    telling = _telling(summary, proposals)
    selection = telling[:top]
    if selection:
        heads = ["", unit, "", *(["cost", "net"] if unit == "worth" and _costs(summary) else [])]
        heads += ["share", "at most", "then"]
        rows: list[Row] = [[Text(name, style="dim") for name in heads]]
        for entry in selection:
            row: list[Text | str] = [plain(entry["id"]), *_gain(entry, unit)]
            if "cost" in heads:
                row += [significant(entry["cost"] or 0.0), significant(entry["net"] or 0.0)]
            row.append(Text(percent(_share(summary, _in(entry, unit)["value"]))))
            row.append(Text(significant(_in(entry["ceiling"], unit)["value"]), style="dim"))
            row.append(Text(_range(entry), style="dim"))
            rows.append(row)
        for line in fitting(rows, width):
            line.rstrip()
            yield line
        yield Text()
        words: list[Row] = [[plain(entry["id"]), ""] for entry in selection]
        claims = [Text(_claim(entry), style="dim") for entry in selection]
        yield from with_words(words, claims, width)
    if len(telling) > len(selection):
        hidden = len(telling) - len(selection)
        yield Text(f"and {hidden} more (--top {len(telling)} shows all)", style="dim")
    if rest := [plain(entry["id"]) for entry in proposals if entry not in telling]:
        if selection:
            yield Text()
        yield Text(f"next to nothing would come of: {_listed(rest)}", style="dim")


def _range(entry: ProposedObservation) -> str:
    ends = entry["then"]["q05"], entry["then"]["q95"]
    if ends[0] is None or ends[1] is None:
        return "undefined"
    low, high = percent(ends[0]), percent(ends[1])
    return low if low == high else between(low, high)


def _claim(entry: ProposedObservation) -> str:
    about = plain(entry["about"])
    if entry["about"] == "outcome":
        stage = entry["after"]
        about = "where training ended" if stage is None else f"what {plain(stage)} left"
    again = f"; {plain(entry['replicates'])} again" if entry["replicates"] else ""
    times = "once" if entry["trials"] == 1 else f"{entry['trials']:,} trials"
    standard = "" if entry["origin"] == "story" else "; from the catalog"
    claim = plain(entry["claim"]).rstrip(".")
    return f"{claim} ({times}, about {about}{again}{standard})."


def _certainties(summary: InformationValue, top: int, width: int) -> Iterator[Text]:
    unit = summary["unit"]
    assumptions = sorted(summary["assumptions"], key=lambda entry: -_in(entry, unit)["value"])
    numbers = sorted(summary["numbers"], key=lambda entry: -_in(entry, unit)["value"])
    telling = _telling(summary, assumptions)
    sure = [entry for entry in _telling(summary, numbers) if entry["distinguishable"]]
    rows: list[Row] = [[Text(name, style="dim") for name in ("", unit, "", "share")]]
    listed: list[tuple[str, Gains]] = [("what becomes of the model", summary["perfect"])]
    listed += [("where training ended", summary["outcome"])]
    listed += [(f"whether {plain(entry['assumption'])}", entry) for entry in telling[:top]]
    listed += [(plain(entry["number"]), entry) for entry in sure[:top]]
    for name, entry in listed:
        share = Text(percent(_share(summary, _in(entry, unit)["value"])))
        rows.append([name, *_gain(entry, unit), share])
    for line in fitting(rows, width):
        line.rstrip()
        yield line
    rest = [len(telling[top:]), len(assumptions) - len(telling)]
    if sum(rest):
        yield Text(f"{_count(sum(rest), 'assumption')} less or nothing", style="dim")
    if len(numbers) > len(sure[:top]):
        unsure = sum(not entry["distinguishable"] for entry in numbers)
        note = f"; of {unsure:,} the gain is too little to tell from 0" if unsure else ""
        remainder = _count(len(numbers) - len(sure[:top]), "uncertain number")
        yield Text(f"{remainder} less or nothing{note}", style="dim")


def _count(n: int, thing: str) -> str:
    return f"{n:,} other {thing}s would tell" if n > 1 else f"1 other {thing} would tell"


def _sampled(summary: InformationValue) -> bool:
    """Whether any gain has a Monte Carlo error."""
    parts: list[Gains] = [*summary["proposals"], *summary["assumptions"], *summary["numbers"]]
    return any(_in(entry, summary["unit"])["error"] > 0 for entry in parts)


def _legend(summary: InformationValue) -> Iterator[tuple[str, str]]:
    if summary["unit"] == "bits":
        yield "bits", f"expected information about {_of(summary)} (EVSI, EVPPI, EVPI)"
        yield "share", f"of what is open about {_of(summary)} now"
    else:
        meaning = "what knowing it before choosing would add on average (EVSI, EVPPI, EVPI)"
        yield "worth", f"{meaning}, in the units of --worth"
        yield "share", "of what knowing the ending itself would add"
    if _sampled(summary):
        yield "±", "Monte Carlo standard error; proposals share their draws, so they compare better"
    if summary["proposals"]:
        most = "what learning for sure what the observation is about would tell; where its rates "
        yield "at most", f"{most}depend on assumptions, what learning which rate applies would tell"
        yield "then", f"P({_of(summary)}) once the result is in: its central 90% over results"
