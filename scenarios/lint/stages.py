"""Rules about training in stages: whether each can change the model, and from what."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from storyodds.priors.text.errors import Path
from storyodds.scenarios.grammar.formulas import Formula
from storyodds.scenarios.grammar.names import formulas_in, parts_of
from storyodds.scenarios.grammar.outcomes import INTENDED, RESIDUAL
from storyodds.scenarios.grammar.rewritten import NEVER, mapped, simplified
from storyodds.scenarios.grammar.stages import begins_as
from storyodds.scenarios.lint.reading import Doubt, Reading
from storyodds.scenarios.schema import Route
from storyodds.scenarios.story import Story


class _Training:
    """Which routes each stage may leave the model on, whatever else is the case."""

    def __init__(self, story: Story) -> None:
        self.story, self.stages = story, tuple(story.stages or ())
        listed = story.routes
        implied = () if any(r.id == INTENDED for r in listed) else (_INTENDED,)
        self.routes: tuple[Route, ...] = (*implied, *listed)

    @cached_property
    def _begun(self) -> Sequence[set[str]]:
        """By stage, the routes that the model may be on as it begins."""
        begun: list[set[str]] = [set() for _ in self.stages]
        grown = True
        while grown:
            grown = False
            for s, (first, last) in enumerate(self._repeated):
                before = set(range(s)) | set(range(first, last + 1))
                possible = {r.id for r in self.routes for b in before if self._enters(r, b, begun)}
                grown = grown or not possible <= begun[s]
                begun[s] |= possible
        return begun

    @cached_property
    def _repeated(self) -> Sequence[tuple[int, int]]:
        """By stage, from where to where a check sends back over it; nothing where none does."""
        spans = [(0, -1)] * len(self.stages)
        for check in self.story.checks:
            if check.on_flag == "retrain" and check.to is not None:
                first = self.stages.index(check.to)
                last = self.stages.index(check.after or self.stages[-1])
                spans[first : last + 1] = [(first, last)] * (last + 1 - first)
        return spans

    def _enters(self, route: Route, s: int, begun: Sequence[set[str]]) -> bool:
        if not is_open(route, self.stages[s]):
            return False
        if route.requires is None:
            return True

        def read(name: str) -> Formula:
            target = begins_as(name)
            return name if target is None or self._names(target) & begun[s] else NEVER

        return simplified(mapped(route.requires, read)) != NEVER

    def _names(self, target: str) -> set[str]:
        return {r.id for r in self.routes if target in (r.id, r.class_, r.kind)}

    def enters(self, route: Route, s: int) -> bool:
        """Whether a stage may bring the model to a route."""
        return self._enters(route, s, self._begun)

    def begins(self, target: str, s: int) -> bool:
        """Whether `at X` may be true as a stage begins."""
        return bool(self._names(target) & self._begun[s])


_INTENDED = Route(id=INTENDED, class_=INTENDED)


def is_open(route: Route, stage: str) -> bool:
    """Whether a route takes part in the race of a stage.

    Examples
    --------
    >>> route = Route(id="r", class_="other", bits={"first": 0}, harm=0)
    >>> is_open(route, "first"), is_open(route, "last")
    (True, False)
    """
    return not isinstance(route.bits, dict) or stage in route.bits


def stuck_stage(reading: Reading) -> Iterator[Doubt]:
    """A stage that changes nothing that the story names."""
    training = _Training(reading.story)
    for s, stage in enumerate(training.stages):
        named = [route for route in training.routes if route.id != RESIDUAL]
        if not any(training.enters(route, s) for route in named):
            yield Doubt(
                ("stages", s),
                f"no route but '{RESIDUAL}' can be entered in '{stage}': what is this stage of "
                "training to change?",
            )


def never_begins(reading: Reading) -> Iterator[Doubt]:
    """A formula asks whether the model is what it cannot be by then."""
    training = _Training(reading.story)
    for path, formula in formulas_in(reading.written) if training.stages else ():
        stages = _read_in(path, training)
        for inner, part in parts_of(formula):
            target = begins_as(part)
            # `not at X` is then true in every run, and safe to write beside stages to come.
            is_asked = target is not None and not str(part).startswith("not ")
            if not is_asked or any(training.begins(str(target), s) for s in stages):
                continue
            last = training.stages[max(stages, default=0)]
            yield Doubt(
                (*path, *inner),
                f"the model cannot be '{target}' as '{last}' begins, since no stage before that "
                "can leave it there: which stage is to bring it about?",
            )


def _read_in(path: Path, training: _Training) -> list[int]:
    """The stages in which a formula is read, by their places."""
    story, stages = training.story, training.stages
    every = range(len(stages))
    match path:
        case ("routes", int(i), "requires", *_):
            return [s for s in every if is_open(story.routes[i], stages[s])]
        case ("rationale", "nudges", int(i), *_):
            acting = story.rationale.nudges[i].stages
        case ("rationale", "constraints", int(i), *_):
            acting = story.rationale.constraints[i].stages
        case ("checks", int(i), *_):
            after = story.checks[i].after
            acting = None if after is None else (after,)
        case _:  # of the last stage, before which all that can come about has
            acting = stages[-1:]
    return [s for s in every if acting is None or stages[s] in acting]
