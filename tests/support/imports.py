"""Who imports whom: the modules named in a source, and the circles among files."""

import ast
from collections.abc import Iterator, Mapping

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def imported(source: str) -> Iterator[str]:
    """Every module named in an import, at the top of the file or anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            # `from storyodds.models import numerics` names a module too.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def circles(sources: Mapping[str, str]) -> list[set[str]]:
    """Modules that import each other, around whatever corners, in one group each."""
    place = {module: k for k, module in enumerate(sources)}
    arrows = [
        (place[module], place[name])
        for module, source in sources.items()
        for name in imported(source)
        if name in place and name != module
    ]
    graph = coo_array((np.ones(len(arrows)), np.transpose(arrows)), shape=2 * (len(place),))
    _, groups = connected_components(graph, connection="strong")
    members = [{m for m, k in place.items() if groups[k] == group} for group in set(groups)]
    return [group for group in members if len(group) > 1]
