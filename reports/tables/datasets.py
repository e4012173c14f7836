"""The JSON documents as labelled xarray data: what figures take, and what people calculate with.

Every table of a document becomes one node of a tree. Its rows are a dimension named for what they
are (`route`, `number`, `evidence`, …). Within a row, mappings by event become the dimension
`event`, summaries the dimension `summary` with `mean`, `median`, `q05` and `q95`, lists of numbers
the dimension `place`, counted from 1, and all other mappings join their names with an underscore:
`low: {mean: {success: …}}` is `low_mean` by `event`. Rows inside rows are a table of their own,
which names the row that each belongs to. What a section says beside its tables is its node
`overall`. A number that is not there is NaN, a text that is not there is empty, yes and no are 1
and 0 where one of them is not there; lists of texts are joined by "; ", and PRIORs and settings
are JSON texts. Probabilities and bits are as in the documents; every variable says its unit.
"""

import json
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from storyodds.models.story.events import FATES
from storyodds.models.value.decisions import WITHHELD
from storyodds.reports.tables.units import with_units
from storyodds.reports.words.aliases import Json
from storyodds.scenarios.grammar.outcomes import CLASSES

SUMMARY = ("mean", "median", "q05", "q95")
_EVENTS = frozenset((*CLASSES, *FATES, WITHHELD))
Index = tuple[tuple[str, Hashable], ...]  # where along which dimensions
Tables = Sequence[tuple[str, str, str, str | None]]

_ERRORS = ("standard_errors", "diagnostics.standard_errors", "answer", None)
_NUMBERS = ("provenance", "provenance", "number", "name")

# Of each document: the node, where its rows are, what a row is, and which of its keys names it.
# Rows without a name of their own are numbered. Rows inside the rows of a table before them are
# written with brackets.
_TABLES: Mapping[str, Tables] = {
    "estimate": (
        ("classes", "classes", "class", None),
        ("fates", "fates", "fate", None),
        ("deployed/classes", "deployed.classes", "class", None),
        ("opinions/classes", "opinions.classes", "class", None),
        ("opinions/fates", "opinions.fates", "fate", None),
        ("criteria", "criteria", "criterion", None),
        ("criteria_given_intended", "criteria_given_intended", "criterion", None),
        ("hazards", "hazards", "hazard", None),
        ("checks", "checks", "check", None),
        ("mechanisms", "mechanisms", "mechanism", None),
        ("routes", "routes", "route", None),
        ("assumptions", "assumptions", "assumption", None),
        ("paths", "paths", "path", "rank"),
        ("evidence", "evidence.items", "evidence", "id"),
        ("kinds", "lens.kinds", "kind", None),
        _ERRORS,
        _NUMBERS,
    ),
    "sensitivity": (
        ("local/now", "local.now", "event", None),
        ("local/numbers", "local.numbers", "number", "name"),
        ("local/assumptions", "local.assumptions", "assumption", "assumption"),
        ("local/tipping_points", "local.tipping_points", "point", None),
        ("local/verdicts", "local.verdicts", "verdict", None),
        ("global/events", "global.events", "event", "event"),
        ("structure/now", "structure.now", "event", None),
        ("structure/leave_one_out", "structure.leave_one_out", "without", "id"),
        ("structure/merged", "structure.merged", "merger", None),
        ("structure/restated", "structure.restated", "conjunction", None),
        ("structure/fewer", "structure.restated[].fewer", "statement", None),
        ("structure/dependence", "structure.dependence.bounds", "pair", None),
        ("structure/dependent_paths", "structure.dependence.bounds[].paths", "row", None),
        ("failure/given_failure", "failure.given_failure", "share", None),
        ("failure/assumptions", "failure.assumptions", "assumption", "assumption"),
        ("failure/miss", "failure.miss.targets", "target", None),
        ("failure/near_misses", "failure.near_misses.routes", "route", "route"),
        ("failure/paths", "failure.paths", "failure_path", None),
        ("failure/flips", "failure.flips.found", "flip", None),
        ("trust/priors", "trust.power_scaling.priors", "number", "name"),
        ("trust/evidence", "trust.power_scaling.evidence", "evidence", "name"),
        ("trust/evidence_effects", "trust.evidence_effects.items", "evidence", "item"),
        ("trust/before", "trust.evidence_effects.prior", "event", None),
        ("trust/after", "trust.evidence_effects.posterior", "event", None),
        ("trust/evidence_sequence", "trust.evidence_sequence.steps", "step", None),
        ("views", "views.views", "view", "name"),
        _ERRORS,
        _NUMBERS,
    ),
    "value": (
        ("proposals", "proposals", "proposal", "id"),
        ("results", "proposals[].results", "result", None),
        ("assumptions", "assumptions", "assumption", "assumption"),
        ("numbers", "numbers", "number", "number"),
        ("proposal_provenance", "proposal_provenance", "number", "name"),
        _ERRORS,
        _NUMBERS,
    ),
    "importance": (
        ("literals", "literals", "literal", "literal"),
        ("undefined", "undefined", "reason", "why"),
        _ERRORS,
        _NUMBERS,
    ),
    "placement": (
        ("parts", "parts", "placed_part", "id"),
        ("by_stage", "parts[].by_stage", "row", None),
        ("observations", "observations", "observation", "id"),
        ("bits_by_stage", "observations[].by_stage", "row", None),
        _ERRORS,
        _NUMBERS,
    ),
    "compare": (
        ("sides", "sides", "side", "name"),
        ("pairs", "pairs", "pair", None),
        ("changed_numbers", "pairs[].changed.numbers", "change", None),
        ("changed_evidence", "pairs[].changed.evidence", "change", None),
        ("contributions", "pairs[].contributions.changes", "change", None),
        ("rivals", "evidence.rivals", "group", None),
        ("not_rivals", "evidence.apart", "row", None),
        ("tipping", "tipping", "order", None),
        ("tipping_points", "tipping[].points", "point", None),
    ),
}
_RANKS = {"ranks": "ranks", "view_ranks": "views.ranks"}  # where they are, by node
_CAUGHT = "caught"  # of checks, by route
_STAGES = {"stages/classes": "class", "stages/routes": "route"}  # what the odds are of, by node
_MOVES = "stages/moves"  # from class to route
# Nodes of tables that are not among those above.
_ELSEWHERE = ("global/inputs", _CAUGHT, *_STAGES, _MOVES, *_RANKS)
# Rows of theirs are not those of the tables above.
_MADE = ("prior_classes", "stages", *_RANKS.values())
# What a person wrote, of any form.
_WRITTEN = ("form", "settings", "old", "new")
_ATTRIBUTES = ("settings", "versions", "view")


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
        and `input`. Numbers have `units`, all variables a `long_name`. The root's attributes are
        the document's plain texts and numbers, such as `story` and `seed`, and its settings and
        versions as JSON texts.

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
    tables = _tables(document)
    nodes = (*(node for node, *_ in tables), *_ELSEWHERE)
    tree = {node: data for node in nodes if (data := dataset(document, node)) is not None}
    tree |= {
        node: with_units(node, data, ranked_by=_ranked_by(document))
        for node, data in _overall(document, tables).items()
    }
    result = xr.DataTree.from_dict(tree)
    result.attrs.update(
        {
            name: value if isinstance(value, str | int | float) else json.dumps(value)
            for name, value in document.items()
            if name in _ATTRIBUTES or isinstance(value, str | int | float)
        }
    )
    return result


def dataset(document: Json, node: str) -> xr.Dataset | None:
    """Give one table of a JSON document, without working out the others.

    Parameters
    ----------
    document : mapping
        As `datasets` takes it.
    node : str
        Of a table that `datasets` may have; it has values that are in no table, too.

    Returns
    -------
    xarray.Dataset or None
        None where the document has no such table.

    Raises
    ------
    ValueError
        If it is another document, or if no document has such a table.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> document = summarize(estimate(load_story("carlsmith-six-premises")))
    >>> dataset(document, "fates").fate.values.tolist()[-1]
    'catastrophe'
    >>> dataset(document, "evidence") is None
    True
    """
    names = [*(layout[0] for layout in _tables(document)), *_ELSEWHERE]
    if node not in names:
        raise ValueError(f"found the table {node!r}, expected one of {', '.join(names)}")
    if node == "global/inputs":
        inputs = _inputs(_at(document, "global.events") or ())
        data = table(inputs, "input", "name") if inputs else None
    elif node == _CAUGHT:
        data = _caught(_at(document, "checks") or {})
    elif node in _STAGES:
        data = _stages(_at(document, "stages") or (), node)
    elif node == _MOVES:
        data = _moves(_at(document, "stages") or ())
    elif node in _RANKS:
        ranks = {k: v for k, v in (_at(document, _RANKS[node]) or {}).items() if v}
        data = _ranks(ranks) if ranks else None
    else:
        data = _table(document, node)
    return None if data is None else with_units(node, data, ranked_by=_ranked_by(document))


def _tables(document: Json) -> Tables:
    """Which tables such a document may have."""
    kind = str(document.get("schema", "")).removeprefix("storyodds/").split("/")[0]
    if kind not in _TABLES:
        raise ValueError(f"found the schema {document.get('schema')!r}, expected one of storyodds'")
    return _TABLES[kind]


def _ranked_by(document: Json) -> str:
    return str(document.get("unit", "bits"))


def _table(document: Json, node: str) -> xr.Dataset | None:
    tables = _tables(document)
    place, dimension, key = next(layout[1:] for layout in tables if layout[0] == node)
    rows = _rows(document, place, tables)
    if isinstance(rows, Mapping):
        rows = [{"id": name, **_row(entry)} for name, entry in rows.items() if entry is not None]
        key = "id"
    if not rows:
        return None
    inner = {other.replace("[]", "") for _, other, *_ in tables if "[]" in other}
    if node == "checks":
        inner.add(f"{place}.{_CAUGHT}")
    result = table([_without(row, inner, f"{place}.") for row in rows], dimension, key)
    if node == "classes":
        prior = [{"id": k, **v} for k, v in document["prior_classes"].items()]
        result["prior"] = table(prior, "class", "id").probability
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
    placed = [
        (((dimension, label),), {k: v for k, v in row.items() if k != key})
        for label, row in zip(labels, rows, strict=True)
    ]
    return _dataset(placed, {dimension: labels})


def _dataset(placed: Sequence[tuple[Index, Json]], sizes: dict[str, list[Hashable]]) -> xr.Dataset:
    """Give rows, each at its place, as a dataset; `sizes` has the labels known so far."""
    cells: dict[str, dict[Index, Any]] = {}
    for place, row in placed:
        for name, index, value in _leaves(row):
            for dim, label in index:
                labels = sizes.setdefault(dim, [])
                if label not in labels:
                    labels.append(label)
            cells.setdefault(name, {})[(*place, *index)] = value
    variables = {
        name: _variable(values, sizes) for name, values in cells.items() if not _split(name, cells)
    }
    return xr.Dataset(variables, coords=sizes)


def _split(name: str, cells: Mapping[str, Mapping[Index, Any]]) -> bool:
    """Whether a name has only rows without the mapping that others have there."""
    is_stated = any(value is not None for value in cells[name].values())
    return not is_stated and any(other.startswith(f"{name}_") for other in cells)


def _variable(
    cells: Mapping[Index, Any], sizes: Mapping[str, list[Hashable]]
) -> tuple[list[str], np.ndarray[Any, Any]]:
    dims = list(dict.fromkeys(dim for index in cells for dim, _ in index))
    values = np.full([len(sizes[dim]) for dim in dims], None, dtype=object)
    position = {dim: {label: k for k, label in enumerate(sizes[dim])} for dim in dims}
    for index, value in cells.items():
        label_of = dict(index)
        if value is not None:
            values[tuple(position[dim][label_of[dim]] for dim in dims)] = value
    entries = [value for value in cells.values() if value is not None]
    if entries and all(isinstance(value, str) for value in entries):
        texts = ["" if value is None else value for value in values.flat]
        return dims, np.array(texts).reshape(values.shape)
    if entries and all(isinstance(value, bool) for value in values.flat):
        return dims, values.astype(bool)
    return dims, np.array([np.nan if v is None else float(v) for v in values.flat]).reshape(
        values.shape
    )


def _leaves(value: Any, name: str = "", index: Index = ()) -> Iterator[tuple[str, Index, Any]]:
    """Every plain entry of a row: what it is called, where along other dimensions, and itself."""
    if isinstance(value, Mapping):
        summary = {"mean", "q05", "q95"} <= set(value)
        events = bool(value) and set(value) <= _EVENTS
        for k, entry in value.items():
            if summary and k in SUMMARY:
                yield from _leaves(entry, name or "probability", (*index, ("summary", k)))
            elif events:
                yield from _leaves(entry, name or "bits", (*index, ("event", k)))
            elif k in _WRITTEN and entry is not None:
                yield f"{name}_{k}" if name else k, index, json.dumps(entry)
            else:
                yield from _leaves(entry, f"{name}_{k}" if name else k, index)
    elif isinstance(value, list | tuple):
        if all(isinstance(entry, str) for entry in value):
            yield name, index, "; ".join(value)
        elif all(isinstance(entry, int | float) for entry in value):
            for k, entry in enumerate(value, 1):
                yield name, (*index, ("place", k)), entry
    else:
        yield name, index, value


def _inputs(events: Sequence[Json]) -> list[dict[str, Any]]:
    """Turn the indices of events by input into those of inputs by event."""
    rows: dict[str, dict[str, Any]] = {}
    for event in events:
        for entry in event["inputs"]:
            row = rows.setdefault(entry["name"], {"name": entry["name"]})
            for measure, summary in entry.items():
                if measure != "name":
                    row.setdefault(measure, {})[event["event"]] = summary
    return list(rows.values())


def _caught(checks: Mapping[str, Json]) -> xr.Dataset | None:
    """How often each check flags each route; of checks with a known result nothing is said."""
    placed: list[tuple[Index, Json]] = [
        (
            (("check", name), ("route", route), ("summary", point)),
            {"probability": None if entry is None else entry[point]},
        )
        for name, check in checks.items()
        for route, entry in (check[_CAUGHT] or {}).items()
        for point in SUMMARY
    ]
    labels = [dict(index) for index, _ in placed]
    sizes = {dim: list(dict.fromkeys(label[dim] for label in labels)) for dim in ("check", "route")}
    return _dataset(placed, {**sizes, "summary": list(SUMMARY)}) if placed else None


def _stages(stages: Sequence[Json], node: str) -> xr.Dataset | None:
    """Where each stage of training leaves the model, in the order of the stages."""
    part, dimension = node.partition("/")[2], _STAGES[node]
    placed: list[tuple[Index, Json]] = [
        ((("stage", of["stage"]), (dimension, name), ("summary", point)), {"probability": x[point]})
        for of in stages
        for name, x in of[part].items()
        for point in SUMMARY
    ]
    sizes: dict[str, list[Hashable]] = {
        "stage": [of["stage"] for of in stages],
        dimension: list(stages[0][part]) if stages else [],
        "summary": list(SUMMARY),
    }
    return _dataset(placed, sizes) if placed else None


def _moves(stages: Sequence[Json]) -> xr.Dataset | None:
    """What moves from class to route in each stage but the first."""
    placed: list[tuple[Index, Json]] = [
        ((("stage", of["stage"]), ("class", name), ("route", route)), {key: x})
        for of in stages
        for key in ("moves", "move_errors")
        for name, routes in (of.get(key) or {}).items()
        for route, x in routes.items()
    ]
    if not placed:
        return None
    sizes: dict[str, list[Hashable]] = {
        "stage": [of["stage"] for of in stages if of.get("moves")],
        "class": list(stages[0]["classes"]),
        "route": list(stages[0]["routes"]),
    }
    return _dataset(placed, sizes)


def _ranks(ranks: Mapping[str, Sequence[Json]]) -> xr.Dataset:
    """How often each side takes each place, the safest first, by event."""
    sides = [entry["name"] for entry in next(iter(ranks.values()))]
    shares = [[entry["shares"] for entry in entries] for entries in ranks.values()]
    coords = {"event": list(ranks), "side": sides, "place": range(1, len(sides) + 1)}
    return xr.Dataset({"share": (("event", "side", "place"), shares)}, coords=coords)


def _overall(document: Json, tables: Tables) -> dict[str, xr.Dataset]:
    """What each section, and the document as a whole, says beside its tables and attributes."""
    taken = {place for _, place, _, _ in tables} | set(_MADE)
    sections = {node.partition("/")[0] for node, *_ in tables if "/" in node}
    rows: dict[str, dict[str, Any]] = {}
    for key, value in document.items():
        if key in sections and value is not None:
            rows[f"{key}/overall"] = _without(value, taken, f"{key}.")
        elif not (value is None or isinstance(value, str | int | float) or key in _ATTRIBUTES):
            rows.setdefault("overall", {}).update(_without({key: value}, taken))
    by_node = {node: _dataset([((), row)], {}) for node, row in rows.items()}
    return {node: data for node, data in by_node.items() if data.data_vars}


def _without(value: Any, taken: Collection[str], place: str = "") -> Any:
    """A part of a document without what is a table of its own."""
    if not isinstance(value, Mapping):
        return value
    return {
        k: _without(v, taken, f"{place}{k}.") for k, v in value.items() if place + k not in taken
    }


def _rows(document: Json, place: str, tables: Tables) -> Any:
    """The rows at a place; those inside other rows name the row that they are of."""
    outer, _, inner = place.partition("[].")
    if not inner:
        return _at(document, outer)
    dimension, key = next((layout[2], layout[3]) for layout in tables if layout[1] == outer)
    return [
        {dimension: row[key] if key else k, **entry}
        for k, row in enumerate(_at(document, outer) or ())
        for entry in _at(row, inner) or ()
    ]


def _row(entry: Any) -> Json:
    return entry if isinstance(entry, Mapping) else {"value": entry}


def _at(document: Json, place: str) -> Any:
    value: Any = document
    for step in place.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
