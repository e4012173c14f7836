"""The evidence half of the oracle: what each item says of each hypothesis, written from scratch.

`log_likelihoods` takes an item whose numbers are fixed. `expected_likelihoods` averages an item
over its own uncertain rates, relevance and bits: by closed forms where there are any (an urn for
a Beta, the log-normal mean for bits), by adaptive quadrature for a logit-normal rate. A forecast
is compared with the prior odds of what it is about.
"""

import itertools
import math
import warnings
from collections.abc import Callable, Iterable
from statistics import NormalDist
from typing import Any

from scipy.integrate import IntegrationWarning, quad

from storyodds.priors.distributions.forms import (
    Beta,
    BitsPool,
    Counts,
    Fixed,
    Interval,
    LogNormal,
    Normal,
    ProbabilityPool,
    UniformForm,
)
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT
from storyodds.scenarios.schema import Evidence, Exposure


def number(form: Any) -> float:
    """Read a fixed number."""
    if not isinstance(form, Fixed):
        raise TypeError(f"the oracle enumerates fixed numbers only, found {form!r}")
    return form.fixed


def log(value: float) -> float:
    """Natural log, minus infinity at 0."""
    return math.log(value) if value > 0.0 else -math.inf


# --- fixed numbers ----------------------------------------------------------------------------


def log_binomial(hits: int, trials: int, rate: float) -> float:
    """Log of C(n, k) r^k (1 - r)^(n - k), with 0 ** 0 = 1."""
    misses = trials - hits
    yes = hits * log(rate) if hits else 0.0
    no = misses * (math.log1p(-rate) if rate < 1.0 else -math.inf) if misses else 0.0
    return math.log(math.comb(trials, hits)) + yes + no


def log_incidents(exposure: Exposure, rate: float) -> float:
    """Log probability of so many incidents in so many episodes, or in so much time."""
    if exposure.episodes is not None:
        return log_binomial(exposure.incidents, exposure.episodes, rate)
    assert exposure.time is not None
    expected, k = rate * exposure.time, exposure.incidents
    return (k * log(expected) if k else 0.0) - expected - math.log(math.factorial(k))


def log_mix(share: float, first: float, second: float) -> float:
    """Log of share * exp(first) + (1 - share) * exp(second)."""
    terms = [t for t in (log(share) + first, log(1.0 - share) + second) if t > -math.inf]
    if not terms:
        return -math.inf
    return max(terms) + math.log(math.fsum(math.exp(t - max(terms)) for t in terms))


def log_mean(logs: list[float]) -> float:
    """Log of the mean of exp(logs)."""
    top = max(logs)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(x - top) for x in logs) / len(logs))


def reference_of(item: Evidence) -> str:
    """Name the hypothesis against which bits are counted: it has 0 of them."""
    return "false" if item.about.assumption else "default"


def bits_of(item: Evidence) -> dict[str, Any]:
    """Give the bits of a Bayes factor for each hypothesis but the reference."""
    if item.bayes_factor is None:
        raise ValueError(f"{item.id}: neither counts with rates nor a Bayes factor")
    reference = reference_of(item)
    if number(item.bayes_factor.get(reference, Fixed(fixed=0.0))) != 0.0:
        raise ValueError(f"{item.id}: {reference} is the reference, its bits are 0")
    return {key: form for key, form in item.bayes_factor.items() if key != reference}


def log_likelihoods(item: Evidence) -> dict[str, float]:
    """Log-likelihood of counts or a Bayes factor under each hypothesis, relevance included.

    With chance 1 - relevance the finding came from a process that is blind to the hypotheses:
    any likelihood of the table is as good as another, whether or not a route uses it.
    """
    if item.exposure is not None and item.rates is not None:
        seen = {"default": Fixed(fixed=1.0), **(item.visibility or {})}
        keys = {**item.rates, **(item.visibility or {})}
        if any(
            key not in (*CLASSES, DEFAULT) and key not in item.rates
            for key in item.visibility or {}
        ):
            raise ValueError(f"{item.id}: write out the rates of the routes that it names")
        table = {
            key: log_incidents(
                item.exposure,
                number(item.rates.get(key, item.rates["default"]))
                * number(seen.get(key, seen["default"])),
            )
            for key in keys
        }
    elif item.counts is not None and item.rates is not None:
        hits, trials = item.counts.hits, item.counts.trials
        table = {key: log_binomial(hits, trials, number(r)) for key, r in item.rates.items()}
    else:
        table = {key: number(bits) * math.log(2.0) for key, bits in bits_of(item).items()}
        table[reference_of(item)] = 0.0
    share = 1.0 if item.relevance is None else number(item.relevance)
    blind = log_mean(list(table.values()))
    return {key: log_mix(share, value, blind) for key, value in table.items()}


def log_forecast(item: Evidence, yes: float, no: float) -> float:
    """Log Normal density of log2-odds(q) about the log2-odds of the prior P(yes) and P(no)."""
    if item.forecast is None or item.sd_bits is None or item.relevance is not None:
        raise ValueError(f"{item.id}: a forecast has sd_bits and no relevance")
    if yes == 0.0 or no == 0.0:
        return -math.inf
    center = math.log2(yes) - math.log2(no)
    z = (math.log2(item.forecast / (1.0 - item.forecast)) - center) / item.sd_bits
    return -0.5 * z * z - math.log(item.sd_bits * math.sqrt(2.0 * math.pi))


# --- averages over an item's own uncertain numbers --------------------------------------------


def expected_likelihoods(item: Evidence) -> dict[str, float]:
    """Average an item's likelihood over its rates, relevance and bits, for each hypothesis.

    The likelihood is linear in the relevance and in each L(h), and these are independent, so
    the mean of `relevance * L(h) + (1 - relevance) * M`, M being the mean of L over the table,
    needs only their means.
    """
    if item.counts is not None and item.rates is not None:
        hits, trials = item.counts.hits, item.counts.trials
        table = {key: mean_binomial(rate, hits, trials) for key, rate in item.rates.items()}
    else:
        table = {key: mean_power_of_two(bits) for key, bits in bits_of(item).items()}
        table[reference_of(item)] = 1.0
    share = 1.0 if item.relevance is None else mean_rate(item.relevance)
    blind = math.fsum(table.values()) / len(table)
    return {key: share * value + (1.0 - share) * blind for key, value in table.items()}


def mean_rate(form: Any) -> float:
    """Average an uncertain probability: the chance of one hit in one trial."""
    return mean_binomial(form, 1, 1)


def mean_binomial(form: Any, hits: int, trials: int) -> float:
    """Average the chance of so many hits over an uncertain rate."""
    match form:
        case Fixed():
            return math.exp(log_binomial(hits, trials, form.fixed))
        case Beta():
            return urn(*form.beta, hits, trials)
        case Counts():
            misses = form.counts.trials - form.counts.hits
            return urn(form.counts.hits + 0.5, misses + 0.5, hits, trials)
        case Interval():
            return mean_binomial_over_logit_normal(form, hits, trials)
        case UniformForm() | Normal() | LogNormal():
            return mean_binomial_over_a_density(form, hits, trials)
        case ProbabilityPool():
            means = [
                (judge.weight, mean_binomial(judge.value, hits, trials)) for judge in form.pool
            ]
            return math.fsum(w * mean for w, mean in means) / math.fsum(w for w, _ in means)
    raise TypeError(f"not a resolved probability: {form!r}")


def pooled(judgments: Iterable[tuple[float, float]]) -> float:
    """Average over judges by weight."""
    weights, means = zip(*judgments, strict=True)
    return math.sumprod(weights, means) / math.fsum(weights)


def urn(a: float, b: float, hits: int, trials: int) -> float:
    """Draw hits, then misses, from a Polya urn of `a` yes and `b` no: the Beta-binomial."""
    logs = [math.log(math.comb(trials, hits))]
    logs += [math.log(a + done) for done in range(hits)]
    logs += [math.log(b + done) for done in range(trials - hits)]
    logs += [-math.log(a + b + done) for done in range(trials)]
    return math.exp(math.fsum(logs))


def log_sigmoid(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > 0.0 else x - math.log1p(math.exp(x))


def mean_binomial_over_logit_normal(form: Interval, hits: int, trials: int) -> float:
    """Integrate over the standard normal score: the integrand is log-concave, so find its top."""
    low, high = (log(end) - math.log1p(-end) for end in form.interval)
    spread = (high - low) / 2.0 / NormalDist().inv_cdf(0.5 + form.level / 2.0)

    def log_integrand(z: float) -> float:
        logit = (low + high) / 2.0 + spread * z
        rates = hits * log_sigmoid(logit) + (trials - hits) * log_sigmoid(-logit)
        return rates - 0.5 * z * z - 0.5 * math.log(2.0 * math.pi)

    left, right = -60.0, 60.0
    for _ in range(200):
        third = (right - left) / 3.0
        if log_integrand(left + third) < log_integrand(right - third):
            left += third
        else:
            right -= third
    top = (left + right) / 2.0
    peak = log_integrand(top)
    edges = [top + sign * reach for sign in (-1, 1) for reach in (0.003, 0.03, 0.1, 0.3, 1, 3, 12)]
    edges = sorted([*edges, top])
    area = math.fsum(
        quad(lambda z: math.exp(log_integrand(z) - peak), a, b, epsabs=1e-15, epsrel=1e-13)[0]
        for a, b in itertools.pairwise(edges)
    )
    return math.exp(math.log(math.comb(trials, hits)) + peak + math.log(area))


def mean_binomial_over_a_density(
    form: UniformForm | Normal | LogNormal, hits: int, trials: int
) -> float:
    """Integrate over the rate or its logarithm, cut off at 0 and 1, and divide by the rest."""
    match form:
        case UniformForm():
            (low, high), middle, width = form.uniform, sum(form.uniform) / 2.0, math.inf
        case Normal():
            low, high, (middle, width) = 0.0, 1.0, form.normal
        case LogNormal():
            shape = form.lognormal
            width = math.log(shape.error_factor) / NormalDist().inv_cdf(shape.level)
            middle = math.log(shape.mean) - width * width / 2.0
            low, high = min(middle, 0.0) - 40.0 * width - 1.0, 0.0

    nearest = min(max(middle, low), high)

    def weight(x: float) -> float:
        """The density relative to its highest."""
        return math.exp(((nearest - middle) / width) ** 2 / 2.0 - ((x - middle) / width) ** 2 / 2.0)

    def chance(x: float) -> float:
        rate = math.exp(x) if isinstance(form, LogNormal) else x
        return math.exp(log_binomial(hits, trials, rate)) if 0.0 < rate < 1.0 else 0.0

    reach = (0.0, 0.03, 0.3, 1.0, 3.0, 10.0, 40.0)
    scale = width if math.isfinite(width) else (high - low) / 40.0
    edges = {min(max(nearest + s * r * scale, low), high) for s in (-1, 1) for r in reach}
    # Where the chance alone is highest, as well.
    top = (
        math.log(max(hits, 0.5) / max(trials, 1))
        if isinstance(form, LogNormal)
        else hits / max(trials, 1)
    )
    spread = (high - low) / 100.0
    edges |= {min(max(top + s * r * spread, low), high) for s in (-1, 1) for r in reach}
    cuts = sorted(edges | {low, high})

    def area(f: Callable[[float], float]) -> float:
        with warnings.catch_warnings():
            # Where there is next to nothing, no twelve digits of it can be had, nor are wanted.
            warnings.simplefilter("ignore", IntegrationWarning)
            return math.fsum(
                quad(f, a, b, epsabs=0.0, epsrel=1e-12, limit=200)[0]
                for a, b in itertools.pairwise(cuts)
            )

    return area(lambda x: weight(x) * chance(x)) / area(weight)


def mean_power_of_two(form: Any) -> float:
    """Average 2 ** bits: a log-normal mean for normal bits."""
    match form:
        case Fixed():
            return math.exp2(form.fixed)
        case Normal():
            return log_normal_mean(*form.normal)
        case Interval():
            low, high = form.interval
            sd = (high - low) / 2.0 / NormalDist().inv_cdf(0.5 + form.level / 2.0)
            return log_normal_mean((low + high) / 2.0, sd)
        case BitsPool():
            return pooled((j.weight, mean_power_of_two(j.value)) for j in form.pool)
    raise TypeError(f"not resolved bits: {form!r}")


def log_normal_mean(mean_bits: float, sd_bits: float) -> float:
    """E[2 ** b] for b ~ Normal: the exponent mean + sd^2 ln2 / 2, in bits."""
    return math.exp2(mean_bits + sd_bits * sd_bits * math.log(2.0) / 2.0)
