"""Stories back to text: plain data in the order of the format page, and readable YAML."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from storyodds.priors.distributions.forms import Form, plain_prior
from storyodds.scenarios.grammar.states import StateOdds
from storyodds.scenarios.named_numbers import NamedBits, NamedProbability, plain_named

_WIDTH = 96  # letters in a line of a written story
_FLOW_WIDTH = 72  # letters of a list or mapping that stays on one line


def to_data(story: BaseModel) -> dict[str, Any]:
    """Return a story as the plain mappings, lists and scalars that its file holds.

    Parameters
    ----------
    story : Story

    Returns
    -------
    dict
        In the key order of the format page, defaults left out, null for what the catalog decides.

    Examples
    --------
    >>> from storyodds.scenarios.schema import Goal, Route
    >>> from storyodds.scenarios.story import Story
    >>> story = Story(
    ...     story="coin-flip",
    ...     title="Heads or tails",
    ...     goal=Goal(specification="Heads.", desirability="Heads are good."),
    ...     routes=[Route(id="something-else", class_="other", bits=[-1, 1], harm=0.1)],
    ... )
    >>> to_data(story)["routes"]
    [{'id': 'something-else', 'class': 'other', 'bits': [-1.0, 1.0], 'harm': 0.1}]
    """
    data: dict[str, Any] = _plain(story)
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, Form):
        return plain_prior(value)  # type: ignore[arg-type]
    if isinstance(value, NamedProbability | NamedBits):
        return plain_named(value)
    if isinstance(value, BaseModel):
        base = _template(value)
        fields = {
            field.alias or name: _plain(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if getattr(value, name) != (base or {}).get(name, field.default)
            or (field.is_required() and base is None)
        }
        # Chances of states that nothing else is said of need no key of their own.
        bare = isinstance(value, StateOdds) and list(fields) == ["fixed"]
        return fields["fixed"] if bare else fields
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _template(record: BaseModel) -> Mapping[str, Any] | None:
    """What the catalog says of a route that uses it, which the route does not say again."""
    use = getattr(record, "use", None)
    if use is None:
        return None
    return {**vars(type(record)(use=use)), "use": None}


def to_yaml(story: BaseModel) -> str:
    """Write a story as the YAML text that reads back as an equal story.

    Parameters
    ----------
    story : Story

    Returns
    -------
    str

    Examples
    --------
    >>> from storyodds.scenarios.schema import Goal, Route
    >>> from storyodds.scenarios.story import Story
    >>> story = Story(
    ...     story="coin-flip",
    ...     title="Heads or tails",
    ...     goal=Goal(specification="Heads.", desirability="Heads are good."),
    ...     routes=[Route(id="something-else", class_="other", bits=[-1, 1], harm=0.1)],
    ... )
    >>> print(to_yaml(story), end="")
    story: coin-flip
    title: Heads or tails
    goal:
      specification: Heads.
      desirability: Heads are good.
    routes:
    - {id: something-else, class: other, bits: [-1, 1], harm: 0.1}
    """
    return yaml_text(to_data(story))


def yaml_text(data: Mapping[str, Any]) -> str:
    """Write plain data as readable YAML: short collections on one line, long text in blocks.

    Parameters
    ----------
    data : mapping of str to mappings, lists and scalars

    Returns
    -------
    str

    Examples
    --------
    >>> print(yaml_text({"aware": {"probability": [0.1, 0.4]}}), end="")
    aware:
      probability: [0.1, 0.4]
    """
    text: str = yaml.dump(
        {key: _Section(value) for key, value in data.items()},
        Dumper=_StoryDumper,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=False,
        width=_WIDTH,
    )
    return text


class _Section:
    """A value of the top level, always spread over lines."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _StoryDumper(yaml.SafeDumper):
    """Writes for people: short collections on one line, long text in blocks, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# PyYAML writes YAML 1.1; what YAML 1.2 would read as a number must be quoted as well.
_StoryDumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z"
    ),
    list("-+.0123456789"),
)


def _section(dumper: _StoryDumper, section: _Section) -> yaml.Node:
    node = dumper.represent_data(section.value)
    if isinstance(node, yaml.CollectionNode) and node.value:
        node.flow_style = False
    return node


def _text(dumper: _StoryDumper, text: str) -> yaml.Node:
    style = None
    if "\n" in text:
        style = "|"
    elif len(text) > _WIDTH - 16 and "  " not in text and text == text.strip():
        style = ">"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _number(dumper: _StoryDumper, number: float) -> yaml.Node:
    if number == int(number) and abs(number) < 1e15:
        return dumper.represent_int(int(number))
    return dumper.represent_float(number)


def _mapping(dumper: _StoryDumper, data: dict[str, Any]) -> yaml.Node:
    # The reader takes every key as text, so that true and false need no quotes.
    plain = {{"true": True, "false": False}.get(key, key): value for key, value in data.items()}
    return _on_one_line(dumper.represent_mapping("tag:yaml.org,2002:map", plain))


def _sequence(dumper: _StoryDumper, data: list[Any]) -> yaml.Node:
    return _on_one_line(dumper.represent_sequence("tag:yaml.org,2002:seq", data))


def _on_one_line[N: yaml.CollectionNode](node: N) -> N:
    node.flow_style = _inner_length(node) <= _FLOW_WIDTH
    return node


def _inner_length(node: yaml.CollectionNode) -> int:
    children = (
        [child for pair in node.value for child in pair]
        if isinstance(node, yaml.MappingNode)
        else node.value
    )
    return sum(_length(child) + 2 for child in children)


def _length(node: yaml.Node) -> int:
    """Count the characters of a node on one line; more than fit where it must be spread out."""
    if isinstance(node, yaml.ScalarNode):
        return _FLOW_WIDTH + 1 if node.style in ("|", ">") else len(node.value)
    if isinstance(node, yaml.CollectionNode) and node.flow_style:
        return _inner_length(node)
    return _FLOW_WIDTH + 1


_StoryDumper.add_representer(_Section, _section)
_StoryDumper.add_representer(str, _text)
_StoryDumper.add_representer(float, _number)
_StoryDumper.add_representer(dict, _mapping)
_StoryDumper.add_representer(list, _sequence)


def digest(story: BaseModel) -> str:
    """Return a hash of what the story says, whatever its layout.

    Examples
    --------
    >>> from storyodds import load_story
    >>> len(digest(load_story("cat-classifier")))
    64
    """
    canonical = json.dumps(to_data(story), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
