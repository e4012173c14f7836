"""What the JSON Schema of a story says beyond the single record: what goes with what.

The reader has the same rules in its own words (`consistency`, `evidence_rules`); tests hold the
two together. An optional key with nothing after it counts as absent, here as there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from storyodds.priors.text.phrases import SLUG_LIMIT
from storyodds.scenarios.checks.consistency import MAX_ASSUMPTIONS, MAX_ROUTES
from storyodds.scenarios.editor.key_help import VALUES
from storyodds.scenarios.grammar.limits import LIMITED, POINTS
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, INTENDED, RESIDUAL
from storyodds.scenarios.shared.catalog import STORY_DECIDERS

type Schema = dict[str, Any]

RESERVED = (DEFAULT, "not", "otherwise", "rationale")

SLUG: Mapping[str, Any] = {
    "pattern": r"^[a-z0-9][a-z0-9-]*$",
    "patternErrorMessage": "Expected an id: lower-case letters, digits and hyphens.",
}


def _slug_but(names: Iterable[str], sentence: str) -> Schema:
    """An id that is none of these."""
    barred = "|".join(names)
    return {
        "maxLength": SLUG_LIMIT,
        "pattern": rf"^(?!(?:{barred})$)[a-z0-9][a-z0-9-]*$",
        "patternErrorMessage": "Expected an id (lower-case letters, digits and hyphens)"
        f"{sentence}.",
    }


_OWN = " that is neither the name of a class nor a word with a meaning of its own"
_NOT_OWN = (*CLASSES, *RESERVED)
_OWN_ID = _slug_but(_NOT_OWN, _OWN)
_ROUTE_ID = _slug_but([*(name for name in CLASSES if name != INTENDED), *RESERVED], _OWN)
_MOVED = f" other than {RESIDUAL}, which nothing rules out or makes likelier"
_TARGET = _slug_but([RESIDUAL], _MOVED)
_TARGET_TEXT = {"type": "string", **_TARGET}

_ZERO: Schema = {
    "anyOf": [
        {"enum": [0]},
        {"type": "object", "required": ["fixed"], "properties": {"fixed": {"enum": [0]}}},
    ]
}


def _value(key: str, schema: Schema) -> Schema:
    """A rule for the value of a key, which is no reason for an editor to offer the key."""
    return {"properties": {key: {**schema, "doNotSuggest": True}}}


def _has(*keys: str) -> Schema:
    there = {"not": {"type": "null"}, "doNotSuggest": True}
    return {"required": list(keys), "properties": dict.fromkeys(keys, there)}


def _lacks(keys: Iterable[str], sentence: str) -> Schema:
    absent = {"type": "null", "errorMessage": sentence, "doNotSuggest": True}
    return {"properties": dict.fromkeys(keys, absent)}


def _if(condition: Schema, *then: Schema) -> Schema:
    return {"if": condition, "then": then[0] if len(then) == 1 else {"allOf": list(then)}}


def _at_most_one(keys: tuple[str, ...]) -> list[Schema]:
    """Bar a second of these keys, at the second: the first that is there stands."""
    sentence = f"Expected exactly one of {', '.join(keys)}."
    return [
        _if(_has(key), _lacks(keys[index + 1 :], sentence)) for index, key in enumerate(keys[:-1])
    ]


def _at_least_one(keys: tuple[str, ...]) -> Schema:
    return {"anyOf": [_has(key) for key in keys]}


def _is(key: str, value: str) -> Schema:
    return {"required": [key], **_value(key, {"const": value})}


_NUMBER = ["number", "array", "object"]


def _offer(names: Mapping[str, str], *more: str) -> list[Schema]:
    """Names that an editor offers as keys, beside all others that are right."""
    descriptions = {**names, **dict.fromkeys(more, "Whatever is not named.")}
    return [
        {
            "properties": {
                name: {"type": _NUMBER, "description": text} for name, text in descriptions.items()
            }
        }
    ]


_CLASSES = VALUES["Route", "class"]
_BY_TRUTH = {"true": "If the assumption is true.", "false": "If it is false."}

_FINDINGS = ("counts", "exposure", "bayes_factor", "forecast")
_SUBJECTS = ("assumption", "outcome", "class")
_TRUE_OR_FALSE: Schema = {
    # To the reader every key is text; most editors take these two for booleans.
    "propertyNames": {"enum": [*_BY_TRUTH, True, False]},
    "allOf": _offer(_BY_TRUTH),
}
# Which states an assumption has, only the whole story shows.
_BY_TRUTH_OR_STATE: Schema = {
    "if": {"anyOf": [{"required": [key]} for key in _BY_TRUTH]},
    "then": _TRUE_OR_FALSE | {"required": [*_BY_TRUTH]},
}
_BY_OUTCOME: Schema = {"required": [DEFAULT], "allOf": _offer(_CLASSES, DEFAULT)}


def _about(subject: str) -> Schema:
    return {"required": ["about"], **_value("about", {"type": "object", **_has(subject)})}


def _of_table(key: str, rule: Schema) -> Schema:
    """A rule for a table, where it is there at all."""
    return _value(key, {"if": {"type": "object"}, "then": rule})


_ROUTE_RULES: list[Schema] = [
    {
        "if": _has("use"),
        "else": {
            "required": ["id", "class"],
            **_if({"not": _is("id", INTENDED)}, _has("bits", "harm")),
        },
    },
    _if(
        _is("id", RESIDUAL),
        _value("class", {"enum": ["other"]}),
        _lacks(["requires"], f"{RESIDUAL} is always open."),
    ),
    _if(
        _is("id", INTENDED),
        _value("class", {"enum": [INTENDED]}),
        _value("harm", {"anyOf": [*_ZERO["anyOf"], {"type": "null"}]}),
    ),
]

_EVIDENCE_RULES: list[Schema] = [
    *_at_most_one(_FINDINGS),
    _at_least_one(_FINDINGS),
    _if(
        _has("counts"),
        _at_least_one(("rates", "rates_of")),
        _lacks(["visibility"], "visibility goes with exposure."),
        _lacks(["sd_bits"], "sd_bits goes with a forecast."),
    ),
    _if(
        _has("rates_of"),
        _lacks(["rates"], "The rates are those of a check: rates_of stands alone."),
        _about("outcome"),
    ),
    _if(
        _has("exposure"),
        _has("rates"),
        _lacks(["rates_of"], "rates_of goes with counts."),
        _lacks(["sd_bits"], "sd_bits goes with a forecast."),
    ),
    _if(
        _has("bayes_factor"),
        _lacks(["rates", "rates_of", "visibility"], "rates go with counts or exposure."),
        _lacks(["sd_bits"], "sd_bits goes with a forecast."),
    ),
    _if(
        _has("forecast"),
        _has("sd_bits"),
        _lacks(["rates", "rates_of", "visibility"], "rates go with counts or exposure."),
        _lacks(["relevance"], "relevance goes with counts, exposure or a bayes_factor."),
    ),
    _if(
        _about("assumption"),
        _lacks(["exposure"], "An exposure is about {outcome: true}."),
        _of_table("rates", _BY_TRUTH_OR_STATE),
        _of_table(
            "bayes_factor", _TRUE_OR_FALSE | {"required": ["true"], **_value("false", _ZERO)}
        ),
    ),
    _if(
        _about("outcome"),
        _lacks(["forecast"], "A forecast is about an assumption or a class."),
        _of_table("rates", _BY_OUTCOME),
        _of_table("bayes_factor", _BY_OUTCOME | _value(DEFAULT, _ZERO)),
    ),
    _if(
        _about("class"),
        _lacks(["counts", "exposure", "bayes_factor"], "Only a forecast is about a class."),
    ),
]

_OF_A_FINDING = ["about", "after", "rates", "relevance"]
_PROPOSAL_RULES: list[Schema] = [
    _if(_has("replicates"), _lacks(_OF_A_FINDING, "A replication has it from the finding.")),
    {
        "if": {"anyOf": [_has("use"), _has("replicates")]},
        "else": _has("about", "trials", "rates"),
    },
    {"if": _has("use"), "else": {"required": ["id"]}},
    _if(
        _about("assumption"),
        _of_table("rates", _BY_TRUTH_OR_STATE),
    ),
    _if(_about("outcome"), _of_table("rates", _BY_OUTCOME)),
    _value("about", _lacks(["class"], "Expected an assumption or {outcome: true}.")),
]

_STORY: Schema = {
    "properties": {
        "assumptions": {"propertyNames": _OWN_ID, "maxProperties": MAX_ASSUMPTIONS},
        "limits": {
            "propertyNames": {
                "pattern": rf"^(?:{'|'.join(LIMITED)})(?:\.(?:{'|'.join(POINTS)}))?$",
                "patternErrorMessage": "Expected a class or a fate, also with -given-deployed, "
                f"and perhaps .{', .'.join(POINTS)}.",
            },
        },
        "routes": {
            "contains": _is("id", RESIDUAL),
            "errorMessage": f"Expected a list with a route {{id: {RESIDUAL}, class: other, "
            "claim: …, bits: …, harm: …} for whatever nobody named.",
            "maxItems": MAX_ROUTES,
        },
    }
}


def _rows(kind: str) -> Schema:
    """A rule for rows of what depends on assumptions."""
    return {
        "contains": _has("otherwise"),
        "errorMessage": f"Expected a list of {{when: …, {kind}: …}} and, as the last, "
        "{otherwise: …}.",
    }


def _row(kind: str) -> Schema:
    """A rule for one of them."""
    return {
        "allOf": [
            _if(_has("otherwise"), _lacks(["when", kind], "otherwise stands alone.")),
            {"if": {"not": _has("otherwise")}, "then": _has("when", kind)},
        ]
    }


_ROWS, _ROWS_OF_BITS = _rows("probability"), _rows("bits")

_STATE_FORMS = ("fixed", "counts", "mean", "in_turn")
_STATES: Schema = {
    "allOf": [
        *_at_most_one((*_STATE_FORMS, "given")),
        _if(_has("mean"), _has("concentration")),
        _if(_has("in_turn"), _has("rest")),
    ],
    # Chances of which nothing else is said stand without a key.
    "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
}

# By record; under "properties", what is added to the record's own properties.
RULES: Mapping[str, Schema] = {
    "Story": _STORY,
    "Hazard": {"properties": {"id": _OWN_ID}},
    "Constraint": {"properties": {"id": _OWN_ID, "rules_out": {"items": _TARGET_TEXT}}},
    "Nudge": {
        "properties": {"id": _OWN_ID, "bits": {"propertyNames": _TARGET, "allOf": _offer(_CLASSES)}}
    },
    "Check": {"properties": {"id": _OWN_ID, "flags": _BY_OUTCOME}},
    "CommonCause": {"properties": {"id": _OWN_ID, "share": _BY_OUTCOME}},
    "Evidence": {"properties": {"id": _OWN_ID}, "allOf": _EVIDENCE_RULES},
    "Proposal": {"properties": {"id": _OWN_ID}, "allOf": _PROPOSAL_RULES},
    "Route": {"properties": {"id": _ROUTE_ID}, "allOf": _ROUTE_RULES},
    "Assumption": {"properties": {"given": _ROWS}, "allOf": _at_most_one(STORY_DECIDERS)},
    "GivenTable": {"properties": {"given": _ROWS}},
    "BitsTable": {"properties": {"given": _ROWS_OF_BITS}},
    "Formula": {
        "pattern": _slug_but(_NOT_OWN, "")["pattern"]
        .replace("^", "^(?:not )?(?:at [a-z0-9][a-z0-9-]*|", 1)
        .replace("*$", "*(?: is [a-z0-9][a-z0-9-]*)?)$"),
    },
    "DecidedAssumption": {
        "type": "object",
        "errorMessage": "The catalog does not have it; expected a mapping with one of "
        f"{', '.join(STORY_DECIDERS)}.",
        "allOf": [_at_least_one(STORY_DECIDERS)],
    },
    "GivenRow": _row("probability"),
    "BitsRow": _row("bits"),
    "StateOdds": _STATES,
    "States": _STATES,
    "StateRow": _row("states"),
    "About": {
        "allOf": [
            *_at_most_one(_SUBJECTS),
            _at_least_one(_SUBJECTS),
            _if(_has("is"), _has("assumption")),
        ]
    },
}
