"""What each change adds: closed forms, and the laws of Shapley values."""

from typing import Any

import numpy as np
import pytest
from support.building import OFF, SCHEMER, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.comparison.contributions import Contributions, contributions
from storyodds.models.comparison.sides import EVENTS, Posterior, of_assessment
from storyodds.priors.library import view
from storyodds.priors.text.errors import InputError
from storyodds.scenarios.loader import load_story
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Check
from storyodds.scenarios.story import Story

DECEPTIVE, HALTED = EVENTS.index("deceptive"), EVENTS.index("halted")


def side(story: Story, **options: Any) -> Posterior:
    return of_assessment(assess(resolve(story, **options), draws=1024))


def named(found: Contributions) -> dict[str, np.ndarray]:
    return {player[0].name: row for player, row in zip(found.players, found.shares, strict=True)}


def chain(*probabilities: float, **parts: Any) -> Story:
    """A rival that needs all of some assumptions: its chance is their product."""
    names = [f"a{k}" for k in range(len(probabilities))]
    route = SCHEMER.model_copy(update={"requires": tuple(names)})
    believed = {name: believe(p) for name, p in zip(names, probabilities, strict=True)}
    return tell(believed, (route, OFF), **parts)


def test_two_factors() -> None:
    """p q: a change of each adds its own step times the mean of the other."""
    found = contributions(side(chain(0.2, 0.5)), side(chain(0.6, 0.9)))
    added = named(found)
    assert found.orders is None
    assert added["a0.probability"][DECEPTIVE] == pytest.approx(0.4 * 0.7, abs=1e-9)
    assert added["a1.probability"][DECEPTIVE] == pytest.approx(0.4 * 0.4, abs=1e-9)
    assert np.all(found.errors == 0)


def test_a_check_that_is_added_and_a_number() -> None:
    """Halted: nothing without the check, which flags half of the deceptive ones."""
    audit = Check(id="audit", flags={"deceptive": 0.5, "default": 0})
    found = contributions(side(chain(0.2)), side(chain(0.6, checks=[audit])))
    added = named(found)
    assert added["audit"][HALTED] == pytest.approx((0.2 + 0.6) / 2 * 0.5, abs=1e-9)
    assert added["a0.probability"][HALTED] == pytest.approx(0.4 / 2 * 0.5, abs=1e-9)
    assert added["audit"][DECEPTIVE] == pytest.approx(0, abs=1e-12)


def test_a_finding_that_is_added() -> None:
    seen = item(
        "seen",
        {"assumption": "a0"},
        counts={"hits": 1, "trials": 1},
        rates={"true": 0.8, "false": 0.2},
    )
    found = contributions(side(chain(0.2)), side(chain(0.2, evidence=[seen])))
    assert len(found.players) == 1
    assert found.shares[0, DECEPTIVE] == pytest.approx(0.5 - 0.2, abs=1e-9)


def test_sums_are_the_whole_difference() -> None:
    """Some orders of the many changes of a view, on a story whose bits are sampled."""
    story = load_story("cat-classifier")
    old, new = side(story), side(story, view=view("wide"))
    found = contributions(old, new, draws=512)
    assert found.shares.sum(axis=0) == pytest.approx(new.means - old.means, abs=1e-12)
    assert found.orders == 8 or len(found.players) <= 8


def test_errors_are_those_of_the_numbers_draws() -> None:
    """Contributions by two seeds differ by what they say."""
    story = load_story("coinrun-agent")
    settings = {"coin-is-salient.bits.intended": [2, 4], "path-dependence": 0.9}
    old, new = side(story), side(story, settings=settings)
    first, second = (contributions(old, new, draws=1024, seed=seed) for seed in (1, 2))
    error = np.hypot(first.errors, second.errors)
    # Sobol sequences err by less than independent draws, of which the errors are.
    assert np.all(abs(first.shares - second.shares) <= 5 * error + 1e-12)
    assert error.max() > 0
    assert error.max() < 0.02


def test_many_changes_are_taken_by_part() -> None:
    """Twelve premises whose order decides: each adds the same, by symmetry, within its error."""
    found = contributions(side(chain(*[0.9] * 12)), side(chain(*[0.8] * 12)))
    assert found.orders == 8 and len(found.players) == 12
    whole = 0.8**12 - 0.9**12
    shares, errors = found.shares[:, DECEPTIVE], found.errors[:, DECEPTIVE]
    assert shares.sum() == pytest.approx(whole, abs=1e-9)
    # Four pairs of orders: Student's t with three degrees of freedom, exceeded once in 10,000.
    assert np.all(abs(shares - whole / 12) <= 22 * errors + 1e-9)


def test_what_cannot_be_told_apart() -> None:
    def depends(on: str, other: str) -> Story:
        route = SCHEMER.model_copy(update={"requires": on})
        return tell({other: believe(0.5), on: Assumption(holds_when=other)}, (route, OFF))

    with pytest.raises(InputError, match="one by one"):
        contributions(side(depends("a", "b")), side(depends("b", "a")))


def test_a_mixture_that_the_evidence_rules_out() -> None:
    """Never true before, always before the other change: in between it could not be seen."""
    sure = {"true": 1.0, "false": 0.0}
    seen = item("seen", {"assumption": "a0"}, counts={"hits": 1, "trials": 1}, rates=sure)
    with pytest.raises(InputError):
        contributions(side(chain(0.0)), side(chain(0.5, evidence=[seen])))
