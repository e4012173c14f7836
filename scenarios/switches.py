"""Parts of a story that are switched off, such as `check:blind-audit`: gone with their numbers."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from storyodds.priors.text.errors import Problem
from storyodds.priors.text.phrases import did_you_mean, one_of, quoted
from storyodds.priors.text.records import Record
from storyodds.scenarios.grammar.correlations import named
from storyodds.scenarios.grammar.switch_kinds import SWITCHES, Switch
from storyodds.scenarios.story import Story

OFF = "off"  # the only setting of a part; numbers have PRIORs


def switches_of(story: Story) -> tuple[tuple[Switch, str], ...]:
    """List the parts of a story that can be switched off, in the order of its file.

    Parameters
    ----------
    story : Story

    Returns
    -------
    tuple of (part, id)

    Examples
    --------
    >>> from storyodds import load_story
    >>> dict(switches_of(load_story("coinrun-agent")))["check"]
    'moved-coin-test'
    """
    listed: list[tuple[Switch, str]] = [("constraint", c.id) for c in story.rationale.constraints]
    listed += [("nudge", nudge.id) for nudge in story.rationale.nudges]
    listed += [("check", check.id) for check in story.checks]
    listed += [("evidence", item.id) for item in story.evidence]
    return (*listed, *(("correlation", str(block.id)) for block in named(story.correlations)))


def is_switch(name: str) -> bool:
    """Whether a setting is about a part and not about a number.

    Examples
    --------
    >>> is_switch("check:blind-audit"), is_switch("aware.probability")
    (True, False)
    """
    return ":" in name  # which no id and no number's name has


def with_off(settings: Mapping[str, Any] | None, off: Iterable[str]) -> dict[str, Any]:
    """Put parts to be switched off among settings.

    Parameters
    ----------
    settings : mapping of str to PRIOR, optional
    off : iterable of str
        Such as `check:blind-audit`.

    Returns
    -------
    dict
        As `resolve` takes it.

    Examples
    --------
    >>> with_off({"aware": 0.3}, ["check:blind-audit"])
    {'aware': 0.3, 'check:blind-audit': 'off'}
    """
    return {**(settings or {}), **dict.fromkeys(off, OFF)}


def chosen_switches(
    story: Story, settings: Mapping[str, Any], problems: list[Problem]
) -> tuple[tuple[Switch, str], ...]:
    """Return the parts that settings switch off.

    Parameters
    ----------
    story : Story
    settings : mapping of str to PRIOR
        Those of numbers are passed over.
    problems : list of Problem
        Grows by every part that the story does not have, with the nearest one that it has.

    Returns
    -------
    tuple of (part, id)

    Examples
    --------
    >>> from storyodds import load_story
    >>> problems = []
    >>> story = load_story("coinrun-agent")
    >>> chosen_switches(story, {"check:moved-coin-test": "off"}, problems)
    (('check', 'moved-coin-test'),)
    >>> chosen_switches(story, {"chek:moved-coin-test": "off"}, problems), problems[0].message
    ((), "off: found 'chek:moved-coin-test', ...; did you mean 'check:moved-coin-test'?")
    """
    switches = {f"{part}:{name}": (part, name) for part, name in switches_of(story)}
    chosen = []
    for name, value in settings.items():
        if not is_switch(name):
            continue
        if value != OFF:
            problems.append(Problem(f"set: found {name!r}, which is a part, expected '{OFF}'"))
        elif name in switches:
            chosen.append(switches[name])
        else:
            problems.append(Problem(f"off: found {quoted(name)}, {_expected(name, switches)}"))
    return tuple(chosen)


def _expected(name: str, switches: Collection[str]) -> str:
    """What stands where a switch is not known, and the nearest one: by its id, else in full."""
    kinds = f"expected a {one_of(SWITCHES)} of the story, as KIND:ID"
    if not switches:
        return f"{kinds}; it has none"
    own = name.partition(":")[2]
    same_id = [switch for switch in switches if switch.partition(":")[2] == own]
    return kinds + (f"; did you mean '{same_id[0]}'?" if same_id else did_you_mean(name, switches))


def without_parts(story: Story, parts: Collection[tuple[str, str]]) -> Story:
    """Take parts out of a story, and with a finding the proposals to replicate it.

    Without a correlation, its numbers stay what they are, each by itself.

    Parameters
    ----------
    story : Story
    parts : collection of (part, id)
        Part is one of "constraint", "nudge", "check", "evidence" and "correlation".

    Returns
    -------
    Story

    Examples
    --------
    >>> from storyodds import load_story
    >>> story = load_story("coinrun-agent")
    >>> without_parts(story, [("check", check.id) for check in story.checks]).checks
    ()
    """
    parts_off = set(parts)

    def kept[T: Record](part: str, items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(item for item in items if (part, getattr(item, "id", "")) not in parts_off)

    rationale = {
        "constraints": kept("constraint", story.rationale.constraints),
        "nudges": kept("nudge", story.rationale.nudges),
    }
    checks_off = {name for part, name in parts_off if part == "check"}
    causes = [
        cause.model_copy(
            update={
                "id": cause.id or f"common-cause-{i + 1}",  # as it is named beside the others
                "checks": tuple(name for name in cause.checks if name not in checks_off),
            }
        )
        for i, cause in enumerate(story.common_cause)
    ]
    whole = checks_off.isdisjoint(name for cause in story.common_cause for name in cause.checks)
    together = tuple(cause for cause in causes if len(cause.checks) > 1)
    blocks = kept("correlation", named(story.correlations))
    every_block = len(blocks) == len(story.correlations)
    return story.model_copy(
        update={
            "common_cause": story.common_cause if whole else together,
            "rationale": story.rationale.model_copy(update=rationale),
            "checks": kept("check", story.checks),
            "evidence": kept("evidence", story.evidence),
            "correlations": story.correlations if every_block else blocks,
            "proposals": tuple(
                p for p in story.proposals if ("evidence", p.replicates or "") not in parts_off
            ),
        }
    )
