"""The importance of assumptions on a terminal, at any width, and what it does not say."""

import io
import math
from typing import Any

import pytest
from rich.console import Console
from support.building import OFF, believe, tell

from storyodds.models.assessment.assessment import assess
from storyodds.reports.documents.importance import summarize_importance
from storyodds.reports.terminal.importance import print_importance
from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Constraint, Nudge, Route
from storyodds.scenarios.story import Story


def printed(summary: Any, width: int = 80, **options: int) -> str:
    out = io.StringIO()
    print_importance(Console(file=out, width=width, highlight=False), summary, **options)
    return out.getvalue()


def story(formula: Any, **chances: Any) -> Story:
    route = Route(id="the-rival", class_="deceptive", requires=formula, bits=0, harm=1)
    rule = Constraint(id="the-rule", holds=formula, rules_out=("intended",))
    assumptions = {
        name: p if isinstance(p, Assumption) else believe(p) for name, p in chances.items()
    }
    return tell(assumptions, (route, OFF), constraints=[rule])


def said(of: Story, event: str = "catastrophe", width: int = 80, draws: int = 128) -> str:
    return printed(summarize_importance(assess(resolve(of), draws=draws), event), width)


@pytest.fixture(scope="module")
def uncertain() -> dict[str, Any]:
    return summarize_importance(assess(resolve(load_story("rlhf-assistant")), draws=256))


EXACT = """\
A story written by hand
by-hand

If a turned out to be true, P(catastrophe) would fall from 55% to 10%.
It would rise most, to 100%, if a turned out to be false.

What P(catastrophe) hangs on  by share, each in the way that makes it likelier
       share  chance  if so  if not
not a    82%     50%   100%     10%
b       9.1%     10%   100%     50%

       Birnbaum  diagnosis  F-V   RAW   RRW
not a       +90        91%  91%  1.82  5.50
b           +50        18%  18%  1.82  1.10
nothing hangs on: c
certain, one way or the other: d
"""


def test_the_very_words() -> None:
    found = said(story(AnyOf(any=("not a", "b")), a=0.5, b=0.1, c=0.5, d=1))
    assert found.startswith(EXACT)
    assert (
        "share       the part of P(catastrophe) that would go if the assumption turned\n" in found
    )
    assert found.endswith("\n✓ Exact: nothing was sampled.\n")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_no_line_is_too_long(uncertain: dict[str, Any], width: int) -> None:
    text = printed(uncertain, width, top=20)
    assert max(map(len, text.splitlines())) <= width
    assert all(line == line.rstrip() for line in text.splitlines())
    wide = "A wider terminal shows more" in " ".join(text.split())
    assert wide == (width < 100)


def test_everything_is_shown_where_there_is_room(uncertain: dict[str, Any]) -> None:
    text = printed(uncertain, 120)
    for head in ("share", "chance", "if so", "if not", "Birnbaum", "F-V", "RAW", "RRW"):
        assert head in text
    assert "and 3 more on which less hangs (--top 13 shows all)" in text
    assert sum(line.startswith("goal-guarding ") for line in text.splitlines()) == 2
    assert "below each" in text
    assert "share of those made up of others: scheming-pays 4" in text


def test_composites_alone_are_better_than_nothing() -> None:
    """What they are made up of cancels out: c holds where a and b are the same."""
    same = Assumption(holds_when=AnyOf(any=(("a", "b"), ("not a", "not b"))))
    text = said(story("c", a=0.5, b=0.5, c=same))
    assert "If c turned out to be false, P(catastrophe) would fall from 50% to 0%." in text
    assert "nothing hangs on: a, b" in text


def test_why_there_is_no_fussell_vesely_importance() -> None:
    route = Route(id="the-rival", class_="deceptive", bits=0, harm=1)
    nudge = Nudge(id="n", when="a", bits={"deceptive": 1})
    text = said(tell({"a": believe(0.5)}, (route, OFF), nudges=[nudge]))
    assert (
        "– (F-V)     it is in no minimal set of literals, though the ending depends on it" in text
    )


def test_many_minimal_sets_are_added_up() -> None:
    names = [f"x{k}" for k in range(12)]
    text = said(story(AtLeast(at_least=6, of=tuple(names)), **dict.fromkeys(names, 0.5)))
    # One of twelve and five of the other eleven, out of six of all twelve.
    part = sum(math.comb(11, k) for k in range(5, 12)) / sum(math.comb(12, k) for k in range(6, 13))
    assert f"{part:.0%}" in next(line for line in text.splitlines() if "+23" in line)


def test_odds_given_being_deployed_are_written_so() -> None:
    text = said(story("a", a=0.5), "catastrophe-given-deployed")
    assert "P(catastrophe | deployed) would fall from 50% to 0%." in " ".join(text.split())


def test_nothing_that_can_come_about() -> None:
    assert "P(mesa-optimizer) is 0, so nothing hangs" in said(story("a", a=0.5), "mesa-optimizer")


def test_nothing_that_matters() -> None:
    route = Route(id="the-rival", class_="deceptive", bits=0, harm=1)
    text = said(tell({"a": believe(0.5)}, (route, OFF)))
    assert "P(catastrophe) is 50%, and hangs on no assumption." in text
    assert "nothing hangs on: a" in text
    assert "share" not in text


def test_tiny_probabilities_are_still_told_apart() -> None:
    text = said(story(AnyOf(any=("a", "b")), a=3e-8, b=1e-9))
    assert "would fall from 3.1e-8 to 1.0e-9." in text


def test_bands_below_zero_are_readable() -> None:
    either = AnyOf(any=(("a", "b"), ("not a", "c")))
    text = said(story(either, a=0.5, b=[0.2, 0.9], c=[0.1, 0.9]))
    assert any("% to " in line and "−" in line for line in text.splitlines())


def test_long_lists_are_cut() -> None:
    idle = {f"x{k}": 0.5 for k in range(20)}
    text = said(story("a", a=0.5, **idle), width=200)
    assert "nothing hangs on: x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11 and 8 more" in text


def test_what_would_make_a_terminal_do_things_is_not_printed() -> None:
    summary = summarize_importance(assess(resolve(story("a", a=0.5))))
    summary["title"] = "A \x1b[31mred\x1b[0m [bold]title[/bold]"
    text = printed(summary)
    assert "\x1b" not in text
    assert "[bold]title[/bold]" in text


def test_composites_of_a_large_tree_are_not_called_certain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("storyodds.models.engine.strategy._FIRST_NODES", 1)
    monkeypatch.setattr("storyodds.models.posterior.independent_answers._MOST_NODES", 0)
    gate = Assumption(holds_when=AnyOf(any=("a", "b")))
    text = said(story("gate", a=0.5, b=0.1, gate=gate))
    assert "made up of others, and not worked out in a story this large: gate\n" in text
    assert "certain, one way or the other" not in text
