"""Results as a DataTree: what is in it, what it adds up to, and that files survive."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats
from support.building import OFF, believe, item, tell
from support.fixing import at_values
from support.monte_carlo import effective
from support.oracle import solve

from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.models.assessment.datatree import load_result, save_result, to_datatree
from storyodds.models.story.events import FATES
from storyodds.reports.api.estimate import estimate, summarize
from storyodds.reports.documents.estimate import summarize as summarize_assessment
from storyodds.scenarios.grammar.outcomes import CLASSES
from storyodds.scenarios.grammar.parts import GivenRow
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.schema import Assumption, Check, Hazard, Route

Array = NDArray[np.float64]

STORY = tell(
    {
        "a": believe({"beta": [2, 3]}),
        "b": Assumption(
            given=(
                GivenRow(when="a", probability=[0.3, 0.8]),
                GivenRow(
                    otherwise={"pool": [{"by": "A", "value": 0.1}, {"by": "B", "value": 0.4}]}
                ),
            )
        ),
        "both": Assumption(holds_when=("a", "b")),
    },
    (
        Route(id="scheme", class_="deceptive", requires="both", bits={"normal": [1, 1]}, harm=0.5),
        Route(id="proxy", class_="mesa-optimizer", requires="a", bits=[-2, 1], harm=0.1),
        Route(id="something-else", class_="other", bits=-2, harm=0),
    ),
    hazards=(Hazard(id="h", criterion="alignment", requires="b", probability=0.2, harm=0.3),),
    checks=(
        Check(id="audit", flags={"deceptive": {"beta": [3, 5]}, "default": 0.1}),
        Check(id="trial", flags={"deceptive": 0.4, "default": [0.05, 0.2]}, result="passed"),
    ),
    evidence=(
        item(
            "probes",
            {"assumption": "a"},
            counts={"hits": 4, "trials": 9},
            rates={"true": {"counts": {"hits": 3, "trials": 5}}, "false": [0.05, 0.4]},
            relevance=0.8,
        ),
        item("panel", {"class": "deceptive"}, forecast=0.2, sd_bits=1.5),
        item(
            "signs",
            {"outcome": True},
            bayes_factor={"deceptive": {"normal": [1, 1]}, "default": 0},
        ),
        item("judge", {"assumption": "both"}, forecast=0.3, sd_bits=2),
    ),
)
UNCERTAIN = {
    "a.probability",
    "b.given.0",
    "b.otherwise",
    "scheme.bits",
    "proxy.bits",
    "audit.flags.deceptive",
    "trial.flags.default",
}
SHAPES = {
    "class_probability": "class",
    "route_probability": "route",
    "fate_probability": "fate",
    "assumption_probability": "assumption",
    "goal_probability": "criterion",
    "deployed_probability": None,
    "path_probability": "path",
    "path_concern": "path",
}


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    return assess(resolve(STORY), method="weighting", draws=1024, seed=6)


@pytest.fixture(scope="module")
def tree(assessed: Assessment) -> xr.DataTree:
    return to_datatree(assessed, {"summary": summarize_assessment(assessed)})


def test_groups(tree: xr.DataTree) -> None:
    assert set(tree.children) == {
        "posterior",
        "prior",
        "log_likelihood",
        "log_prior",
        "sample_stats",
        "observed_data",
        "constant_data",
    }
    for name in set(tree.children) - {"observed_data", "constant_data"}:
        assert dict(tree[name].sizes)["chain"] == 1
        assert dict(tree[name].sizes)["draw"] == 1024


@pytest.mark.parametrize("group", ["posterior", "prior"])
def test_variables_and_labels(tree: xr.DataTree, group: str) -> None:
    data = tree[group].to_dataset()
    assert set(data.data_vars) - set(SHAPES) == UNCERTAIN
    # The prior is without evidence and has no paths of its own.
    assert set(SHAPES) - set(data.data_vars) <= {"path_probability", "path_concern"}
    for name in data.data_vars:
        extra = tuple(x for x in [SHAPES.get(str(name))] if x)
        assert data[name].dims == ("chain", "draw", *extra)
        assert np.isfinite(data[name].values).all()
    assert list(data["class"].values) == list(CLASSES)
    assert list(data["route"].values) == ["intended", "scheme", "proxy", "something-else"]
    assert list(data["fate"].values) == list(FATES)
    assert set(data["assumption"].values) == {"a", "b", "both"}


def test_path_labels(tree: xr.DataTree) -> None:
    labels = list(tree["posterior"].to_dataset()["path"].values)
    assert len(labels) == len(set(labels))
    assert set(labels) == {"scheme: a, b", "proxy: a", "something-else: always open", "h: b"}


def test_probabilities_add_up(tree: xr.DataTree) -> None:
    for group in ("posterior", "prior"):
        for name in ("class", "route", "fate"):
            total = tree[group].to_dataset()[f"{name}_probability"].sum(name).values
            np.testing.assert_allclose(total, 1.0, rtol=1e-9)


def test_log_likelihoods_add_up_to_the_oracles(assessed: Assessment, tree: xr.DataTree) -> None:
    """And they are what the oracle gives at the drawn numbers, so do the probabilities."""
    group = tree["log_likelihood"].to_dataset()
    assert list(group.data_vars) == ["trial", "probes", "panel", "signs", "judge"]
    numbers = assessed.prepared.resolved.numbers
    posterior = tree["posterior"].to_dataset()
    for draw in (0, 17, 500, 1023):
        at = {"chain": 0, "draw": draw}
        total = sum(float(group[name].isel(at)) for name in group.data_vars)
        fixed = assessed.draws.values[0]
        values = np.array(
            [
                float(posterior[n.name].isel(at)) if n.name in posterior else fixed[i]
                for i, n in enumerate(numbers)
            ]
        )
        core = assessed.prepared.core  # findings' own numbers are averaged out by the oracle, too
        answer = solve(at_values(assessed.prepared.resolved, values, core), collapse=True)
        assert total == pytest.approx(answer.log_evidence, rel=1e-10)
        classes = posterior["class_probability"].isel(at).values
        np.testing.assert_allclose(classes, list(answer.classes.values()), rtol=1e-9, atol=1e-12)
        fates = posterior["fate_probability"].isel(at).values
        np.testing.assert_allclose(fates, list(answer.fates.values()), rtol=1e-9, atol=1e-12)
        concern = posterior["path_concern"].isel(at).sel(path="scheme: a, b")
        path = answer.paths["scheme", frozenset([("a", True), ("b", True)])]
        assert float(concern) == pytest.approx(path.concern, rel=1e-9)


def test_log_prior_is_the_density_of_the_numbers(tree: xr.DataTree) -> None:
    group, posterior = tree["log_prior"].to_dataset(), tree["posterior"].to_dataset()
    assert set(group.data_vars) == UNCERTAIN - {"b.otherwise"}  # two fixed values have no density
    z95 = stats.norm.ppf(0.95)

    def logit_normal(low: float, high: float) -> Any:
        ends = [math.log(x / (1 - x)) for x in (low, high)]
        normal = stats.norm(sum(ends) / 2, (ends[1] - ends[0]) / 2 / z95)
        return lambda p: normal.logpdf(np.log(p) - np.log1p(-p)) - np.log(p) - np.log1p(-p)

    expected = {
        "a.probability": stats.beta(2, 3).logpdf,
        "b.given.0": logit_normal(0.3, 0.8),
        "scheme.bits": stats.norm(1, 1).logpdf,
        "proxy.bits": stats.norm(-0.5, 1.5 / z95).logpdf,
        "audit.flags.deceptive": stats.beta(3, 5).logpdf,
        "trial.flags.default": logit_normal(0.05, 0.2),
    }
    for name, log_density in expected.items():
        np.testing.assert_allclose(
            group[name].values, log_density(posterior[name].values), rtol=1e-9, atol=1e-9
        )


def test_evidence_bits_are_labeled(tree: xr.DataTree) -> None:
    bits = tree["constant_data"]["evidence_bits"]
    assert bits.dims == ("evidence", "class")
    for entry in summarize(tree)["evidence"]["items"]:
        for name, value in entry["bits"].items():
            found = float(bits.sel({"evidence": entry["id"], "class": name}))
            assert np.isnan(found) if value is None else found == value


def test_observed_data_and_statistics(tree: xr.DataTree) -> None:
    observed = tree["observed_data"].to_dataset()
    assert int(observed["probes"]) == 4
    assert observed["probes"].attrs == {"trials": 9}
    assert float(observed["panel"]) == 0.2
    assert int(observed["trial"]) == 0
    assert set(observed.data_vars) == {"trial", "probes", "panel", "signs", "judge"}
    assert "log_weight" in tree["sample_stats"].to_dataset()


def test_draws_of_equal_weight_have_the_summarys_means(
    assessed: Assessment, tree: xr.DataTree
) -> None:
    """Resampled draws against weighted means: 4.5 errors of a mean of ESS draws.

    Systematic resampling adds next to nothing; what counts is that what is linear is drawn here and
    integrated out there.
    """
    summary = summarize_assessment(assessed)
    ess = effective(assessed.draws.weights)
    for kind, key in (("class", "classes"), ("fate", "fates"), ("assumption", "assumptions")):
        values = tree["posterior"].to_dataset()[f"{kind}_probability"]
        for name, entry in summary[key].items():
            x = values.sel({kind: name}).values
            assert abs(x.mean() - entry["mean"]) < 4.5 * x.std() / math.sqrt(ess) + 1e-12
            if np.ptp(x) == 0:
                continue
            below = (x <= entry["median"]).mean()
            assert below == pytest.approx(0.5, abs=4.5 * 0.5 / math.sqrt(ess))


def test_stories_without_uncertain_numbers() -> None:
    tree = estimate(tell({"a": believe(0.3)}))
    assert "log_prior" not in tree.children
    assert "sample_stats" not in tree.children
    assert tree["posterior"]["class_probability"].shape == (1, 1, 4)


def test_nuts_keeps_its_chains() -> None:
    scheme = Route(id="scheme", class_="deceptive", requires="a", bits=[0, 2], harm=0.5)
    seen = item("seen", {"outcome": True}, bayes_factor={"deceptive": 1, "default": 0})
    story = tell({"a": believe({"beta": [2, 3]})}, (scheme, OFF), evidence=[seen])
    tree = estimate(story, method="nuts", draws=200)
    assert dict(tree["posterior"].sizes)["chain"] == 4
    assert dict(tree["posterior"].sizes)["draw"] == 1000  # the least that can be diagnosed
    assert "diverging" in tree["sample_stats"].to_dataset()


# --- files --------------------------------------------------------------------------------------


def test_saved_and_loaded_is_equal(tmp_path: Path) -> None:
    result = estimate(STORY, method="weighting", draws=64, seed=2)
    save_result(result, tmp_path / "result.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["result.nc"]
    loaded = load_result(tmp_path / "result.nc")
    xr.testing.assert_identical(loaded, result)
    assert summarize(loaded) == summarize(result)
    meta = json.loads(loaded.attrs["meta"])
    assert meta["story_yaml"].splitlines()[0] == "story: by-hand"
    assert {"story_sha256", "view", "seed", "versions"} <= set(meta["summary"])
    save_result(loaded, tmp_path / "result.nc")  # what it was read from can be written over


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = estimate(tell({"a": believe(0.3)}))
    target = tmp_path / "result.nc"
    target.write_text("what was there before")

    def fail(source: str, destination: Path) -> None:
        assert Path(source).stat().st_size > 0
        raise OSError("disk full")

    monkeypatch.setattr("storyodds.priors.text.files.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_result(result, target)
    assert [path.name for path in tmp_path.iterdir()] == ["result.nc"]
    assert target.read_text() == "what was there before"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        save_result(estimate(tell({"a": believe(0.3)})), tmp_path / "nowhere" / "result.nc")
