"""The engine's several arithmetics, each by itself: numpy by stages, by rows, in logs; numba."""

import contextlib
from collections.abc import Iterator
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from storyodds.models.engine import evaluation
from storyodds.models.engine.evaluation import Evaluation
from storyodds.models.engine.program import Program
from storyodds.models.story.likelihoods import LogLikelihoods

ROADS = ("numpy", "numba", "logs", "rows")


@contextlib.contextmanager
def road(name: str) -> Iterator[None]:
    """Let the engine go one way only, whatever it would choose."""
    with contextlib.ExitStack() as stack:
        if name == "numba":
            stack.enter_context(mock.patch.object(evaluation, "_NUMBA_WORK", -1.0))
        else:
            stack.enter_context(mock.patch.object(evaluation, "_is_fast", return_value=False))
        least = 1 if name == "rows" else 2**62
        stack.enter_context(mock.patch.object(evaluation, "_WIDE", least))
        if name == "logs":  # nothing is large enough
            stack.enter_context(mock.patch.object(evaluation, "SMALLEST", np.inf))
        yield


def by_road(
    name: str,
    program: Program,
    values: NDArray[np.float64],
    likelihoods: LogLikelihoods,
    seeds: NDArray[np.float64] | None = None,
) -> Evaluation:
    """Evaluate a program one way."""
    with road(name):
        return evaluation.evaluate(program, values, likelihoods, seeds)


def goes_through_logs(
    program: Program, values: NDArray[np.float64], likelihoods: LogLikelihoods
) -> bool:
    """Whether the engine finds that plain sums of products are not good enough."""
    with mock.patch.object(evaluation, "_attempt", wraps=evaluation._attempt) as attempts:
        by_road("numpy", program, values, likelihoods)
    return any(call.kwargs["logs"] for call in attempts.call_args_list)
