"""What of the style can be counted, by room: `make style` prints it.

A length is in lines. A name is one that a function gives to a parameter or a local value, counted
once in every function.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from support.imports import circles
from support.installed import modules

# Words that name how a value was come by, or point at it, instead of what it is.
NO_NOUNS = frozenset(
    "found said told asked known given left some at it wanted needed seen shown gone made meant "
    "tried got mine ours yours what which who whom both each this that these those none has was "
    "others".split()
)
# `left` beside `right` is a side.
SIDES = {"left", "right"}
COLUMNS = (
    *("files", "lines", "file 50%", "file 90%", "longest", "function 90%", "longest"),
    *("names", "no nouns", "Any", "in circles", "a folder"),
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method, also those within another."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def local_names(function: Function) -> set[str]:
    """Parameters and local values of a function, without those of functions within it."""
    names, nodes = set(), [function.args, *function.body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Function | ast.ClassDef):
            continue
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        nodes.extend(ast.iter_child_nodes(node))
    return names


def no_nouns(names: set[str]) -> set[str]:
    """Those of a function's names that are no nouns."""
    return names & (NO_NOUNS - SIDES if names >= SIDES else NO_NOUNS)


def bare_constants(source: str) -> Iterator[str]:
    """Constants of a module that are numbers, and have no comment beside or above them."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                pass
            case _:
                continue
        own = lines[node.lineno - 1 : node.end_lineno]
        if not name.isupper() or not _is_number(value) or any("#" in line for line in own):
            continue
        above = node.lineno - 2
        while above >= 0 and re.match(r"[A-Z_]+[A-Z0-9_]* ?[:=]", lines[above]):  # a group
            above -= 1
        if above < 0 or not lines[above].startswith("#"):
            yield name


def _is_number(value: ast.expr) -> bool:
    """Whether an expression is made of numbers alone."""
    parts = ast.Constant | ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop
    nodes = list(ast.walk(value))
    return all(
        isinstance(node, parts)
        and not (isinstance(node, ast.Constant) and not isinstance(node.value, int | float))
        and not (isinstance(node, ast.Constant) and isinstance(node.value, bool))
        for node in nodes
    )


def room(module: str) -> str:
    """The room that a module stands in: the first name below the package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROWS else "storyodds"


ROWS = ("priors", "scenarios", "models", "reports", "storyodds")


def row(named: Sequence[tuple[str, str]], members: set[str], largest: int) -> list[str]:
    """One room's counts, from names and sources of its modules."""
    trees = [ast.parse(source) for _, source in named]
    files = [len(source.splitlines()) for _, source in named]
    every = [function for tree in trees for function in functions(tree)]
    lengths = [function.end_lineno - function.lineno + 1 for function in every]  # type: ignore[operator]
    names = [local_names(function) for function in every]
    n_names, n_bad = sum(map(len, names)), sum(len(no_nouns(each)) for each in names)
    any_type = sum(
        isinstance(node, ast.Name) and node.id == "Any" for tree in trees for node in ast.walk(tree)
    )
    cells = (
        len(files), sum(files), *np.percentile(files, [50, 90]).astype(int), max(files),
        int(np.percentile(lengths, 90)), max(lengths), n_names, n_bad, any_type,
        sum(module in members for module, _ in named), largest,
    )  # fmt: skip
    return [f"{cell:,}" for cell in cells]


def main() -> None:
    """Print one row a room, and one for all."""
    files = dict(modules())
    sources = [(module, file.read_text("utf-8")) for module, file in files.items()]
    members = set().union(*circles(dict(sources)))
    folders = Counter((room(module), file.parent) for module, file in files.items())
    table = [["room", *COLUMNS]]
    for name in (*ROWS, "all"):
        named = [pair for pair in sources if name in ("all", room(pair[0]))]
        largest = max(n for (place, _), n in folders.items() if name in ("all", place))
        table.append([name, *row(named, members, largest)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


if __name__ == "__main__":
    main()
