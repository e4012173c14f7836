"""The JSON documents as labelled xarray data: what figures take, and what people calculate with.

Every table of a document becomes one node of a tree. Its rows are a dimension named for what they
are (`route`, `number`, `evidence`, …). Within a row, mappings by event become the dimension
`event`, summaries the dimension `summary` with `mean`, `median`, `q05` and `q95`, and all other
mappings join their names with an underscore: `low: {mean: {success: …}}` is `low_mean` by `event`.
A number that is not there is NaN, a text that is not there is empty, yes and no are 1 and 0 where
one of them is not there; lists of texts are joined by "; ", and deeper lists are left out.
Probabilities and bits are as in the documents.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from storyodds.models.quantities import FATES
from storyodds.scenarios.schema import CLASSES

Json = Mapping[str, Any]

SUMMARY = ("mean", "median", "q05", "q95")
_EVENTS = frozenset((*CLASSES, *FATES))

# Of each document: the node, where its rows are, what a row is, and which of its keys names it.
# Rows without a name of their own are numbered.
_TABLES: Mapping[str, Sequence[tuple[str, str, str, str | None]]] = {
    "estimate": (
        ("classes", "classes", "class", None),
        ("fates", "fates", "fate", None),
        ("criteria", "criteria", "criterion", None),
        ("routes", "routes", "route", None),
        ("assumptions", "assumptions", "assumption", None),
        ("paths", "paths", "path", "rank"),
        ("evidence", "evidence.items", "evidence", "id"),
        ("provenance", "provenance", "number", "name"),
    ),
    "sensitivity": (
        ("local/now", "local.now", "event", None),
        ("local/numbers", "local.numbers", "number", "name"),
        ("local/assumptions", "local.assumptions", "assumption", "assumption"),
        ("local/tipping_points", "local.tipping_points", "point", None),
        ("local/verdicts", "local.verdicts", "verdict", None),
        ("global/events", "global.events", "event", "event"),
        ("structure/leave_one_out", "structure.leave_one_out", "without", "id"),
        ("structure/merged", "structure.merged", "merger", None),
        ("structure/restated", "structure.restated", "conjunction", None),
        ("structure/dependence", "structure.dependence.bounds", "pair", None),
        ("failure/given_failure", "failure.given_failure", "share", None),
        ("failure/assumptions", "failure.assumptions", "assumption", "assumption"),
        ("failure/near_misses", "failure.near_misses.routes", "route", "route"),
        ("failure/paths", "failure.paths", "rank", None),
        ("trust/priors", "trust.power_scaling.priors", "number", "name"),
        ("trust/evidence", "trust.power_scaling.evidence", "evidence", "name"),
        ("trust/evidence_effects", "trust.evidence_effects.items", "evidence", "item"),
        ("trust/before", "trust.evidence_effects.prior", "event", None),
        ("trust/after", "trust.evidence_effects.posterior", "event", None),
        ("views", "views.views", "view", "name"),
    ),
    "value": (
        ("proposals", "proposals", "proposal", "id"),
        ("assumptions", "assumptions", "assumption", "assumption"),
        ("numbers", "numbers", "number", "number"),
    ),
    "importance": (("literals", "literals", "literal", "literal"),),
    "compare": (
        ("sides", "sides", "side", "name"),
        ("pairs", "pairs", "pair", None),
    ),
}


def datasets(document: Json) -> xr.DataTree:
    """Give a JSON document as a tree of labelled datasets.

    Parameters
    ----------
    document : mapping
        What a command prints with `--json`, or `summarize` and its like give.

    Returns
    -------
    xarray.DataTree
        One node for each table that the document has; `/global/inputs` has the dimensions `event`
        and `input`. The root's attributes are the document's plain texts and numbers, such as
        `story` and `seed`, and its settings and versions as JSON texts.

    Raises
    ------
    ValueError
        If the document is none of these.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> tree = datasets(summarize(estimate(load_story("carlsmith-six-premises"))))
    >>> fates = tree["fates"].to_dataset()
    >>> round(float(fates.probability.sel(fate="catastrophe", summary="mean")), 4)
    0.0514
    """
    kind = str(document.get("schema", "")).removeprefix("storyodds/").split("/")[0]
    if kind not in _TABLES:
        raise ValueError(f"found the schema {document.get('schema')!r}, expected one of storyodds'")
    tree: dict[str, xr.Dataset] = {}
    for node, place, dimension, key in _TABLES[kind]:
        found = _at(document, place)
        if isinstance(found, Mapping):
            found = [
                {"id": name, **_row(entry)} for name, entry in found.items() if entry is not None
            ]
            key = "id"
        if found:
            tree[node] = table(found, dimension, key)
    if kind == "estimate":
        tree["classes"]["prior"] = table(
            [{"id": k, **v} for k, v in document["prior_classes"].items()], "class", "id"
        ).probability
    if inputs := _inputs(_at(document, "global.events") or ()):
        tree["global/inputs"] = table(inputs, "input", "name")
    if ranks := document.get("ranks"):
        tree["ranks"] = _ranks(ranks)
    result = xr.DataTree.from_dict(tree)
    result.attrs.update(
        {
            name: value if isinstance(value, str | int | float) else json.dumps(value)
            for name, value in document.items()
            if name in ("settings", "versions", "view") or isinstance(value, str | int | float)
        }
    )
    return result


def table(rows: Sequence[Json], dimension: str, key: str | None = None) -> xr.Dataset:
    """Give rows of plain data as a dataset.

    Parameters
    ----------
    rows : sequence of mapping
    dimension : str
    key : str, optional
        Which entry of a row is its label; numbered from 0 without one.

    Returns
    -------
    xarray.Dataset

    Examples
    --------
    >>> rows = [{"id": "a", "swing": {"success": 0.1}}, {"id": "b", "swing": {"success": None}}]
    >>> table(rows, "number", "id").swing.sel(event="success").values
    array([0.1, nan])
    """
    labels = [row[key] if key else k for k, row in enumerate(rows)]
    cells: dict[str, dict[tuple[tuple[str, Any], ...], Any]] = {}
    sizes: dict[str, list[Any]] = {dimension: labels}
    for label, row in zip(labels, rows, strict=True):
        for name, index, value in _leaves({k: v for k, v in row.items() if k != key}):
            for dim, at in index:
                seen = sizes.setdefault(dim, [])
                if at not in seen:
                    seen.append(at)
            cells.setdefault(name, {})[((dimension, label), *index)] = value
    variables = {name: _variable(found, sizes) for name, found in cells.items()}
    return xr.Dataset(variables, coords=sizes)


def _variable(
    cells: Mapping[tuple[tuple[str, Any], ...], Any], sizes: Mapping[str, list[Any]]
) -> tuple[list[str], np.ndarray[Any, Any]]:
    dims = list(dict.fromkeys(dim for index in cells for dim, _ in index))
    values = np.full([len(sizes[dim]) for dim in dims], None, dtype=object)
    position = {dim: {label: k for k, label in enumerate(sizes[dim])} for dim in dims}
    for index, value in cells.items():
        at = dict(index)
        if value is not None:
            values[tuple(position[dim][at[dim]] for dim in dims)] = value
    said = [value for value in cells.values() if value is not None]
    if said and all(isinstance(value, str) for value in said):
        texts = ["" if value is None else value for value in values.flat]
        return dims, np.array(texts).reshape(values.shape)
    if said and all(isinstance(value, bool) for value in values.flat):
        return dims, values.astype(bool)
    return dims, np.array([np.nan if v is None else float(v) for v in values.flat]).reshape(
        values.shape
    )


def _leaves(
    value: Any, name: str = "", index: tuple[tuple[str, Any], ...] = ()
) -> Iterator[tuple[str, tuple[tuple[str, Any], ...], Any]]:
    """Every plain entry of a row: what it is called, where along other dimensions, and itself."""
    if isinstance(value, Mapping):
        summary = {"mean", "q05", "q95"} <= set(value)
        events = bool(value) and set(value) <= _EVENTS
        for k, entry in value.items():
            if summary and k in SUMMARY:
                yield from _leaves(entry, name or "probability", (*index, ("summary", k)))
            elif events:
                yield from _leaves(entry, name or "bits", (*index, ("event", k)))
            else:
                yield from _leaves(entry, f"{name}_{k}" if name else k, index)
    elif isinstance(value, list | tuple):
        if all(isinstance(entry, str) for entry in value):
            yield name, index, "; ".join(value)
    else:
        yield name, index, value


def _inputs(events: Sequence[Json]) -> list[dict[str, Any]]:
    """Turn the indices of events by input into those of inputs by event."""
    rows: dict[str, dict[str, Any]] = {}
    for event in events:
        for given in event["inputs"]:
            row = rows.setdefault(given["name"], {"name": given["name"]})
            for measure, found in given.items():
                if measure != "name":
                    row.setdefault(measure, {})[event["event"]] = found
    return list(rows.values())


def _ranks(ranks: Mapping[str, Sequence[Json]]) -> xr.Dataset:
    """How often each side takes each place, the safest first, by event."""
    sides = [entry["name"] for entry in next(iter(ranks.values()))]
    shares = [[entry["shares"] for entry in found] for found in ranks.values()]
    coords = {"event": list(ranks), "side": sides, "place": range(1, len(sides) + 1)}
    return xr.Dataset({"share": (("event", "side", "place"), shares)}, coords=coords)


def _row(entry: Any) -> Json:
    return entry if isinstance(entry, Mapping) else {"value": entry}


def _at(document: Json, place: str) -> Any:
    found: Any = document
    for step in place.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
