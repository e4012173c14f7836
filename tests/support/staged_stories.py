"""Random stories in stages, of fixed numbers: for the oracle."""

from typing import Any

import numpy as np

# Two stages, of uncertain numbers.
STAGED: dict[str, Any] = {
    "story": "staged",
    "title": "Two stages",
    "goal": {"specification": "x", "desirability": "y"},
    "stages": ["early", "late"],
    "assumptions": {"aware": {"from": {"early": 0.2, "late": [0.2, 0.6]}}},
    "routes": [
        {"id": "intended", "class": "intended", "bits": {"early": 0, "late": [-1, 1]}},
        {"id": "proxy", "class": "mesa-optimizer", "bits": {"early": [-2, 1]}, "harm": 0.1},
        {
            "id": "schemer",
            "class": "deceptive",
            "requires": ["aware", "at proxy"],
            "bits": {"late": [-1, 3]},
            "harm": 0.5,
        },
        {"id": "something-else", "class": "other", "bits": -2, "harm": 0.1},
    ],
    "checks": [{"id": "audit", "flags": {"deceptive": 0.4, "default": 0.05}}],
    "evidence": [
        {
            "id": "seen",
            "about": {"outcome": True},
            "counts": {"hits": 2, "trials": 3},
            "rates": {"schemer": 0.8, "default": 0.3},
        }
    ],
}

STAGES = ("pre-training", "fine-tuning", "reinforcement", "polish")


class _Maker:
    """Makes one story from random numbers."""

    def __init__(self, seed: int, *, repeats: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.repeats = repeats
        self.stages = list(STAGES[: int(self.rng.integers(2, 5))])
        self.rivals = ["proxy", "schemer", "simulator"][: int(self.rng.integers(1, 4))]
        self.classes = {"proxy": "mesa-optimizer", "schemer": "deceptive", "simulator": "other"}
        self.static = ["a", "b"][: int(self.rng.integers(1, 3))]
        self.literals = list(self.static)

    def maybe(self, p: float = 0.5) -> bool:
        return bool(self.rng.random() < p)

    def one(self, choices: list[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self) -> float:
        return self.one([0.0, 1.0]) if self.maybe(0.05) else round(float(self.rng.random()), 3)

    def bits(self) -> float:
        return round(float(self.rng.normal(0, 1.5)), 2)

    def literal(self, names: list[str]) -> str:
        return ("not " if self.maybe(0.4) else "") + self.one(names)

    def formula(self, names: list[str]) -> Any:
        if self.maybe(0.5):
            return self.literal(names)
        parts = [self.literal(names) for _ in range(2)]
        return parts if self.maybe() else {"any": parts}

    @property
    def at(self) -> list[str]:
        return [f"at {x}" for x in (*self.rivals, "intended", "deceptive", "sim", "other")]

    def begins(self) -> list[str]:
        """What `at X` may say here: a kind has to be some route's."""
        kinds = ["at sim"] if "simulator" in self.rivals else []
        return [x for x in self.at if x != "at sim"] + kinds

    def rate(self, names: list[str]) -> Any:
        if self.maybe(0.7):
            return self.chance()
        row = {"when": self.formula(names), "probability": self.chance()}
        return {"given": [row, {"otherwise": self.chance()}]}

    def by_stage(self) -> Any:
        if self.maybe(0.3):
            return self.bits()
        chosen = [stage for stage in self.stages if self.maybe(0.7)] or [self.stages[-1]]
        return {stage: self.bits() for stage in chosen}

    def assumptions(self) -> dict[str, Any]:
        specs: dict[str, Any] = {"a": {"probability": self.chance()}}
        if "b" in self.static:
            specs["b"] = {"probability": self.chance()}
            if self.maybe():
                row = {"when": self.literal(["a"]), "probability": self.chance()}
                specs["b"] = {"given": [row, {"otherwise": self.chance()}]}
        if self.maybe(0.6):
            chosen = [s for s in self.stages if self.maybe(0.6)] or [self.stages[0]]
            specs["grows"] = {"from": {stage: self.chance() for stage in chosen}}
            self.literals.append("grows")
        if self.maybe():
            specs["both"] = {"holds_when": self.formula([*self.literals, *self.begins()])}
            self.literals.append("both")
        return specs

    def route(self, name: str) -> dict[str, Any]:
        route = {"id": name, "class": self.classes[name], "bits": self.by_stage()}
        names = [*self.literals, *self.begins()]
        route["harm"] = self.rate(names)
        if name == "simulator":
            route["kind"] = "sim"
        if self.maybe(0.6):
            route["requires"] = self.formula(names)
        return route

    def flags(self, names: list[str]) -> dict[str, Any]:
        table = {key: self.rate(names) for key in (*self.rivals, "deceptive") if self.maybe(0.4)}
        return {**table, "default": self.rate(names)}

    def acting(self) -> dict[str, Any]:
        chosen = [stage for stage in self.stages if self.maybe()]
        return {"stages": chosen} if chosen and self.maybe() else {}

    def checks(self) -> list[dict[str, Any]]:
        names, checks = [*self.literals, *self.begins()], []
        if self.maybe():
            checks.append({"id": "audit", "flags": self.flags(names)})
        if self.maybe(0.4):
            stage = self.one(self.stages)
            checks.append({"id": "probe", "after": stage, "flags": self.flags(names)})
        if self.maybe(0.4) or self.repeats:
            end = len(self.stages) - 1 if self.repeats else int(self.rng.integers(len(self.stages)))
            to = 0 if self.repeats else int(self.rng.integers(end + 1))
            check = {"id": "gate", "after": self.stages[end], "on_flag": "retrain"}
            check |= {"to": self.stages[to], "flags": self.flags(names)}
            if self.maybe():
                check["retrained_flags"] = self.flags(names)
            if self.maybe(0.3) and end - to < 2:
                check["times"] = 2
            checks.append(check)
        return checks

    def evidence(self, specs: dict[str, Any]) -> list[dict[str, Any]]:
        items = []
        for k in range(int(self.rng.integers(self.repeats, 3))):
            counts = {"hits": int(self.rng.integers(0, 3)), "trials": 2}
            item: dict[str, Any] = {"id": f"seen-{k}", "counts": counts}
            if self.maybe() or self.repeats:
                item["after"] = self.one(self.stages)
            if self.maybe(0.4) and not self.repeats:
                item["about"] = {"assumption": self.one(self.static)}
                item["rates"] = {"true": 0.7, "false": 0.2}
                item.pop("after", None)
            else:
                item["about"] = {"outcome": True}
                rivals = {key: 0.1 + 0.8 * self.rng.random() for key in self.rivals}
                item["rates"] = {**rivals, "default": 0.3}
                if self.maybe(0.3) and "after" in item:
                    item["rates"]["default"] = self.rate([*self.literals, *self.begins()])
            items.append(item)
        grown = [name for name in ("grows", "both") if name in specs]
        if "grows" in specs and self.maybe(0.4):
            first = self.stages.index(next(iter(specs["grows"]["from"])))
            stage = self.one(self.stages[first:])
            items.append(
                {
                    "id": "grown",
                    "after": stage,
                    "about": {"assumption": self.one(grown)},
                    "counts": {"hits": 1, "trials": 1},
                    "rates": {"true": 0.9, "false": 0.3},
                }
            )
        return items

    def story(self) -> dict[str, Any]:
        specs = self.assumptions()
        names = [*self.literals, *self.begins()]
        intended: dict[str, Any] = {"id": "intended", "class": "intended", "bits": self.by_stage()}
        if self.maybe(0.3):
            intended["requires"] = self.formula(names)
        residual = {"id": "something-else", "class": "other", "bits": self.bits(), "harm": 0.1}
        rivals = [self.route(name) for name in self.rivals]
        nudges = [
            {
                "id": f"nudge-{k}",
                "bits": {self.one([*self.rivals, "intended"]): self.bits()},
                **({"when": self.formula(names)} if self.maybe(0.8) else {}),
                **self.acting(),
            }
            for k in range(int(self.rng.integers(0, 3)))
        ]
        constraint = {"id": "rule", "holds": self.formula(names), "rules_out": [self.rivals[0]]}
        hazard = {
            "id": "slip",
            "criterion": "alignment",
            "requires": self.formula(names),
            "probability": self.rate(names),
            "harm": 0.3,
        }
        checks = self.checks()
        return {
            "story": "staged",
            "title": "A story in stages",
            "goal": {
                "specification": "x",
                "desirability": "y",
                "hazards": [hazard] if self.maybe(0.4) else [],
            },
            "stages": self.stages,
            "rationale": {
                "nudges": nudges,
                "constraints": [{**constraint, **self.acting()}] if self.maybe(0.4) else [],
            },
            "assumptions": specs,
            "routes": [*([intended] if self.maybe(0.7) else []), *rivals, residual],
            "checks": checks,
            "evidence": self.evidence(specs),
        }


def random_story(seed: int, *, repeats: bool = False) -> dict[str, Any]:
    """A story of two to four stages, with every feature that stages have.

    Parameters
    ----------
    seed : int
    repeats : bool
        Whether a check sends back over all stages, after some of which the model is looked at.
    """
    return _Maker(seed, repeats=repeats).story()
