"""How a story fails, printed."""

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from storyodds.models.sensitivity.distance_to_goal import Target
from storyodds.reports.contract.sensitivity.failure import (
    FailureAssumption,
    FailureConcern,
    FailurePart,
    FailureShare,
    MissTarget,
    WorstPathFlips,
)
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.documents.sensitivity.failure import SHARES
from storyodds.reports.terminal.frame import titled
from storyodds.reports.terminal.layout import Row, dim, fitting, stripped, wrap
from storyodds.reports.words.numbers import band, bits, percent
from storyodds.reports.words.sentences import HEADLINE_FATES
from storyodds.reports.words.sequences import unique_names
from storyodds.reports.words.shortening import plain

SHOWN = 10  # rows of a table


_NEVER = 1e-6  # of the chance of failing: a smaller one is as good as none


_ALIKE = 0.01  # shares that differ by less, of themselves, are as good as equal


def lines_failure(
    summary: FailurePart, width: int, fates: Sequence[str] = HEADLINE_FATES
) -> Iterator[Text]:
    """Lay it out for a terminal.

    Parameters
    ----------
    summary : mapping
        From `summarize_failure`.
    width : int
        Columns of the terminal.
    fates : sequence of str
        Which the story makes a claim about; without success, there is none of missing it.
    """
    if "success" in fates:
        yield from _how(summary, width)
        yield from _how_far(summary, width)
    yield from _where(summary, width)


def _wrapped(text: str, width: int, style: str = "") -> Iterator[Text]:
    yield from wrap(Text(text, style=style), width)


def _mean(entry: Summary | None) -> str:
    return "–" if entry is None else percent(entry["mean"])


def _within(entry: Summary | None) -> str:
    spread = "" if entry is None else band(entry)
    return f" ({spread})" if spread else ""


def _how(summary: FailurePart, width: int) -> Iterator[Text]:
    note = "shares of deployed failures, given that the assumption is false"
    yield from titled(width, "If it fails, how?", note)
    failure = summary["given_failure"]
    if failure["safe"] is None:
        yield from _wrapped(f"The story cannot be deployed and fail.{_halted(summary)}", width)
        return
    yield from _wrapped(
        f"The model is deployed and fails with a chance of {_mean(summary['failure'])}"
        f"{_within(summary['failure'])}.{_halted(summary)} Of deployed failures, "
        f"{_mean(failure['safe'])}{_within(failure['safe'])} are safe and "
        f"{_mean(failure['catastrophe'])}{_within(failure['catastrophe'])} end in catastrophe; "
        f"{_mean(failure['deceptive'])}{_within(failure['deceptive'])} come with a deceptive "
        "model.",
        width,
    )
    entries = [
        entry
        for entry in summary["assumptions"] or ()
        if not entry["composite"] and entry["if_false"]["given_failure"]["safe"] is not None
    ]
    if not entries:
        return
    rows: list[Row] = [
        dim("if false", "fails", "catastrophe", "deceptive", "is false"),
        [
            Text("now", style="dim"),
            Text(_mean(summary["failure"]), style="dim"),
            Text(_mean(failure["catastrophe"]), style="dim"),
            Text(_mean(failure["deceptive"]), style="dim"),
            "",
        ],
    ]
    for entry in entries[:SHOWN]:
        shares = entry["if_false"]["given_failure"]
        cells = [_mean(entry["if_false"]["failure"]), _mean(shares["catastrophe"])]
        cells += [_mean(shares["deceptive"]), percent(1 - entry["probability"]["mean"])]
        rows.append([plain(entry["assumption"]), *cells])
    yield from stripped(fitting(rows, width))
    if len(entries) > SHOWN:
        rest = len(entries) - SHOWN
        yield Text(f"and {rest} more that leave fewer catastrophes among failures", style="dim")
    yield from _wrapped(_safest_and_worst(summary, entries), width)


def _halted(summary: FailurePart) -> str:
    """What checks stop, which stands beside failure and is none."""
    halted = summary["halted"]
    if halted is None or halted["mean"] == 0:
        return ""
    return f" A check halts it with a chance of {percent(halted['mean'])}, which is no failure."


def _safest_and_worst(summary: FailurePart, entries: Sequence[FailureAssumption]) -> str:
    """By which assumption failures are safest, and by which most of them are deceptive."""

    def mean(entry: Summary | None) -> float:
        assert entry is not None  # where failure is possible
        return entry["mean"]

    def share(entry: FailureAssumption, name: FailureShare) -> float:
        return mean(entry["if_false"]["given_failure"][name])

    now = {name: mean(summary["given_failure"][name]) for name in SHARES}
    least = _NEVER * mean(summary["failure"])
    failing = [entry for entry in entries if mean(entry["if_false"]["failure"]) > least]
    if not failing:
        most = max(mean(entry["if_false"]["failure"]) for entry in entries)
        return f"With any one of them false, it is deployed and fails with {percent(most)} at most."
    safest = min(failing, key=lambda entry: share(entry, "catastrophe"))
    worst = max(failing, key=lambda entry: share(entry, "deceptive"))
    words = []
    if share(safest, "catastrophe") < now["catastrophe"] * (1 - _ALIKE):
        words.append(
            f"Failure is safest if {plain(safest['assumption'])} is false "
            f"({percent(share(safest, 'catastrophe'))} of it catastrophic, now "
            f"{percent(now['catastrophe'])})."
        )
    if share(worst, "deceptive") > now["deceptive"] * (1 + _ALIKE):
        words.append(
            f"It is most often deceptive if {plain(worst['assumption'])} is false "
            f"({percent(share(worst, 'deceptive'))}, now {percent(now['deceptive'])})."
        )
    return " ".join(words) or "With none of them false is failure safer, or more often deceptive."


_AIMS: Mapping[Target, str] = {
    "likeliest": "be the likeliest class",
    "even": "be as likely as all others together",
}


def _how_far(summary: FailurePart, width: int) -> Iterator[Text]:
    yield from titled(width, "How far off?", "bits of selection for the intended class")
    for name, aim in _AIMS.items():
        target = summary["miss"]["targets"][name]
        yield from _wrapped(f"To {aim}: {_distance(target)}", width)
    near = summary["near_misses"]
    if near["share"] is None:
        return
    kinds = [plain(route["route"]) for route in near["routes"] if route["near"]]
    yield from _wrapped(
        f"Of deployed failures, {_mean(near['share'])} are near misses: another model than "
        f"intended, and no catastrophe in at least {percent(near['threshold'])} of runs"
        f"{' (' + ', '.join(kinds) + ')' if kinds else ''}. "
        f"{_mean(near['far'])} miss by more, and {_mean(near['goal_reached'])} reach the goal and "
        "fail all the same.",
        width,
    )


def _distance(target: MissTarget) -> str:
    if target["status"] == "not worked out":
        return "out of reach of the sum."
    if target["status"] == "out of reach":
        return "60 bits would not do; too often it is not open at all."
    if target["status"] == "never lost":
        return "it would be so with 60 bits less."
    size = target["bits"]
    assert size is not None  # as it was found
    text = (
        f"{bits(size)} bits" if size > 0 else f"nothing; it has {bits(-size).lstrip('+')} to spare"
    )
    if target["q05"] == target["q95"]:
        return text + "."
    ends = [target["q05"], target["q95"]]
    if any(end is None for end in ends):
        share = target["out_of_reach"]
        low = f"from {bits(ends[0])} up; " if ends[0] is not None else ""
        return f"{text} ({low}in {percent(share or 0.0)} of draws 60 bits would not do)."
    return f"{text} (90% of draws: {bits(ends[0])} to {bits(ends[1])})."


def _where(summary: FailurePart, width: int) -> Iterator[Text]:
    paths = [path for path in summary["paths"] if path["concern"]["mean"] > 0]
    if not paths:
        return
    yield from titled(width, "Where?", "failure paths by P(path and catastrophe)")
    names = _names(summary["paths"])
    rows = [dim("path", "concern", "share", "first in", "90% interval")]
    for path in paths[:SHOWN]:
        cells = [percent(path["concern"]["mean"]), _mean(path["share"]), percent(path["share_top"])]
        rows.append([names[_key(path["path"], path["literals"])], *cells, band(path["concern"])])
    yield from stripped(fitting(rows, width))
    if len(paths) > SHOWN:
        yield Text(f"and {len(paths) - SHOWN} paths of less concern", style="dim")
    tied = [path for path in summary["paths"] if path["place"] == 1]
    if len(tied) > 1:
        ties = ", ".join(names[_key(path["path"], path["literals"])] for path in tied)
        yield from _wrapped(f"{len(tied)} paths tie for the worst: {ties}.", width)
    yield from _wrapped(_what_changes_the_worst(summary["flips"], names), width)


_Key = tuple[str, frozenset[str]]


def _key(ending: str, literals: Sequence[str]) -> _Key:
    return ending, frozenset(literals)


def _names(paths: Sequence[FailureConcern]) -> dict[_Key, str]:
    """Names of paths, which tell those apart that end in the same way."""
    endings = [plain(path["path"]) for path in paths]
    conditions = [[plain(literal) for literal in path["literals"]] for path in paths]
    names = unique_names(endings, conditions)
    return {
        _key(path["path"], path["literals"]): name for path, name in zip(paths, names, strict=True)
    }


def _what_changes_the_worst(flips: WorstPathFlips | None, names: Mapping[_Key, str]) -> str:
    if flips is None:
        return "What would change the worst path is out of reach for a story of this size."
    if flips["compared"] <= len(flips["worst"]):
        return "There is no other path that could be worse."
    if not flips["found"]:
        rest = "" if flips["complete"] else " looked at (not all of them could be)"
        close = f"; {flips['close']} are too close to call by these draws" if flips["close"] else ""
        return (
            f"No one assumption and no pair{rest} would, once known, make another path the worst"
            f"{close}."
        )
    open_ones = [flip for flip in flips["found"] if not flip["shuts"]]
    flip = (open_ones or flips["found"])[0]
    many = "assumption" if flips["size"] == 1 else "pair of assumptions"
    but = "" if open_ones or flips["size"] != 1 else ", which shuts the worst path"
    return (
        f"The worst path changes with one {many}: {plain(' and '.join(flip['literals']))} "
        f"({percent(flip['probability'])}{but}) would make it "
        f"{names.get(_key(flip['path'], flip['path_literals']), plain(flip['path']))}; "
        f"{len(flips['found'])} such in all."
    )
