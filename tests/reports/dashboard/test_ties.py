"""What ties is called a tie."""

from storyodds import load_text
from storyodds.models.assessment.assessment import assess
from storyodds.reports.dashboard.card import card_of
from storyodds.reports.dashboard.page_data import make_dossier
from storyodds.reports.dashboard.sections_movers import what_moves_it
from storyodds.reports.dashboard.sections_odds import failure_paths
from storyodds.scenarios.resolve import resolve

ALIKE = """
story: alike
title: Three alike
goal: {specification: S., desirability: D.}
assumptions:
  a0: {probability: [0.1, 0.7]}
  a1: {probability: [0.1, 0.7]}
  a2: {probability: [0.1, 0.7]}
routes:
  - {id: r0, class: deceptive, requires: a0, bits: -2, harm: 0.5}
  - {id: r1, class: deceptive, requires: a1, bits: -2, harm: 0.5}
  - {id: r2, class: deceptive, requires: a2, bits: -2, harm: 0.5}
  - {id: something-else, class: other, bits: -5, harm: 0.01}
"""


def test_numbers_and_paths_that_tie_are_said_to() -> None:
    dossier = make_dossier(assess(resolve(load_text(ALIKE), standard=True), draws=1024))
    first = card_of(dossier).levers[0]
    assert [effect.also for effect in first.effects] == ["2 others cannot be told from it"] * 2
    assert "2 others cannot be told from it" in what_moves_it(dossier).finding
    assert "It ties with 2 others" in failure_paths(dossier).finding
    moved = load_text(
        ALIKE.replace("a0: {probability: [0.1, 0.7]}", "a0: {probability: [0.4, 0.9]}")
    )
    other = make_dossier(assess(resolve(moved, standard=True), draws=1024))
    assert "ties" not in failure_paths(other).finding
