"""The numbers that somebody set on a live page, as the judgments of a panel of one."""

import json
from collections.abc import Mapping

from storyodds.priors.text.errors import InputError
from storyodds.scenarios.resolve import ResolvedStory

EXPERT = "me"


def judgments_text(written: ResolvedStory, settings: Mapping[str, object]) -> str:
    """Write a file that `storyodds judgments` reads, to be pooled with what others said.

    Parameters
    ----------
    written : ResolvedStory
    settings : mapping of str to plain PRIOR
        By the full name of a number.

    Raises
    ------
    InputError
        If no number is set.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> written = resolve(load_story("coinrun-agent"))
    >>> text = judgments_text(written, {"something-else.bits": [-3, 0.5]})
    >>> text.splitlines()[-1]
    '- {id: something-else-bits, kind: bits, claim: "something-else.bits", values: {me: [-3, 0.5]}}'
    """
    if not settings:
        raise InputError("set: found no number that is set by hand, expected one at least")
    story = written.story
    lines = [
        f"# What was set by hand on the live page of {story.story}. For `storyodds judgments`: put",
        "# a name in the place of “me”, and add what others say to the same quantities.",
        f"judgments: {story.story}",
        f"title: {json.dumps(f'Numbers of “{story.title}”', ensure_ascii=False)}",
        f"experts: {{{EXPERT}: {{name: Me}}}}",
        "quantities:",
    ]
    for number in written.numbers:
        if number.name in settings:
            value = json.dumps(settings[number.name], ensure_ascii=False)
            lines.append(
                f"- {{id: {number.name.replace('.', '-').replace('_', '-')}, kind: {number.kind}, "
                f'claim: "{number.name}", values: {{{EXPERT}: {value}}}}}'
            )
    return "\n".join(lines) + "\n"
