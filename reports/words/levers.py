"""A number of a story as a reader would move it: what it is, in plain words, and how far it goes.

Nobody who decides reads ids or bits. A number is called by what it does, with the name of its part
in quotation marks; bits are given as a factor, 2 to their power, "times".
"""

from storyodds.reports.words.labels import state_in_turn
from storyodds.reports.words.numbers import counted, percent, significant
from storyodds.reports.words.priors import formula_words
from storyodds.scenarios.given_numbers import row_of
from storyodds.scenarios.grammar.outcomes import CLASSES, DEFAULT, RESIDUAL
from storyodds.scenarios.resolve import ResolvedStory

_CLASS_WORDS = {
    "intended": "an intended model",
    "mesa-optimizer": "a mesa-optimizer",
    "deceptive": "a deceptive model",
    "other": "a model of any other kind",
}
_UNNAMED = "a model of a kind that nobody named"


def plain_name(id: str) -> str:
    """Give an id as words.

    Examples
    --------
    >>> plain_name("blind-audit")
    'blind audit'
    """
    return id.replace("-", " ")


def model_words(target: str) -> str:
    """Say which models a class, a route or a hazard stands for.

    Examples
    --------
    >>> model_words("deceptive"), model_words("proxy-goal"), model_words("default")
    ('a deceptive model', '“proxy goal”', 'a model of any kind without a rate of its own')
    """
    if target in CLASSES:
        return _CLASS_WORDS[target]
    if target == DEFAULT:
        return "a model of any kind without a rate of its own"
    return _UNNAMED if target == RESIDUAL else f"“{plain_name(target)}”"


def lever_words(name: str, resolved: ResolvedStory) -> str:
    """Say what a number is, as the subject of a sentence, without ids and bits.

    Parameters
    ----------
    name : str
        Of one of the story's numbers.
    resolved : ResolvedStory

    Returns
    -------
    str
        Plain text, which starts with a small letter: to be escaped by whoever shows it.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("rlhf-assistant"))
    >>> lever_words("blind-audit.flags.deceptive", story)
    'how often the check “blind audit” flags a deceptive model'
    >>> lever_words("persona-is-natural.bits.intended", story)
    'how much “persona is natural” multiplies the odds of an intended model'
    """
    row = row_of(resolved, name)
    if row is not None:
        where = "where none of its conditions holds"
        if row.when is not None:
            rest = "" if row.first else ", and none of the conditions before it"
            where = f"given {plain_name(formula_words(row.when))}{rest}"
        return f"{lever_words(row.whole, resolved)}, {where}"
    owner, _, field = name.partition(".")
    part, _, target = field.partition(".")
    stages = resolved.story.stages or ()
    quoted = f"“{plain_name(owner)}”"
    start, in_turn, state = field.partition("in_turn.")
    if in_turn:
        words = state_in_turn(resolved.assumptions[owner], state, start.rstrip("."))
        return f"how likely it is that {quoted} {plain_name(words)}"
    match part:
        case "feasibility":
            return "how likely it is that the training can be carried out as planned"
        case "probability":
            return f"how likely it is that {quoted} {_holds(owner, resolved)}"
        case "given":
            when = (resolved.assumptions[owner].given or ())[int(target)].when
            condition = "" if when is None else f", given {plain_name(formula_words(when))}"
            first = "" if int(target) == 0 else ", and none of the conditions before it"
            return f"how likely it is that {quoted} holds{condition}{first}"
        case "otherwise":
            return f"how likely it is that {quoted} holds where none of its conditions does"
        case "from":
            begins = f"how likely it is that {quoted} comes true in “{plain_name(target)}”"
            return f"{begins}, unless it is true already"
        case "bits" if target in stages and owner in {route.id for route in resolved.routes}:
            chance = f"how likely {model_words(owner)} is in “{plain_name(target)}”"
            beside = "a route of 0 bits" if target == stages[0] else "staying as it is"
            return f"{chance} beside {beside}, where it can arise"
        case "bits" if len(stages) > 1 and not target:
            return f"how likely {model_words(owner)} is in each stage beside a weight of 0 bits"
        case "bits" if target:
            return f"how much {quoted} multiplies the odds of {model_words(target)}"
        case "bits":
            return f"how likely {model_words(owner)} is beside the intended one, where it can arise"
        case "harm":
            return f"how often {model_words(owner)}, once deployed, ends in catastrophe"
        case "flags":
            return f"how often the check {quoted} flags {model_words(target)}"
        case "retrained_flags":
            flags = f"how often the check {quoted} flags {model_words(target)}"
            return f"{flags} once training was sent back"
        case "share":
            decides = "one thing decides whether checks that fail together flag"
            return f"how often {decides} {model_words(target)}"
        case "relevance":
            return f"how far the finding {quoted} carries over to this story"
        case "rates":
            where = _where(owner, target, resolved)
            return f"how often what the finding {quoted} counts is to be expected where {where}"
        case "visibility":
            return f"how much of its conduct “{plain_name(target)}” shows in {quoted}"
        case "bayes_factor":
            return f"how well the finding {quoted} fits “{plain_name(target)}”"
    if name in resolved.number_index:
        places = len(resolved.numbers[resolved.number_index[name]].places)
        return f"the number {quoted}, which stands in {counted(places, 'place')}"
    return f"the number “{plain_name(name.replace('.', ' '))}”"


def _where(item: str, target: str, resolved: ResolvedStory) -> str:
    """Under which hypothesis a finding has a rate."""
    about = next((e.about for e in resolved.story.evidence if e.id == item), None)
    if about is not None and about.assumption is not None:
        assumption = resolved.assumptions[about.assumption]
        if assumption.states is not None:
            sign = "is not" if target == "false" else "is"
            return f"“{plain_name(about.assumption)}” {sign} {plain_name(about.is_ or target)}"
    return {"true": "its assumption holds", "false": "it does not hold"}.get(
        target, f"the model is “{plain_name(target)}”"
    )


def _holds(owner: str, resolved: ResolvedStory) -> str:
    """Assumptions hold; hazards come about."""
    return "holds" if owner in resolved.assumptions else "comes about"


def value_words(value: float, kind: str) -> str:
    """Say the value of a number: a percentage, or for bits the factor that they are.

    Parameters
    ----------
    value : float
    kind : {"probability", "bits"}

    Examples
    --------
    >>> value_words(0.25, "probability"), value_words(2.5, "bits"), value_words(-1, "bits")
    ('25%', '5.7 times', '0.50 times')
    """
    return percent(value) if kind == "probability" else f"{_factor(value)} times"


def value_range(low: float, high: float, kind: str) -> str:
    """Say a range of a number's values.

    Examples
    --------
    >>> value_range(0, 2.5, "bits"), value_range(0.04, 0.9, "probability")
    ('1.0 to 5.7 times', '4.0% to 90%')
    """
    if kind == "probability":
        return f"{percent(low)} to {percent(high)}"
    return f"{_factor(low)} to {_factor(high)} times"


def _factor(bits: float) -> str:
    return significant(2.0**bits)
