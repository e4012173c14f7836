"""ArviZ's plots as figures: its numbers, our drawing, and what is not worth a plot."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

import arviz as az
import numpy as np
import pytest
import xarray as xr
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray
from scipy import stats
from support.building import OFF, believe, item, tell

from storyodds.models.assessment.assessment import assess
from storyodds.models.assessment.datatree import to_datatree
from storyodds.models.story.events import FATES
from storyodds.reports.dashboard.page_data import Dossier, make_dossier
from storyodds.reports.dashboard.pictures import arviz_figures
from storyodds.reports.dashboard.sections_story import diagnostics
from storyodds.reports.figures.arviz.chains import (
    arviz_energy,
    arviz_ess_evolution,
    arviz_mcse,
    arviz_rank,
    least_mixed,
)
from storyodds.reports.figures.arviz.priors import arviz_power_scaling, arviz_prior_posterior
from storyodds.reports.figures.drawing.figure import Figure, standalone
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story

Array = NDArray[np.float64]

SVG = "{http://www.w3.org/2000/svg}"
N = 4096
OTHERS = {  # what a person's own configuration of ArviZ may say
    "stats.ci_prob": 0.5,
    "stats.ci_kind": "hdi",
    "stats.envelope_prob": 0.5,
    "stats.point_estimate": "median",
    "plot.density_kind": "hist",
    "plot.backend": "matplotlib",
}


def shuffled(values: Array, seed: int, chains: int = 4) -> Array:
    """Values in a random order, as chains that agree as well as can be."""
    return np.random.default_rng(seed).permutation(values).reshape(chains, -1)


def quantiles(distribution: stats.rv_continuous, n: int = N) -> Array:
    """A sample without the error of one."""
    return np.asarray(distribution.ppf((np.arange(n) + 0.5) / n))


def group(columns: Mapping[str, Array], **more: xr.DataArray) -> xr.Dataset:
    [(chains, n), *_] = [column.shape for column in columns.values()]
    found = xr.Dataset(
        {name: (("chain", "draw"), column) for name, column in columns.items()},
        coords={"chain": np.arange(chains), "draw": np.arange(n)},
    )
    return found.assign(more)


def posterior(success: Array, numbers: Mapping[str, Array] | None = None) -> xr.Dataset:
    """Draws as `to_datatree` has them; catastrophe is one thing throughout."""
    fates = np.zeros((*success.shape, len(FATES)))
    fates[:, :, FATES.index("success")] = success
    labelled = xr.DataArray(fates, dims=("chain", "draw", "fate"), coords={"fate": list(FATES)})
    return group({**(numbers or {}), "unasked": success}, fate_probability=labelled)


def chains(success: Array, numbers: Mapping[str, Array] | None = None) -> xr.DataTree:
    return xr.DataTree.from_dict({"posterior": posterior(success, numbers)})


AGREE = chains(
    shuffled(quantiles(stats.beta(2, 5)), 1), {"n.bits": shuffled(quantiles(stats.norm()), 2)}
)
APART = chains(
    shuffled(quantiles(stats.beta(2, 5)), 1) + np.array([[0.0], [0.0], [0.0], [0.1]]),
    {"n.bits": shuffled(quantiles(stats.norm()), 2)},
)


def scaling(name: str = "n.bits", n: int = N) -> xr.DataTree:
    """A number of prior N(0, 1), and evidence that says N(1, 1): it ends as N(1/2, 1/2)."""
    x = shuffled(quantiles(stats.norm(0.5, np.sqrt(0.5)), n), 3, chains=1)
    return xr.DataTree.from_dict(
        {
            "prior": posterior(x / 9 + 0.5, {name: shuffled(quantiles(stats.norm(), n), 4, 1)}),
            "posterior": posterior(x / 9 + 0.5, {name: x}),
            "log_prior": group({name: stats.norm(0, 1).logpdf(x)}),
            "log_likelihood": group({"finding": stats.norm(1, 1).logpdf(x)}),
        }
    )


def energy(step: float) -> xr.DataTree:
    """Energies that walk: the smaller their steps, the less they get around."""
    rng = np.random.default_rng(5)
    found = np.zeros((4, N // 4))
    for k in range(1, found.shape[1]):
        found[:, k] = np.sqrt(1 - step**2) * found[:, k - 1] + step * rng.normal(size=4)
    return xr.DataTree.from_dict({"sample_stats": group({"energy": found})})


def made() -> dict[str, Figure]:
    scaled = scaling()
    both = arviz_power_scaling(scaled, {"n.bits": "bits"})
    return {
        figure.name: figure
        for figure in (
            arviz_rank(AGREE, ["n.bits"]),
            arviz_ess_evolution(AGREE),
            arviz_mcse(AGREE),
            arviz_energy(energy(1.0)),
            arviz_prior_posterior(scaled, {"n.bits": "bits"}),
            *both,
        )
    }


MADE = made()


def parsed(figure: Figure) -> Element:
    root: Element = fromstring(standalone(figure))
    return root


def said(cell: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?[\d.]+", cell.replace("−", "-").replace(",", ""))]


@pytest.mark.parametrize("name", MADE)
def test_a_figure_names_arvizs_function_and_says_how_to_read_it(name: str) -> None:
    figure = MADE[name]
    [function] = re.findall(r"^ArviZ (plot_\w+): ", figure.title)
    assert callable(getattr(az, function)) and function in figure.note
    assert figure.rows and all(len(row) == len(figure.columns) for row in figure.rows)
    root = parsed(figure)
    tips = [e for e in root.iter() if e.get("data-tip") is not None]
    assert tips and all(e.get("tabindex") == "0" and e.get("aria-label") for e in tips)
    assert "style=" not in str(figure.svg) and "var(" not in standalone(figure)
    assert not re.search(r"\b(nan|inf)\b", standalone(figure), re.I)


@pytest.mark.parametrize("name", MADE)
def test_everything_is_inside_the_frame(name: str) -> None:
    root = parsed(MADE[name])
    _, _, width, height = (float(x) for x in str(root.get("viewBox")).split())
    for shape in root.iter():
        for key, bound in (("cx", width), ("x1", width), ("x2", width), ("cy", height)):
            assert 0 <= float(shape.get(key, 0)) <= bound
        for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", shape.get("d", "")):
            assert 0 <= float(x) <= width and 0 <= float(y) <= height


def test_the_same_draws_make_the_same_bytes_whatever_arviz_is_told_elsewhere() -> None:
    with az.rc_context(OTHERS):
        again = made()
    assert {k: standalone(v) for k, v in again.items()} == {
        k: standalone(v) for k, v in MADE.items()
    }
    assert all(again[name].rows == MADE[name].rows for name in MADE)


def test_hostile_names_change_no_structure() -> None:
    hostile = "<script>alert(1) ]]> \"'&"  # a name with a slash is none of a DataTree
    wanted, found = (
        arviz_prior_posterior(scaling(name), {name: "bits"}) for name in ("x" * 40, hostile)
    )
    assert [e.tag for e in parsed(found).iter()] == [e.tag for e in parsed(wanted).iter()]


# --- chains -------------------------------------------------------------------------------------


def test_ranks_are_tested_as_arviz_does() -> None:
    rows = {row[0]: row[1:] for row in arviz_rank(AGREE, ["n.bits"]).rows}
    assert list(rows) == ["success", "n.bits"]  # catastrophe is the same at every draw
    draws = AGREE["posterior"].to_dataset()
    success = draws["fate_probability"].sel(fate="success", drop=True).to_dataset(name="it")
    plot = az.plot_rank(xr.DataTree.from_dict({"posterior": success}), backend="none")
    [p] = re.findall(r"p=([\d.]+)", plot.viz["p_value_text"]["it"].item()["string"])
    assert said(rows["success"][0])[0] == pytest.approx(float(p), abs=0.005)
    assert float(rows["success"][1]) == pytest.approx(float(az.rhat(success)["it"]), abs=0.0005)
    assert all(cells[0].endswith(", agree") for cells in rows.values())
    apart = {row[0]: row[1] for row in arviz_rank(APART, ["n.bits"]).rows}
    assert apart == {"success": "<0.001, differ", "n.bits": rows["n.bits"][0]}


def test_chains_that_do_not_agree_have_marks_where_they_part() -> None:
    def odd(figure: Figure) -> int:
        return sum(e.get("class") == "warning" for e in parsed(figure).iter(f"{SVG}circle"))

    assert odd(arviz_rank(APART)) > 0 and odd(arviz_rank(AGREE)) == 0


def test_the_numbers_that_mix_least_come_first() -> None:
    values = shuffled(quantiles(stats.norm()), 2)
    drifting = values + np.linspace(0, 1, 4)[:, None]
    tree = chains(values, {"a": values, "b": drifting, "c": values * 0})
    assert least_mixed(tree, ["a", "b", "c"], 3) == ["b", "a"]


def test_the_worth_of_all_draws_is_arvizs() -> None:
    figure = arviz_ess_evolution(AGREE)
    assert figure.columns == ("draws", "success, bulk", "success, tail")
    success = AGREE["posterior"]["fate_probability"].sel(fate="success")
    ways = ({"method": "bulk"}, {"method": "tail", "prob": 0.9})
    wanted = [float(az.ess(success, **way)) for way in ways]
    last = [said(cell)[0] for cell in figure.rows[-1]]
    assert last == pytest.approx([N, *wanted], abs=0.5)


def test_the_error_of_quantiles_is_arvizs() -> None:
    figure = arviz_mcse(AGREE)
    success = AGREE["posterior"]["fate_probability"].sel(fate="success")
    quantile, value, error = (said(cell)[0] / 100 for cell in figure.rows[-1])
    assert quantile == 0.95
    assert value == pytest.approx(stats.beta(2, 5).ppf(0.95), abs=0.006)
    wanted = float(az.mcse(success, method="quantile", prob=0.95))
    assert error == pytest.approx(wanted, rel=0.06)  # two digits


@pytest.mark.parametrize(("step", "word"), [(1.0, "good"), (0.1, "too low")])
def test_energies_that_do_not_get_around_are_found(step: float, word: str) -> None:
    tree = energy(step)
    rows = arviz_energy(tree).rows
    wanted = tree["sample_stats"]["energy"].azstats.bfmi().values
    assert [said(row[1])[0] for row in rows] == pytest.approx(wanted.tolist(), abs=0.005)
    assert all(word in row[1] for row in rows)


# --- priors and evidence ------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, 1], ids=["prior", "evidence"])
def test_scaled_posteriors_are_those_of_the_closed_form(k: int) -> None:
    n = 4 * N
    figure = arviz_power_scaling(scaling(n=n), {"n.bits": "bits"})[k]
    [row] = [row for row in figure.rows if row[0] == "n.bits"]
    for cell, alpha in zip(row[1:], (0.8, 1.0, 1.25), strict=True):
        mean, sd = (1, alpha)[k] / (1 + alpha), 1 / np.sqrt(1 + alpha)
        # ArviZ resamples: four standard errors of n draws, and two digits.
        assert said(cell)[0] == pytest.approx(mean, abs=4 * sd / np.sqrt(n) + 0.005)
        for end, z in zip(said(cell)[1:], stats.norm.ppf([0.05, 0.95]), strict=True):
            error = np.sqrt(0.05 * 0.95 / n) / (stats.norm.pdf(z) / sd)
            assert end == pytest.approx(mean + sd * z, abs=4 * error + 0.05)


def test_the_evidence_scales_numbers_only_and_none_scales_nothing() -> None:
    priors, evidence = arviz_power_scaling(scaling(), {"n.bits": "bits"})
    assert [row[0] for row in priors.rows][:2] == ["success", "n.bits"]
    assert [row[0] for row in evidence.rows] == ["n.bits", "Pareto k of the weights"]
    tree = scaling()
    del tree["log_likelihood"]
    assert [it.rows for it in arviz_power_scaling(tree, {"n.bits": "bits"})] == [priors.rows]


def test_a_scaled_prior_that_is_none_is_not_reliable() -> None:
    """Beta(0.1, 1) counted 1.25 times has no finite sum near 0."""
    prior = stats.beta(0.1, 1)
    x = shuffled(quantiles(prior), 6, chains=1)
    tree = xr.DataTree.from_dict(
        {"posterior": posterior(x, {"n": x}), "log_prior": group({"n": prior.logpdf(x)})}
    )
    [figure] = arviz_power_scaling(tree, {"n": "probability"})
    assert said(figure.rows[-1][3])[0] > 0.7
    assert "NOT RELIABLE" in figure.note
    assert not any("NOT RELIABLE" in it.note for it in MADE.values())


def test_without_a_density_there_is_nothing_to_scale() -> None:
    [figure] = arviz_power_scaling(AGREE, {"n.bits": "bits"})
    assert figure.description.startswith("Not available: ")


def test_weighted_draws_are_told_beside_those_that_were_drawn() -> None:
    figure = arviz_prior_posterior(scaling(), {"n.bits": "bits"})
    [(name, drawn, weighted, moved)] = figure.rows
    assert name == "n.bits" and moved == "+0.5 sd"
    assert said(drawn) == pytest.approx([0, -1.645, 1.645], abs=0.06)
    assert said(weighted) == pytest.approx([0.5, 0.5 - 1.163, 0.5 + 1.163], abs=0.06)


# --- pages --------------------------------------------------------------------------------------

PROBES = item(
    "probes",
    {"assumption": "a"},
    counts={"hits": 4, "trials": 9},
    rates={"true": 0.6, "false": [0.05, 0.4]},
)
BELIEVED = {"a": believe({"beta": [2, 3]}), "b": believe([0.2, 0.6])}
INTEGRATED = tell(BELIEVED, evidence=(PROBES,))  # no number of it has to be sampled
STORY = tell(
    BELIEVED,
    (Route(id="scheme", class_="deceptive", requires="a", bits={"normal": [0, 1]}, harm=0.5), OFF),
    evidence=(
        PROBES,
        item("odd", {"outcome": True}, bayes_factor={"deceptive": 1.0, "default": 0.0}),
    ),
)


def page_of(story: Story, method: str, *, thorough: bool = True) -> Dossier:
    assessment = assess(resolve(story), method=method, draws=256)  # type: ignore[arg-type]
    return replace(make_dossier(assessment), thorough=thorough)


def names(figures: Sequence[Figure]) -> list[str]:
    return [figure.name for figure in figures]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("weighting", ["weights", "arviz-prior-posterior"]),
        ("nuts", ["arviz-rank", "arviz-ess-evolution", "arviz-mcse", "arviz-energy"]),
    ],
)
def test_a_thorough_page_has_what_means_something_for_how_it_drew(
    method: str, expected: list[str]
) -> None:
    dossier = page_of(STORY, method)
    found = diagnostics(dossier).figures
    assert names(found) == [*expected, "arviz-psense-prior", "arviz-psense-likelihood"]
    assert all(figure.rows for figure in found)
    plain = diagnostics(replace(dossier, thorough=False))
    assert not any(name.startswith("arviz") for name in names(plain.figures))
    assert "--thorough" in plain.notes[0]
    tree = to_datatree(dossier.assessment, {})
    assert ("energy" in tree["sample_stats"]) == (method == "nuts")


def test_where_means_are_exact_there_are_no_weights_to_look_at() -> None:
    dossier = page_of(INTEGRATED, "weighting")
    assert dossier.estimate["diagnostics"]["means"] == "exact"
    found = diagnostics(dossier)
    assert names(found.figures) == ["arviz-psense-prior", "arviz-psense-likelihood"]
    assert "means are exact sums" in found.finding
    assert not any("--method nuts" in note for note in found.notes)
    assert diagnostics(replace(dossier, thorough=False)).figures == ()


def test_draws_that_there_are_none_of_have_no_plots() -> None:
    fixed = page_of(tell({"a": believe(0.3)}), "exact")
    assert arviz_figures(fixed) == () and diagnostics(fixed).notes == ()
    assert arviz_figures(page_of(STORY, "simulation")) == ()


def test_without_evidence_only_priors_are_scaled() -> None:
    found = arviz_figures(page_of(tell({"a": believe({"beta": [2, 3]})}), "weighting"))
    assert names(found) == ["arviz-psense-prior"]


def test_a_plain_page_does_not_wait_for_arvizs_plots() -> None:
    program = (
        "import sys; from storyodds import load_story;"
        "from storyodds.models.assessment.assessment import assess;"
        "from storyodds.reports.dashboard.page_data import make_dossier;"
        "from storyodds.reports.dashboard.html import story_page;"
        "from storyodds.scenarios.resolve import resolve;"
        "story_page(make_dossier(assess(resolve(load_story('cat-classifier')), draws=64)));"
        "print('arviz_plots' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "False"
