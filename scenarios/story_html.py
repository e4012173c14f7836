"""A story as notebooks show it: its structure, without any odds."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Protocol

from storyodds.priors.text.errors import printable
from storyodds.scenarios.schema import Assumption, Check, Evidence, Goal, Proposal, Rationale, Route


class _Story(Protocol):
    """What is shown of a story."""

    @property
    def story(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def goal(self) -> Goal: ...
    @property
    def rationale(self) -> Rationale: ...
    @property
    def assumptions(self) -> Mapping[str, Assumption | None]: ...
    @property
    def routes(self) -> Sequence[Route]: ...
    @property
    def checks(self) -> Sequence[Check]: ...
    @property
    def evidence(self) -> Sequence[Evidence]: ...
    @property
    def proposals(self) -> Sequence[Proposal]: ...


def story_html(story: _Story) -> str:
    """Return a story as a piece of HTML, all of its text escaped.

    Examples
    --------
    >>> from storyodds.scenarios.schema import Goal, Route
    >>> from storyodds.scenarios.story import Story
    >>> story = Story(
    ...     story="coin-flip",
    ...     title="Heads < tails",
    ...     goal=Goal(specification="Heads.", desirability="Heads are good."),
    ...     routes=[Route(id="something-else", class_="other", bits=[-1, 1], harm=0.1)],
    ... )
    >>> "Heads &lt; tails" in story_html(story), story._repr_html_() == story_html(story)
    (True, True)
    """
    parts: dict[str, int] = {
        "assumption": len(story.assumptions),
        "route": len(story.routes),
        "constraint": len(story.rationale.constraints),
        "nudge": len(story.rationale.nudges),
        "hazard": len(story.goal.hazards),
        "check": len(story.checks),
        "evidence item": len(story.evidence),
        "proposal": len(story.proposals),
    }
    counts = ", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in parts.items() if n)
    columns: dict[str, list[str]] = {
        "Route": [route.id for route in story.routes],
        "Class": [route.class_ for route in story.routes],
        "Kind": [route.kind or "" for route in story.routes],
        "Mechanism": [route.mechanism or "" for route in story.routes],
        "Claim": [route.claim for route in story.routes],
    }
    if not any(columns["Mechanism"]):
        del columns["Mechanism"]
    results = [f"{check.id} {check.result}" for check in story.checks if check.result]
    checks = f"<p>Checks with a result: {_safe(', '.join(results))}.</p>" if results else ""
    # Notebooks set what stands between dollar signs as mathematics, unless told not to.
    return (
        '<div class="tex2jax_ignore mathjax_ignore">'
        f"<p><strong>{_safe(story.title)}</strong> <code>{_safe(story.story)}</code></p>"
        f"<p>Goal: {_safe(story.goal.specification)}</p><p>{_safe(counts)}.</p>{checks}"
        f"{_table(list(columns), zip(*columns.values(), strict=True))}</div>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{_safe(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{_safe(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _safe(text: str) -> str:
    return escape(printable(" ".join(text.split())))
