"""A network as a story: nodes become assumptions, and one state of one node the catastrophe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.errors import InputError, Problem, UnsupportedStoryError, printable
from storyodds.priors.text.phrases import did_you_mean, one_of, quoted
from storyodds.priors.text.records import Source
from storyodds.scenarios.checks.consistency import MAX_FREE
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.grammar.states import StateOdds, StateRow, States, literal_of_state
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.networks.network import Network, Node, combinations
from storyodds.scenarios.one_event import rationale_of_event, routes_of_event
from storyodds.scenarios.open_psa.story import Slugs
from storyodds.scenarios.schema import RISK_ARGUMENT, Assumption, Goal
from storyodds.scenarios.story import LintSwitch, Story

_ONLY_NETWORK = "Nothing is modeled but the network."
# Pairs of states that make a node a claim, which is true or false.
_TRUE = {"true": "false", "yes": "no", "present": "absent"}
# Names of states that mean something else where chances are written down.
_TAKEN = ("fixed", "counts", "mean", "concentration", "rest", "given", "basis", "source", "note")
_SHOWN = 10  # nodes that a message lists
_OF_TRAINING = (
    "behavioral-goal",
    "no-hazard",
    "constraint-against-intended",
    "untouched-rival",
    "independent-product",
    "thin-residual",
    "idle-assumption",
    "no-source",
)


@dataclass(frozen=True)
class _Named:
    """The ids of a network's parts in a story.

    Attributes
    ----------
    assumptions : mapping of str to str
        By node.
    states : mapping of str to mapping of str to str
        By node and state; of a node that is a claim, none.
    """

    assumptions: Mapping[str, str]
    states: Mapping[str, Mapping[str, str]]

    def literal(self, node: Node, state: str) -> str:
        """What a formula writes where a node is in a state."""
        name, states = self.assumptions[node.name], self.states[node.name]
        if states:
            return literal_of_state(name, states[state])
        return name if state.lower() in _TRUE else f"not {name}"


def network_story(network: Network, top: str | None) -> Story:
    """Turn a network into a story.

    Parameters
    ----------
    network : Network
        Whose rows add up to 1.
    top : str or None
        The node and its state that are the catastrophe, such as `dysp=yes`.

    Returns
    -------
    Story
        The probability of its one named route is that of the state.

    Raises
    ------
    InputError
        If there is no such node or state.
    UnsupportedStoryError
        If the network has more states than a story may have.

    Examples
    --------
    >>> from storyodds.scenarios.networks.network import Node
    >>> rain = Node("Rain", ("yes", "no"), (), ((0.2, 0.8),))
    >>> lawn = Node("Lawn", ("dry", "wet"), ("Rain",), ((0.1, 0.9), (0.7, 0.3)))
    >>> story = network_story(Network("garden", (rain, lawn)), "Lawn=wet")
    >>> story.routes[0].requires, story.assumptions["lawn"].states.given[0].when
    ('lawn is wet', 'rain')
    """
    node, state = _top(network, top)
    free = sum(1 if _is_claim(part) else len(part.states) for part in network.nodes)
    if free > MAX_FREE:
        sentence = f"found {free:,} states of nodes, expected at most {MAX_FREE}"
        raise UnsupportedStoryError([network.problem(sentence)])
    slugs = Slugs()
    route, constraint = slugs.take(f"{node.name}-{state}"), slugs.take("network-decides")
    named = _Named(
        {part.name: slugs.take(part.name) for part in network.nodes},
        {part.name: {} if _is_claim(part) else _state_ids(part) for part in network.nodes},
    )
    assumptions = {
        named.assumptions[part.name]: _assumption(network, part, named) for part in network.nodes
    }
    story_of = _described(network, f"{node.name} is {state}", route, constraint)
    story = story_of(named.literal(node, state), assumptions)
    raised = {finding.code for finding in lint(story)}
    reason = "Imported from a network, which tells no story of training."
    off = tuple(LintSwitch(off=code, reason=reason) for code in _OF_TRAINING if code in raised)
    return story.model_copy(update={"lint": off})


def _top(network: Network, top: str | None) -> tuple[Node, str]:
    """Find the node and the state that the story is about."""
    by_name = {node.name: node for node in network.nodes}
    if top is None:
        inner = {parent for node in network.nodes for parent in node.parents}
        ends = [node for node in network.nodes if node.name not in inner]
        first = ends[0]
        listed = ", ".join(node.name for node in ends[:_SHOWN])
        sentence = (
            "found no --top, expected the node and the state that are the catastrophe, as in --top "
            f"{first.name}={first.states[0]}; no node depends on {listed}"
        )
        raise InputError([Problem(sentence, network.file)])
    name, equals, state = top.partition("=")
    node = by_name.get(name)
    if node is None:
        hint = did_you_mean(name, list(by_name))
        sentence = f"--top: found {quoted(name)}, expected the name of a node{hint}"
        raise InputError([Problem(sentence, network.file)])
    if not equals or state not in node.states:
        opening = f"found {quoted(state)}" if equals else "found no state"
        sentence = f"--top: {opening}, expected {name}= and one of {one_of(node.states)}"
        raise InputError([Problem(sentence, network.file)])
    return node, state


def _is_claim(node: Node) -> bool:
    """Whether a node's states say that something is so, or not."""
    states = [state.lower() for state in node.states]
    return len(states) == 2 and any({yes, no} == set(states) for yes, no in _TRUE.items())


def _state_ids(node: Node) -> dict[str, str]:
    """Ids for the states of a node."""
    slugs = Slugs()
    for name in _TAKEN:
        slugs.take(name)
    return {state: slugs.take(state) for state in node.states}


def _assumption(network: Network, node: Node, named: _Named) -> Assumption:
    """The assumption that a node becomes: its table, row by row."""
    parents = [network.node(parent) for parent in node.parents]
    whens = [
        tuple(named.literal(parent, state) for parent, state in zip(parents, key, strict=True))
        for key in combinations(parents)
    ]
    formulas = [when[0] if len(when) == 1 else when for when in whens]
    claim = f"The node {printable(node.name)} of the network."
    states = named.states[node.name]
    if not states:
        position = next(k for k, state in enumerate(node.states) if state.lower() in _TRUE)
        chances = [Fixed(fixed=row[position]) for row in node.rows]
        if not parents:
            return Assumption(claim=claim, probability=chances[0])
        rows = [
            GivenRow(when=formula, probability=chance)
            for formula, chance in zip(formulas[:-1], chances[:-1], strict=True)
        ]
        return Assumption(claim=claim, given=(*rows, GivenRow(otherwise=chances[-1])))
    odds = [StateOdds(fixed=dict(zip(states.values(), row, strict=True))) for row in node.rows]
    if not parents:
        return Assumption(claim=claim, states=States(fixed=odds[0].fixed))
    table = [
        StateRow(when=formula, states=chance)
        for formula, chance in zip(formulas[:-1], odds[:-1], strict=True)
    ]
    return Assumption(claim=claim, states=States(given=(*table, StateRow(otherwise=odds[-1]))))


def _described(
    network: Network, event: str, route: str, constraint: str
) -> Callable[[str, dict[str, Assumption]], Story]:
    """A story about one event of a network, but for what it rests on."""
    file, event = printable(Path(network.file).name), printable(event)
    name = printable(network.name)
    claim = f"In the network, {event}."

    def made(top: str, assumptions: dict[str, Assumption]) -> Story:
        return Story(
            story=Slugs().take(name),
            title=f"Bayesian network: {name}",
            kind=RISK_ARGUMENT,
            summary=f"Imported from {file}, a Bayesian network. The probability of the route "
            f"'{route}' is that {event}. {_ONLY_NETWORK}",
            catastrophe=f"That {event}, and nothing else. The network does not say how bad that "
            "is.",
            sources=(Source(cite=f"The Bayesian network {name}", note=f"Imported from {file}"),),
            goal=Goal(
                specification=f"A run of which it is not so that {event}.",
                desirability="Taken for granted: this story was imported from a Bayesian network. "
                + _ONLY_NETWORK,
            ),
            rationale=rationale_of_event(
                constraint, f"Where {event}, the run does not go right.", top
            ),
            assumptions=dict(assumptions),
            routes=routes_of_event(route, claim, top, "network"),
        )

    return made
