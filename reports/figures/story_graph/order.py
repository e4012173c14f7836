"""The order of nodes in their columns, so that few lines cross."""

from collections.abc import Mapping, Sequence

_SWEEPS = 12  # to and fro; the crossings no longer lessen after a handful
Pair = tuple[str, str]


def ordered(
    columns: Sequence[Sequence[str]], pairs: Sequence[Pair], fixed: Mapping[str, int]
) -> list[list[str]]:
    """Order the nodes of columns by the middle of what they are joined to, back and forth.

    Parameters
    ----------
    columns : sequence of sequence of str
        From left to right.
    pairs : sequence of (str, str)
        Nodes that are joined, the left one first; they may be any number of columns apart.
    fixed : mapping of str to int
        Of some nodes, their rank: one of a higher rank never stands above one of a lower. What
        has no rank has rank 0.

    Returns
    -------
    list of list of str
        Of all orders that were tried, that with the fewest crossings.

    Examples
    --------
    >>> ordered([["a", "b"], ["x", "y"]], [("a", "y"), ("b", "x")], {"x": 0, "y": 1})
    [['b', 'a'], ['x', 'y']]
    """
    order = [sorted(column, key=lambda id: fixed.get(id, 0)) for column in columns]
    joined: dict[str, list[str]] = {}
    for left, right in pairs:
        joined.setdefault(left, []).append(right)
        joined.setdefault(right, []).append(left)
    place_of = {id: c for c, column in enumerate(columns) for id in column}
    best, fewest = order, crossings(order, pairs)
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 1
        across = range(len(order)) if forward else range(len(order) - 1, -1, -1)
        order = [list(column) for column in order]
        for c in across:
            heights = {id: (k + 0.5) / len(ids) for ids in order for k, id in enumerate(ids)}

            def middle(
                id: str, c: int = c, heights: dict[str, float] = heights, leftward: bool = forward
            ) -> float:
                neighbors = [x for x in joined.get(id, ()) if (place_of[x] < c) is leftward]
                neighbors = neighbors or joined.get(id, [])
                # What is joined to nothing goes last.
                return sum(heights[x] for x in neighbors) / len(neighbors) if neighbors else 2.0

            order[c].sort(key=lambda id: (fixed.get(id, 0), middle(id)))
        count = crossings(order, pairs)
        if count < fewest:
            best, fewest = order, count
    return best


def crossings(order: Sequence[Sequence[str]], pairs: Sequence[Pair]) -> int:
    """Count pairs of lines between the same two columns that cross.

    Examples
    --------
    >>> crossings([["a", "b"], ["x", "y"]], [("a", "y"), ("b", "x")])
    1
    """
    places = {id: (c, k) for c, column in enumerate(order) for k, id in enumerate(column)}
    lines = [(places[a], places[b]) for a, b in pairs]
    return sum(
        (a[0], b[0]) == (x[0], y[0]) and (a[1] - x[1]) * (b[1] - y[1]) < 0
        for k, (a, b) in enumerate(lines)
        for x, y in lines[:k]
    )
