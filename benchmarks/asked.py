"""A benchmark story put to storyodds, as a contestant among the others."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import ours
from contest import OURS, Answers, Check, Contestant, UnableError
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """What storyodds makes of a story.

    Attributes
    ----------
    fact : str
        How long it took to get ready, or that it was not to be had.
    answer, differentiate : callable
        Raise `UnableError` where the story is refused.
    draws : int
    """

    fact: str
    answer: Callable[[], Answers]
    differentiate: Callable[[], Answers]
    draws: int

    def contestant(self, check: Check) -> Contestant:
        """Answers, compared and timed."""
        return Contestant(OURS, self.answer, self.draws, check)

    def differentiating(self, check: Check) -> Contestant:
        """Derivatives, compared and timed."""
        return Contestant(OURS, self.differentiate, self.draws, check)


def ask(
    text: str,
    drawn: Mapping[str, Array],
    targets: str | Sequence[str],
    names: Sequence[str] = (),
) -> Asked:
    """Read a story and lay out its draws.

    Parameters
    ----------
    text : str
        YAML.
    drawn : mapping of str to (n_draws,) array
        Every uncertain number by name.
    targets : str or sequence of str
    names : sequence of str
        The numbers to differentiate in.
    """
    draws = len(next(iter(drawn.values())))
    start = time.perf_counter()
    try:
        prepared = ours.load(text, targets)
    except ours.RefusedError as error:
        sentence = f"refused: {error}"

        def refuse() -> Answers:
            raise UnableError(sentence)

        return Asked("storyodds refuses the story", refuse, refuse, draws)
    loading = time.perf_counter() - start
    values = ours.arrange(prepared, drawn)
    return Asked(
        f"storyodds takes {loading:.2f} s from YAML to a story that is ready, once",
        lambda: ours.answers(prepared, values),
        lambda: ours.derivative(prepared, values, names),
        draws,
    )
