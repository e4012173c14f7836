"""Parts of a story changed by themselves, though they share numbers with other parts.

To leave a check out is to let it flag nothing. Where its rate is an unknown that stands elsewhere
too, the check first gets a number of its own, with the same values.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from storyodds.models.posterior.prepared import PreparedStory, prepare
from storyodds.scenarios.edits import shared_places, with_own_numbers

Array = NDArray[np.float64]


def with_parts_apart(
    prepared: PreparedStory, values: Array, owners: Collection[str]
) -> tuple[PreparedStory, Array]:
    """Let parts of a story share no number with the rest of it.

    Parameters
    ----------
    prepared : PreparedStory
    values : (n_draws, n_numbers) array
    owners : collection of str
        Ids of the parts.

    Returns
    -------
    PreparedStory
        With numbers of their own behind those that it had; itself where the parts share none.
    (n_draws, n_numbers) array
        The draws, where the new numbers are what those were that they stand for.
    """
    places = shared_places(prepared.resolved, owners)
    if not places:
        return prepared, values
    columns = [prepared.resolved.number_index[place] for place in places]
    distributions = [prepared.distributions[i] for i in columns]
    apart = prepare(with_own_numbers(prepared.resolved, places))
    apart = replace(apart, distributions=(*prepared.distributions, *distributions))
    tables = apart.tables_of(apart.distributions)
    return replace(apart, tables=tables), np.hstack([values, values[:, columns]])
