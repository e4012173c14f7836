"""Every way of summing exactly gives the same numbers."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from support.strategies import small_stories

from storyodds.models.arithmetic import log_sum_exp
from storyodds.models.compiler import Compiler
from storyodds.models.evidence import assemble, collapsed_tables
from storyodds.models.graph import StoryGraph, build_graph
from storyodds.models.quantities import (
    Quantities,
    evaluate,
    failure_paths,
    link_queries,
    path_queries,
)
from storyodds.models.queries import Query
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Story

WAYS = [("patterns", False), ("patterns", True), ("quadrature", False), ("quadrature", True)]

relaxed = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def answers(story: Story, competition: str, expand: bool) -> tuple[StoryGraph, Quantities]:
    resolved = resolve(story)
    graph = build_graph(resolved)
    distributions = [number.distribution for number in resolved.numbers]
    u = np.random.default_rng(5).random((len(distributions), 3))
    values = np.stack([d.quantile(x) for d, x in zip(distributions, u, strict=True)], axis=1)
    paths = failure_paths(graph, ())
    queries = tuple(dict.fromkeys([*path_queries(paths), *link_queries(paths, graph.order)]))
    compiler = Compiler(
        graph, competition=competition, expand=expand, evidence_only=False, budget=10**6
    )
    said = assemble(graph, collapsed_tables(graph, distributions))
    return graph, evaluate(compiler, values, said, queries)


@pytest.mark.parametrize(("competition", "expand"), WAYS[1:])
@relaxed
@given(story=small_stories())
def test_strategies_agree(story: Story, competition: str, expand: bool) -> None:
    _, expected = answers(story, *WAYS[0])
    _, found = answers(story, competition, expand)
    finite = np.isfinite(expected.log_evidence)
    np.testing.assert_array_equal(np.isfinite(found.log_evidence), finite)
    np.testing.assert_allclose(
        found.log_evidence[finite], expected.log_evidence[finite], rtol=1e-12, atol=1e-10
    )
    for name in ("assumptions", "said", "routes", "outcomes", "queries"):
        np.testing.assert_allclose(
            getattr(found, name)[finite],
            getattr(expected, name)[finite],
            rtol=1e-10,
            atol=1e-12,
            err_msg=name,
        )
