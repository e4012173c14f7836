"""What a failure path needs, in words: conditions without an order, or a sequence of stages."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storyodds.scenarios.grammar.stages import is_of_training, unrolled_name

NARROWED = "others of its sequences may be of more concern"  # than those that are listed

_RUN = re.compile(r", (first|second|third|fourth) run\Z")
_BETWEEN = re.compile(r", (?!(?:first|second|third|fourth) run\b)")  # literals of a label
_NAMED = 2  # conditions of a path that tell it from its like in a table
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


def unique_names(endings: Sequence[str], literals: Sequence[Sequence[str]]) -> list[str]:
    """Name paths by how they end, and by what they need where several end so.

    Parameters
    ----------
    endings : sequence of str
    literals : sequence of sequence of str
        What each of the paths needs, sequences of stages in the order of training.

    Examples
    --------
    >>> unique_names(["loss", "loss", "fire"], [["pipe"], ["a", "b", "c", "d"], ["spark"]])
    ['loss (needs pipe)', 'loss (needs a, b and 2 more)', 'fire']
    >>> unique_names(["x", "x"], [["y after first", "x after last"], ["x after first"]])
    ['x (first y (first), then x (last))', 'x (first x (first))']
    """
    names = []
    for ending, conditions in zip(endings, literals, strict=True):
        if endings.count(ending) == 1 or not conditions:
            names.append(ending)
            continue
        if is_sequence(conditions):  # of which no part tells one from all of its like
            names.append(f"{ending} ({sequence_words(conditions)})")
            continue
        more = f" and {len(conditions) - _NAMED} more" if len(conditions) > _NAMED + 1 else ""
        selection = conditions[:_NAMED] if more else conditions
        names.append(f"{ending} (needs {', '.join(selection)}{more})")
    return names


def path_words(label: str) -> str:
    """Say what a path needs, of a label of its ending and its conditions.

    Examples
    --------
    >>> path_words("loss: pump-a, pump-b"), path_words("something-else")
    ('loss, which needs pump-a, pump-b', 'something-else')
    >>> path_words("proxy: intended after first, first run, proxy after first, second run")
    'proxy: first intended (first), then proxy (first, second run)'
    """
    ending, _, conditions = label.partition(": ")
    literals = _BETWEEN.split(conditions)
    if is_sequence(literals):
        return f"{ending}: {sequence_words(literals)}"
    return f"{ending}, which needs {conditions}" if conditions else ending
