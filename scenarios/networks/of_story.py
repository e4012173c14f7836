"""A story as a network: assumptions, where training ends, hazards, checks and what comes of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import product
from math import prod

from storyodds.priors.distributions.families import Point
from storyodds.priors.text.errors import Problem, UnsupportedStoryError
from storyodds.scenarios.grammar.formulas import Formula, holds, literals
from storyodds.scenarios.grammar.outcomes import DEFAULT, INTENDED, RESIDUAL
from storyodds.scenarios.grammar.states import assumption_and_state
from storyodds.scenarios.networks.network import Network, Node
from storyodds.scenarios.networks.writers import plain_name
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import Assumption, Check, Hazard, Route

MAX_ROWS = 2**16  # of one table: a file of some megabytes
_CLAIM = ("true", "false")
_HAZARD = ("fires", "quiet")
_CHECK = ("flagged", "passed")
_HARM = ("catastrophe", "none")
_ANY = ("some", "none")
_FATES = ("success", "uncompetitive", "halted", "benign_failure", "catastrophe")

type _Held = Mapping[str, str]  # by node, the state that it is in


class _Builder:
    """Makes the nodes of a story one after the other, each after its parents."""

    def __init__(self, resolved: ResolvedStory) -> None:
        self._resolved = resolved
        self._names: dict[str, str] = {}
        self._means: dict[str, float] = {}
        self.nodes: dict[str, Node] = {}

    def name(self, part: str) -> str:
        """The name of a part's node: of letters, digits and underscores, and its own."""
        if part not in self._names:
            plain, number = plain_name(part), 1
            while plain in self._names.values():
                number += 1
                plain = f"{plain_name(part)}_{number}"
            self._names[part] = plain
        return self._names[part]

    def mean(self, number: str) -> float:
        """The mean of a number before any evidence.

        Raises
        ------
        UnsupportedStoryError
            If it is no single number.
        """
        if number not in self._means:
            place = self._resolved.number_index.get(number)
            if place is None:
                sentence = f"found '{number}', which depends on assumptions, expected one number"
                raise self.unsupported(sentence)
            self._means[number] = float(self._resolved.numbers[place].distribution.mean())
        return self._means[number]

    def unsupported(self, sentence: str) -> UnsupportedStoryError:
        """An error that says what no network can be made of."""
        story = self._resolved.story.story
        return UnsupportedStoryError([Problem(f"as a network: {sentence}", key_path=story)])

    def add(
        self,
        part: str,
        states: Sequence[str],
        parents: Iterable[str],
        row: Callable[[_Held], Sequence[float]],
    ) -> None:
        """Make a node whose row depends on the states that its parents (parts, too) are in."""
        parts = list(dict.fromkeys(parents))
        of_parents = [self.nodes[parent].states for parent in parts]
        size = prod(map(len, of_parents))
        if size > MAX_ROWS:
            sentence = f"found a table of {size:,} rows for '{part}', expected at most {MAX_ROWS:,}"
            raise self.unsupported(sentence)
        rows = tuple(
            tuple(float(x) for x in row(dict(zip(parts, held, strict=True))))
            for held in product(*of_parents)
        )
        names = tuple(self.name(parent) for parent in parts)
        self.nodes[part] = Node(self.name(part), tuple(states), names, rows)

    def truth(self, held: _Held) -> Callable[[str], bool]:
        """Whether literals hold."""

        def value(literal: str) -> bool:
            assumption, state = assumption_and_state(literal)
            return held[assumption] == (_CLAIM[0] if state is None else plain_name(state))

        return value

    def is_so(self, formula: Formula | None, held: _Held) -> bool:
        """Whether a formula holds."""
        return formula is None or bool(holds(formula, self.truth(held)))


def network_of(resolved: ResolvedStory) -> Network:
    """Turn a story into a network, at the mean of every number before any evidence.

    Parameters
    ----------
    resolved : ResolvedStory

    Returns
    -------
    Network
        A node for each assumption, `training_ends` with a state for each route, a node for each
        hazard and check, and `ending` with a state for each fate. Evidence is left out, and so are
        the known results of checks. Odds at the means of numbers are not the means of odds, and
        means know no correlations of numbers: notes of the network list these.

    Raises
    ------
    UnsupportedStoryError
        If a table would have more than 65,536 rows, a rate depends on assumptions, or checks fail
        together.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> [node.name for node in network_of(resolve(load_story("coinrun-agent"))).nodes][-2:]
    ['harm', 'ending']
    """
    story, builder = resolved.story, _Builder(resolved)
    if resolved.common_causes:
        sentence = "found checks that fail together, expected checks that flag independently"
        raise builder.unsupported(sentence)
    for name in _parents_first(resolved.assumptions):
        _add_assumption(builder, name, resolved.assumptions[name])
    builder.name("training-ends")
    _add_routes(builder, resolved)
    for hazard in story.goal.hazards:
        _add_hazard(builder, hazard, resolved.routes)
    for check in story.checks:
        _add_check(builder, check, resolved.routes, story.goal.hazards)
    _add_endings(builder, resolved)
    nodes = tuple(builder.nodes.values())
    return Network(plain_name(story.story), nodes, story.story, left_out(resolved))


def left_out(resolved: ResolvedStory) -> tuple[str, ...]:
    """Name the correlations of uncertain numbers, which a network at their means does not hold.

    Parameters
    ----------
    resolved : ResolvedStory

    Returns
    -------
    tuple of str
        A sentence for each block of at least two numbers that are not fixed.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> left_out(resolve(load_story("coinrun-agent")))
    ()
    """
    fixed = {n.name for n in resolved.numbers if isinstance(n.distribution, Point)}
    sentences = []
    for block in resolved.correlations:
        names = [name for name in block.between if name not in fixed]
        if len(names) > 1 and block.rank:
            pairs = " between each two" if len(names) > 2 else ""
            sentences.append(
                f"That {', '.join(names[:-1])} and {names[-1]} go together (rank correlation "
                f"{block.rank:g}{pairs}) is not in this network, which holds the mean of each."
            )
    return tuple(sentences)


def _bases(formulas: Iterable[Formula | None]) -> list[str]:
    """The assumptions that formulas name, in the order of their appearance."""
    names = (name for f in formulas if f is not None for name, _ in literals(f))
    return list(dict.fromkeys(assumption_and_state(name)[0] for name in names))


def _formulas(assumption: Assumption) -> Iterator[Formula | None]:
    yield assumption.holds_when
    yield from (row.when for row in assumption.given or ())
    yield from (row.when for row in (assumption.states.rows if assumption.states else ()))


def _parents_first(assumptions: Mapping[str, Assumption]) -> list[str]:
    needs = {name: _bases(_formulas(assumption)) for name, assumption in assumptions.items()}
    return list(TopologicalSorter(needs).static_order())


def _add_assumption(builder: _Builder, name: str, assumption: Assumption) -> None:
    parents = _bases(_formulas(assumption))
    if assumption.states is not None:
        states = assumption.states
        starts = [
            name if states.given is None else f"{name}.given.{k}" for k in range(len(states.rows))
        ]
        if states.given is not None:
            starts[-1] = f"{name}.otherwise"

        def chances(held: _Held) -> list[float]:
            rows = zip(states.rows, starts, strict=True)
            start = next(start for row, start in rows if builder.is_so(row.when, held))
            remainder, listed = 1.0, []
            for state in states.names[:-1]:
                listed.append(remainder * builder.mean(f"{start}.in_turn.{state}"))
                remainder -= listed[-1]
            return [*listed, max(remainder, 0.0)]

        builder.add(name, [plain_name(state) for state in states.names], parents, chances)
        return

    def chance(held: _Held) -> float:
        if assumption.holds_when is not None:
            return float(builder.is_so(assumption.holds_when, held))
        for k, row in enumerate(assumption.given or ()):
            if builder.is_so(row.when, held):
                number = f"{name}.otherwise" if row.when is None else f"{name}.given.{k}"
                return builder.mean(number)
        return builder.mean(f"{name}.probability")

    builder.add(name, _CLAIM, parents, lambda held: _pair(chance(held)))


def _pair(chance: float) -> tuple[float, float]:
    return chance, 1.0 - chance


def _touched(route: Route) -> set[str]:
    """The names by which constraints and nudges mean a route."""
    return set() if route.id == RESIDUAL else {route.id, route.class_}


def _add_routes(builder: _Builder, resolved: ResolvedStory) -> None:
    """Where training ends: open routes compete by their bits."""
    rationale, routes = resolved.story.rationale, resolved.routes
    formulas = [route.requires for route in routes]
    formulas += [constraint.holds for constraint in rationale.constraints]
    formulas += [nudge.when for nudge in rationale.nudges]

    def weight(route: Route, held: _Held) -> float:
        names = _touched(route)
        ruled_out = any(
            names & set(constraint.rules_out) and builder.is_so(constraint.holds, held)
            for constraint in rationale.constraints
        )
        if ruled_out or not builder.is_so(route.requires, held):
            return 0.0
        bits = builder.mean(f"{route.id}.bits")
        for nudge in rationale.nudges:
            if builder.is_so(nudge.when, held):
                bits += sum(
                    builder.mean(f"{nudge.id}.bits.{target}")
                    for target in nudge.bits
                    if target in names
                )
        return float(2.0**bits)

    def shares(held: _Held) -> list[float]:
        weights = [weight(route, held) for route in routes]
        return [one / sum(weights) for one in weights]

    states = [plain_name(route.id) for route in routes]
    builder.add("training-ends", states, _bases(formulas), shares)


def _route(held: _Held, routes: Sequence[Route]) -> Route:
    return next(route for route in routes if plain_name(route.id) == held["training-ends"])


def _add_hazard(builder: _Builder, hazard: Hazard, routes: Sequence[Route]) -> None:
    def chance(held: _Held) -> float:
        is_intended = _route(held, routes).class_ == INTENDED
        if not is_intended or not builder.is_so(hazard.requires, held):
            return 0.0
        return builder.mean(f"{hazard.id}.probability")

    parents = ["training-ends", *_bases([hazard.requires])]
    builder.add(hazard.id, _HAZARD, parents, lambda held: _pair(chance(held)))


def _add_check(
    builder: _Builder, check: Check, routes: Sequence[Route], hazards: Sequence[Hazard]
) -> None:
    named = [hazard.id for hazard in hazards if hazard.id in check.flags]

    def chance(held: _Held) -> float:
        route = _route(held, routes)
        key = next(k for k in (route.id, route.class_, DEFAULT) if k in check.flags)
        silent = 1.0 - builder.mean(f"{check.id}.flags.{key}")
        for hazard in named:
            if held[hazard] == _HAZARD[0]:
                silent *= 1.0 - builder.mean(f"{check.id}.flags.{hazard}")
        return 1.0 - silent

    builder.add(check.id, _CHECK, ["training-ends", *named], lambda held: _pair(chance(held)))


def _add_endings(builder: _Builder, resolved: ResolvedStory) -> None:
    """What comes of it: whether a check flags, whether harm is done, and the fate."""
    story, routes = resolved.story, resolved.routes
    live = [check.id for check in story.checks if check.result is None]
    hazards = {
        criterion: [hazard.id for hazard in story.goal.hazards if hazard.criterion == criterion]
        for criterion in ("alignment", "competitiveness")
    }

    def any_of(state: str) -> Callable[[_Held], tuple[float, float]]:
        return lambda held: _pair(float(state in held.values()))

    parents = ["training-ends", "harm"]
    if live:
        builder.add("stopped", _ANY, live, any_of(_CHECK[0]))
        parents.append("stopped")
    for criterion, named in hazards.items():
        if named:
            builder.add(f"any-{criterion}-hazard", _ANY, named, any_of(_HAZARD[0]))
            parents.append(f"any-{criterion}-hazard")

    def harm(held: _Held) -> float:
        unharmed = 1.0 - builder.mean(f"{_route(held, routes).id}.harm")
        for hazard in story.goal.hazards:
            if held[hazard.id] == _HAZARD[0]:
                unharmed *= 1.0 - builder.mean(f"{hazard.id}.harm")
        return 1.0 - unharmed

    causes = ["training-ends", *(hazard.id for hazard in story.goal.hazards)]
    builder.add("harm", _HARM, causes, lambda held: _pair(harm(held)))

    def fate(held: _Held) -> str:
        if held.get("stopped") == _ANY[0]:
            return "halted"
        if held["harm"] == _HARM[0]:
            return "catastrophe"
        is_misaligned = held.get("any-alignment-hazard") == _ANY[0]
        if _route(held, routes).class_ != INTENDED or is_misaligned:
            return "benign_failure"
        is_uncompetitive = held.get("any-competitiveness-hazard") == _ANY[0]
        return "uncompetitive" if is_uncompetitive else "success"

    builder.add(
        "ending", _FATES, parents, lambda held: [float(name == fate(held)) for name in _FATES]
    )
