"""Common-cause groups: what their members become, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.open_psa_odds import exact
from support.open_psa_text import (
    event,
    factors,
    gate,
    group,
    imported,
    mistakes,
    named,
    number,
    tree,
)

from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text.xml_reader import parse_xml
from storyodds.scenarios.grammar.formulas import AnyOf
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.open_psa import common_causes
from storyodds.scenarios.open_psa.common_causes import event_shares
from storyodds.scenarios.open_psa.reader import imported as read

BOTH = gate(f"<and>{named('event', 'A', 'B')}</and>")
THREE = gate(f"<atleast min='2'>{named('event', 'A', 'B', 'C')}</atleast>")
SPREAD = "<uniform-deviate><float value='0'/><float value='0.2'/></uniform-deviate>"


def sentence(body: str) -> str:
    """The one mistake of a tree, without its place."""
    (line,) = mistakes(tree(body))
    return line.partition(": ")[2]


def test_what_members_become() -> None:
    story = imported(tree(BOTH + group("beta-factor", "A B", factors(0.25))))
    a, together = story.assumptions["a"], story.assumptions["a-b-together"]
    assert a is not None and together is not None
    assert a.claim == "Basic event A"
    assert a.holds_when == AnyOf(any=("a-alone", "a-b-together"))
    assert together.claim == "A, B together, by the common-cause group As (basic event [A B])"
    assert isinstance(together.probability, Fixed)
    assert together.probability.fixed == pytest.approx(0.025, rel=1e-15)
    assert together.probability.note == "By the common-cause group As (beta-factor): 0.25 of 0.1."
    # The tree is named by one letter, which is not much of a source.
    assert {finding.code for finding in lint(story)} == {"empty-source"}
    assert "these events are independent of each other" in story.summary
    # Both by chance alone, or by the common cause.
    assert exact(story) == pytest.approx(0.025 + 0.975 * 0.075**2, rel=1e-14)


def test_a_member_may_be_defined_without_a_number() -> None:
    defined = "<define-basic-event name='A'><label>Pump</label></define-basic-event>"
    story = imported(tree(BOTH + defined + group("beta-factor", "A B", factors(0.25))))
    spec = story.assumptions["a"]
    assert spec is not None and spec.claim == "Pump (basic event A)"


def test_groups_stand_in_components_and_outside_of_trees() -> None:
    pair = group("beta-factor", "A B", factors(0.2))
    inside = f"<define-component name='c'>{pair}</define-component>"
    assert exact(imported(tree(BOTH + inside))) > 0.0
    outside = tree(BOTH).replace("</opsa-mef>", f"{pair}</opsa-mef>")
    assert exact(imported(outside)) == exact(imported(tree(BOTH + inside)))


@pytest.mark.parametrize("kind", ["MGL", "alpha-factor", "phi-factor"])
def test_levels_may_be_stated_in_any_order_or_not_at_all(kind: str) -> None:
    first = 2 if kind == "MGL" else 1
    listed = factors(0.6, 0.4, first=first)
    one, other = listed.removeprefix("<factors>").removesuffix("</factors>").split("</factor>")[:2]
    turned = f"<factors>{other}</factor>{one}</factor></factors>"
    texts = (listed, turned, factors(0.6, 0.4))
    odds = {exact(imported(tree(THREE + group(kind, "A B C", text)))) for text in texts}
    assert len(odds) == 1


@given(st.integers(2, 6), st.data())
def test_shares_of_a_member_add_up(members: int, data: st.DataObject) -> None:
    """By the models that say so, all that a member is in adds up to its probability."""
    share = st.floats(0.01, 1.0)
    levels = data.draw(st.integers(2, members))
    numbers = data.draw(st.lists(share, min_size=levels, max_size=levels))
    stated = dict(enumerate(numbers, 1))
    greek = {level: number for level, number in stated.items() if level > 1}
    cases = (("beta-factor", {members: numbers[0]}), ("MGL", greek), ("alpha-factor", stated))
    for kind, factor in cases:
        shares = event_shares(kind, factor, members)
        total = math.fsum(math.comb(members - 1, k - 1) * part for k, part in shares.items())
        # A dozen roundings.
        assert total == pytest.approx(1.0, rel=1e-14), kind


def test_the_standards_example() -> None:
    """Q1 to Q4 of four pumps, as the standard writes them out."""
    shares = event_shares("MGL", {2: 0.1, 3: 0.2, 4: 0.3}, 4)
    assert shares == pytest.approx(
        {1: 0.9, 2: 0.1 * 0.8 / 3, 3: 0.1 * 0.2 * 0.7 / 3, 4: 0.1 * 0.2 * 0.3}, rel=1e-15
    )


def test_events_that_cannot_happen_are_left_out() -> None:
    story = imported(tree(THREE + group("MGL", "A B C", factors(0.0))))
    assert [name for name in story.assumptions if "together" in name] == []
    either = gate(f"<or>{named('event', 'A', 'X')}</or>") + event(number(0.5), "X")
    never = group("beta-factor", "A B", factors(0.2), number(0))
    assert exact(imported(tree(either + never))) == 0.5


def test_an_uncertain_number_of_a_group() -> None:
    uncertain = BOTH + group("beta-factor", "A B", factors(0.25), SPREAD)
    opening = "common-cause group As: found a deviate inside <uniform-deviate>, expected constants"
    assert sentence(uncertain).startswith(opening)
    reading = read(parse_xml(tree(uncertain).encode()), at_means=True)
    certain = imported(tree(BOTH + group("beta-factor", "A B", factors(0.25))))
    assert exact(reading.story) == pytest.approx(exact(certain), rel=1e-14)
    assert len(reading.remarks) == 3
    assert reading.remarks[0].endswith(
        "Taken at the mean of what the file has as uncertain: no band comes from it."
    )


GOOD = group("beta-factor", "A B", factors(0.2))


B = "<basic-event name='B'/>"
FACTOR = "<factor level='x'><float value='1'/></factor>"
TWO_FACTORS = f"{FACTOR}<factors>".replace(" level='x'", "")


@pytest.mark.parametrize(
    ("listed", "opening"),
    [
        (GOOD.replace("beta-factor", "beta"), "found the model 'beta', expected beta-factor, MGL"),
        (
            GOOD.replace("<members>", "<members x='1'>"),
            "found the attribute 'x' ('1') in <members>",
        ),
        (GOOD.replace("<members>", "<note/><members>"), "found <note> in <define-CCF-group>"),
        (GOOD.replace("<members>", "some<members>"), "found the text 'some'"),
        (GOOD.replace(B, B * 2), "found 'B' again in <members>, expected it once"),
        (GOOD.replace(B, B + "<gate name='G'/>"), "found <gate> in <members>, expected <basic-eve"),
        (group("beta-factor", "A B G", factors(0.2)), "found 'G', which is a gate"),
        (GOOD.replace(number(0.1), ""), "found nothing inside <distribution>"),
        (GOOD.replace(number(0.1), number(0.1) * 2), "found 2 inside <distribution>"),
        (GOOD.replace("<factors>", TWO_FACTORS), "found <factors> again"),
        (group("beta-factor", "A B", ""), "found no <factors> or <factor> in"),
        (group("beta-factor", "A B", factors(0.2, first=1)), "found level='1', expected 2 in"),
        (group("beta-factor", "A B", factors(0.2, 0.1)), "found one <factor> too many, expected 2"),
        (group("MGL", "A B", factors(0.2, 0.1)), "found one <factor> too many, expected 2 in a"),
        (group("MGL", "A B C", factors(0.2, first=3)), "found no <factor> of level 2"),
        (group("alpha-factor", "A B", FACTOR), "found level='x', expected 1 to 2"),
        (group("alpha-factor", "A B", factors(0, 0)), "found factors that are all 0"),
        (group("phi-factor", "A B", factors(0.5, 0.4)), "found factors that add up to 0.9"),
        (group("beta-factor", "A B", factors(1.5)), "found 1.5, expected a probability"),
        (group("beta-factor", "A B", factors(0.2), number(-1)), "found -1, expected a probability"),
        (GOOD + GOOD, "found 'As' again, expected a name of its own"),
    ],
)
def test_what_is_wrong_with_a_group(listed: str, opening: str) -> None:
    """It is listed once, and what the group would have defined is not missed."""
    assert sentence(BOTH + listed).startswith(f"common-cause group As: {opening}")


def test_many_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common_causes, "MAX_EVENTS", 5)
    two = GOOD + group("beta-factor", "C D", factors(0.2))
    assert sentence(BOTH + two).startswith("found 2 common-cause groups, which make 6 events, exp")


def test_what_members_may_not_be() -> None:
    alone = BOTH + event(number(0.5), "B") + GOOD.replace(B, "")
    assert sentence(alone) == (
        "common-cause group As: found 1 in <members>, expected at least 2 basic events"
    )
    assert sentence(BOTH + GOOD + event(number(0.1), "A")) == (
        "basic event A: found a number of its own for 'A', a member of the common-cause group As; "
        "expected it in the group's <distribution> alone"
    )
    first, second = mistakes(tree(BOTH + GOOD + group("MGL", "B A", factors(0.1))))
    for line, name in ((first, "B"), (second, "A")):
        opening = f"common-cause group Bs: found '{name}', which is a member of the common-cause"
        assert line.partition(": ")[2].startswith(opening)


def test_a_large_group() -> None:
    names = [f"e{k}" for k in range(9)]
    body = gate(f"<or>{named('event', *names)}</or>")
    listed = group("alpha-factor", " ".join(names), factors(*([0.1] * 9)))
    assert sentence(body + listed) == (
        "common-cause group e0s: found 9 members and a <factor> of level 9, which make 511 events "
        "of the group, expected at most 500: leave away the highest levels, or split the group"
    )
    very = group("alpha-factor", " ".join(f"e{k}" for k in range(20_000)), factors(*[0.1] * 300))
    assert "which make more than 20,000 events of the group" in sentence(body + very)
    pairs = group("alpha-factor", " ".join(names), factors(0.9, 0.1))
    assert len(imported(tree(body + pairs)).assumptions) == 1 + 9 + 9 + 36
