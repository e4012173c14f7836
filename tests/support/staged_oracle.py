"""Training in stages by plain enumeration: every sequence of routes, one after the other.

Works on the data of a story whose numbers are all fixed, and shares nothing with what it checks:
training is a recursion over the stages here, in time, and not a set of variables.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

type Data = dict[str, Any]
type Truth = Callable[[str], bool]


@dataclass(frozen=True)
class Training:
    """One way in which training may go: its chance, and what each stage leaves at last.

    `begun` is, of the last run of each stage, how it began and which stages had begun by then.
    """

    chance: float
    left: dict[str, str]
    begun: dict[str, tuple[str | None, int]]
    last_begins_as: str | None
    halted: bool


@dataclass
class StagedAnswer:
    """Odds given the evidence; `stages` by stage and route.

    `moves` have P(a stage leaves the class, the next one the route), by stage, class and route.
    `sequences` have P(these routes, one a stage, and a catastrophe that the route does by itself).
    """

    evidence: float = 0.0
    classes: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    fates: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    stages: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    moves: dict[tuple[str, str, str], float] = field(default_factory=lambda: defaultdict(float))
    sequences: dict[tuple[str, ...], float] = field(default_factory=lambda: defaultdict(float))


class StagedOracle:
    """The semantics of one story."""

    def __init__(self, data: Data) -> None:
        self.data, self.stages = data, data["stages"]
        routes = list(data["routes"])
        if all(route["id"] != "intended" for route in routes):
            routes.insert(0, {"id": "intended", "class": "intended"})
        self.routes = {route["id"]: route for route in routes}
        self.rationale = data.get("rationale", {})
        self.checks = data.get("checks", [])
        self.assumptions = data.get("assumptions", {})

    # Assumptions and formulas

    def worlds(self) -> Iterator[tuple[float, dict[str, Any]]]:
        """What is true throughout, or in which stage something comes true (None for never)."""
        names = [n for n, spec in self.assumptions.items() if "holds_when" not in spec]
        names.sort(key=lambda n: "given" in self.assumptions[n])  # given ones read the others
        choices = [
            [*self.assumptions[n]["from"], None] if "from" in self.assumptions[n] else [True, False]
            for n in names
        ]
        for combination in product(*choices):
            world = dict(zip(names, combination, strict=True))
            chance = 1.0
            for name, value in world.items():
                spec = self.assumptions[name]
                if "from" in spec:
                    for stage in (s for s in self.stages if s in spec["from"]):
                        chance *= spec["from"][stage] if stage == value else 1 - spec["from"][stage]
                        if stage == value:
                            break
                    continue
                p = spec.get("probability")
                if p is None:
                    p = self.rate({"given": spec["given"]}, self.truth(world, 0, None))
                chance *= p if value else 1 - p
            yield chance, world

    def truth(self, world: dict[str, Any], reached: int, begins_as: str | None) -> Truth:
        """What a literal's name comes to where a stage begins."""

        def of(name: str) -> bool:
            if name.startswith("at "):
                if begins_as is None:
                    return False
                route = self.routes[begins_as]
                return name[3:] in (route["id"], route["class"], route.get("kind"))
            spec = self.assumptions[name]
            if "holds_when" in spec:
                return self.holds(spec["holds_when"], of)
            if "from" in spec:
                came = world[name]
                return came is not None and self.stages.index(came) <= reached
            return bool(world[name])

        return of

    def holds(self, formula: Any, truth: Truth) -> bool:
        if formula is None:
            return True
        if isinstance(formula, str):
            if formula.startswith("not "):
                return not truth(formula[4:])
            return truth(formula)
        if isinstance(formula, list):
            return all(self.holds(part, truth) for part in formula)
        return any(self.holds(part, truth) for part in formula["any"])

    def rate(self, rate: Any, truth: Truth) -> float:
        if not isinstance(rate, dict):
            return float(rate)
        for row in rate["given"]:
            if "otherwise" in row:
                return float(row["otherwise"])
            if self.holds(row["when"], truth):
                return float(row["probability"])
        raise AssertionError("a table without a last row")

    def of_route(self, table: dict[str, Any], route: str, truth: Truth) -> float:
        keys = (route, self.routes[route]["class"], "default")
        return self.rate(table[next(key for key in keys if key in table)], truth)

    # Training

    def race(self, stage: str, begins_as: str | None, truth: Truth) -> dict[str, float]:
        weights: dict[str, float] = defaultdict(float)
        if begins_as is not None:
            weights[begins_as] += 1.0
        for name, route in self.routes.items():
            bits = route.get("bits", 0)
            if isinstance(bits, dict):
                if stage not in bits:
                    continue
                bits = bits[stage]
            targets = set() if name == "something-else" else {name, route["class"]}
            if not self.holds(route.get("requires"), truth):
                continue
            if any(
                targets & set(constraint["rules_out"]) and self.holds(constraint["holds"], truth)
                for constraint in self.rationale.get("constraints", [])
                if stage in constraint.get("stages", self.stages)
            ):
                continue
            for nudge in self.rationale.get("nudges", []):
                if stage in nudge.get("stages", self.stages) and self.holds(
                    nudge.get("when"), truth
                ):
                    bits += sum(b for target, b in nudge["bits"].items() if target in targets)
            weights[name] += 2.0**bits
        total = math.fsum(weights.values())
        return {name: weight / total for name, weight in weights.items()}

    def is_within(self, check: Data) -> bool:
        last = check.get("after", self.stages[-1]) == self.stages[-1]
        return check.get("on_flag") == "retrain" or not last

    def train(self, world: dict[str, Any]) -> Iterator[Training]:
        yield from self._run(world, 0, None, 0, None, 1.0, {}, {}, None)

    def _run(
        self,
        world: dict[str, Any],
        s: int,
        loop: Data | None,
        sent_back: int,
        begins_as: str | None,
        chance: float,
        left: dict[str, str],
        begun: dict[str, tuple[str | None, int]],
        last_begins_as: str | None,
    ) -> Iterator[Training]:
        if s == len(self.stages):
            yield Training(chance, left, begun, last_begins_as, False)
            return
        stage = self.stages[s]
        reached = s if loop is None else self.stages.index(loop.get("after", self.stages[-1]))
        truth = self.truth(world, reached, begins_as)
        begun = {**begun, stage: (begins_as, reached)}
        if stage == self.stages[-1] and loop is None:
            last_begins_as = begins_as
        checks = [
            check
            for check in self.checks
            if self.is_within(check) and check.get("after", self.stages[-1]) == stage
        ]
        for route, p in self.race(stage, begins_as, truth).items():
            after = {**left, stage: route}
            for flags in product((False, True), repeat=len(checks)):
                q, halted, back = chance * p, False, None
                for check, flag in zip(checks, flags, strict=True):
                    again = sent_back > 0 and check.get("on_flag") == "retrain"
                    table = check.get("retrained_flags") if again else None
                    rate = self.of_route(table or check["flags"], route, truth)
                    q *= rate if flag else 1 - rate
                    if flag and check.get("on_flag") == "retrain":
                        if sent_back == check.get("times", 1):
                            halted = True
                        else:
                            back = check
                    elif flag:
                        halted = True
                if halted:
                    rest = dict.fromkeys(self.stages[s:], route)
                    later = {x: (route, self.stages.index(x)) for x in self.stages[s + 1 :]}
                    yield Training(q, {**after, **rest}, {**begun, **later}, last_begins_as, True)
                elif back is not None:
                    to = self.stages.index(back["to"])
                    yield from self._run(
                        world, to, back, sent_back + 1, route, q, after, begun, last_begins_as
                    )
                else:
                    over = any(check.get("on_flag") == "retrain" for check in checks)
                    now, k = (None, 0) if over else (loop, sent_back)
                    yield from self._run(
                        world, s + 1, now, k, route, q, after, begun, last_begins_as
                    )

    # Answers

    def solve(self) -> StagedAnswer:
        answer = StagedAnswer()
        for prior, world in self.worlds():
            for training in self.train(world):
                weight = prior * training.chance * self._likelihood(world, training)
                answer.evidence += weight
                route = training.left[self.stages[-1]]
                answer.classes[self.routes[route]["class"]] += weight
                for stage, on in training.left.items():
                    answer.stages[stage, on] += weight
                for earlier, later in pairwise(self.stages):
                    begins = self.routes[training.left[earlier]]["class"]
                    answer.moves[later, begins, training.left[later]] += weight
                for fate, share in self._fates(world, training, route):
                    answer.fates[fate] += weight * share
                    if fate == "catastrophe" and self.routes[route]["class"] != "intended":
                        answer.sequences[tuple(training.left.values())] += weight * share
        for table in (answer.classes, answer.fates, answer.stages, answer.moves, answer.sequences):
            for key in table:
                table[key] /= answer.evidence
        return answer

    def _likelihood(self, world: dict[str, Any], training: Training) -> float:
        likelihood = 1.0
        for item in self.data.get("evidence", []):
            stage = item.get("after", self.stages[-1])
            name = item["about"].get("assumption")
            begins_as, reached = training.begun[stage]
            truth = self.truth(world, reached, begins_as)
            if name is not None:
                rate = self.rate(item["rates"]["true" if truth(name) else "false"], truth)
            else:
                rate = self.of_route(item["rates"], training.left[stage], truth)
            hits, trials = item["counts"]["hits"], item["counts"]["trials"]
            likelihood *= math.comb(trials, hits) * rate**hits * (1 - rate) ** (trials - hits)
        return likelihood

    def _fates(
        self, world: dict[str, Any], training: Training, route: str
    ) -> Iterator[tuple[str, float]]:
        if training.halted:
            yield "halted", 1.0
            return
        truth = self.truth(world, len(self.stages) - 1, training.last_begins_as)
        unflagged = 1.0
        for check in self.checks:
            if not self.is_within(check):
                unflagged *= 1 - self.of_route(check["flags"], route, truth)
        harm = self.rate(self.routes[route].get("harm", 0), truth)
        yield "halted", 1 - unflagged
        if self.routes[route]["class"] != "intended":
            yield "catastrophe", unflagged * harm
            yield "benign-failure", unflagged * (1 - harm)
            return
        fires = 0.0
        for hazard in self.data["goal"].get("hazards", []):  # at most one, of alignment
            if self.holds(hazard.get("requires"), truth):
                fires = self.rate(hazard["probability"], truth)
            yield "catastrophe", unflagged * fires * hazard.get("harm", 0)
            yield "benign-failure", unflagged * fires * (1 - hazard.get("harm", 0))
        yield "success", unflagged * (1 - fires)
