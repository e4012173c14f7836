"""The story format as a JSON Schema, so that editors complete, explain and check stories.

Draft 7, which is what editors know best, made from the records. It takes everything that the
reader takes; what only the whole story shows (names, loops, which end of an interval is the lower
one) is left to `storyodds check`. Keywords that apply to one type alone let a single schema stand
for "a number, a pair, or a mapping", so that an editor can say which part of it is wrong.
"""

import contextlib
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from storyodds.priors import library
from storyodds.priors.distributions.forms import (
    FORM_KEYS,
    MAX_BITS,
    MIN_SD,
    Form,
    Kind,
    parse_prior,
)
from storyodds.priors.text.records import Record
from storyodds.scenarios.editor.key_help import KEYS, VALUES
from storyodds.scenarios.editor.rules import RULES, SLUG
from storyodds.scenarios.shared import catalog
from storyodds.scenarios.shared.lint_rules import lint_codes, lint_rule
from storyodds.scenarios.story import Story

type Schema = dict[str, Any]

_PLACE = "#/definitions/"
_PRIORS: Mapping[str, Kind] = {"Probability": "probability", "Bits": "bits"}
_NAMED: Mapping[Kind, str] = {
    "probability": "a probability from 0 to 1",
    "bits": f"bits from -{MAX_BITS:g} to {MAX_BITS:g}",
}


def json_schema(of: str = "story") -> Schema:
    """Return the JSON Schema of a sort of file.

    Parameters
    ----------
    of : {"story", "view"}

    Returns
    -------
    dict

    Examples
    --------
    >>> json_schema()["properties"]["title"]
    {'description': 'One line: which model, trained how.', 'type': 'string'}
    """
    story = _generate(Story)
    definitions = story.pop("definitions")
    for name, kind in _PRIORS.items():
        definitions[name] = _prior(definitions[name], kind, definitions)
    definitions["NamedNumber"] = _named_number(definitions)
    for name in ("Rate", "BitsByRow"):
        definitions[name] = _rate(definitions[name], name)
    definitions["RouteBits"] = _route_bits(definitions["RouteBits"])
    definitions["ByStage"]["description"] = "By stage of training, in which it may come true."
    definitions["Formula"] = _formula(definitions["Formula"], definitions)
    definitions["Source"]["type"] = ["string", "object"]
    _add_catalog(story, definitions)
    for name, rules in RULES.items():
        _narrow(story if name == "Story" else definitions[name], rules)
    for record in (story, *definitions.values()):
        _describe_forms(record.get("properties", {}))
    whole = story if of == "story" else _view()
    used = _reachable(whole, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **whole,
        "definitions": {name: definitions[name] for name in sorted(used)},
    }


def json_schema_text(of: str = "story") -> str:
    """Return the JSON Schema of a sort of file as text.

    Parameters
    ----------
    of : {"story", "view"}

    Returns
    -------
    str
        ASCII, so that every tool reads it alike.
    """
    return json.dumps(json_schema(of), indent=1) + "\n"


_HOW: Mapping[str, str] = {
    "Probability": "A number, an interval [low, high], or a mapping such as {ref: …}.",
    "Rate": "A number, an interval [low, high], a mapping such as {ref: …}, or rows "
    "{given: [{when: …, probability: …}, {otherwise: …}]}.",
    "Bits": "A number, an interval [low, high], or a mapping such as {normal: [1, 0.5]}.",
    "BitsByRow": "A number, an interval [low, high], a mapping such as {normal: [1, 0.5]}, or rows "
    "{given: [{when: …, bits: …}, {otherwise: …}]}.",
    "RouteBits": "A number, an interval [low, high], a mapping such as {normal: [1, 0.5]}, or a "
    "mapping with one of these by stage of training.",
    "Formula": "An id, 'not id', [all, of, these], {any: […]} or {at_least: n, of: […]}.",
}


class _Generator(GenerateJsonSchema):
    """Writes draft 7, and what every key means."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        json, record = super().model_schema(schema), schema["cls"]
        json = {**json, "description": _first_paragraph(record)}
        for key, value in json["properties"].items():
            json["properties"][key] = {"description": _inherited(KEYS, record, key), **value}
            if meanings := _inherited(VALUES, record, key):
                of_items = json["properties"][key].get("items", json["properties"][key])
                of_items["enumDescriptions"] = [meanings.get(name) for name in of_items["enum"]]
        return json

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        json = super().default_schema(schema)
        if json.get("default") in (None, "", [], {}):
            json.pop("default", None)
        return json

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if "type" not in inner:
            return {"anyOf": [inner, {"type": "null"}]}
        values = {"enum": [*inner["enum"], None]} if "enum" in inner else {}
        if "const" in inner:
            values = {"enum": [inner.pop("const"), None]}
        return {**inner, **values, "type": [inner["type"], "null"]}

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        json = super().tuple_schema(schema)
        if "prefixItems" in json:
            json |= {"items": json.pop("prefixItems"), "additionalItems": False}
        return json

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        json = super().dict_schema(schema)
        json.pop("patternProperties", None)
        names, values = schema["keys_schema"], schema["values_schema"]
        json["propertyNames"] = {**self.generate_inner(names)}
        json["propertyNames"].pop("type")  # a key such as true is a boolean to many editors
        json["additionalProperties"] = self.generate_inner(values)
        return json

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        json = super().str_schema(schema)
        return {**json, **SLUG} if json.get("pattern") == SLUG["pattern"] else json


def _generate(record: type[Record]) -> Schema:
    json = record.model_json_schema(
        by_alias=True, ref_template=_PLACE + "{model}", schema_generator=_Generator
    )
    return {"definitions" if key == "$defs" else key: value for key, value in json.items()}


def _first_paragraph(record: type) -> str:
    return " ".join((inspect.getdoc(record) or "").split("\n\n")[0].split())


def _inherited(table: Mapping[Any, Any], record: type, key: str) -> Any:
    """Look a key up by its record, else by what the record inherits from."""
    for base in record.__mro__:
        if (base.__name__, key) in table:
            return table[base.__name__, key]
        if key in table.get(base.__name__, ()):
            return table[base.__name__][key]
    return None


def _prior(union: Schema, kind: Kind, definitions: Schema) -> Schema:
    """Make one schema of all the forms of a number."""
    low, high = (0, 1) if kind == "probability" else (-MAX_BITS, MAX_BITS)
    number = {"minimum": low, "maximum": high}
    inside = {"exclusiveMinimum": 0, "exclusiveMaximum": 1} if kind == "probability" else number
    mapping = _any_of_records(union, definitions, set(Form.model_fields))
    properties = mapping["properties"]
    properties["fixed"] |= number
    properties["interval"]["items"] = [{"type": "number", **inside}] * 2
    properties["ref"] = _described(properties["ref"], enum=_references(kind))
    if kind == "probability":
        mean, sd = properties["normal"]["items"]
        narrowest = {"type": "number", "minimum": MIN_SD, "maximum": sd["maximum"]}
        properties["normal"]["items"] = [mean, narrowest]
    forms = ", ".join(form for form in FORM_KEYS if form in properties)
    expected = f"{_NAMED[kind]}: a number, an interval [low, high], or a mapping with exactly one "
    return {
        "errorMessage": f"Expected {expected}of {forms}.",
        "defaultSnippets": [_assumed_interval(kind)],
        "type": ["number", "array", "object"],
        **number,
        "items": properties["interval"]["items"],
        "minItems": 2,
        "maxItems": 2,
        **mapping,
    }


def _named_number(definitions: Schema) -> Schema:
    """Let the keys of a named number's PRIOR stand beside its kind."""
    for name, prior in (("NamedProbability", "Probability"), ("NamedBits", "Bits")):
        form, named = definitions[prior], definitions[name]
        own = {key: named["properties"][key] for key in ("kind", "claim")}
        forms = {key: value for key, value in form["properties"].items() if key != "number"}
        heads = [head for head in form["then"]["oneOf"] if head != {"required": ["number"]}]
        definitions[name] = {
            "description": named["description"],
            "type": "object",
            "properties": own | forms,
            "additionalProperties": False,
            "dependencies": form["dependencies"],
            "required": ["kind"],
            "oneOf": heads,
        }
    is_bits = {"properties": {"kind": {"const": "bits"}}, "required": ["kind"]}
    return {
        "description": "An uncertain number that stands in several places of the story.",
        "if": is_bits,
        "then": {"$ref": _PLACE + "NamedBits"},
        "else": {"$ref": _PLACE + "NamedProbability"},
    }


def _rate(union: Schema, name: str) -> Schema:
    """Make one schema of a number, or rows of it, that tells them apart as the reader does."""
    table, number = union["oneOf"]
    return {
        "description": _HOW[name],
        "if": {"type": "object", "required": ["given"]},
        "then": table,
        "else": number,
    }


def _route_bits(union: Schema) -> Schema:
    """Make one schema of bits, or of bits by stage, whose names are no forms of a number."""
    table, number = union["oneOf"]
    forms = {"anyOf": [{"required": [form]} for form in FORM_KEYS]}
    return {
        "description": _HOW["RouteBits"],
        "if": {"type": "object", "minProperties": 1, "not": forms},
        "then": table,
        "else": number,
    }


def _assumed_interval(kind: Kind) -> Schema:
    """What an editor offers where a number belongs: a guess that says that it is one."""
    low, high = ("0.1", "0.4") if kind == "probability" else ("-2", "2")
    ends = f"[${{1:{low}}}, ${{2:{high}}}]"
    return {
        "label": "interval, assumed",
        "description": "A 90% interval of your own, and why.",
        "body": f'{{interval: {ends}, basis: assumed, source: "${{3:why this range}}"}}',
    }


def _references(kind: Kind) -> list[str]:
    """The entries of the prior packs that are numbers of a kind."""
    places = []
    for name in library.pack_names():
        for key, entry in library.pack(name).entries.items():
            with contextlib.suppress(ValidationError):
                parse_prior(entry.value, kind)
                places.append(f"{name}/{key}")
    return places


def _formula(union: Schema, definitions: Schema) -> Schema:
    """Make one schema of all the forms of a formula."""
    text, listed = (
        next(part for part in union["oneOf"] if part.get("type") == name)
        for name in ("string", "array")
    )
    forms = (
        "'not id', a list of formulas that all hold, {all: […]}, {any: […]} or "
        "{at_least: n, of: […]}"
    )
    return {
        "errorMessage": f"Expected a formula: an id, {forms}.",
        "type": ["string", "array", "object"],
        "pattern": text["pattern"],
        "patternErrorMessage": "Expected an id or 'not id'; write [a, b] where both must hold, "
        "{any: [a, b]} where one is enough.",
        "defaultSnippets": _snippets(catalog.assumptions()),
        "items": listed["items"],
        "minItems": 1,
        **_any_of_records(union, definitions, set()),
    }


def _any_of_records(union: Schema, definitions: Schema, shared: set[str]) -> Schema:
    """Make one schema of records that are told apart by their first required key.

    Keys that only one of them has go with the key that tells it apart.
    """
    properties: Schema = {}
    dependencies: dict[str, list[str]] = {}
    heads = []
    for part in union["oneOf"]:
        if "$ref" not in part:
            continue
        record = definitions[part["$ref"].removeprefix(_PLACE)]
        head, *rest = record["required"]
        heads.append(head)
        for key, value in record["properties"].items():
            # Editors write defaults down, and so would choose a form by its default.
            properties[key] = {name: part for name, part in value.items() if name != "default"}
        dependencies |= {
            key: [head] for key in record["properties"] if key != head and key not in shared
        }
        dependencies |= {head: rest} if rest else {}
    return {
        "properties": properties,
        "additionalProperties": False,
        "dependencies": dependencies,
        "if": {"type": "object"},
        "then": {"oneOf": [{"required": [head]} for head in heads]},
    }


def _add_catalog(story: Schema, definitions: Schema) -> None:
    """Let editors complete what the catalog has, with its claims."""
    route, routes = definitions["Route"], catalog.routes()
    route["required"] = []
    route["properties"]["use"] = _described(
        route["properties"]["use"],
        enum=[*routes, None],
        enumDescriptions=[*(f"{entry.class_}: {entry.claim}" for entry in routes.values()), None],
    )
    proposal, observations = definitions["Proposal"], catalog.observations()
    proposal["required"] = []
    proposal["properties"]["use"] = _described(
        proposal["properties"]["use"],
        enum=[*observations, None],
        enumDescriptions=[*(entry.claim for entry in observations.values()), None],
    )
    switch = definitions["LintSwitch"]["properties"]
    switch["off"] = _described(
        switch["off"],
        enum=list(lint_codes()),
        enumDescriptions=[lint_rule(code).title for code in lint_codes()],
    )
    route["properties"]["kind"]["defaultSnippets"] = _snippets(catalog.kinds())
    assumption = {"$ref": _PLACE + "Assumption"}
    definitions["DecidedAssumption"] = {"allOf": [assumption]}
    story["properties"]["assumptions"] |= {
        "properties": {
            name: {"description": entry.claim, "anyOf": [assumption, {"type": "null"}]}
            for name, entry in catalog.assumptions().items()
        },
        "additionalProperties": {"$ref": _PLACE + "DecidedAssumption"},
    }


def _describe_forms(properties: Schema) -> None:
    """Describe beside every key how its value is written, where that is in another place."""
    for value in properties.values():
        for part in (value, *value.get("anyOf", ())):
            how = _HOW.get(part.get("$ref", "").removeprefix(_PLACE))
            if how and "description" in value:
                value["description"] += f" {how}"


def _view() -> Schema:
    view = _generate(library.View)
    view.pop("definitions")
    either = [{"$ref": _PLACE + name} for name in _PRIORS]
    view["properties"]["set"]["additionalProperties"] = {"anyOf": either}
    return view


def _snippets(entries: Mapping[str, Any]) -> list[Schema]:
    """What an editor offers where other words are right as well."""
    return [
        {"label": name, "description": entry.claim, "body": name} for name, entry in entries.items()
    ]


def _described(schema: Schema, **keywords: Any) -> Schema:
    """Put other keywords in the place of a schema's own, but for what it says of itself."""
    return {"description": schema["description"], **keywords}


def _narrow(schema: Schema, rules: Schema) -> None:
    """Add rules to a schema: keywords by their name, rules for properties to the properties."""
    for key, value in rules.items():
        if key == "properties":
            for name, more in value.items():
                schema["properties"][name] |= more
        elif key in ("allOf", "required"):
            schema[key] = [*schema.get(key, ()), *value]
        else:
            schema[key] = value


def _reachable(schema: Schema, definitions: Schema) -> set[str]:
    """The definitions that a schema uses, directly or not."""
    reachable: set[str] = set()
    waiting = [schema]
    while waiting:
        new = set(_used(waiting.pop())) - reachable
        reachable |= new
        waiting += [definitions[name] for name in new]
    return reachable


def _used(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(_PLACE)
        for inner in value.values():
            yield from _used(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _used(inner)
