"""What a stage of a deployment came to, and what that is worth."""

from collections.abc import Mapping

from storyodds.reports.words.numbers import bits
from storyodds.scenarios.schema import Exposure

_MODELS = {"intended": "an intended model", "deceptive": "a deceptive model"}


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


def exposure_worth(exposure: Exposure, by_class: Mapping[str, float | None]) -> str:
    """Say what a stage of a deployment alone does to the odds of the classes it is watched for.

    Parameters
    ----------
    exposure : Exposure
    by_class : mapping of str to float or None
        Bits by class; None where a class is sure or excluded.

    Examples
    --------
    >>> exposure_worth(Exposure(episodes=9, incidents=0), {"intended": 0.25, "deceptive": None})
    '9 episodes without an incident: alone, in bits, +0.25 for an intended model'
    """
    worth = [
        f"{bits(by_class[name])} for {noun}"
        for name, noun in _MODELS.items()
        if by_class[name] is not None
    ]
    if not worth:
        worth = ["neither an intended model nor a deceptive one is in doubt"]
    else:
        worth[0] = f"alone, in bits, {worth[0]}"
    return f"{exposure_words(exposure)}: {', '.join(worth)}"
