"""Cost against size, as a picture: one panel each for routes, assumptions and stages."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contest import OURS, Section, need

_COLORS = {
    OURS: "#c1440e",
    "numpy elimination": "#555555",
    "numpy quadrature": "#555555",
    "numpy enumeration": "#999999",
    "numpy recursion": "#555555",
    "pyAgrum": "#2b6ca3",
    "pgmpy": "#2e8b57",
    "PyMC NUTS": "#7b4ea3",
}
_FALLBACK = "#000000"
_PANELS = (
    ("routes", ("routes",), "routes"),
    (
        "assumptions",
        ("assumptions", "thirty"),
        "assumptions, each given two or three others\n"
        "(pgmpy, PyMC: the suite `thirty`; NUTS samples, all others are exact)",
    ),
    ("stages", ("stages",), "stages of ten routes each, with twenty assumptions in all"),
)


def draw_picture(sections: Sequence[Section], folder: Path) -> list[Path]:
    """Draw what was timed of the ladders, as PNG and SVG.

    Returns
    -------
    list of pathlib.Path
        Empty where there is nothing to draw.
    """
    suites = {section.suite for section in sections}
    panels = [panel for panel in _PANELS if panel[0] in suites]
    timed = [section for section in sections if section.suite in {suite for suite, _, _ in panels}]
    if not timed:
        return []
    matplotlib = need("matplotlib")
    matplotlib.use("Agg")
    plt = need("matplotlib.pyplot")
    figure, grid = plt.subplots(
        1,
        len(panels),
        figsize=(5.4 * len(panels), 4.6),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    axes = grid[0]
    for axis, (suite, sources, label) in zip(axes, panels, strict=True):
        _panel(axis, [s for s in sections if s.suite in sources], suite)
        axis.set_xlabel(label)
    draws = timed[0].draws
    axes[0].set_ylabel(f"seconds for {draws:,} draws")
    figure.suptitle(
        "The same answers, before and after evidence: cost against size", x=0.01, ha="left"
    )
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"cost.{kind}" for kind in ("png", "svg")]
    for path in written:
        figure.savefig(path, dpi=150)
    plt.close(figure)
    return written


def points(sections: Sequence[Section], ladder: str) -> dict[str, list[tuple[int, float]]]:
    """Collect (size, median seconds) by contestant; the shared problem adds who is not yet in."""
    found: dict[str, list[tuple[int, float]]] = {}
    in_ladder = {result.name for s in sections if s.suite == ladder for result in s.results}
    for section in sections:
        for result in section.results:
            known = section.suite == ladder or result.name not in in_ladder
            if result.seconds and known and result.name != "SCRAM":  # answers less than the others
                place = (section.size, result.median(section.draws))
                found.setdefault(result.name, []).append(place)
    return {name: sorted(places) for name, places in found.items()}


def _panel(axis: Any, sections: Sequence[Section], ladder: str) -> None:
    collected = points(sections, ladder)
    sizes = sorted({section.size for section in sections})
    for name, places in collected.items():
        x, y = zip(*places, strict=True)
        width = 2.4 if name == OURS else 1.4
        axis.loglog(x, y, "o-", color=_COLORS.get(name, _FALLBACK), linewidth=width, markersize=5)
    ended = {r.name for s in sections for r in s.results if r.problem.startswith("refused")}
    for name, (x_end, y_end), lift in _labels(collected):
        # A point by itself has its name where no line leads.
        alone = len(collected[name]) == 1 and x_end > sizes[0]
        axis.annotate(
            f"{name}, refuses larger" if name in ended else name,
            (x_end, y_end),
            xytext=(-8 if alone else 8, lift),
            textcoords="offset points",
            ha="right" if alone else "left",
            va="center",
            color=_COLORS.get(name, _FALLBACK),
            fontweight="bold" if name == OURS else "normal",
        )
    if sizes:
        room = (sizes[-1] / sizes[0]) ** 0.5  # for the names behind the last points
        axis.set_xlim(sizes[0] / 1.3, sizes[-1] * room)
        axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.grid(visible=True, color="#e6e6e6", linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_axisbelow(True)


def _labels(
    collected: dict[str, list[tuple[int, float]]],
) -> list[tuple[str, tuple[int, float], float]]:
    """Where every line ends, and how many points its name is moved so that none overlap."""
    ends = sorted(((places[-1], name) for name, places in collected.items()), key=lambda e: e[0][1])
    placed: list[tuple[str, tuple[int, float], float]] = []
    for (x, y), name in ends:
        lift = 0.0
        for _, (x_other, y_other), other in placed:
            apart = 45 * math.log10(y / y_other) + lift - other  # about 45 points to a decade
            if x == x_other and apart < 12:
                lift += 12 - apart
        placed.append((name, (x, y), lift))
    return placed
