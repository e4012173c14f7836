"""Loops among assumptions that depend on each other."""

from collections.abc import Iterator, Mapping, Sequence


def loops(depends_on: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Find loops by one walk in depth, each once, beginning with its first node in the mapping.

    Parameters
    ----------
    depends_on : mapping of str to sequence of str
        What each node points to, all of them nodes.

    Yields
    ------
    list of str
        The nodes of a loop in order, the first not repeated at the end. Every node that lies on
        a loop of its own is reached; loops that only recombine others may not be listed.

    Examples
    --------
    >>> list(loops({"a": ["b"], "b": ["a", "c"], "c": ["c"]}))
    [['a', 'b'], ['c']]
    """
    order = {name: index for index, name in enumerate(depends_on)}
    rotations: set[tuple[str, ...]] = set()
    done: set[str] = set()
    for start in depends_on:
        if start in done:
            continue
        trail, depth = [start], {start: 0}
        waiting = [iter(depends_on[start])]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                waiting.pop()
                node = trail.pop()
                del depth[node]
                done.add(node)
            elif following in depth:
                loop = trail[depth[following] :]
                turn = min(range(len(loop)), key=lambda k: order[loop[k]])
                turned = loop[turn:] + loop[:turn]
                if tuple(turned) not in rotations:
                    rotations.add(tuple(turned))
                    yield turned
            elif following not in done:
                depth[following] = len(trail)
                trail.append(following)
                waiting.append(iter(depends_on[following]))


def bottom_up[T](depends_on: Mapping[T, Sequence[T]]) -> list[T]:
    """Order nodes so that each comes after those that it points to, where no loop forbids it.

    Examples
    --------
    >>> bottom_up({"a": ["b", "c"], "b": ["c"], "c": []})
    ['c', 'b', 'a']
    """
    order: list[T] = []
    visited: set[T] = set()
    for start in depends_on:
        waiting = [] if start in visited else [(start, iter(depends_on[start]))]
        visited.add(start)
        while waiting:
            node, rest = waiting[-1]
            following = next(rest, None)
            if following is None:
                order.append(node)
                waiting.pop()
            elif following not in visited:
                visited.add(following)
                waiting.append((following, iter(depends_on[following])))
    return order
