"""Correlated numbers of a story: read, refused, resolved and written."""

import pytest

from storyodds import InputError, lint, load_story, load_text, to_yaml
from storyodds.scenarios.checks.correlations import numbers_of
from storyodds.scenarios.edits import changes_between, with_changes
from storyodds.scenarios.grammar.correlations import Correlation, clusters
from storyodds.scenarios.loader import bundled_stories
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.serialize import to_data
from storyodds.scenarios.shared import catalog

TEXT = """story: together
title: Numbers that go together
numbers:
  hard: {interval: [0.1, 0.6], kind: probability}
  idle: {interval: [0.1, 0.6], kind: probability}
  asked: {interval: [0.1, 0.6], kind: probability}
goal: {specification: A table., desirability: Right.}
rationale:
  feasibility: [0.2, 0.6]
  nudges:
    - {id: push, bits: {deceptive: [-1, 1]}}
    - {id: pull, bits: {deceptive: [-1, 1], mesa-optimizer: [0, 1]}}
assumptions:
  a: {probability: [0.1, 0.5]}
  b: {given: [{when: a, probability: {number: hard}}, {otherwise: [0.1, 0.5]}]}
  c: {probability: 0.3}
  d: {states: {counts: {low: 3, high: 4}}}
routes:
  - {id: schemer, class: deceptive, requires: [a, b], bits: [-1, 1], harm: {number: hard}}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
checks:
  - {id: audit, flags: {deceptive: [0.1, 0.4], default: 0.05}}
  - {id: probe, flags: {deceptive: [0.1, 0.4], default: 0.05}, result: passed}
evidence:
  - {id: seen, about: {assumption: a}, counts: {hits: 3, trials: 10},
     rates: {true: [0.2, 0.5], false: 0.1}}
  - {id: month, about: {outcome: true}, exposure: {episodes: 100, incidents: 0},
     rates: {deceptive: [0.2, 0.5], default: 0}}
proposals:
  - {id: look, about: {assumption: a}, trials: 3, rates: {true: {number: asked}, false: 0.1}}
correlations:
"""


def story(*blocks: str) -> str:
    return TEXT + "".join(f"  - {block}\n" for block in blocks)


def test_blocks_name_numbers_as_settings_do() -> None:
    block = "{between: [a, hard, schemer, push, audit.flags.deceptive, seen.rates.true], rank: 0.2}"
    resolved = resolve(load_text(story(block)))
    assert resolved.correlations[0].between == (
        "a.probability",
        "hard",
        "schemer.bits",
        "push.bits.deceptive",
        "audit.flags.deceptive",
        "seen.rates.true",
    )
    of_a_place = resolve(load_text(story("{between: [b.given.0, b.otherwise], rank: 0.2}")))
    assert of_a_place.correlations[0].between == ("hard", "b.otherwise")


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ("{between: [a, bb], rank: 0.2}", "the correlation between 'a' and 'bb': found 'bb', "
         "expected the name of a number of the story; did you mean 'b'?"),
        ("{between: [a, d.in_turn.low], rank: 0.2}", "chances that stand for all states at once"),
        ("{between: [a, b], rank: 0.2}", "found 'b', which has several numbers, expected one of "
         "b.given.0, b.otherwise"),
        ("{between: [a, pull], rank: 0.2}", "found 'pull', which has several numbers"),
        ("{between: [a, c], rank: 0.2}", "found 'c', which is fixed"),
        ("{between: [a, a.probability], rank: 0.2}", "found 'a.probability' twice"),
        ("{between: [hard, schemer.harm], rank: 0.2}", "found 'schemer.harm' twice"),
        ("{between: [a, idle], rank: 0.2}", "found 'idle', which stands nowhere"),
        ("{between: [a, asked], rank: 0.2}", "found 'asked', which stands in proposals only"),
        ("{between: [a, rationale.feasibility], rank: 0.2}", "on which no odds depend"),
        ("{between: [a, month.rates.deceptive], rank: 0.2}", "by which an exposure is read"),
        ("{between: [a], rank: 0.2}", "correlations[0].between"),
        ("{between: [a, hard], rank: 1}", "correlations[0].rank"),
        ("{between: [a, hard], rank: -1.5}", "correlations[0].rank"),
        ("{between: [a, hard, schemer, push], rank: -0.4}", "4 numbers can have no rank as low"),
    ],
)  # fmt: skip
def test_what_cannot_go_together_is_refused_in_its_line(block: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        load_text(story(block))
    (problem,) = caught.value.problems
    assert sentence in str(problem)
    assert problem.line == len(TEXT.splitlines()) + 1
    assert problem.key_path is not None
    assert problem.key_path.startswith("correlations[0]")


def test_every_mistake_is_listed_at_once() -> None:
    blocks = [
        "{between: [a, hard], rank: 0.5}",
        "{between: [hard, a, push], rank: 0.4}",
        "{between: [a, c, nowhere], rank: 0.4}",
        "{between: [schemer, push], rank: 7}",
    ]
    with pytest.raises(InputError) as caught:
        load_text(story(*blocks))
    sentences = [str(problem) for problem in caught.value.problems]
    assert len(sentences) == 4
    assert "found rank 0.4 for 'hard' and 'a.probability'" in sentences[0]
    assert "as in the correlation between 'a' and 'hard'" in sentences[0]
    assert "'c', which is fixed" in sentences[1]
    assert "'nowhere'" in sentences[2]
    assert "rank" in sentences[3]


def test_a_long_block_is_named_by_its_first_numbers() -> None:
    """Each of its mistakes names it: whole, they would be as many words as the square of it."""
    names = [f"nobody-{k}" for k in range(300)]
    with pytest.raises(InputError) as caught:
        load_text(story(f"{{between: [{', '.join(names)}], rank: 0.4}}"))
    assert len(caught.value.problems) == len(names)
    opening = "the correlation between 'nobody-0', 'nobody-1', 'nobody-2', 'nobody-3' and 296 more:"
    assert all(problem.message.startswith(opening) for problem in caught.value.problems)


def test_blocks_that_do_not_go_together_are_refused() -> None:
    """Two numbers close to a third cannot be uncorrelated."""
    blocks = "{between: [a, hard], rank: 0.9}", "{between: [hard, push], rank: 0.9}"
    with pytest.raises(InputError, match="no joint distribution has it"):
        load_text(story(*blocks))
    assert load_text(story(*blocks, "{between: [a, push], rank: 0.8}")).correlations[2].rank == 0.8


def test_a_pair_may_be_stated_twice_alike() -> None:
    load_text(story("{between: [a, hard], rank: 0.5}", "{between: [hard, a, push], rank: 0.5}"))


def test_they_are_written_and_read_back() -> None:
    written = load_text(story("{between: [a, hard], rank: 0.5, source: {cite: me}, note: why}"))
    assert load_text(to_yaml(written)) == written


def test_names_of_places_are_those_of_resolved_numbers() -> None:
    """Of every bundled story, with what the catalog fills in."""
    for name in bundled_stories():
        read = load_story(name)
        resolved = resolve(read)
        every = (*resolved.numbers, *resolved.proposal_numbers)
        written = {number.name for number in every if number.origin != "format"}
        numbers, _ = numbers_of(catalog.filled(to_data(read)))
        assert {key for key, number in numbers.items() if number.value is not None} == written


def test_numbers_of_a_part_that_is_off_are_correlated_with_nothing() -> None:
    block = "{between: [a, hard, audit.flags.deceptive], rank: 0.2}"
    off = resolve(load_text(story(block)), settings={"check:audit": "off"})
    assert off.correlations[0].between == ("a.probability", "hard")


def test_clusters_are_what_is_connected() -> None:
    blocks = [
        Correlation(between=("a", "b"), rank=0.5),
        Correlation(between=("c", "d"), rank=0.5),
        Correlation(between=("b", "c"), rank=0.0),
    ]
    assert [cluster.names for cluster in clusters(blocks)] == [("a", "b"), ("c", "d")]
    joined = clusters([*blocks[:2], Correlation(between=("b", "c"), rank=0.1)])
    assert [cluster.names for cluster in joined] == [("a", "b", "c", "d")]
    assert joined[0].rank("c", "b") == 0.1 and joined[0].rank("a", "d") == 0.0


def _codes(text: str) -> set[str]:
    return {finding.code for finding in lint(load_text(text))}


def test_a_block_of_numbers_that_do_nothing_is_asked_about() -> None:
    idle = "  z: {probability: [0.1, 0.4]}\nroutes:\n"
    with_idle = story("{between: [z, push], rank: 0.3}").replace("routes:\n", idle, 1)
    assert "idle-correlation" in _codes(with_idle)
    assert "idle-correlation" in _codes(story("{between: [a, push], rank: 0}"))
    assert "idle-correlation" not in _codes(story("{between: [a, push], rank: 0.3}"))


CHAIN = """
story: chain
title: A chain of premises
goal: {specification: A table., desirability: Right.}
CORRELATIONS
assumptions:
  a: {probability: [0.1, 0.4]}
  b: {probability: [0.1, 0.4]}
  c: {probability: [0.1, 0.4]}
routes:
  - {id: schemer, class: deceptive, requires: [a, b, c], bits: 20, harm: 1}
  - {id: something-else, class: other, bits: -3, harm: 0.1}
"""


def test_correlated_premises_are_no_independent_product() -> None:
    assert "independent-product" in _codes(CHAIN.replace("CORRELATIONS", ""))
    block = "correlations: [{between: [a, b], rank: 0.5}]"
    assert "independent-product" not in _codes(CHAIN.replace("CORRELATIONS", block))


def test_a_changed_correlation_is_one_change() -> None:
    blocks = [
        ("{between: [a, hard], rank: 0.5}", "{between: [push, schemer], rank: -0.2}"),
        ("{between: [a, hard, audit.flags.deceptive], rank: 0.7}",),
    ]
    old, new = (resolve(load_text(story(*side))) for side in blocks)
    changes = changes_between(old, new)
    assert [(change.part, change.name, change.how) for change in changes] == [
        ("correlation", "a.probability, hard, audit.flags.deceptive", "changed"),
        ("correlation", "push.bits.deceptive, schemer.bits", "removed"),
    ]
    half = with_changes(old, new, changes[:1])
    assert {block.rank for block in half.correlations} == {0.7, -0.2}
    assert with_changes(old, new, ()).correlations == old.correlations
    assert with_changes(old, new, changes).correlations == new.correlations
    assert changes_between(old, old) == ()
