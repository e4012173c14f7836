"""Where two stories change order, against stories assessed afresh."""

import numpy as np
import pytest
from support.building import OFF, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.changes.what_if import Base, base_of
from storyodds.models.comparison.coupling import shared_numbers
from storyodds.models.comparison.order import DRAWS, OrderTip, order_tips, scan_story
from storyodds.models.story.events import EVENTS
from storyodds.priors.distributions.quantiles import prior_quantile
from storyodds.scenarios.grammar.formulas import AllOf
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

CATASTROPHE = EVENTS.index("catastrophe")


def rival(requires: object, harm: object) -> list[Route]:
    schemer = Route(id="scheme", class_="deceptive", requires=requires, bits=60, harm=harm)
    return [schemer, OFF]


def simple() -> Story:
    """P(catastrophe) = a / 2."""
    return tell({"a": believe([0.2, 0.6])}, rival("a", 0.5))


def crossed() -> Story:
    """P(catastrophe) = b (1 - a) / 2, with the same a."""
    requires = AllOf(all=("b", "not a"))
    return tell({"a": believe([0.2, 0.6]), "b": believe([0.1, 0.7])}, rival(requires, 0.5))


def base(story: Story, **settings: float) -> Base:
    return base_of(assess(resolve(story, settings=settings)), DRAWS)


def tips_of(first: Story, second: Story, event: str = "catastrophe") -> dict[str, OrderTip]:
    bases = base(first), base(second)
    found = order_tips(*map(scan_story, bases), event)
    names = [
        next(
            ("A " if s == 0 else "B ") + bases[s].prepared.resolved.numbers[i].name
            for s, i in enumerate(tip.numbers)
            if i is not None
        )
        for tip in found
    ]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


def gap(first: Story, second: Story, a: dict[str, float], b: dict[str, float]) -> float:
    means = [base(story, **s).means[CATASTROPHE] for story, s in ((first, a), (second, b))]
    return float(means[0] - means[1])


def mean(story: Story, name: str) -> float:
    found = base(story)
    return float(found.values[:, found.prepared.resolved.number_index[name]].mean())


def test_an_own_number_against_a_fixed_one() -> None:
    fixed = tell({"a": believe(0.5)}, rival("a", 0.3))
    tips = tips_of(simple(), fixed)
    assert set(tips) == {"A a.probability"}
    tip = tips["A a.probability"]
    assert tip.value == pytest.approx(0.3, abs=1e-3)  # 0.5 * 0.3 / 0.5
    assert tip.probability == pytest.approx(0.15, abs=5e-4)
    assert tip.side == "below" and tip.numbers[1] is None
    prior = resolve(simple()).numbers[tip.numbers[0] or 0].distribution
    assert float(prior_quantile(prior, np.array(tip.prior_chance))) == pytest.approx(tip.value)


def test_a_shared_number_moves_in_both() -> None:
    tips = tips_of(simple(), crossed())
    shared, own = tips["A a.probability"], tips["B b.probability"]
    assert None not in shared.numbers and own.numbers[0] is None
    b, a = mean(crossed(), "b.probability"), mean(simple(), "a.probability")
    assert shared.value == pytest.approx(b / (1 + b), abs=3e-3)  # a = b (1 - a)
    assert own.value == pytest.approx(a / (1 - a), abs=5e-3)
    assert set(tips) == {"A a.probability", "B b.probability"}


def test_against_stories_assessed_afresh() -> None:
    first, second = simple(), crossed()
    tips = tips_of(first, second)
    for name, at in (
        ("A a.probability", lambda x: ({"a": x}, {"a": x})),
        ("B b.probability", lambda x: ({}, {"b": x})),
    ):
        tip = tips[name]
        assert abs(gap(first, second, *at(tip.value))) < 4 * tip.error + 1e-4
        below, above = (gap(first, second, *at(tip.value + d)) for d in (-0.05, 0.05))
        assert below * above < 0
        now = gap(first, second, {}, {})
        assert (above if tip.side == "above" else below) * now < 0


def test_with_evidence_that_speaks_of_the_number() -> None:
    seen = item(
        "probe",
        {"assumption": "a"},
        counts={"hits": 3, "trials": 4},
        rates={"true": 0.7, "false": 0.2},
        relevance=1,
    )
    first = tell({"a": believe([0.2, 0.6])}, rival("a", 0.5), evidence=[seen])
    fixed = tell({"a": believe(0.9)}, rival("a", 0.5))
    tip = tips_of(first, fixed)["A a.probability"]
    odds = tip.value / (1 - tip.value) * (0.7 / 0.2) ** 3 * (0.3 / 0.8)
    assert odds / (1 + odds) == pytest.approx(0.9, abs=2e-3)


def test_nothing_tips_where_one_is_always_ahead_or_both_are_equal() -> None:
    assert tips_of(simple(), tell({"a": believe(0.9)}, rival("a", 1))) == {}
    assert tips_of(simple(), simple()) == {}


def test_which_numbers_are_one() -> None:
    first, second = (resolve(story) for story in (simple(), crossed()))
    prepared = [assess(story, draws=64).prepared for story in (first, second)]
    index = [story.number_index["a.probability"] for story in (first, second)]
    assert shared_numbers(*prepared) == {index[0]: index[1]}
    other = assess(resolve(simple(), settings={"a": [0.2, 0.7]}), draws=64).prepared
    assert shared_numbers(prepared[0], other) == {}


def test_own_numbers_of_an_item_are_shared_where_their_priors_are_one() -> None:
    def with_rates(true: object, false: object) -> Story:
        seen = item(
            "probe",
            {"assumption": "a"},
            counts={"hits": 3, "trials": 4},
            rates={"true": true, "false": false},
            relevance=1,
        )
        return tell({"a": believe(0.4)}, rival("a", 0.5), evidence=[seen])

    one, same, other = (
        assess(resolve(with_rates([0.5, 0.9], false)), draws=64).prepared
        for false in ([0.1, 0.3], [0.1, 0.3], [0.1, 0.4])
    )
    names = [one.resolved.numbers[i].name for i in shared_numbers(one, same)]
    assert sorted(names) == ["probe.rates.false", "probe.rates.true"]
    (left,) = shared_numbers(one, other)
    assert one.resolved.numbers[left].name == "probe.rates.true"
