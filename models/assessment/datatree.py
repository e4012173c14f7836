"""An assessment as an ArviZ DataTree: the form in which results are kept and plotted."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logit

from storyodds.models.assessment.assessment import Assessment, full_prior
from storyodds.models.assessment.result_files import refused, require_sound
from storyodds.models.engine.paths import odds_of_paths
from storyodds.models.engine.program import without_results
from storyodds.models.engine.quantities import Quantities
from storyodds.models.numerics import systematic
from storyodds.models.posterior.evidence import assemble
from storyodds.models.posterior.forecasts import forecast_densities, forecast_sides
from storyodds.models.posterior.prepared import PreparedStory
from storyodds.models.story.correlated_numbers import log_copula, unit_name
from storyodds.models.story.events import CRITERIA, FATES
from storyodds.priors.distributions.families import has_atoms
from storyodds.priors.text.files import write_atomically
from storyodds.scenarios.grammar.outcomes import CLASSES

Array = NDArray[np.float64]


def to_datatree(assessment: Assessment, meta: Mapping[str, Any]) -> xr.DataTree:
    """Return an assessment as a DataTree.

    Parameters
    ----------
    assessment : Assessment
    meta : mapping
        Plain data kept as JSON text in the attribute `meta`.

    Returns
    -------
    xarray.DataTree
        Groups, all with dims `chain` and `draw`:

        - `posterior`: one variable per uncertain number of the story, and `class_probability`,
          `route_probability`, `fate_probability`, `deployed_probability`,
          `assumption_probability`, `goal_probability`, `path_probability` and `path_concern`,
          exact given the numbers. Draws have equal weight: weighted ones have been resampled, in
          random order.
        - `prior`: the same without evidence.
        - `log_likelihood`: one variable per check with a known result and per evidence item,
          log P(item | numbers, those before it), so that their sum is log P(evidence | numbers).
          Left out where states are simulated, with the reason in the attribute `log_likelihood`.
        - `log_prior`: the log density of each uncertain number.
        - `sample_stats`, `observed_data`, and `constant_data` with `evidence_bits`: what each
          item alone does to the log2 odds of each class.

    Notes
    -----
    A pool of fixed values has no density and no entry in `log_prior`.
    """
    prepared, draws = assessment.prepared, assessment.draws
    rows = _equal_weight_rows(draws.weights, assessment.seed, draws.chains)
    chains = draws.chains if len(np.unique(draws.weights)) == 1 else 1
    values, simulated = draws.values[rows], draws.method == "simulation"
    tree = {
        "posterior": _numbers(prepared, values, chains).merge(
            _quantities(assessment, assessment.exact, rows, chains)
        ),
        "prior": _numbers(prepared, assessment.prior.values, 1).merge(
            _quantities(assessment, full_prior(assessment)[1], None, 1)
        ),
        "log_likelihood": xr.Dataset() if simulated else _log_likelihood(prepared, values, chains),
        "log_prior": _log_prior(prepared, values, chains),
        "sample_stats": _dataset(
            {name: column[rows] for name, column in draws.statistics.items()}, chains
        ),
        "observed_data": _observed(prepared),
        "constant_data": _evidence_bits(assessment),
    }
    tree = {name: group for name, group in tree.items() if group.data_vars}
    result = xr.DataTree.from_dict(tree)
    if simulated:
        result.attrs["simulated"] = (
            f"{draws.diagnostics['states']:,} states of the assumptions at every draw: "
            "probabilities carry simulation error"
        )
        result.attrs["log_likelihood"] = (
            "left out: simulated states give what an item adds to those before it with an error "
            "of its own at every draw"
        )
    result.attrs["meta"] = json.dumps(meta, allow_nan=False)
    return result


def save_result(result: xr.DataTree, path: str | FilePath) -> None:
    """Write a result as one NetCDF file, beside its place first and then renamed.

    Parameters
    ----------
    result : xarray.DataTree
    path : path

    Raises
    ------
    OSError
        If the folder cannot be written to; nothing half-written stays behind.

    Examples
    --------
    >>> from storyodds import estimate, load_story, save_result
    >>> save_result(estimate(load_story("carlsmith-six-premises")), "carlsmith.nc")
    """
    # Made in memory and written by us: HDF5 does not survive a full disk.
    write_atomically(path, result.to_netcdf(None, engine="h5netcdf"))


def load_result(path: str | FilePath) -> xr.DataTree:
    """Read a saved result into memory.

    Parameters
    ----------
    path : path

    Returns
    -------
    xarray.DataTree

    Raises
    ------
    InputError
        If it is no saved result, or damaged. It is read in a process of its own first, so that a
        file of anybody's can neither hang this one nor take its memory.

    Examples
    --------
    >>> from storyodds import estimate, load_result, load_story, save_result, summarize
    >>> save_result(estimate(load_story("cat-classifier")), "cats.nc")
    >>> summarize(load_result("cats.nc"))["story"]
    'cat-classifier'
    """
    require_sound(FilePath(path))
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    # Dimensions, labels and attributes that do not go together are met with whatever the libraries
    # come upon; all that is left to be wrong here is the file.
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        raise refused(FilePath(path), error) from None


def _equal_weight_rows(weights: Array, seed: int, chains: int) -> NDArray[np.intp]:
    """Systematic resampling: as many draws, each row about weight x n times."""
    n = len(weights)
    if chains > 1 and np.ptp(weights) == 0:
        return np.arange(n)
    return systematic(weights, n, seed)


def _dataset(
    columns: Mapping[str, Array],
    chains: int,
    coords: Mapping[str, Sequence[str]] | None = None,
    dims: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Columns of draws as a dataset over chain and draw."""
    shaped = {}
    for name, column in columns.items():
        extra = () if dims is None or name not in dims else (dims[name],)
        shaped[name] = (
            ("chain", "draw", *extra),
            column.reshape(chains, len(column) // chains, *column.shape[1:]),
        )
    if not shaped:
        return xr.Dataset()
    n_draws = next(iter(shaped.values()))[1].shape[1]
    index = {"chain": np.arange(chains), "draw": np.arange(n_draws)}
    return xr.Dataset(shaped, coords={**index, **(coords or {})})


def _numbers(prepared: PreparedStory, values: Array, chains: int) -> xr.Dataset:
    numbers = prepared.resolved.numbers
    return _dataset({numbers[i].name: values[:, i] for i in prepared.core}, chains)


def _quantities(
    assessment: Assessment, quantities: Quantities, rows: NDArray[np.intp] | None, chains: int
) -> xr.Dataset:
    graph = assessment.prepared.graph
    columns = {
        "class_probability": quantities.classes,
        "route_probability": quantities.routes,
        "fate_probability": quantities.fates,
        "assumption_probability": quantities.assumptions,
        "goal_probability": quantities.goals,
        "deployed_probability": quantities.deployed,
    }
    coords: dict[str, list[str]] = {
        "class": list(CLASSES),
        "route": [route.id for route in graph.routes],
        "fate": list(FATES),
        "assumption": [variable.name for variable in graph.variables],
        "criterion": list(CRITERIA),
    }
    dims = {f"{name}_probability": name for name in ("class", "route", "fate", "assumption")}
    dims["goal_probability"] = "criterion"
    if quantities.queries.shape[1] and assessment.paths:
        odds = odds_of_paths(quantities, assessment.paths, assessment.queries)
        columns["path_probability"] = np.stack([path.reached for path in odds], axis=1)
        columns["path_concern"] = np.stack([path.concern for path in odds], axis=1)
        coords["path"] = [path.label for path in assessment.paths]
        dims |= {"path_probability": "path", "path_concern": "path"}
    if rows is not None:
        columns = {name: column[rows] for name, column in columns.items()}
    return _dataset(columns, chains, coords, dims)


def _log_likelihood(prepared: PreparedStory, values: Array, chains: int) -> xr.Dataset:
    """What each known result and each item adds to those before it."""
    graph, answers = prepared.graph, prepared.answers
    columns, before = {}, np.zeros(len(values))
    for c, check in enumerate(graph.checks):
        if check.result is not None:
            silent = without_results(values, graph.result_rates(range(c + 1, len(graph.checks))))
            after = answers.log_evidence(silent, assemble(graph, []))
            columns[check.id] = after - before
            before = after
    densities = forecast_densities(graph, forecast_sides(prepared, values))
    for i, item in enumerate(graph.evidence):
        if item.form == "forecast":
            columns[item.id] = densities[i]
            continue
        so_far = [table if j <= i else None for j, table in enumerate(prepared.tables)]
        after = answers.log_evidence(values, assemble(graph, so_far))
        columns[item.id] = after - before
        before = after
    return _dataset(columns, chains)


def _log_prior(prepared: PreparedStory, values: Array, chains: int) -> xr.Dataset:
    columns = {}
    for i in prepared.core:
        number, distribution = prepared.resolved.numbers[i], prepared.distributions[i]
        if has_atoms(distribution):
            continue
        x = values[:, i]
        if number.kind == "probability":
            inside = np.clip(x, 1e-300, 1 - 1e-16)
            jacobian = np.log(inside) + np.log1p(-inside)
            density = distribution.log_density_unconstrained(logit(inside)) - jacobian  # type: ignore[union-attr]
        else:
            density = distribution.log_density_unconstrained(x)  # type: ignore[union-attr]
        columns[number.name] = density
    for block in prepared.blocks:
        names = [prepared.resolved.numbers[i].name for i in block.numbers]
        if all(name in columns for name in names):
            # What the joint prior is beyond the product of their own, so that all add up to it.
            columns[unit_name(names)] = log_copula(block, prepared.distributions, values)
    return _dataset(columns, chains)


def _observed(prepared: PreparedStory) -> xr.Dataset:
    observed: dict[str, Any] = {
        check.id: ((), int(check.result == "flagged"), {"form": "whether the check has flagged"})
        for check in prepared.graph.checks
        if check.result is not None
    }
    for item in prepared.graph.evidence:
        if item.form == "counts":
            observed[item.id] = ((), item.hits, {"trials": item.trials})
        elif item.form == "exposure":
            size = {"episodes": item.trials} if item.time is None else {"time": item.time}
            observed[item.id] = ((), item.hits, size)
        elif item.form == "forecast":
            observed[item.id] = ((), item.forecast, {"sd_bits": item.sd_bits})
        else:
            observed[item.id] = ((), 1, {"form": "a judgment of so many bits"})
    return xr.Dataset(observed)


def _evidence_bits(assessment: Assessment) -> xr.Dataset:
    """What each item alone does to each class; not a number where a class is sure or excluded."""
    items = list(assessment.item_bits)
    if not items:
        return xr.Dataset()
    rows = [
        [np.nan if (x := assessment.item_bits[item][name]) is None else x for name in CLASSES]
        for item in items
    ]
    coords = {"evidence": items, "class": list(CLASSES)}
    return xr.Dataset({"evidence_bits": (("evidence", "class"), np.array(rows))}, coords=coords)
