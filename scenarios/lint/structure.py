"""Rules about how the parts of a story hang together."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from storyodds.priors.distributions.forms import (
    MAX_BITS,
    BitsPool,
    Fixed,
    Interval,
    Normal,
    Ref,
    parse_prior,
)
from storyodds.priors.library import pack_entry
from storyodds.priors.text.errors import Path
from storyodds.priors.text.phrases import did_you_mean
from storyodds.scenarios.grammar.outcomes import INTENDED, RESIDUAL
from storyodds.scenarios.lint.numbers import TEMPLATE
from storyodds.scenarios.lint.reading import Doubt, Reading, bits_of, is_nought
from storyodds.scenarios.schema import RISK_ARGUMENT, Route
from storyodds.scenarios.shared import catalog

THIN_BITS = -7.0  # bits: under 1% where only the intended model is left
# Fewer cannot say how bad a catastrophe is, by when, and of how many models.
_LEAST_WORDS = 5


def goal_contradiction(reading: Reading) -> Iterator[Doubt]:
    """The goal both wants and forbids an optimizer."""
    goal = reading.story.goal
    if goal.loss_seeking and goal.optimization == "none":
        yield Doubt(
            ("goal", "optimization"),
            "the goal wants a model that optimizes its training objective (loss_seeking) and "
            "intends no optimization at all: which of the two is meant?",
        )


def no_catastrophe(reading: Reading) -> Iterator[Doubt]:
    """Nobody can tell what the chances of a catastrophe are chances of."""
    story = reading.story
    harms = [route.harm for route in story.routes] + [hazard.harm for hazard in story.goal.hazards]
    if all(harm is None or is_nought(harm) for harm in harms):
        return
    if story.catastrophe is None:
        yield Doubt(
            ("catastrophe",),
            "nothing says what counts as a catastrophe: how bad, by when, and through how many "
            "deployments? Every harm of the story is a chance of it",
            at_key=True,
        )
    elif TEMPLATE.search(story.catastrophe):
        yield Doubt(
            ("catastrophe",),
            "what counts as a catastrophe is still what the template has put there: how bad, by "
            "when, and through how many deployments do you mean?",
        )
    elif len(story.catastrophe.split()) < _LEAST_WORDS:
        yield Doubt(
            ("catastrophe",),
            "the definition of a catastrophe is too short to tell two readers the same: how bad, "
            "by when, and through how many deployments?",
        )


def unsearched_goal(reading: Reading) -> Iterator[Doubt]:
    """The wanted model is an optimizer, and is open where training finds none."""
    story = reading.story
    if story.goal.optimization == "none" or story.kind == RISK_ARGUMENT:
        return
    listed = [(i, route) for i, route in enumerate(story.routes) if route.class_ == INTENDED]
    open_ones = [("routes", i) for i, route in listed if route.requires is None]
    places: list[Path] = [*open_ones]
    if all(route.id != INTENDED for _, route in listed):
        places.append(("goal", "optimization"))
    for place in places:
        yield Doubt(
            place,
            "the goal is an optimizer, and training may end at it even where training finds no "
            "optimizer: list the route {id: intended, class: intended, requires: …}, with the "
            "assumption that training finds one",
        )


def no_hazard(reading: Reading) -> Iterator[Doubt]:
    """Nobody asked how a model that meets the specification could still do harm."""
    story = reading.story
    stakes = any(route.harm is not None and not is_nought(route.harm) for route in story.routes)
    if stakes and all(hazard.criterion != "alignment" for hazard in story.goal.hazards):
        yield Doubt(
            ("goal",),
            "no hazard says how a model that meets the specification could still do harm, though "
            "other models here can: is every one that meets it good?",
            at_key=True,
        )


def no_harm(reading: Reading) -> Iterator[Doubt]:
    """A hazard of which nobody said what harm it does."""
    for i, hazard in enumerate(reading.story.goal.hazards):
        if hazard.criterion == "alignment" and hazard.harm is None:
            yield Doubt(
                ("goal", "hazards", i),
                f"'{hazard.id}' has no harm, which counts as 0: write it down, even if it is 0",
            )


def no_rationale(reading: Reading) -> Iterator[Doubt]:
    """Nothing says why training would end at the wanted model."""
    if not (reading.story.rationale.nudges or reading.story.rationale.constraints):
        yield Doubt(
            ("rationale",),
            "no constraint and no nudge says why training would end at the intended model rather "
            "than at a rival",
            at_key=True,
        )


def untouched_rival(reading: Reading) -> Iterator[Doubt]:
    """The rationale has nothing to say about a rival."""
    rationale = reading.story.rationale
    if not (rationale.nudges or rationale.constraints):
        return
    touched = {target for nudge in rationale.nudges for target in nudge.bits}
    if INTENDED in touched:  # bits for the intended model count against every rival
        return
    touched |= {target for constraint in rationale.constraints for target in constraint.rules_out}
    for i, route in reading.rivals:
        if not touched & {route.id, route.class_}:
            yield Doubt(
                ("routes", i),
                f"no nudge and no constraint says anything for or against '{route.id}'",
            )


def constraint_against_intended(reading: Reading) -> Iterator[Doubt]:
    """A constraint excludes the very model that is wanted."""
    for i, constraint in enumerate(reading.story.rationale.constraints):
        for j, target in enumerate(constraint.rules_out):
            if target == INTENDED:
                yield Doubt(
                    ("rationale", "constraints", i, "rules_out", j),
                    f"'{constraint.id}' rules out the intended model too: then how can training "
                    "end there?",
                )


def idle_constraint(reading: Reading) -> Iterator[Doubt]:
    """A constraint excludes nothing that could be there."""
    for i, constraint in enumerate(reading.story.rationale.constraints):
        if not reading.can_hold(constraint.holds):
            continue
        routes = [route for target in constraint.rules_out for route in reading.moved_by(target)]
        if not routes:
            named = " or ".join(f"'{target}'" for target in constraint.rules_out)
            sentence = f"'{constraint.id}' rules out {named}, and no route has such a class"
        elif not any(reading.can_hold(constraint.holds, route.requires) for route in routes):
            sentence = (
                f"'{constraint.id}' rules out only what is closed already: whenever it holds, "
                f"what {_named(routes)} requires does not"
            )
        else:
            continue
        yield Doubt(("rationale", "constraints", i, "rules_out"), sentence)


def _named(routes: list[Route]) -> str:
    return " and ".join(f"'{name}'" for name in dict.fromkeys(route.id for route in routes))


def never_holds(reading: Reading) -> Iterator[Doubt]:
    """A formula contradicts itself; what merely builds on it is passed over."""
    formulas = list(reading.ends)
    roots: set[str] = set()
    for name, assumption in reading.story.assumptions.items():
        composed = None if assumption is None else assumption.holds_when
        rows = () if assumption is None else assumption.given or ()
        formulas += [
            (("assumptions", name, "given", j, "when"), row.when)
            for j, row in enumerate(rows)
            if row.when is not None
        ]
        state_rows = () if assumption is None or not assumption.states else assumption.states.rows
        formulas += [
            (("assumptions", name, "states", "given", j, "when"), state_row.when)
            for j, state_row in enumerate(state_rows)
            if state_row.when is not None
        ]
        if composed is not None:
            formulas.append((("assumptions", name, "holds_when"), composed))
            roots |= set() if reading.can_hold(composed) else {name}
    for path, formula in formulas:
        if not reading.can_hold(formula) and not roots & reading.composed([formula]):
            yield Doubt(path, "this can never hold: its parts contradict each other")


def idle_assumption(reading: Reading) -> Iterator[Doubt]:
    """Nothing in the story turns on an assumption."""
    subjects = {item.about.assumption for item in reading.story.evidence}
    upstream = reading.used | reading.needed(name for name in subjects if name is not None)
    for name in reading.story.assumptions:
        if name not in upstream:
            yield Doubt(
                ("assumptions", name),
                f"nothing depends on '{name}': no route, hazard, constraint, nudge or rate asks "
                "for it",
                at_key=True,
            )


def thin_residual(reading: Reading) -> Iterator[Doubt]:
    """What nobody thought of is all but excluded."""
    for i, route in enumerate(reading.story.routes):
        if route.id == RESIDUAL and route.bits is not None:
            most = max(_upper(bits) for bits in bits_of(route))
            if most < THIN_BITS:
                share = 1 / (1 + 2**-most)
                percentage = f"{share:.2%}" if share >= 0.0001 else "0.01%"
                yield Doubt(
                    ("routes", i, "bits"),
                    f"'{RESIDUAL}' gets at most {most:.3g} bits, less than {percentage} even where "
                    "only the intended model is left: nobody's list of rivals is that complete",
                )


def _upper(form: Any) -> float:
    """The most that bits may be: the upper end of an interval, the largest of a pool."""
    if isinstance(form, Ref):
        return _upper(parse_prior(pack_entry(form.ref).value, "bits"))
    if isinstance(form, BitsPool):
        return max(_upper(judgment.value) for judgment in form.pool)
    if isinstance(form, Interval):
        return form.interval[1]
    if isinstance(form, Normal):
        return form.normal[0] + 1.645 * form.normal[1]
    return form.fixed if isinstance(form, Fixed) else MAX_BITS


def same_mechanism_twice(reading: Reading) -> Iterator[Doubt]:
    """Two catalogued routes for one mechanism compete with each other."""
    templates = catalog.routes()
    first: dict[str, str] = {}
    for i, route in enumerate(reading.story.routes):
        name = route.use or route.id
        if name not in templates:
            continue
        twins = [
            other
            for other in first
            if other in templates[name].same_as or name in templates[other].same_as
        ]
        if twins:
            yield Doubt(
                ("routes", i),
                f"'{route.id}' stands for the same mechanism as '{first[twins[0]]}', which is thus "
                "counted twice",
            )
        first.setdefault(name, route.id)


def split_mechanism(reading: Reading) -> Iterator[Doubt]:
    """Routes that look like one mechanism, and do not say whether they are."""
    groups: dict[str, list[int]] = {}
    routes = reading.story.routes
    for i, route in enumerate(routes):
        if route.id == RESIDUAL or route.class_ == INTENDED:
            continue
        if route.class_ == "deceptive":
            groups.setdefault("have the class deceptive", []).append(i)
        elif route.kind is not None and route.kind not in _CATCH_ALLS:
            groups.setdefault(f"have the kind {route.kind}", []).append(i)
    for alike, (first, second) in _alike_claims(routes):
        groups.setdefault(alike, [first, second])
    doubted: set[int] = set()
    for alike, members in groups.items():
        bare = [i for i in members if routes[i].mechanism is None and i not in doubted]
        if len(members) > 1 and bare:
            doubted |= set(bare)
            yield Doubt(
                ("routes", bare[0]),
                f"{_named([routes[i] for i in members])} {alike}, and not each names a mechanism: "
                "what comes about in one way looks smaller for being told as several routes, "
                "unless they name one mechanism (or each its own)",
                also=tuple(("routes", i) for i in bare[1:]),
            )


# Kinds for whatever has no kind of its own: sharing one says nothing of how a model comes about.
_CATCH_ALLS = frozenset({"other-heuristics", "unintended-mesa-optimizer"})
# Of all words of two claims, the share that both have: above it, one is the other reworded.
_ALIKE_SHARE = 0.6
_MOST_WORDS = 200  # of a claim, that are compared with those of others


def _alike_claims(routes: Sequence[Route]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Pairs of rivals whose claims are made of the same words."""
    words = {
        i: frozenset(re.findall(r"[a-z]{4,}", route.claim.lower())[:_MOST_WORDS])
        for i, route in enumerate(routes)
        if route.id != RESIDUAL and route.class_ != INTENDED
    }
    for i, j in itertools.combinations(words, 2):
        shared = len(words[i] & words[j])
        if shared >= _LEAST_WORDS and shared >= _ALIKE_SHARE * len(words[i] | words[j]):
            yield f"say nearly the same in their claims ({i + 1} and {j + 1})", (i, j)


def lone_mechanism(reading: Reading) -> Iterator[Doubt]:
    """A mechanism that one route alone names, and that is nearly the name of another."""
    named = [(i, r.id, r.mechanism) for i, r in enumerate(reading.story.routes) if r.mechanism]
    uses = Counter(mechanism for _, _, mechanism in named)
    earlier: list[str] = []
    for i, name, mechanism in named:
        # Of two that stand alone and are alike, the later one is asked about.
        candidates = [other for other in uses if uses[other] > 1 or other in earlier]
        hint = did_you_mean(mechanism, candidates) if uses[mechanism] == 1 else ""
        if hint:
            yield Doubt(
                ("routes", i, "mechanism"),
                f"no other route than '{name}' has the mechanism '{mechanism}', so nothing is "
                f"ranked together with it{hint}",
            )
        earlier.append(mechanism)


def unknown_kind(reading: Reading) -> Iterator[Doubt]:
    """A route's kind is not one of the taxonomy."""
    for i, route in enumerate(reading.story.routes):
        if route.kind is not None and route.kind not in catalog.kinds():
            hint = did_you_mean(route.kind, catalog.kinds())
            yield Doubt(
                ("routes", i, "kind"),
                f"'{route.kind}' is not a kind of the taxonomy{hint}",
            )


def kind_against_class(reading: Reading) -> Iterator[Doubt]:
    """A route's kind belongs to another class; what a story intends may be of any kind."""
    for i, route in enumerate(reading.story.routes):
        kind = catalog.kinds().get(route.kind or "")
        if kind is not None and route.class_ not in (kind.class_, INTENDED):
            yield Doubt(
                ("routes", i, "kind"),
                f"'{route.kind}' is a kind of {kind.class_}, and '{route.id}' has the class "
                f"{route.class_}",
            )
