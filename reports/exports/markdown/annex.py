"""A safety-case annex in Markdown: what is claimed, how sure, what it hangs on, how to redo it.

CommonMark with the tables of GFM. All story text is escaped, see `markdown_text`.
"""

from collections.abc import Iterator, Mapping, Sequence

from storyodds.models.story.events import Headline
from storyodds.reports.contract.estimate import Criterion, Estimate, FailurePath
from storyodds.reports.contract.sensitivity.whole import SensitivityParts
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.contract.value import InformationValue
from storyodds.reports.exports.markdown.basis import (
    basis_words,
    diagnostics_part,
    left_out,
    make_again,
    numbers_part,
)
from storyodds.reports.exports.markdown.decision_day import (
    chance,
    decision_part,
    hazards_part,
    mechanisms_part,
    odds_cells,
)
from storyodds.reports.exports.markdown.more import (
    failure_part,
    hangs_on_part,
    value_part,
)
from storyodds.reports.exports.markdown.story import (
    assumptions_part,
    cited,
    correlations_part,
    findings_part,
    story_part,
)
from storyodds.reports.exports.markdown.text import code, table, text
from storyodds.reports.words.endings import (
    CLASS_GLOSSES,
    FATE_GLOSSES,
    NO_CLAIM_OF_SAFETY,
    UNNAMED,
    condition,
    no_hazard_named,
)
from storyodds.reports.words.numbers import about_one_in, band, bits, marked, percent, sentence_case
from storyodds.reports.words.recipe import Recipe, recipe_of_document
from storyodds.reports.words.sentences import (
    ARGUED,
    DOES_NOTHING,
    NOT_RELIABLE,
    errors_of,
    flagged_words,
    has_evidence,
    headline_fates,
    is_risk_argument,
    is_uncertain,
    is_zero,
    no_catastrophe,
    opinions_words,
)
from storyodds.reports.words.sequences import NARROWED, path_links
from storyodds.reports.words.stages import (
    likeliest_by_stage,
    loss_words,
    losses,
    reached_routes,
)
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.story import Story

_TOLD = 10  # failure paths that are told in words
_CRITERIA: Mapping[Criterion, str] = {
    "goal_alignment": "Goal, alignment: no hazard of it fires",
    "goal_competitiveness": "Goal, competitiveness: no hazard of it fires",
    "rationale_alignment": "Rationale, alignment: training leads to one",
    "rationale_competitiveness": "Rationale, competitiveness: training is feasible",
}


def markdown_report(
    estimate_document: Estimate,
    *,
    sensitivity: SensitivityParts | None = None,
    value: InformationValue | None = None,
    story: Story | None = None,
    recipe: Recipe | None = None,
    sentences: Sequence[str] = (),
) -> str:
    """Write an estimate as a Markdown document for people who decide.

    Parameters
    ----------
    estimate_document : mapping
        The object of `estimate --json`.
    sensitivity, value : mapping, optional
        The objects of `sensitivity --json` and `value --json`, for what they say; of the first,
        any of its parts.
    story : Story, optional
        For its goal, its rationale and its checks in words.
    recipe : Recipe, optional
        What was asked for, for the command that makes it again; unless stated it takes the story
        as a file of its name.
    sentences : sequence of str
        The story's card in words, to stand at the top.

    Returns
    -------
    str
        CommonMark with GFM tables. No HTML, and no links but to https addresses of sources.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> text = markdown_report(summarize(estimate(load_story("carlsmith-six-premises"))))
    >>> print(text[text.index("**"):].splitlines()[0])
    **The argument puts the chance of catastrophe at 5.1%, about 1 in 19.**
    """
    doc = estimate_document
    argued, events = is_risk_argument(doc), headline_fates(doc)
    lines = [
        *_head(doc),
        *_in_words(sentences),
        *_odds(doc),
        *_paths(doc),
        *(
            []
            if sensitivity is None
            else hangs_on_part(sensitivity, events, is_correlated="correlations" in doc)
        ),
        *([] if argued else failure_part(doc, sensitivity)),
        *([] if value is None else value_part(value, events[0])),
        *([] if story is None else assumptions_part(doc, story)),
        *correlations_part(doc),
        *_evidence(doc),
        *([] if story is None else findings_part(doc, story)),
        *([] if argued else _lens(doc)),
        *([] if story is None else story_part(doc, story)),
        *left_out(doc),
        *numbers_part(doc),
        *diagnostics_part(doc),
        *make_again(doc, (recipe or recipe_of_document(doc)).saved_as(f"{doc['story']}.yaml")),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _head(doc: Estimate) -> Iterator[str]:
    yield from (f"# {text(doc['title'])}", "")
    changed = [f"under the view {code(doc['view'])}"] if doc["view"] else []
    changed += [f"with {code(name)} = {text(str(to))}" for name, to in doc["settings"].items()]
    note = "".join(f", {words}" for words in changed)
    sort = "risk argument" if is_risk_argument(doc) else "training story"
    yield from (f"Annex on the {sort} {code(doc['story'])}{note}.", "")
    if not doc["diagnostics"]["ok"]:
        yield f"> **NOT RELIABLE.** {sentence_case(NOT_RELIABLE)}"
        yield from (f"> {text(message)}." for message in doc["diagnostics"]["messages"])
        yield ""
    mark = "" if doc["diagnostics"]["ok"] else " NOT RELIABLE."
    argued = is_risk_argument(doc)
    if not argued:
        yield f"**The story goes right with a chance of {_sentence(doc, 'success')}.{mark}**"
    if is_zero(doc["fates"]["catastrophe"]):
        yield text(no_catastrophe(doc))
    else:
        start = ARGUED if argued else "It ends in catastrophe with a chance of"
        yield f"**{start} {_sentence(doc, 'catastrophe')}.{mark}**"
    yield from (text(words) for words in (flagged_words(doc), opinions_words(doc)) if words)
    if is_uncertain(doc):
        yield "Intervals are central 90% intervals: how far these odds turn on uncertain numbers."
    else:
        yield "Every number of the story is fixed, so the odds have no intervals."
    if doc["method"] == "simulation":
        yield "These odds were simulated, not summed exactly, and carry simulation error."
    yield basis_words(doc)
    yield from filter(None, (text(condition(doc)), NO_CLAIM_OF_SAFETY))
    yield ""


def _in_words(sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from ("## In short", "", " ".join(text(words) for words in sentences), "")


def _sentence(doc: Estimate, fate: Headline) -> str:
    entry, errors = doc["fates"][fate], errors_of(doc, fate)
    spread = band(entry, errors)
    counted = f"{percent(entry['mean'], errors.get('mean', 0.0))}, {about_one_in(entry['mean'])}"
    return text(counted + (f" (90% interval {spread})" if spread else ""))


def _odds(doc: Estimate) -> Iterator[str]:
    opinions, argued = doc["opinions"], is_risk_argument(doc)
    more = ["Without forecasts"] if opinions is not None else []
    if not argued:
        yield from _classes(doc, more)
    yield from _stages(doc)
    yield from ("## What becomes of the model" if not argued else "## The chance", "")
    rows = [
        [
            name,
            *odds_cells(doc, doc["fates"][name], errors_of(doc, name)),
            *_without(None if opinions is None else opinions["fates"][name]),
            FATE_GLOSSES[name],
        ]
        for name in (headline_fates(doc) if argued else doc["fates"])
    ]
    heads = ["Fate", "Chance", "90% interval", "In cases", *more, "Meaning"]
    yield from table(heads, rows, "lrrl" + "r" * len(more) + "l")
    if doc["false_alarm"]["mean"] > 0 and not argued:
        alarms = text(chance(doc["false_alarm"]))
        yield from (f"Halted although the story would have succeeded: {alarms}.", "")
    yield from decision_part(doc)
    if not argued:
        yield from _criteria(doc)
    yield from hazards_part(doc)


def _classes(doc: Estimate, more: Sequence[str]) -> Iterator[str]:
    """Where training ends, before the evidence and after it."""
    yield from ("## Where training ends", "")
    opinions, before = doc["opinions"], doc["prior_classes"] if has_evidence(doc) else None
    rows = [
        [
            name,
            *([] if before is None else [text(percent(before[name]["mean"]))]),
            *odds_cells(doc, doc["classes"][name], errors_of(doc, name)),
            *_without(None if opinions is None else opinions["classes"][name]),
            CLASS_GLOSSES[name],
        ]
        for name in CLASSES
    ]
    first = ["Before evidence"] if before is not None else []
    heads = ["Model", *first, "Chance", "90% interval", "In cases", *more, "Meaning"]
    yield from table(heads, rows, "l" + "r" * (len(first) + 2) + "l" + "r" * len(more) + "l")


def _stages(doc: Estimate) -> Iterator[str]:
    """Where each stage of training leaves the model; nothing of training in one step."""
    stages = doc["stages"]
    if not stages:
        return
    yield from ("## Stage by stage", "", text(likeliest_by_stage(doc)), "")
    heads = [text(stage["stage"]) for stage in stages]
    rows = [
        [
            code(name),
            doc["routes"][name]["class"],
            *(text(chance(stage["routes"][name])) for stage in stages),
        ]
        for name in reached_routes(doc)
    ]
    yield from ("The chance that the model is on a route as each stage ends:", "")
    yield from table(("Route", "Class", *heads), rows, "ll" + "r" * len(heads))
    rows = [[name, *(text(chance(stage["classes"][name])) for stage in stages)] for name in CLASSES]
    yield from table(("Class", *heads), rows, "l" + "r" * len(heads))
    for loss in losses(doc):
        yield from (text(loss_words(loss)), "")


def _without(entry: Summary | None) -> list[str]:
    return [] if entry is None else [text(percent(entry["mean"]))]


def _criteria(doc: Estimate) -> Iterator[str]:
    yield from ("## The four criteria of a training story", "")
    rows = [
        [
            words + (f" ({UNNAMED})" if no_hazard_named(doc, key) else ""),
            *(["–", "–", "not stated"] if entry is None else odds_cells(doc, entry)),
        ]
        for key, words in _CRITERIA.items()
        for entry in [doc["criteria"][key]]
    ]
    yield from table(("Criterion", "Chance", "90% interval", "In cases"), rows, "lrrl")
    if not doc["hazards"]:
        return
    goal = doc["criteria_given_intended"]
    yield "The goal's criteria are of a run that is made to end as intended. Given that training"
    chances = [
        f"{name} {chance(entry)}"
        for name, entry in (
            ("goal alignment", goal["goal_alignment"]),
            ("goal competitiveness", goal["goal_competitiveness"]),
        )
        if entry is not None
    ]
    ended = "; ".join(chances) or "nothing can be said, since it cannot"
    yield from (f"does end as intended, which tells of the goal too: {text(ended)}.", "")


def _paths(doc: Estimate) -> Iterator[str]:
    paths = [path for path in doc["paths"] if path["probability"]["mean"] > 0]
    if not paths:
        return
    yield from ("## Failure paths, those of most concern first", "")
    heads = ["No.", "Path", "Kind", "Ends in catastrophe", "90% interval", "Comes about"]
    heads += ["Slips past checks", "Worst in draws"]
    yield from table(heads, [[*_path_row(doc, path)] for path in paths], "rllrrrrr")
    for path in paths[:_TOLD]:
        yield f"{path['rank']}. {code(path['hazard'] or path['route'])}: {_path_words(path)}"
    yield ""
    yield from mechanisms_part(doc)
    if any(path["overlaps"] for path in paths):
        yield from ("\\* Other conditions lead to the same ending, so these paths overlap.", "")
    for ending in dict.fromkeys(path["route"] for path in paths if path["narrowed"]):
        yield from (f"Not all ways to {code(ending)} were compared: {NARROWED}.", "")


def _path_row(doc: Estimate, path: FailurePath) -> Iterator[str]:
    yield str(path["rank"])
    yield code(path["hazard"] or path["route"]) + " \\*" * path["overlaps"]
    hazard = "hazard of the goal"
    kind = f", {path['kind']}" if path["kind"] else ""
    yield text(hazard if path["hazard"] else doc["routes"][path["route"]]["class"] + kind)
    yield text(percent(path["concern"]["mean"]))
    yield text(band(path["concern"]) or "–")
    yield text(percent(path["probability"]["mean"]))
    slips = path["undetected"]
    yield "–" if slips is None else text(percent(slips["mean"]))
    yield text(percent(path["share_top"]))


def _path_words(path: FailurePath) -> str:
    hinge = path["weakest_link"]
    chain = ""
    for link in path_links(path["literals"], hinge):
        words = code(link.words) if link.words == link.literal else text(link.words)
        is_hinge = link.literal == hinge
        chain += link.glue + (f"**{words}** (weakest link)" if is_hinge else words)
    needs = f"{chain}." if chain else "Needs nothing in particular."
    claim = path["claim"]
    end = "" if claim.endswith((".", "!", "?")) else "."
    return f"{text(claim)}{end} {needs}" if claim else needs


def _evidence(doc: Estimate) -> Iterator[str]:
    items = doc["evidence"]["items"]
    if not items:
        return
    yield from ("## What the evidence did", "")
    yield from ("Bits for (+) or against (−) each class, each item alone.", "")
    rows = [
        [
            f"{code(item['id'])} ({item['result']})"
            if item.get("result")
            else marked(code(item["id"]), item["opinion"]),
            *(bits(item["bits"][name]) for name in CLASSES),
            text(item["claim"]),
            cited(item["source"]),
        ]
        for item in items
    ]
    yield from table(("Item", *CLASSES, "Claim", "Source"), rows, "lrrrrll")
    for item in items:
        if "exposure" in item:
            yield from (f"{code(item['id'])}: {text(item['exposure'])}.", "")
    for item in items:
        if item["idle"]:
            yield from (f"{code(item['id'])} {DOES_NOTHING}", "")
    if doc["evidence"]["note"]:
        yield from (f"Note: {text(doc['evidence']['note'])}.", "")


def _lens(doc: Estimate) -> Iterator[str]:
    lens = doc["lens"]
    yield from ("## In the words of learned optimization", "", text(lens["reason"]), "")
    if lens["applies"]:
        for key in ("outer_alignment", "inner_alignment"):
            entry = lens[key]
            value = "cannot be said" if entry is None else text(chance(entry))
            yield f"- {key.replace('_', ' ').capitalize()}: {value}"
        yield ""
    if lens["kinds"]:
        ranked = sorted(lens["kinds"].items(), key=lambda kind: -kind[1]["mean"])
        rows = [[code(name), *odds_cells(doc, entry)] for name, entry in ranked]
        yield from table(("Kind of model", "Chance", "90% interval", "In cases"), rows, "lrrl")
