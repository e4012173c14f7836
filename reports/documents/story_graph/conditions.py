"""What routes, hazards and composite assumptions need, as trees of terms."""

from collections.abc import Collection, Iterator

from storyodds.models.story.graph import StoryGraph
from storyodds.models.story.stages import Unrolled
from storyodds.reports.documents.story_graph.records import Condition, Need, Term
from storyodds.scenarios.grammar.formulas import AtLeast, Formula, parts
from storyodds.scenarios.grammar.rewritten import ALWAYS, NEVER, any_of, simplified
from storyodds.scenarios.grammar.stages import is_of_training
from storyodds.scenarios.resolve import ResolvedStory

Part = Term | Need


def part_of(formula: Formula, truth: bool = True) -> Part:
    """Give a formula, or its negation, as a tree without negations but of single terms.

    Examples
    --------
    >>> part_of(("a", "not b"), truth=False)
    ... # doctest: +NORMALIZE_WHITESPACE
    Need(least=1, parts=(Term(node='assumption:a', holds=False),
    Term(node='assumption:b', holds=True)))
    """
    if isinstance(formula, str):
        name = formula.removeprefix("not ")
        return Term(f"assumption:{name}", (name == formula) is truth)
    members, least = parts(formula)
    inner = tuple(part_of(member, truth) for member in members)
    # Fewer than k of n hold where at least n - k + 1 do not.
    return inner[0] if len(inner) == 1 else Need(_least(least, len(inner), truth), inner)


def _least(least: int, n: int, truth: bool) -> int:
    return least if truth else n - least + 1


def all_of(members: list[Part]) -> Need | None:
    """Join parts that are all needed, those within them too, each once."""
    flat: dict[Part, None] = {}
    for part in members:
        whole = isinstance(part, Need) and part.least == len(part.parts)
        flat |= dict.fromkeys(part.parts if whole and isinstance(part, Need) else (part,))
    return Need(len(flat), tuple(flat)) if flat else None


def conditions(graph: StoryGraph, resolved: ResolvedStory) -> tuple[Condition, ...]:
    """Give what everything in a story needs that needs anything.

    In stages, a route needs what has to hold in any stage in which training enters it. What the
    model is as a stage begins is no part of that, as no assumption says it.
    """
    return tuple(_conditions(graph, resolved))


def _conditions(graph: StoryGraph, resolved: ResolvedStory) -> Iterator[Condition]:
    for variable in (graph.variables[v] for v in graph.assumptions):
        formula = variable.formula
        if graph.steps and formula is not None:
            formula = _of_assumptions(formula)
        if formula is not None:
            yield Condition(f"assumption:{variable.name}", _need(formula))
    yield from _entries(resolved) if graph.steps else _openings(graph)
    for hazard in graph.hazards:
        need_of_hazard = None if hazard.requires is None else all_of([part_of(hazard.requires)])
        if need_of_hazard is not None:
            yield Condition(f"hazard:{hazard.id}", need_of_hazard)
    if graph.hazards:
        fired = tuple(Term(f"hazard:{hazard.id}", True) for hazard in graph.hazards)
        yield Condition("kind:hazard", Need(1, fired))


def _need(formula: Formula) -> Need:
    part = part_of(formula)
    return part if isinstance(part, Need) else Need(1, (part,))


def _openings(graph: StoryGraph) -> Iterator[Condition]:
    """What each route needs to be open, where training is one step."""
    for route in graph.routes:
        required = [] if route.requires is None else [part_of(route.requires)]
        need = all_of(required + [part_of(f, truth=False) for f in route.blocked_by])
        if need is not None:
            yield Condition(f"route:{route.id}", need)


def _entries(resolved: ResolvedStory) -> Iterator[Condition]:
    """What each route needs to be entered, in any stage."""
    for route, entries in zip(resolved.routes, Unrolled(resolved).entries(), strict=True):
        formula = _of_assumptions(any_of(tuple(dict.fromkeys(entries))))
        if formula is not None:
            yield Condition(f"route:{route.id}", _need(formula))


def _of_assumptions(formula: Formula) -> Formula | None:
    """What a formula says of assumptions at the least; None where that is nothing.

    Literals of the course of training are taken to be as the formula would have them.

    Examples
    --------
    >>> _of_assumptions(("aware by tuning", "not simulator after pre-training"))
    'aware by tuning'
    """
    rest = simplified(_relaxed(formula))
    return None if rest in (ALWAYS, NEVER) else rest


def _relaxed(formula: Formula) -> Formula:
    if isinstance(formula, str):
        return ALWAYS if is_of_training(formula.removeprefix("not ")) else formula
    members, least = parts(formula)
    relaxed = tuple(_relaxed(member) for member in members)
    return AtLeast.model_construct(at_least=least, of=relaxed)


def terms_of(need: Need) -> Iterator[Term]:
    """Walk the terms of a tree, in the order written."""
    for part in need.parts:
        if isinstance(part, Term):
            yield part
        else:
            yield from terms_of(part)


def follows(need: Need, terms: Collection[Term]) -> bool:
    """Whether something that is needed is there once some terms are so.

    Examples
    --------
    >>> a, b = Term("assumption:a", True), Term("assumption:b", True)
    >>> follows(Need(1, (a, b)), [a]), follows(Need(2, (a, b)), [a])
    (True, False)
    """
    met = sum(
        part in terms if isinstance(part, Term) else follows(part, terms) for part in need.parts
    )
    return met >= need.least


def need_words(need: Need, labels: dict[str, str]) -> str:
    """Say what is needed.

    Examples
    --------
    >>> terms = Term("assumption:a", True), Term("assumption:b", False)
    >>> labels = {"assumption:a": "a", "assumption:b": "b"}
    >>> need_words(Need(2, terms), labels), need_words(Need(1, terms[:1]), labels)
    ('all of a, not b', 'a')
    """
    words = [
        ("" if part.holds else "not ") + labels.get(part.node, part.node.partition(":")[2])
        if isinstance(part, Term)
        else f"({need_words(part, labels)})"
        for part in need.parts
    ]
    if len(words) == 1:
        return words[0]
    count = {len(words): "all", 1: "any"}.get(need.least, f"at least {need.least}")
    return f"{count} of {', '.join(words)}"
