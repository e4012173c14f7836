"""The story itself: its lens, its limits, its text, its numbers, and how it was computed."""

import math
from collections.abc import Iterator, Mapping, Sequence

from storyodds.models.importance.measures import literal_text
from storyodds.models.sensitivity.dependence import Bound
from storyodds.models.story.events import EVENTS
from storyodds.priors.text.errors import printable
from storyodds.reports.contract.head import AnswerErrors
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table, link_to
from storyodds.reports.dashboard.pictures import drawn
from storyodds.reports.figures.drawing.cells import Cell, with_band
from storyodds.reports.words.correlations import together
from storyodds.reports.words.numbers import counted, listed, percent, sentence_case
from storyodds.reports.words.sentences import is_risk_argument, soundness
from storyodds.reports.words.stages import acts_in, stands_after
from storyodds.scenarios.provenance import NumberRecord, plain_source
from storyodds.scenarios.schema import Check, Evidence
from storyodds.scenarios.story import Story

_CATASTROPHE = EVENTS.index("catastrophe")
_LARGE = 100  # a measure from here on is told without decimals
MEASURES = {
    "ess": "worth so many independent draws (ESS)",
    "weight_bound": "times the average weight that no draw can count more than",
    "log_probability_error": "standard error of the log probability of the evidence",
    "pareto_k": "Pareto k of the weights (good below 0.7)",
    "r_hat_max": "R-hat, the largest (good below 1.01)",
    "ess_bulk_min": "ESS in the bulk, the smallest",
    "ess_tail_min": "ESS in the tails, the smallest",
    "divergences": "divergences of NUTS (good at 0)",
    "states": "simulated states at each draw that means are taken of",
    "states_simulated": "simulated states in all",
    "ess_joint": "all states worth so many independent ones",
}


def lens(dossier: Dossier) -> Section | None:
    """Learned optimization: whether outer and inner alignment apply, and what came instead."""
    if is_risk_argument(dossier.estimate):
        return None
    summary = dossier.estimate["lens"]
    rows = [
        (name, with_band(entry))
        for name, entry in (
            ("outer alignment", summary["outer_alignment"]),
            ("inner alignment", summary["inner_alignment"]),
        )
        if entry is not None
    ]
    rows += [(kind, with_band(entry)) for kind, entry in summary["kinds"].items()]
    tables = (Table("Chances by kind of model", ("kind", "chance"), tuple(rows)),) if rows else ()
    return Section(
        id="lens",
        title="The lens of learned optimization",
        finding=summary["reason"],
        tables=tables,
    )


def left_out(dossier: Dossier) -> Section:
    """What the numbers do not have in them."""
    estimate = dossier.estimate
    residual = [
        (name, route) for name, route in estimate["routes"].items() if name == "something-else"
    ]
    entries = [
        "Ways to fail that nobody thought of. The interval of a probability covers what its "
        "numbers leave open, not what the story leaves out"
        + (
            f"; the residual route “{residual[0][0]}” has {with_band(residual[0][1])} for all of "
            "that."
            if residual
            else ", and this story has no residual route for that."
        ),
    ]
    numbers = estimate["provenance"]
    assumed = sum(entry["basis"] == "assumed" for entry in numbers)
    if assumed:
        share = "All" if assumed == len(numbers) else f"{assumed} of its"
        entries.append(
            f"{share} {counted(len(numbers), 'number')} "
            f"{'is' if assumed == 1 else 'are'} assumed by the story's authors, with no "
            "measurement and no elicitation behind them."
        )
    free = [
        name
        for name, assumption in dossier.assessment.prepared.resolved.assumptions.items()
        if assumption.probability is not None
        or (assumption.states is not None and assumption.states.given is None)
    ]
    if len(free) > 1:
        entries.append(
            f"Dependence beyond what the story states: its {len(free)} free assumptions are taken "
            "to be independent, given its numbers."
        )
    if blocks := dossier.estimate.get("correlations"):
        named = "; ".join(together(block) for block in blocks)
        entries.append(
            f"Correlations of numbers beyond what the story states: {named}. All other numbers "
            "are taken to be independent."
        )
    entries += _dependence(dossier)
    entries.append(
        "Whether the story is carried out as written. The odds are those of training as the "
        "story describes it, by people who do what it says."
    )
    return Section(
        id="left-out",
        title="What this model leaves out",
        stays=False,
        finding="Read the odds with this in mind; none of it is inside the intervals.",
        part="left_out",
        data={
            "entries": entries,
            "doubts": [
                {"sentence": doubt.sentence + ".", "place": f"{doubt.code}: {doubt.place.key_path}"}
                for doubt in dossier.doubts
            ],
        },
    )


def _dependence(dossier: Dossier) -> list[str]:
    """How far the pair of assumptions could go that could go furthest."""
    bounds = dossier.parts.get("dependence")
    if bounds is None or not bounds.listed:
        return []
    widest: Bound = bounds.listed[0]
    now = float(bounds.base.means[_CATASTROPHE])
    apart, together = (
        float(answer.means[_CATASTROPHE]) for answer in (widest.apart, widest.together)
    )
    if not (math.isfinite(apart) and math.isfinite(together)):
        return []
    names = " and ".join(f"“{literal_text(literal)}”" for literal in widest.literals)
    return [
        f"Of {counted(bounds.pairs, 'pair')} of free assumptions that meet in a path of concern, "
        f"{names} matter most: with both true as often together as can be, catastrophe would be "
        f"{percent(together)}, as seldom as can be, {percent(apart)}; now it is {percent(now)}."
    ]


def as_given(dossier: Dossier) -> Section:
    """The story's text."""
    story = dossier.story
    groups = [
        {"title": title, "entries": entries} for title, entries in _groups(dossier) if entries
    ]
    return Section(
        id="the-story",
        title="The story as given",
        stays=False,
        finding="What the story says, in its own words; whoever wrote it answers for them.",
        part="story",
        data={
            "summary": story.summary,
            "groups": groups,
            "sources": [link_to(plain_source(source)) for source in story.sources],
            # What comes with the package need not be in its page again.
            "yaml": "" if dossier.recipe.is_bundled else dossier.yaml,
            "id": story.story,
        },
        long=True,
    )


def _groups(dossier: Dossier) -> Iterator[tuple[str, list[dict[str, str]]]]:
    story, resolved = dossier.story, dossier.assessment.prepared.resolved
    goal, rationale = story.goal, story.rationale
    yield (
        "The goal",
        [
            _entry("Wanted", "", goal.specification),
            _entry("Why that is good", "", goal.desirability),
            *(_entry("It could still go wrong", part.id, part.claim) for part in goal.hazards),
        ],
    )
    kinds = (("Constraint", rationale.constraints), ("Nudge", rationale.nudges))
    yield (
        "Why training would reach it",
        [
            *_stages(story),
            *(
                _entry(_acting(sort, part.stages), part.id, part.claim)
                for sort, parts in kinds
                for part in parts
            ),
        ],
    )
    yield (
        "What is assumed",
        [
            _entry(
                "Assumption" if written is not None and written.claim else "From the catalog",
                name,
                resolved.assumptions[name].claim,
            )
            for name, written in story.assumptions.items()
        ],
    )
    yield (
        "What goes together",
        [
            _entry(
                f"Rank correlation {block['rank']:g}",
                listed(block["between"]),
                block["note"] or (block["source"] or {"cite": "No source is given."})["cite"],
            )
            for block in dossier.estimate.get("correlations", ())
        ],
    )
    yield (
        "What training could end in",
        [_entry(f"{part.class_}", part.id, part.claim) for part in story.routes],
    )
    yield (
        "Checks before deployment",
        [
            _entry(
                _standing("Check" if part.result is None else f"Check, {part.result}", part),
                part.id,
                part.claim,
            )
            for part in story.checks
        ],
    )
    yield (
        "Evidence",
        [
            _entry(
                _standing("Finding" if part.forecast is None else "Forecast (opinion)", part),
                part.id,
                part.claim,
            )
            for part in story.evidence
        ],
    )
    yield (
        "Proposed observations",
        [_entry("Proposal", part.id, part.claim) for part in story.proposals],
    )


def _stages(story: Story) -> Iterator[dict[str, str]]:
    if story.stages:
        yield _entry("Stages of training", "", f"{', then '.join(story.stages)}.")


def _acting(sort: str, stages: Sequence[str] | None) -> str:
    return ", ".join(filter(None, [sort, acts_in(stages)]))


def _standing(sort: str, part: Check | Evidence) -> str:
    return ", ".join(filter(None, [sort, stands_after(part)]))


def _entry(name: str, id: str, words: str) -> dict[str, str]:
    return {"name": name, "id": id, "words": words or "No claim is given."}


def provenance(dossier: Dossier) -> Section:
    """Every number, with where it comes from."""
    numbers: Sequence[NumberRecord] = dossier.estimate["provenance"]
    if not numbers:
        return Section(
            id="provenance", title="Where every number comes from", finding="There are no numbers."
        )
    by = {
        basis: sum(entry["basis"] == basis for entry in numbers)
        for basis in dict.fromkeys(str(entry["basis"]) for entry in numbers)
    }
    total = counted(len(numbers), "number")
    counts = ", ".join(f"{n} {basis}" for basis, n in by.items())
    if len(by) == 1 and len(numbers) > 1:
        finding = f"All {total} are {next(iter(by))}."
    else:
        finding = f"{total}: {counts}."
    rows = tuple(
        (
            str(entry["name"]),
            _form(entry["form"]),
            str(entry["basis"]),
            _cite(entry),
            _place(entry),
        )
        for entry in numbers
    )
    return Section(
        id="provenance",
        title="Where every number comes from",
        stays=False,
        finding=finding,
        extra=(
            Table(
                "Provenance",
                ("number", "as written", "basis", "source", "where"),
                rows,
                compact=True,
                file=False,
            ),
        ),
        long=True,
    )


def _form(form: object) -> str:
    """A prior as it was written, without what its own columns say."""
    if isinstance(form, Mapping):
        inner = {k: v for k, v in form.items() if k not in ("basis", "source", "note")}
        return ", ".join(f"{k} {_form(v)}" for k, v in inner.items())
    if isinstance(form, list | tuple):
        return f"[{', '.join(map(_form, form))}]"
    return f"{form:g}" if isinstance(form, float) else str(form)


def _cite(entry: NumberRecord) -> str:
    source = link_to(entry["source"])
    return " – ".join(filter(None, [str(source["words"]) if source else "", entry["note"] or ""]))


def _place(entry: NumberRecord) -> str:
    if entry["file"] is None:
        return str(entry["origin"])
    name = str(entry["file"]).replace("\\", "/").rsplit("/", 1)[-1]
    return f"{printable(name)}:{entry['line']}"


def diagnostics(dossier: Dossier) -> Section:
    """Whether the computation can be relied on."""
    record = dossier.estimate["diagnostics"]
    rows = tuple(
        (MEASURES.get(name, name.replace("_", " ")), Cell(_measure(value), {"": value}))
        for name, value in record.items()
        if name not in ("ok", "messages") and isinstance(value, int | float)
    )
    messages = " ".join(f"{sentence_case(message)}." for message in record["messages"])
    finding = soundness(dossier.estimate) if record["ok"] else "NOT RELIABLE."
    return Section(
        id="diagnostics",
        title="Can the computation be relied on?",
        finding=f"{finding} {messages}".strip(),
        figures=drawn(dossier, "diagnostics"),
        tables=(
            Table(
                "Diagnostics",
                ("measure", "value"),
                rows,
            ),
        ),
        extra=_errors_table(record.get("standard_errors", {})),
        notes=_about_plots(dossier),
    )


def _errors_table(errors: dict[str, AnswerErrors]) -> tuple[Table, ...]:
    """Monte Carlo standard errors of what has a name of its own, in percentage points."""
    rows = tuple(
        (name, *(_error(by[point]) for point in ("mean", "q05", "median", "q95")))
        for name, by in errors.items()
        if any(by.values()) and "." not in name
    )
    heads = ("answer", "mean", "5% point", "median", "95% point")
    return (Table("Standard errors, in percentage points", heads, rows),) if rows else ()


def _error(share: float) -> Cell:
    return Cell(f"{100 * share:.2g}", {"": 100 * share})


def _about_plots(dossier: Dossier) -> tuple[str, ...]:
    """Which of ArviZ's plots are not there, and why."""
    method = dossier.estimate["method"]
    if method not in ("weighting", "nuts"):
        return ()
    if not dossier.thorough:
        return ("With --thorough, ArviZ's plots of the draws stand here too.",)
    if method == "weighting":
        exact = dossier.estimate["diagnostics"]["means"] == "exact"
        chains = "" if exact else " --method nuts runs chains."
        return (
            "ArviZ's plots of chains (ranks, traces, autocorrelation, effective sample sizes) are "
            f"not here: these draws are independent of each other.{chains}",
        )
    return ()


def _measure(value: object) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return (f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.3g}").replace("-", "−")


def again(dossier: Dossier) -> Section:
    """The commands and versions that give the same numbers."""
    estimate, recipe = dossier.estimate, dossier.recipe
    condition = (
        "" if recipe.is_bundled else " with the story's file from above saved under its name"
    )
    if recipe.view_file is not None:
        condition += f"{' and' if condition else ' with'} the view's file {recipe.view_file}"
    options = ["--thorough"] * dossier.thorough
    versions = ", ".join(f"{name} {version}" for name, version in estimate["versions"].items())
    return Section(
        id="again",
        title="How to make it again",
        stays=False,
        finding=f"Run this{condition}; the same seed gives the same numbers.",
        part="again",
        data={
            "commands": [
                recipe.command("dashboard", *options, "-o", "pages"),
                recipe.command("estimate", "--json"),
            ]
        },
        notes=(
            f"Story sha256 {estimate['story_sha256']}.",
            f"Seed {estimate['seed']}; method {estimate['method']}; {versions}.",
        ),
    )
