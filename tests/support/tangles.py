"""Stories that outgrow exact sums: dense random formulas and nudges over many assumptions."""

import random
from typing import Any

from storyodds.scenarios.grammar.formulas import AnyOf, AtLeast
from storyodds.scenarios.schema import Assumption, Hazard, Nudge, Route
from storyodds.scenarios.story import Story
from support.building import believe, item, tell

SMALL_MEMORY = 4 * 2**20


def tangled(n: int = 60, n_routes: int = 24, seed: int = 7, *, certain: bool = False) -> Story:
    """Routes and nudges that link every assumption with most others, and some evidence."""
    rng = random.Random(seed)
    names = [f"a{k}" for k in range(n)]

    def number() -> Any:
        low = round(rng.uniform(0.1, 0.6), 2)
        return low if certain else [low, round(low + 0.3, 2)]

    def formula() -> Any:
        some = rng.sample(names, 6)
        return (AnyOf(any=(some[0], f"not {some[1]}")), AtLeast(at_least=2, of=tuple(some[2:])))

    assumptions: dict[str, Assumption] = {name: believe(number()) for name in names}
    assumptions["knot"] = Assumption(holds_when=formula())
    routes = [
        Route(
            id=f"r{k}",
            class_=("deceptive", "mesa-optimizer")[k % 2],
            requires=formula(),
            bits=round(rng.gauss(-3, 1), 2),
            harm=number(),
        )
        for k in range(n_routes)
    ]
    nudges = [
        Nudge(id=f"n{k}", when=formula(), bits={f"r{rng.randrange(n_routes)}": 1.5})
        for k in range(n_routes)
    ]
    evidence = [
        item("seen", {"assumption": "a3"}, bayes_factor={"true": 2.0}),
        item("tied", {"assumption": "knot"}, bayes_factor={"true": -1.0}),
        item(
            "ran",
            {"outcome": True},
            counts={"hits": 3, "trials": 20},
            rates={"deceptive": [0.1, 0.3], "default": [0.2, 0.5]},
        )
        if not certain
        else item("ran", {"outcome": True}, bayes_factor={"deceptive": 1.5, "default": 0}),
    ]
    residual = Route(id="something-else", class_="other", bits=-2, harm=0.01)
    hazard = Hazard(id="h", criterion="alignment", requires=formula(), probability=0.2, harm=0.1)
    return tell(
        assumptions, [*routes, residual], nudges=nudges, evidence=evidence, hazards=(hazard,)
    )
