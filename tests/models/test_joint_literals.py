"""Literals together by the numbers they stand for: against a query each."""

import numpy as np
import pytest

from storyodds import load_story
from storyodds.models.assessment import joint_literals
from storyodds.models.assessment.assessment import assess
from storyodds.models.assessment.joint_literals import split_off, together
from storyodds.models.story.queries import Query
from storyodds.scenarios.resolve import resolve

ROUNDING = 1e-12


@pytest.mark.parametrize("story", ["rlhf-assistant", "cat-classifier"])
def test_against_compiled_queries(story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assessment = assess(resolve(load_story(story)), draws=64)
    prepared = assessment.prepared
    single = [v.name for v in prepared.graph.variables if len(v.rows) == 1]
    chains = [
        Query((), frozenset((name, k % 3 > 0) for k, name in enumerate(single[:n])))
        for n in range(1, len(single) + 1)
    ]
    others = [Query((0,)), Query((0,), frozenset([(single[0], True)]))]
    assert split_off(prepared, [*chains, *others]) == ((*chains, *others), ())
    monkeypatch.setattr(joint_literals, "_COMPILED_LITERALS", 0)
    monkeypatch.setattr(joint_literals, "_BLOCK_CELLS", 1)
    assert split_off(prepared, [*chains, *others]) == (tuple(others), tuple(chains))
    rows = np.arange(0, len(assessment.averaged.values), 3)
    values, said = assessment.averaged.values[rows], prepared.likelihoods.take(rows)
    expected = prepared.answers.evaluate(values, said, chains).queries
    found = together(prepared, chains, values, rows)
    np.testing.assert_allclose(found, expected, rtol=ROUNDING, atol=ROUNDING * 1e-3)


def test_weakest_links_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved = resolve(load_story("rlhf-assistant"))
    compiled = assess(resolved, draws=64)
    monkeypatch.setattr(joint_literals, "_COMPILED_LITERALS", 0)
    split = assess(resolved, draws=64)
    assert set(split.links) == set(compiled.links)
    assert split.links != compiled.links  # some were split off
    for k, query in enumerate(compiled.links):
        np.testing.assert_allclose(
            split.link_chances[:, split.links.index(query)],
            compiled.link_chances[:, k],
            rtol=ROUNDING,
        )
