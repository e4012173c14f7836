"""What a careful reader would ask of a story that is valid."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from storyodds.priors.text.document import Document
from storyodds.priors.text.errors import Path, key_path
from storyodds.scenarios.lint import (
    correlations,
    evidence,
    findings,
    idle,
    numbers,
    product,
    stages,
    structure,
    text,
)
from storyodds.scenarios.lint.reading import Doubt, Reading
from storyodds.scenarios.story import Story

IDLE_SWITCH = "idle-switch"


@dataclass(frozen=True)
class Place:
    """Where something stands.

    Attributes
    ----------
    key_path : str
    line, column : int or None
        Counted from 1; None for a story that was not read from text. What the file does not
        write has the place of the nearest thing around it.
    """

    key_path: str
    line: int | None
    column: int | None

    @property
    def line_and_column(self) -> tuple[int, ...]:
        """Both as numbers; nothing for a story that was not read from text."""
        return () if self.line is None or self.column is None else (self.line, self.column)

    def as_dict(self) -> dict[str, Any]:
        """The place as plain data."""
        return {"key_path": self.key_path, "line": self.line, "column": self.column}


@dataclass(frozen=True)
class Finding:
    """One doubt: a stable code, the place, and the question in a sentence.

    Attributes
    ----------
    code : str
    place : Place
    sentence : str
    also : tuple of Place
        Other places with the same fault.
    """

    code: str
    place: Place
    sentence: str
    also: tuple[Place, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {
            "code": self.code,
            **self.place.as_dict(),
            "sentence": self.sentence,
            "also": [place.as_dict() for place in self.also],
        }


def lint(story: Story) -> list[Finding]:
    """Look a valid story over.

    Parameters
    ----------
    story : Story

    Returns
    -------
    list of Finding
        In the order of the file, or of the rules where there is no file; none of them makes the
        story wrong. Without those that the story switches off.

    Examples
    --------
    >>> from storyodds import load_text
    >>> [finding] = lint(load_text('''
    ... story: lottery
    ... title: A story without a rationale
    ... goal:
    ...   specification: It looks each ticket up in an internal table of winners and ranks them.
    ...   desirability: The table is right.
    ... routes:
    ... - {id: something-else, class: other, claim: The residual., bits: {fixed: 0, basis: assumed,
    ...    source: a guess}, harm: {fixed: 0, basis: assumed, source: a game}}
    ... '''))
    >>> finding.code, finding.place.line, finding.place.column
    ('no-rationale', 2, 1)
    """
    reading = Reading(story)
    raised = {code: list(rule(reading)) for code, rule in RULES.items()}
    switched = {switch.off for switch in story.lint}
    doubts = [
        (code, doubt) for code, own in raised.items() if code not in switched for doubt in own
    ]
    doubts += [(IDLE_SWITCH, doubt) for doubt in _idle_switches(story, raised)]
    findings = [_placed(code, doubt, story.document) for code, doubt in doubts]
    return sorted(
        findings, key=lambda finding: (finding.place.line or 0, finding.place.column or 0)
    )


def _idle_switches(story: Story, raised: Mapping[str, Iterable[Doubt]]) -> Iterator[Doubt]:
    """Switches that keep nothing quiet, because nothing is said or an earlier one does."""
    earlier: set[str] = set()
    for i, switch in enumerate(story.lint):
        if switch.off in earlier:
            yield Doubt(("lint", i, "off"), f"'{switch.off}' is switched off already")
        elif not raised.get(switch.off):
            sentence = f"'{switch.off}' is switched off and would have found nothing"
            yield Doubt(("lint", i, "off"), sentence)
        earlier.add(switch.off)


def _placed(code: str, doubt: Doubt, document: Document | None) -> Finding:
    def place(path: Path, at_key: bool = False) -> Place:
        position = (None, None) if document is None else document.place(path, at_key)
        return Place(key_path(path), *position)

    also = tuple(place(path) for path in doubt.also)
    return Finding(code, place(doubt.path, doubt.at_key), doubt.sentence, also)


RULES: Mapping[str, Callable[[Reading], Iterator[Doubt]]] = MappingProxyType(
    {
        "behavioral-goal": text.behavioral_goal,
        "empty-goal": text.empty_goal,
        "goal-contradiction": structure.goal_contradiction,
        "no-catastrophe": structure.no_catastrophe,
        "unsearched-goal": structure.unsearched_goal,
        "no-hazard": structure.no_hazard,
        "no-harm": structure.no_harm,
        "no-rationale": structure.no_rationale,
        "recipe-rationale": text.recipe_rationale,
        "untouched-rival": structure.untouched_rival,
        "constraint-against-intended": structure.constraint_against_intended,
        "idle-constraint": structure.idle_constraint,
        "idle-assumption": structure.idle_assumption,
        "never-matters": idle.never_matters,
        "never-holds": structure.never_holds,
        "stuck-stage": stages.stuck_stage,
        "never-begins": stages.never_begins,
        "independent-product": product.independent_product,
        "thin-residual": structure.thin_residual,
        "same-mechanism-twice": structure.same_mechanism_twice,
        "split-mechanism": structure.split_mechanism,
        "lone-mechanism": structure.lone_mechanism,
        "unknown-kind": structure.unknown_kind,
        "kind-against-class": structure.kind_against_class,
        "blind-check": evidence.blind_check,
        "no-check-left": evidence.no_check_left,
        "blind-evidence": evidence.blind_evidence,
        "idle-evidence": evidence.idle_evidence,
        "evidence-twice": evidence.evidence_twice,
        "finding-twice": findings.finding_twice,
        "supposed-evidence": findings.supposed_evidence,
        "opinion-as-finding": findings.opinion_as_finding,
        "spoiled-detector": evidence.spoiled_detector,
        "separates-lookalikes": text.separates_lookalikes,
        "no-claim": text.missing_claims,
        "no-source": numbers.no_source,
        "empty-source": findings.empty_source,
        "no-note": findings.no_note,
        "no-basis": numbers.no_basis,
        "template-number": numbers.template_number,
        "unsourced-claim": numbers.unsourced_claim,
        "idle-number": numbers.idle_number,
        "idle-correlation": correlations.idle_correlation,
    }
)
