"""Weights for experts from how they did on questions with known answers: the classical model.

Cooke, R. M. (1991), Experts in Uncertainty, Oxford University Press; reviewed in Cooke, R. M. and
Goossens, L. H. J. (2008), TU Delft expert judgment data base, Reliability Engineering and System
Safety 93(5), 657-674. Everybody gives 5 %, 50 % and 95 % quantiles of each quantity.

calibration
    How well the answers fall where the quantiles say. If 5, 45, 45 and 5 percent of answers fell
    into the four bins, 2 N times the relative information of the observed shares with respect to
    these would be chi-square distributed, nearly, with 3 degrees of freedom; the score is the
    probability of at least what was observed.
information
    How narrow the quantiles are: the mean relative information of the piecewise uniform density
    through them with respect to a background that is uniform (or uniform in the logarithm) over
    the intrinsic range, from the lowest to the highest of all quantiles and the answer, and a
    tenth more on either side.

A weight is calibration times information, and 0 where calibration is below a cutoff. Calibration
varies over orders of magnitude and information hardly, so that nobody gets weight for being
narrow alone. The cutoff is the one under which the weighted mixture of the experts, the decision
maker, scores highest itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, rel_entr

from storyodds.priors.text.errors import InputError

Array = NDArray[np.float64]

LEVELS = (0.05, 0.5, 0.95)
SHARES = np.array([0.05, 0.45, 0.45, 0.05])
OVERSHOOT = 0.1  # of the range, added at both ends: the share that Cooke proposes and others use
LEAST = 4  # questions: fewer than bins say nothing
MANY = 10  # below which weights are weak

_ROUNDING = 1e-9  # relative difference of numbers that only rounding tells apart


@dataclass(frozen=True)
class Calibration:
    """Questions with known answers, and what the experts said to them.

    Attributes
    ----------
    answers : (n_questions,) array
    quantiles : (n_experts, n_questions, 3) array
        At 5, 50 and 95 percent.
    log : (n_questions,) bool array
        Whether a question's background is uniform in the logarithm.
    """

    answers: Array
    quantiles: Array
    log: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if len(self.answers) < LEAST:
            raise InputError(
                f"found {len(self.answers)} calibration questions, expected at least {LEAST}"
            )


@dataclass(frozen=True)
class Score:
    """What the classical model says of one expert, or of a mixture of them.

    Attributes
    ----------
    calibration : float
        A probability.
    information : float
        In nats.
    """

    calibration: float
    information: float

    @property
    def combined(self) -> float:
        """Calibration times information."""
        return self.calibration * self.information


@dataclass(frozen=True)
class Weighing:
    """One way to weigh experts, and how their mixture does on the calibration questions.

    Attributes
    ----------
    weights : (n_experts,) array
        Sum to 1; of item weights, their mean over the questions.
    cutoff : float or None
        The least calibration that gets weight.
    decision_maker : Score
    """

    weights: Array
    cutoff: float | None
    decision_maker: Score


@dataclass(frozen=True)
class Performance:
    """The scores of experts, and three ways to weigh them.

    Attributes
    ----------
    experts : tuple of Score
    equal, whole, item : Weighing
        `whole` goes by the information over all questions (Cooke's global weights), `item` by that
        on the question at hand.
    """

    experts: tuple[Score, ...]
    equal: Weighing
    whole: Weighing
    item: Weighing


def performance(questions: Calibration) -> Performance:
    """Score experts and find their weights.

    Parameters
    ----------
    questions : Calibration

    Returns
    -------
    Performance

    Examples
    --------
    >>> answers = np.arange(1.0, 21.0)
    >>> spread = np.array([[-3.0, 0.1, 3.0], [-0.3, 0.2, 0.3]])
    >>> noise = np.resize([-2.0, -1.0, 1.0, 2.0], 20)
    >>> judged = (answers + noise)[None, :, None] + spread[:, None, :]
    >>> scores = performance(Calibration(answers, judged, np.zeros(20, dtype=bool)))
    >>> [round(score.calibration, 4) for score in scores.experts]
    [0.2392, 0.0]
    >>> scores.whole.weights.round(3)
    array([1., 0.])
    """
    n_experts = len(questions.quantiles)
    calibrations, informations = calibration(questions), information(questions)
    scores = tuple(
        Score(float(c), float(i.mean())) for c, i in zip(calibrations, informations, strict=True)
    )
    even = np.full(n_experts, 1.0 / n_experts)
    return Performance(
        experts=scores,
        equal=Weighing(even, None, _score_of_mixture(questions, _everywhere(questions, even))),
        whole=_best(questions, calibrations, informations.mean(axis=1)[:, None]),
        item=_best(questions, calibrations, informations),
    )


def calibration(questions: Calibration) -> Array:
    """Return each expert's calibration score, (n_experts,).

    An answer that equals a quantile falls into the bin below it, also where the quantile is a
    mixture's that has gone through logarithms and back.
    """
    answers = questions.answers[:, None]
    room = _ROUNDING * np.maximum(np.abs(answers), np.abs(questions.quantiles))
    bins = (answers - questions.quantiles > room).sum(axis=2)
    n = len(questions.answers)
    shares = np.array([np.bincount(row, minlength=len(SHARES)) / n for row in bins])
    return np.asarray(chdtrc(len(SHARES) - 1, 2 * n * rel_entr(shares, SHARES).sum(axis=1)))


def information(questions: Calibration, background: Calibration | None = None) -> Array:
    """List each expert's relative information on each question, (n_experts, n_questions), in nats.

    Parameters
    ----------
    questions : Calibration
    background : Calibration, optional
        Whose quantiles set the intrinsic range; those of `questions` unless stated.
    """
    edges = _edges(questions, background or questions)
    widths = np.diff(edges, axis=2)
    whole = edges[:, :, -1] - edges[:, :, 0]
    return np.asarray((SHARES * np.log(SHARES / widths)).sum(axis=2) + np.log(whole))


def _edges(questions: Calibration, background: Calibration) -> Array:
    """The intrinsic range with the quantiles in it, (n_experts, n_questions, 5), logs taken."""
    quantiles, every = (
        _scaled(questions, questions.quantiles),
        _scaled(questions, background.quantiles),
    )
    answers = np.where(
        questions.log, np.log(np.where(questions.log, questions.answers, 1.0)), questions.answers
    )
    low = np.minimum(every.min(axis=(0, 2)), answers)
    high = np.maximum(every.max(axis=(0, 2)), answers)
    reach = OVERSHOOT * (high - low)
    ends = np.stack([low - reach, high + reach], axis=1)
    ends = np.broadcast_to(ends, (len(quantiles), *ends.shape))
    return np.concatenate([ends[:, :, :1], quantiles, ends[:, :, 1:]], axis=2)


def _scaled(questions: Calibration, quantiles: Array) -> Array:
    log = questions.log[:, None]
    return np.where(log, np.log(np.where(log, quantiles, 1.0)), quantiles)


def mixture_quantiles(questions: Calibration, weights: Array) -> Array:
    """Return 5, 50 and 95 percent quantiles of the weighted mixture of the experts.

    Parameters
    ----------
    questions : Calibration
    weights : (n_experts, n_questions) array
        Sum to 1 over the experts.

    Returns
    -------
    (n_questions, 3) array
    """
    edges = _edges(questions, questions)
    levels = np.concatenate([[0.0], np.cumsum(SHARES)])
    levels[-1] = 1.0
    mixed = np.empty((len(questions.answers), len(LEVELS)))
    for k in range(len(questions.answers)):
        x = np.unique(edges[:, k])
        pairs = zip(weights[:, k], edges[:, k], strict=True)
        below = sum(weight * np.interp(x, edge, levels) for weight, edge in pairs)
        mixed[k] = np.interp(LEVELS, np.asarray(below), x)
    return np.where(
        questions.log[:, None], np.exp(np.where(questions.log[:, None], mixed, 0.0)), mixed
    )


def _everywhere(questions: Calibration, weights: Array) -> Array:
    return np.repeat(weights[:, None], len(questions.answers), axis=1)


def _score_of_mixture(questions: Calibration, weights: Array) -> Score:
    maker = Calibration(
        questions.answers, mixture_quantiles(questions, weights)[None], questions.log
    )
    return Score(float(calibration(maker)[0]), float(information(maker, questions).mean()))


def _best(questions: Calibration, calibrations: Array, informations: Array) -> Weighing:
    """Weigh by calibration and information, under the cutoff that serves the mixture best.

    Parameters
    ----------
    informations : (n_experts, 1 or n_questions) array
    """
    weighings = []
    for cutoff in np.unique(calibrations):  # the most experts first, which wins a tie
        kept = calibrations >= cutoff * (1.0 - _ROUNDING)  # equals stay together
        weights = np.where(kept, calibrations, 0.0)[:, None] * informations
        total = weights.sum(axis=0)
        if not (total > 0.0).all():  # no digits left, or no information
            continue
        weights = np.broadcast_to(weights / total, (len(weights), len(questions.answers)))
        score = _score_of_mixture(questions, weights)
        weighings.append(Weighing(weights.mean(axis=1), float(cutoff), score))
    if not weighings:
        raise InputError(
            "calibration: found no expert whose quantiles fit the answers at all, expected one; "
            "performance cannot weigh these experts"
        )
    return max(weighings, key=lambda weighing: weighing.decision_maker.combined)
