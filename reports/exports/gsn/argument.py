"""A story as an argument in Goal Structuring Notation, every claim with its probability.

The elements and rules are those of the GSN Community Standard, version 3, with its dialectic
extension. The argument claims what the story claims, and no more: each goal is told with the
probability that the assessment gives to what it says, and one that nothing observed supports is
marked as undeveloped. Evidence that lowers the odds of a goal challenges it as a counter-solution.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from storyodds.reports.contract.estimate import Criterion, Estimate, FailurePath
from storyodds.reports.contract.summaries import Interval, Summary
from storyodds.reports.exports.gsn.records import PREFIX, Argument, Edge, Kind, MeanAlone, Node, Tie
from storyodds.reports.exports.gsn.words import (
    Numbers,
    chance,
    complement,
    decision_words,
    evidence_words,
    flags_intended,
    path_words,
    stated,
)
from storyodds.reports.words.correlations import sentences
from storyodds.reports.words.links import web_address
from storyodds.reports.words.numbers import listed
from storyodds.reports.words.sentences import is_risk_argument
from storyodds.reports.words.shortening import plain
from storyodds.reports.words.stages import acts_in, stands_after
from storyodds.scenarios.bearing import bearing, closed
from storyodds.scenarios.grammar.outcomes import CLASSES, INTENDED, OutcomeClass
from storyodds.scenarios.grammar.stages import without_stage
from storyodds.scenarios.grammar.states import assumption_and_state, claim_of_state
from storyodds.scenarios.lent_rates import with_lent_rates
from storyodds.scenarios.schema import Constraint, Hazard, Nudge
from storyodds.scenarios.shared.catalog import assumptions
from storyodds.scenarios.story import Story

_SUCCESS = (
    "Training as told ends in success: the intended model, no hazard fires, deployed, no "
    "catastrophe."
)
_NO_CATASTROPHE = "The run does not end in catastrophe."
_AVERTED = "no catastrophe"
SMALLEST = 0.005  # bits: less are told as 0


def argument(estimate_document: Estimate, story: Story, *, most: int | None = None) -> Argument:
    """Make the argument of a story from what was computed of it.

    Parameters
    ----------
    estimate_document : mapping
        The object of `estimate --json` of this story.
    story : Story
    most : int, optional
        The most routes told one by one in each class, those that weigh most; the others become
        one goal. All of them unless stated.

    Returns
    -------
    Argument

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> story = load_story("carlsmith-six-premises")
    >>> made = argument(summarize(estimate(story)), story)
    >>> print(made.nodes[0].text)
    The run does not end in catastrophe. P = 95%.
    """
    return _Builder(estimate_document, story, most).whole()


@dataclass
class _Builder:
    doc: Estimate
    story: Story
    most: int | None
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    solutions: dict[tuple[str, Kind], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = Numbers(self.doc)
        self.bears = bearing(self.story)
        # A result belongs to its check, which the argument has by itself.
        items = [item for item in self.doc["evidence"]["items"] if item.get("result") is None]
        self.items = {item["id"]: item for item in items}

    def whole(self) -> Argument:
        over = self._risk() if is_risk_argument(self.doc) else self._success()
        self._checks(over)
        supported = {edge.source for edge in self.edges if edge.kind == "supported_by"}
        nodes = tuple(
            replace(node, undeveloped=True)
            if node.kind == "goal" and node.id not in supported
            else node
            for node in self.nodes
        )
        reliable = bool(self.doc["diagnostics"]["ok"])
        return Argument(
            self.story.story, plain(self.story.title), reliable, nodes, tuple(self.edges)
        )

    def _success(self) -> str:
        """Put the success of a training story over its four criteria; give the strategy."""
        top = self._add("goal", _SUCCESS, entry=self.doc["fates"]["success"], of="success")
        self._contexts(top)
        over = self._add("strategy", "Over the four criteria, and the checks.", below=top)
        good = "No hazard of alignment fires in a run made to end as intended."
        strong = "No hazard of competitiveness fires in a run made to end as intended."
        led = "Training ends at the intended model, not at a rival."
        able = "Training can be carried out as the story tells it."
        self._hazards(over, "alignment", good)
        self._hazards(over, "competitiveness", strong)
        self._rivals(self._criterion(over, "rationale_alignment", led))
        feasible = self.doc["criteria"]["rationale_competitiveness"]
        sentence = able if feasible is not None else f"{able} The story gives no number."
        basis = self.numbers.basis("rationale.feasibility")
        self._criterion(over, "rationale_competitiveness", f"{sentence}{basis}")
        return over

    def _risk(self) -> str:
        """Deny the catastrophe of a risk argument, route by route; give the strategy."""
        catastrophe = complement(self.doc["fates"]["catastrophe"])
        top = self._add("goal", _NO_CATASTROPHE, entry=catastrophe, of=_AVERTED)
        self._contexts(top)
        over = self._add("strategy", "Over the ways in which it could.", below=top)
        for criterion in ("alignment", "competitiveness"):
            if any(h.criterion == criterion for h in self.story.goal.hazards):
                self._hazards(over, criterion, f"No hazard of {criterion} fires by itself.")
        denial = "The run takes none of the routes that the argument names."
        self._rivals(self._criterion(over, "rationale_alignment", denial))
        return over

    def _add(
        self,
        kind: Kind,
        words: str,
        *,
        below: str | None = None,
        about: str = "",
        entry: Interval | MeanAlone | None = None,
        of: str = "",
        more: str = "",
        url: str | None = None,
    ) -> str:
        count = sum(node.kind == kind for node in self.nodes) + 1
        name = f"{PREFIX[kind]}{count}"
        details = [f"P = {chance(entry)}." if entry is not None else "", more]
        claim = plain(words)
        claim += "" if claim.endswith((".", "!", "?", "]")) or entry is None else "."
        text = " ".join(filter(None, [claim, *map(plain, details)])).rstrip()
        self.nodes.append(Node(name, kind, text, claim, about, entry, of, url=web_address(url)))
        if below is not None:
            if kind == "counter_solution":
                self._tie(name, below, "challenges")
            else:
                supports = kind in ("goal", "strategy", "solution")
                self._tie(below, name, "supported_by" if supports else "in_context_of")
        return name

    def _tie(self, source: str, target: str, kind: Tie = "supported_by") -> None:
        edge = Edge(source, target, kind)
        if edge not in self.edges:
            self.edges.append(edge)

    def _contexts(self, top: str) -> None:
        goal = self.story.goal
        self._add("context", f"Goal: {goal.specification}", below=top, about="goal.specification")
        self._add("justification", goal.desirability, below=top, about="goal.desirability")
        self._add("context", stated(self.doc), below=top)
        day = decision_words(self.doc)
        if day:
            self._add("context", day, below=top, about="deployed")
        for sentence in sentences(self.doc):
            self._add("assumption", sentence, below=top, about="correlations")

    def _criterion(self, over: str, key: Criterion, words: str) -> str:
        entry = self.doc["criteria"][key]
        of = key.replace("_", " ")
        return self._add("goal", words, below=over, about=key, entry=entry, of=of)

    def _hazards(
        self, over: str, criterion: Literal["alignment", "competitiveness"], words: str
    ) -> None:
        hazards = [h for h in self.story.goal.hazards if h.criterion == criterion]
        sentence = words if hazards else f"{words} The story names none."
        key: Criterion = "goal_alignment" if criterion == "alignment" else "goal_competitiveness"
        goal = self._criterion(over, key, sentence)
        if hazards:
            strategy = self._add("strategy", "Over the hazards that the story names.", below=goal)
            for hazard in hazards:
                self._hazard(strategy, hazard)

    def _hazard(self, over: str, hazard: Hazard) -> None:
        entry, worst = self.doc["hazards"][hazard.id], self._worst("hazard", hazard.id)
        conditional = entry["given_intended"]
        start = "" if conditional is None else "Of an intended model, "
        more = [f"All in all it fires with {chance(entry)}."]
        if worst is not None:
            concern = chance(worst["concern"])
            more.append(f"On its path of most concern it causes a catastrophe with {concern}.")
        self._add(
            "goal",
            f"{start}{'Hazard' if conditional is None else 'hazard'} {hazard.id} does not fire."
            f"{_it_is(hazard.claim)}",
            below=over,
            about=hazard.id,
            entry=complement(entry if conditional is None else conditional),
            of=f"no hazard {hazard.id}",
            more=" ".join(more) + self.numbers.basis(hazard.id),
        )

    def _worst(self, key: Literal["route", "hazard"], name: str) -> FailurePath | None:
        """The path of most concern along a route or hazard."""
        return next((p for p in self.doc["paths"] if p[key] == name and _is(p, key)), None)

    def _rivals(self, goal: str) -> None:
        words = (
            "Over every other model at which training may end, class by class and route by route."
        )
        over = self._add("strategy", words, below=goal)
        self._rationale(over)
        for name in CLASSES:
            routes = [r for r, entry in self.doc["routes"].items() if entry["class"] == name]
            if name != INTENDED and routes:
                self._class(over, name, routes)
        items = {item for item, _ in self.solutions}
        for item in self.items:
            if item not in items:
                self._solution(goal, item, INTENDED)

    def _rationale(self, over: str) -> None:
        rationale = self.story.rationale
        parts: tuple[Constraint | Nudge, ...] = (*rationale.constraints, *rationale.nudges)
        for part in parts:
            sort = type(part).__name__
            acts = f", {acts_in(part.stages)}" if part.stages else ""
            sentence = f"{sort} {part.id}{acts}: {part.claim}{self.numbers.basis(part.id)}"
            self._add("justification", sentence, below=over, about=part.id)
        for name, entry in self.doc["assumptions"].items():
            owner, _ = assumption_and_state(without_stage(name))
            sentence = f"{name}: {self._claim(name)}{self.numbers.basis(owner)}"
            self._add("assumption", sentence, below=over, about=name, entry=entry, of=name)

    def _claim(self, name: str) -> str:
        owner, state = assumption_and_state(without_stage(name))
        spec = self.story.assumptions.get(owner)
        if spec is not None and spec.claim:
            return claim_of_state(spec.claim, state)
        listed = assumptions().get(owner)
        return "" if listed is None else claim_of_state(listed.claim, state)

    def _class(self, over: str, name: OutcomeClass, routes: list[str]) -> None:
        entry = self.doc["classes"][name]
        goal = self._add(
            "goal",
            f"Training does not end at a model of the class {name}.",
            below=over,
            about=name,
            entry=complement(entry),
            of=f"not class {name}",
        )
        for evidence in with_lent_rates(self.story):
            named = {
                *(evidence.bayes_factor or {}),
                *(evidence.rates or {}),
                *(evidence.visibility or {}),
                evidence.about.class_,
            }
            whole = evidence.about.outcome or evidence.about.class_
            if whole and name in named:
                self._solution(goal, evidence.id, name)
        ranked = sorted(routes, key=self._weight, reverse=True)
        cut = len(ranked) if self.most is None or len(ranked) <= self.most + 1 else self.most
        for route in ranked[:cut]:
            self._route(goal, route, name, alone=len(routes) == 1)
        if ranked[cut:]:
            self._others(goal, ranked[cut:], name)

    def _weight(self, route: str) -> tuple[float, float]:
        worst = self._worst("route", route)
        concern = 0.0 if worst is None else float(worst["concern"]["mean"])
        return concern, float(self.doc["routes"][route]["mean"])

    def _route(self, goal: str, route: str, name: OutcomeClass, *, alone: bool) -> None:
        entry, worst = self.doc["routes"][route], self._worst("route", route)
        claim = next((r.claim for r in self.story.routes if r.id == route), "")
        subgoal = self._add(
            "goal",
            f"Training does not end at the route {route}.{_it_is(claim)}",
            below=goal,
            about=route,
            entry=complement(entry),
            of=f"not route {route}",
            more=path_words(worst) + self.numbers.basis(route),
        )
        for item in self._seen(route):
            self._solution(subgoal, item, name, of_class=None if alone else goal)

    def _seen(self, route: str) -> list[str]:
        """Evidence about what a route needs, or about the route itself."""
        assumptions = closed(self.story, self.bears.get(route, ()))
        items = []
        for item in with_lent_rates(self.story):
            named = {*(item.bayes_factor or {}), *(item.rates or {}), *(item.visibility or {})}
            by_name = item.about.outcome and route in named
            if by_name or (item.about.assumption in assumptions and item.about.assumption):
                items.append(item.id)
        return items

    def _others(self, goal: str, routes: list[str], name: OutcomeClass) -> None:
        total = sum(self.doc["routes"][route]["mean"] for route in routes)
        listed = ", ".join(routes)
        subgoal = self._add(
            "goal",
            f"Training ends at none of {len(routes)} other routes: {listed}.",
            below=goal,
            about="others",
            entry={"mean": 1 - total},
            of=f"none of {listed}",
            more="By the sum of means, without an interval.",
        )
        for item in dict.fromkeys(item for route in routes for item in self._seen(route)):
            self._solution(subgoal, item, name, of_class=goal)

    def _solution(
        self, goal: str, item: str, name: OutcomeClass, *, of_class: str | None = None
    ) -> None:
        """Hang evidence under a goal about a class, or let it challenge the goal.

        Bits are known by class: where the goal is about one of its routes only, evidence for the
        class challenges the goal of the class.
        """
        evidence = self.items[item]
        gained = evidence["bits"][name] or 0.0
        # Of rivals, a goal says that training does not end there.
        against = (-gained if name == INTENDED else gained) >= SMALLEST
        kind: Kind = "counter_solution" if against else "solution"
        parent = of_class if against and of_class is not None else goal
        if (solution := self.solutions.get((item, kind))) is not None:
            ends = (solution, parent) if against else (parent, solution)
            self._tie(*ends, "challenges" if against else "supported_by")
            return
        url = None if evidence["source"] is None else evidence["source"].get("url")
        self.solutions[item, kind] = self._add(
            kind, evidence_words(evidence), below=parent, about=item, url=url
        )

    def _checks(self, over: str) -> None:
        live = [check for check in self.story.checks if check.result is None]
        strategy = self._halting(over) if live else over
        for check in self.story.checks:
            kept = "kept out of training" if check.role == "held-out" else "also trained against"
            kept = ", ".join(filter(None, [kept, stands_after(check)]))
            sentence = f"{check.claim}{self.numbers.basis(check.id)}"
            caught = self.doc["checks"][check.id]["caught"]
            if caught is not None:
                route = self._concerning(caught)
                words = f"Check {check.id} ({kept}) flags a model of the route {route}. {sentence}"
                self._add(
                    "goal",
                    words,
                    below=strategy,
                    about=check.id,
                    entry=caught[route],
                    of=f"check {check.id} flags {route}",
                    more=flags_intended(caught),
                )
            else:
                words = f"Check {check.id} ({kept}) {check.result}: evidence, at the rates stated."
                self._add("context", f"{words} {sentence}", below=over, about=check.id)

    def _concerning(self, caught: dict[str, Summary | None]) -> str:
        """The route of most concern, else the likeliest rival, that a check has a rate for."""
        routes = self.doc["routes"]
        rivals = [r for r in caught if r in routes and routes[r]["class"] != INTENDED]
        return max(rivals, key=self._weight)

    def _halting(self, over: str) -> str:
        halted = chance(self.doc["fates"]["halted"])
        goal = self._add(
            "goal",
            "No model that the checks let through ends in catastrophe.",
            below=over,
            about="checks",
            entry=complement(self.doc["fates"]["catastrophe"]),
            of=_AVERTED,
            more=f"P(halted) = {halted}, of which false alarms: {chance(self.doc['false_alarm'])}.",
        )
        strategy = self._add("strategy", "Over the checks before deployment.", below=goal)
        for k, cause in enumerate(self.story.common_cause):
            name = cause.id or f"common-cause-{k + 1}"
            one = f"With a stated chance one thing decides whether {listed(cause.checks)} flag."
            sentence = " ".join(filter(None, [f"Common cause {name}:", cause.claim, one]))
            basis = self.numbers.basis(name)
            self._add("assumption", f"{sentence}{basis}", below=strategy, about=name)
        return strategy


def _it_is(claim: str) -> str:
    return f" It is: {claim}" if claim else ""


def _is(path: FailurePath, key: str) -> bool:
    return key == "hazard" or path["hazard"] is None
