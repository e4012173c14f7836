"""What a stage of a deployment came to, and what that is worth."""

from collections.abc import Mapping
from math import log2

from storyodds.reports.words.numbers import bits
from storyodds.scenarios.schema import Exposure

PAIR = ("intended", "deceptive")  # what a clean deployment is read as, and what it may hide


def exposure_words(exposure: Exposure) -> str:
    """Say how much of a deployment there was, and what came of it.

    Examples
    --------
    >>> exposure_words(Exposure(episodes=200000, incidents=0))
    '200,000 episodes without an incident'
    >>> exposure_words(Exposure(time=30.0, incidents=2))
    '30 units of time with 2 incidents'
    """
    if exposure.episodes is not None:
        extent = f"{exposure.episodes:,} {'episode' if exposure.episodes == 1 else 'episodes'}"
    else:
        extent = f"{exposure.time:,.12g} {'unit' if exposure.time == 1 else 'units'} of time"
    if exposure.incidents == 0:
        return f"{extent} without an incident"
    if exposure.incidents == 1:
        return f"{extent} with 1 incident"
    return f"{extent} with {exposure.incidents:,} incidents"


def exposure_worth(
    exposure: Exposure, by_class: Mapping[str, float | None], prior: Mapping[str, float]
) -> str:
    """Say what a stage of a deployment alone does to the odds of the classes it is watched for.

    Parameters
    ----------
    exposure : Exposure
    by_class : mapping of str to float or None
        Bits by class, each against all the others; None where a class is sure or excluded.
    prior : mapping of str to float
        The chance of each class before the evidence.

    Examples
    --------
    >>> gained, prior = {"intended": 0.5, "deceptive": -0.5}, {"intended": 0.5, "deceptive": 0.5}
    >>> sentence = exposure_worth(Exposure(episodes=9, incidents=0), gained, prior)
    >>> print(sentence.split(" (")[0])
    9 episodes without an incident: alone, in bits, +0.50 for intended, −0.50 for deceptive
    >>> print(sentence.split(" (")[1])
    of the odds of the two, +0.50 for intended)
    """
    worth = [f"{bits(by_class[name])} for {name}" for name in PAIR if by_class[name] is not None]
    if not worth:
        return f"{exposure_words(exposure)}: neither of {' and '.join(PAIR)} is in doubt"
    sentence = f"{exposure_words(exposure)}: alone, in bits, {', '.join(worth)}"
    if len(worth) < len(PAIR):
        return sentence
    gains = [_log_gain(by_class[name] or 0.0, prior[name]) for name in PAIR]
    return f"{sentence} (of the odds of the two, {bits(gains[0] - gains[1])} for {PAIR[0]})"


def _log_gain(gained: float, chance: float) -> float:
    """Return log2 of how many times as likely a class becomes, from the bits that its odds gain."""
    return gained - log2(1.0 + chance * (2.0**gained - 1.0))
