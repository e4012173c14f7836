"""What a story's odds rest on beside its assumptions, and how far they follow each number."""

from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table
from storyodds.reports.figures.drawing.cells import Cell
from storyodds.reports.figures.trust import THRESHOLD
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.as_written import number_words, numbers_of
from storyodds.reports.words.levers import lever_words, model_words
from storyodds.reports.words.numbers import counted, marked, sentence_case
from storyodds.reports.words.priors import formula_words
from storyodds.reports.words.sentences import headline_fates
from storyodds.reports.words.stages import acts_in

_MOST = 12  # numbers of which it is told how far the odds follow them


def constraints_and_nudges(dossier: Dossier) -> Section:
    """What rules kinds of model out, and what makes one likelier than another."""
    rationale = dossier.assessment.prepared.resolved.story.rationale
    constraints, nudges = rationale.constraints, rationale.nudges
    name = ("reasons", "Why training would end there")
    if not (constraints or nudges):
        return Section(*name, finding="The story gives no constraint and no nudge.")
    written = dossier.estimate["provenance"]
    ruled = tuple(
        (
            part.id,
            _where(formula_words(part.holds), acts_in(part.stages)),
            ", ".join(map(model_words, part.rules_out)),
            " ".join(part.claim.split()) or "–",
        )
        for part in constraints
    )
    pushed = tuple(
        (
            part.id if k == 0 else f"{part.id} (again)",
            model_words(field.partition(".")[2]),
            number_words(number),
            _where("" if part.when is None else formula_words(part.when), acts_in(part.stages)),
            (" ".join(part.claim.split()) if k == 0 else "") or "–",
        )
        for part in nudges
        for k, (field, number) in enumerate(numbers_of(written, part.id))
    )
    heads = ("constraint", "holds where", "else rules out", "claim")
    pushes = ("nudge", "favors (+) or disfavors (−)", "by", "where", "claim")
    tables = [Table("Constraints: facts that the model that results has to meet", heads, ruled)]
    tables += [Table("Nudges: what makes one model likelier than another", pushes, pushed)]
    kinds = ((constraints, "constraint"), (nudges, "nudge"))
    counts = [counted(len(parts), noun) for parts, noun in kinds]
    return Section(
        *name,
        finding=f"Beside its assumptions, the story rests on {' and '.join(counts)}.",
        tables=tuple(table for table in tables if table.rows),
        notes=("A bit more doubles the odds of a model against the intended one.",)
        if pushed
        else (),
        long=True,
        stays=False,
    )


def _where(condition: str, stages: str) -> str:
    """A condition, and the stages in which it counts."""
    return ", ".join(filter(None, [condition, stages])) or "always"


def trust(dossier: Dossier) -> Section:
    """How far the odds follow each prior, and each piece of evidence, if it counts for more."""
    analysis = dossier.parts.get("trust")
    name = ("trust", "How far the odds follow single judgments")
    if analysis is None:
        return Section(*name, finding=dossier.reasons["trust"])
    scaled, events = analysis["power_scaling"], headline_fates(dossier.estimate)
    entries = [
        (kind, entry)
        for kind in ("priors", "evidence")
        for entry in scaled[kind]
        if _largest(entry, events) is not None
    ]
    if not entries:
        return Section(*name, finding="Nothing uncertain bears on the odds.")
    entries.sort(key=lambda pair: -float(_largest(pair[1], events) or 0.0))
    above = [pair for pair in entries if (_largest(pair[1], events) or 0.0) > THRESHOLD]
    finding = (
        f"{len(above) or 'None'} of {len(entries):,} priors and findings "
        f"{'are' if len(above) > 1 else 'is'} above {THRESHOLD:g}, from where on a second opinion "
        "is worth having."
    )
    rows = tuple(
        (_words(dossier, kind, entry), *(_cell(entry[event]["sensitivity"]) for event in events))
        for kind, entry in entries[:_MOST]
    )
    rest = len(entries) - len(rows)
    return Section(
        *name,
        finding=finding,
        tables=(
            Table(
                "Sensitivity to how much a prior or a finding counts",
                ("prior or evidence", *events),
                rows,
            ),
        ),
        notes=(
            "Power-scaling: how far the spread of the chance moves when the prior, or the "
            "evidence, counts a little more or less; 0 is not at all."
            + (f" {counted(rest, 'smaller one')} not shown." if rest else ""),
        ),
    )


def _largest(entry: Json, events: tuple[str, ...]) -> float | None:
    sizes = [entry[event]["sensitivity"] for event in events]
    return max((float(size) for size in sizes if size is not None), default=None)


def _words(dossier: Dossier, kind: str, entry: Json) -> str:
    name = str(entry["name"])
    if kind == "evidence":
        return marked(f"evidence “{name}”", bool(entry["opinion"]))
    resolved = dossier.assessment.prepared.resolved
    if name not in resolved.number_index:
        return name
    return f"{sentence_case(lever_words(name, resolved))} ({name})"


def _cell(size: float | None) -> Cell:
    return Cell("–", {}) if size is None else Cell(f"{size:.2g}", {"": size})
