"""Pictures of results: from labelled xarray data to SVG, with the same in words and as a table.

Every `plot_…` of this package takes datasets or draws and gives a `Figure`. They are imported when
they are asked for, as xarray takes a while to come.
"""

import importlib
from typing import Any

_HOMES = {
    "Figure": "drawing.figure",
    "save_figure": "drawing.figure",
    "plot_assumption_effects": "tornado",
    "plot_comparison": "comparison",
    "plot_dots": "quantile_dots",
    "plot_evidence": "evidence",
    "plot_evidence_sequence": "evidence",
    "plot_failure": "failure",
    "plot_failure_assumptions": "failure",
    "plot_importance": "trust",
    "plot_odds": "odds",
    "plot_power_scaling": "trust",
    "plot_prior_posterior": "densities",
    "plot_ranks": "diagnostics",
    "plot_ranks_of_sides": "comparison",
    "plot_stage_moves": "stage_moves",
    "plot_stages": "stages",
    "plot_story_graph": "story_graph.plot",
    "plot_structure": "structure",
    "plot_tipping": "tornado",
    "plot_tornado": "tornado",
    "plot_value": "value",
    "plot_views": "odds",
    "plot_weights": "diagnostics",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"storyodds.reports.figures.{_HOMES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
