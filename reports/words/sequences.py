"""What a failure path needs, in words: conditions without an order, or a sequence of stages."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storyodds.scenarios.grammar.stages import is_of_training, unrolled_name

NARROWED = "others of its sequences may be of more concern"  # than those that are listed

_RUN = re.compile(r", (first|second|third|fourth) run\Z")
_SENT_BACK = ("once", "a second time", "a third time")  # by how often it was before


@dataclass(frozen=True)
class Link:
    """One condition of a path.

    Attributes
    ----------
    glue : str
        What stands before it in a sentence.
    words : str
    literal : str
        As documents have it.
    """

    glue: str
    words: str
    literal: str


def is_sequence(literals: Sequence[str]) -> bool:
    """Whether a path is one of a story in stages."""
    return any(is_of_training(literal.removeprefix("not ")) for literal in literals)


def path_links(literals: Sequence[str], weakest: str | None = None) -> list[Link]:
    """Give what a path needs, each with what joins it to those before it.

    Parameters
    ----------
    literals : sequence of str
        In the order of training, as `estimate --json` has them.
    weakest : str, optional
        The weakest link. That training was not sent back is listed only if it is that.

    Returns
    -------
    list of Link
        Routes in the order of stages, then all else.

    Examples
    --------
    >>> text = ["simulator after pre-training", "proxies-pay", "flatterer after tuning, first run",
    ...         "test sending back after tuning, first run", "flatterer after tuning, second run"]
    >>> for link in path_links(text):
    ...     print(link.glue + link.words)
    First simulator (pre-training)
    , then flatterer (tuning)
    , sent back once by test
    , then flatterer (tuning, second run)
    , with proxies-pay
    """
    if not is_sequence(literals):
        return [
            Link(", " if k else "Needs ", literal, literal) for k, literal in enumerate(literals)
        ]
    return [*_course(literals, weakest), *_beside(literals)]


def _course(literals: Sequence[str], weakest: str | None) -> Iterator[Link]:
    """What happens in training, in order."""
    began, sent = False, 0
    for literal in literals:
        name = literal.removeprefix("not ")
        unrolled, holds = unrolled_name(name), name == literal
        if unrolled is None or not is_of_training(name):
            continue
        owner, relation, stage = unrolled
        if relation == "after" and holds:
            yield Link(", then " if began else "First ", f"{owner} ({_stage(stage)})", literal)
            began = True
            continue
        if relation == "sending back after":
            if not holds and literal != weakest:
                continue
            how = f"{'' if holds else 'not '}sent back"
            words = f"{how} {_SENT_BACK[sent]} by {owner}" if holds else f"{how} by {owner}"
            sent += holds
        else:
            words = f"{'' if holds else 'not '}{name}"
        yield Link(", " if began else "First ", words, literal)
        began = True


def _beside(literals: Sequence[str]) -> Iterator[Link]:
    conditions = [x for x in literals if not is_of_training(x.removeprefix("not "))]
    for k, literal in enumerate(conditions):
        yield Link(", " if k else ", with ", literal, literal)


def _stage(name: str) -> str:
    """A stage, with which run of it where that is not the first."""
    match = _RUN.search(name)
    return _RUN.sub("", name) if match is not None and match[1] == "first" else name


def sequence_words(literals: Sequence[str]) -> str:
    """Say a sequence of stages as a part of a sentence.

    Examples
    --------
    >>> sequence_words(["simulator after pre-training", "flatterer after reinforcement"])
    'first simulator (pre-training), then flatterer (reinforcement)'
    """
    words = "".join(link.glue + link.words for link in path_links(literals))
    return words[:1].lower() + words[1:]


def link_words(literals: Sequence[str], literal: str) -> str:
    """Give the words for one condition of a path.

    Examples
    --------
    >>> link_words(["simulator after pre-training"], "simulator after pre-training")
    'simulator (pre-training)'
    """
    links = path_links(literals, literal)
    return next((link.words for link in links if link.literal == literal), literal)
