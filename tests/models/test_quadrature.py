"""The quadrature rule for 1 / x against 1 / x."""

import math

import numpy as np
import pytest

from storyodds.models.circuits.quadrature import LONGEST, MAX_ERROR, longest_rule, rule

RATIOS = (0.0, 1e-9, 0.5, 1.0, 3.0, 10.0, 41.0, 100.0, 333.3, 600.0, LONGEST)


def points(log_ratio: float) -> np.ndarray:
    """A dense grid of log x, its ends and many random places."""
    rng = np.random.default_rng(int(log_ratio * 10))
    inside = [np.linspace(-log_ratio, 0.0, 4001), rng.uniform(-log_ratio, 0.0, 1000)]
    return np.concatenate(inside)


@pytest.mark.parametrize("log_ratio", RATIOS)
def test_relative_error(log_ratio: float) -> None:
    found, log_x = rule(log_ratio), points(log_ratio)
    # Weights go up to exp(660): t x and x w are taken in logs.
    exponents = np.exp(log_x[:, None] + np.log(found.nodes))
    terms = np.exp(log_x[:, None] + np.log(found.weights) - exponents)
    error = np.abs(terms.sum(axis=1) - 1)
    # Beside the stated error there is the rounding of logs of up to 660, 1.5e-13 in a term.
    rounding = 1e-15 * (20 + log_ratio)
    assert error.max() <= found.error + rounding
    assert found.error <= MAX_ERROR


@pytest.mark.parametrize("log_ratio", RATIOS)
def test_nodes_and_weights_are_positive(log_ratio: float) -> None:
    """So that nothing the engine adds up can cancel."""
    found = rule(log_ratio)
    assert (found.nodes > 0).all() and np.isfinite(found.nodes).all()
    assert (found.weights > 0).all() and np.isfinite(found.weights).all()
    assert (np.diff(found.nodes) > 0).all()


@pytest.mark.parametrize("log_ratio", RATIOS)
def test_the_longest_rule_begins_with_every_other(log_ratio: float) -> None:
    found, far = rule(log_ratio), longest_rule()
    n = far.n_near + int((log_ratio + far.reach) / far.step) + 2
    assert len(found.nodes) <= n <= len(found.nodes) + 1
    shared = min(n, len(far.nodes), len(found.nodes))
    np.testing.assert_allclose(found.nodes[:shared], far.nodes[:shared], rtol=1e-14)
    np.testing.assert_allclose(found.weights[:shared], far.weights[:shared], rtol=1e-14)


def test_neighboring_ranges_share_a_rule() -> None:
    assert rule(5.0) is rule(5.0 + 1e-6)
    lengths = [len(rule(x).nodes) for x in np.linspace(0.0, 60.0, 61)]
    assert lengths == sorted(lengths)
    # One node per 0.3 nats of range.
    assert lengths[-1] - lengths[0] == pytest.approx(60.0 / 0.3, abs=2)


@pytest.mark.parametrize("bits", [0.0, 1.0, 20.0, 100.0, 400.0])
def test_a_race_of_two(bits: float) -> None:
    """P(the weaker of two routes wins) is r / (1 + r), and 1 where the other one is closed."""
    r = 2.0**-bits
    found = rule(bits * math.log(2.0) + math.log1p(r))
    weak, strong = r / (1 + r), 1 / (1 + r)
    alone = (found.weights * weak) @ np.exp(-found.nodes * weak)
    both = (found.weights * weak) @ (np.exp(-found.nodes * weak) * np.exp(-found.nodes * strong))
    assert alone == pytest.approx(1.0, rel=2e-12)
    assert both == pytest.approx(weak, rel=2e-12)


def test_the_integral_of_the_rest() -> None:
    """Integrated over x on both sides: log x on one, exponentials over t on the other."""
    found = rule(30.0)
    # The integral of (1 / x) over x from a to 1 is that of (exp(-a t) - exp(-t)) / t over t.
    a = math.exp(-20.0)
    by_rule = (found.weights / found.nodes) @ (np.exp(-a * found.nodes) - np.exp(-found.nodes))
    assert by_rule == pytest.approx(20.0, rel=1e-11)


@pytest.mark.parametrize("log_ratio", [math.nan, math.inf])
def test_no_rule_for_what_is_no_range(log_ratio: float) -> None:
    with pytest.raises((ValueError, OverflowError, ArithmeticError)):
        rule(log_ratio)
