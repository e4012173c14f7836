"""Stories, settings, views, panels and trees with something wrong, or extreme, in them: by seed.

Half of what is made is right, and has to be answered; the other half has to be refused.
"""

import copy
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

type Place = tuple[str | int, ...]

# What may stand for a number: extreme, of the other kind, or nothing of the sort.
NUMBERS: tuple[Any, ...] = (
    *(0, 1, 0.0, 1.0, 0.5, 1e-300, 5e-324, 1e-12, 1 - 1e-16, 0.999999, 2, -1, 60, -60, 59.9, 61),
    *(10**12, 10**17, 1e300, -1e300, [0, 1], [1e-9, 0.999999], [0.3, 0.3], [0.4, 0.1], [-60, 60]),
    *([1e-300, 1e-299], [0.5], [0.1, 0.2, 0.3], [-1, 1], [0.999, 0.9999999], [], None, True, ""),
    *("x", "nan", ".inf", "1e999", "0x10", "1_000", "50%", {"beta": [1, 1]}, {"beta": [1e-3, 1e3]}),
    *({"beta": [1e6, 1e6]}, {"beta": [1e-9, 1e-9]}, {"beta": [0, 1]}, {"beta": [1e300, 1]}),
    *({"normal": [0, 50]}, {"normal": [0, 0]}, {"normal": [1e3, 1]}, {"normal": [0.5, 1e-9]}),
    *({"counts": {"hits": 0, "trials": 0}}, {"counts": {"hits": 10**12, "trials": 10**12}}),
    *({"counts": {"hits": 2, "trials": 1}}, {"counts": {"hits": 0, "trials": 10**12}}),
    *({"uniform": [0, 1]}, {"uniform": [0.2, 0.2]}, {"fixed": 0.3}, {"fixed": 1}, {"ref": "x/y"}),
    *({"lognormal": {"mean": 0.3, "error_factor": 3}}, {"ref": "carlsmith-2022/aps-feasible"}),
    *({"interval": [0.1, 0.4], "level": 0.999999}, {"interval": [0.1, 0.4], "level": 1e-9}),
    *({"pool": []}, {"pool": [{"by": "a", "value": 0}, {"by": "b", "value": 1}]}, {"a": {}}),
    {"pool": [{"by": "a", "value": 0.1, "weight": 1e-300}, {"by": "b", "value": [0.1, 0.9]}]},
    {"pool": [{"by": "a", "value": 0.1, "weight": 0}], "how": "logarithmic"},
)
TEXTS = ("", "x", "a b", "intended", "something-else", "default", "not", "\u202e", "é" * 500, "-")
VALUES = ("0", "1", "1e-300", "5e-324", "0.5", "1e300", "-1", "2", "1e999", "nan", "1e-12", "0.95")


def mutated(data: Any, random_: random.Random, times: int) -> Any:
    """Change plain data in some places."""
    data = copy.deepcopy(data)
    for _ in range(times):
        places = [place for place in _places(data) if place]
        if not places:
            return data
        place = random_.choice(places)
        holder = _at(data, place[:-1])
        _change(holder, place[-1], data, places, random_)
    return data


def _change(
    holder: Any, key: str | int, data: Any, places: list[Place], random_: random.Random
) -> None:
    value = holder[key]
    kind = random_.random()
    if isinstance(value, int | float) or (kind < 0.4 and not isinstance(value, str | dict)):
        holder[key] = _number(random_)
    elif isinstance(value, str) and kind < 0.3:
        holder[key] = random_.choice(TEXTS)
    elif kind < 0.5:
        del holder[key]
    elif kind < 0.65 and isinstance(holder, list):
        holder.append(copy.deepcopy(value))
    elif kind < 0.8:
        holder[key] = copy.deepcopy(_at(data, random_.choice(places)))
    elif kind < 0.9 and isinstance(holder, dict):
        holder[random_.choice(TEXTS)] = holder.pop(key)
    else:
        holder[key] = _number(random_)


def renumbered(data: Any, random_: random.Random, times: int) -> Any:
    """Put extreme numbers where numbers stand; much of that is still a right story."""
    data = copy.deepcopy(data)
    places = [*_numbers(data)]
    for place in random_.sample(places, min(times, len(places))):
        _at(data, place[:-1])[place[-1]] = _number(random_)
    return data


def revalued(xml: str, random_: random.Random) -> str:
    """Put extreme numbers into a tree; much of that is still a right tree."""
    values = [*re.finditer(r'(?<=value=")[^"]*(?=")', xml)]
    value = random_.choice(values)
    return f"{xml[: value.start()]}{random_.choice(VALUES)}{xml[value.end() :]}"


def damaged(text: str, random_: random.Random) -> str:
    """Change a text letter by letter, or cut and repeat some of it."""
    for _ in range(random_.choice((1, 1, 2, 5))):
        at = random_.randrange(len(text))
        end = min(len(text), at + random_.randrange(1, 40))
        kind = random_.random()
        if kind < 0.3:
            text = text[:at] + random_.choice(":{}[]-#&*!|>'\"%@`,?\n\t \x00é<>/=") + text[at + 1 :]
        elif kind < 0.6:
            text = (text[:at] + text[end:]) or "x"
        elif kind < 0.8:
            text = text[:at] + text[at:end] * 2 + text[end:]
        else:
            numbers = [*re.finditer(r"\d+(?:\.\d+)?", text)]
            if numbers:
                number = random_.choice(numbers)
                other = str(random_.choice(NUMBERS))
                text = text[: number.start()] + other + text[number.end() :]
    return text


def as_yaml(data: Any) -> str:
    """Write plain data as YAML without aliases, which the reader refuses."""
    return yaml.dump(data, Dumper=_Plain, sort_keys=False, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def mutants(texts: list[str], seed: int) -> Iterator[str]:
    """Give mutants of stories, views or panels without end, a third of each kind."""
    random_ = random.Random(seed)
    documents = [yaml.safe_load(text) for text in texts]
    kinds: tuple[Callable[[int], str], ...] = (
        lambda k: as_yaml(renumbered(documents[k], random_, random_.choice((1, 1, 2, 6)))),
        lambda k: as_yaml(mutated(documents[k], random_, random_.choice((1, 1, 2, 3)))),
        lambda k: damaged(texts[k], random_),
    )
    while True:
        yield random_.choice(kinds)(random_.randrange(len(texts)))


def settings(names: list[str], seed: int) -> Iterator[str]:
    """Give settings without end, `NAME=NUMBER`."""
    random_ = random.Random(seed)
    while True:
        number = yaml.dump(random_.choice(NUMBERS), Dumper=_Plain, default_flow_style=True)
        number = number.removesuffix("...\n").strip()
        setting = f"{random_.choice(names)}={number}"
        yield setting if random_.random() < 0.8 else damaged(setting, random_)


def _number(random_: random.Random) -> Any:
    return copy.deepcopy(random_.choice(NUMBERS))


def _numbers(data: Any, path: Place = ()) -> Iterator[Place]:
    """Give the places of numbers and of intervals, not those within an interval."""
    if path and _is_number(data):
        yield path
    elif isinstance(data, dict | list):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield from _numbers(data[key], (*path, key))


def _places(data: Any, path: Place = ()) -> Iterator[Place]:
    yield path
    if isinstance(data, dict):
        for key in data:
            yield from _places(data[key], (*path, key))
    elif isinstance(data, list):
        for k in range(len(data)):
            yield from _places(data[k], (*path, k))


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data[part]
    return data


def _is_number(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) == 2 and all(map(_is_number, value))
    return isinstance(value, int | float) and not isinstance(value, bool)
