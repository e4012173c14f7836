"""A coherent fault tree with shared gates: the top's probability, and who matters for it."""

from collections.abc import Iterator

import numpy as np
from asked import ask
from contest import (
    Answers,
    Check,
    Contestant,
    Difference,
    Section,
    Settings,
    compete,
    exactly,
    scram_check,
    unchecked,
)
from numpy.typing import NDArray
from peers import pyagrum, scram
from problems.fault_trees import FaultTree, build_tree, draw_tree
from problems.stories import tree_story
from reference import derivatives, tree_order, tree_top

Array = NDArray[np.float64]

TOLERANCE = 1e-12
_FEW = 10  # draws for those who need a loop
_PRODUCTS = 8  # events at most in a product that SCRAM lists


def run(settings: Settings) -> Iterator[Section]:
    """P(top) at every draw; importance at the means; importance at every draw."""
    tree = build_tree()
    order = tree_order(tree)
    drawn = draw_tree(tree, settings.draws, settings.seed)
    means = np.array([[a / (a + b)] for a, b in tree.events.values()])
    shape = f"{len(tree.events)} events, {len(tree.gates)} gates, {tree.shared} of them shared"
    yield _top(tree, order, drawn, means, settings, shape)
    yield _importance(tree, order, means, settings, f"{shape}; Birnbaum importance at the means")
    every = f"{shape}; Birnbaum importance at {settings.draws:,} draws"
    yield _importance(tree, order, drawn, settings, every)


def _top(
    tree: FaultTree,
    order: list[int],
    drawn: Array,
    means: Array,
    settings: Settings,
    shape: str,
) -> Section:
    n = settings.draws
    few = drawn[:, :_FEW]
    expected = {"prior": tree_top(tree, order, drawn)}
    asked = ask(tree_story(tree), _by_name(tree, drawn), tree.top)
    contestants = [
        Contestant(
            "numpy elimination", lambda: {"prior": tree_top(tree, order, drawn)}, n, unchecked
        ),
        asked.contestant(exactly(expected, TOLERANCE)),
        Contestant(
            "SCRAM",
            lambda: scram.tree_prior(tree, n, settings.seed),
            n,
            scram_check(expected["prior"], float(tree_top(tree, order, means)[0])),
            cannot="draws of its own, of which it keeps none; no evidence",
        ),
        Contestant(
            "pyAgrum",
            lambda: {"prior": pyagrum.tree_answers(tree, few)["prior"]},
            few.shape[1],
            exactly(expected, TOLERANCE),
            once=True,
            warm_up=lambda: pyagrum.tree_answers(tree, means),
            cannot="no uncertain numbers: a loop by hand; its time includes the importance",
        ),
    ]
    results = compete(contestants, settings.repeats)
    question = f"{shape}; P(top) at {n:,} draws"
    return Section("fault-tree", question, len(tree.events), n, results, [asked.fact])


def _importance(
    tree: FaultTree, order: list[int], at: Array, settings: Settings, question: str
) -> Section:
    n = at.shape[1]
    few = at[:, :_FEW]
    names = [f"{event}.probability" for event in tree.events]

    def stepped(key: str) -> Answers:
        return {key: derivatives(lambda rows: tree_top(tree, order, rows), few)}

    asked = ask(tree_story(tree), _by_name(tree, at), tree.top, names)
    contestants = [
        Contestant("numpy, complex steps", lambda: stepped("importance"), few.shape[1], unchecked),
        asked.differentiating(exactly(stepped("derivative"), TOLERANCE)),
    ]
    facts = []
    if n == 1:
        importance = stepped("importance")
        limit = 6 if settings.quick else _PRODUCTS
        contestants += [
            Contestant(
                "SCRAM",
                lambda: scram.tree_importance(tree, limit),
                1,
                _six_digits(importance["importance"]),
                once=True,
                cannot="covers only the events of the products that it lists, here of at most "
                f"{limit} events",
            ),
            Contestant(
                "pyAgrum",
                lambda: pyagrum.tree_answers(tree, at),
                1,
                exactly(importance, TOLERANCE),
                cannot="importance by hand, from the events' chances given the top",
            ),
        ]
    else:
        facts.append("SCRAM: no importance at draws; pyAgrum: as above, draw by draw")
    results = compete(contestants, settings.repeats)
    return Section("fault-tree, importance", question, len(tree.events), n, results, facts)


def _six_digits(expected: Array) -> Check:
    def check(found: Answers) -> list[Difference]:
        listed = ~np.isnan(found["importance"])
        off = np.abs(found["importance"] / expected - 1)[listed]
        what = f"importance of {listed.sum()} of {listed.size} events, relative"
        return [Difference(what, float(off.max()), 1e-5)]

    return check


def _by_name(tree: FaultTree, rows: Array) -> dict[str, Array]:
    return {f"{event}.probability": row for event, row in zip(tree.events, rows, strict=True)}
