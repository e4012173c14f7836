"""A goal structure as text: YAML as gsn2x reads it."""

import json
import re
from collections.abc import Mapping

import yaml

from storyodds.reports.exports.gsn.records import Argument, Node

_WIDTH = 96  # characters of a line
# gsn2x makes links of addresses in text and sets words between stars or underscores apart.
_OBEYED = re.compile(r"(?<=:)(?=//)")
_JOINER = "\N{WORD JOINER}"
_MARKS = str.maketrans({"*": "\N{ASTERISK OPERATOR}", "_": "\N{FULLWIDTH LOW LINE}"})


def gsn_yaml(argument: Argument) -> str:
    """Write an argument as the YAML that gsn2x draws and checks.

    Parameters
    ----------
    argument : Argument

    Returns
    -------
    str
        A module with one entry for each element: `text`, `supportedBy`, `inContextOf`,
        `challenges`, `undeveloped` and `url`, and `probability` as a layer of its own. gsn2x knows
        counter-solutions from version 4.0 on; in it an element challenges one other only, so that
        a counter-solution of several goals is written again for each further one, as `CSn1.2`.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> from storyodds.reports.exports.gsn.argument import argument
    >>> story = load_story("carlsmith-six-premises")
    >>> made = gsn_yaml(argument(summarize(estimate(story)), story))
    >>> sorted(yaml.safe_load(made))[:3]
    ['A1', 'A2', 'A3']
    """
    doubt = "" if argument.reliable else "NOT RELIABLE. "
    module = {"name": argument.story, "brief": _calm(f"{doubt}{argument.title}")}
    elements: dict[str, object] = {}
    for node in argument.nodes:
        entry = _element(argument, node)
        challenged = argument.below(node.id, "challenges")
        for k, other in enumerate(challenged, 1):
            name = node.id if k == 1 else f"{node.id}.{k}"
            elements[name] = {**entry, "challenges": other.id}
        if not challenged:
            elements[node.id] = entry
    data: Mapping[str, object] = {"module": module, **elements}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _element(argument: Argument, node: Node) -> dict[str, object]:
    entry: dict[str, object] = {"text": _calm(node.text)}
    supports = [below.id for below in argument.below(node.id)]
    contexts = [around.id for around in argument.below(node.id, "in_context_of")]
    if supports:
        entry["supportedBy"] = supports
    if contexts:
        entry["inContextOf"] = contexts
    if node.undeveloped:
        entry["undeveloped"] = True
    if node.url is not None:
        entry["url"] = node.url
    if node.probability is not None:
        # A layer of gsn2x is text, and other tools read it as well.
        entry["probability"] = json.dumps({"of": node.probability_of, **node.probability})
    return entry


def _calm(words: str) -> str:
    return _OBEYED.sub(_JOINER, words).translate(_MARKS)
