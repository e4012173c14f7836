"""What a number is about, in the story's own words."""

from storyodds.reports.words.priors import formula_words
from storyodds.reports.words.shortening import shortened
from storyodds.scenarios.given_numbers import row_of
from storyodds.scenarios.grammar.stages import holds_in, route_after, true_by, unrolled_name
from storyodds.scenarios.grammar.states import claim_of_state, literal_of_state
from storyodds.scenarios.resolve import ResolvedStory
from storyodds.scenarios.schema import (
    Assumption,
    Check,
    CommonCause,
    Evidence,
    Hazard,
    Nudge,
    Route,
)

LONGEST = 120  # characters of a label


def number_label(resolved: ResolvedStory, name: str, longest: int = LONGEST) -> str:
    """Say what a number is about: the claim that it belongs to and its part in it.

    Parameters
    ----------
    resolved : ResolvedStory
    name : str
        Of one of its numbers.
    longest : int
        Characters; what does not fit ends in an ellipsis, but a sentence with a negation is whole.

    Returns
    -------
    str
        Plain text, as the story has it: to be escaped by whoever shows it.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("rlhf-assistant"))
    >>> number_label(story, "harmful-principal.harm", 60)
    'Chance of catastrophe from harmful-principal: The model…'
    >>> number_label(story, "rationale.feasibility")
    'The training can be carried out as planned'
    """
    row = row_of(resolved, name)
    if row is not None:
        condition = "otherwise" if row.when is None else f"given {formula_words(row.when)}"
        return shortened(f"{condition}: {number_label(resolved, row.whole)}", longest)
    owner, _, field = name.partition(".")
    claim = claims(resolved).get(owner, "")
    start, in_turn, state = field.partition("in_turn.")
    if in_turn:
        words = state_in_turn(resolved.assumptions[owner], state, start.rstrip("."))
        return shortened(_about(f"{owner} {words}", claim), longest)
    kind, _, part = field.partition(".")
    match kind:
        case "":  # a number that the story names
            words = _about(f"The number {owner}", claim)
        case "feasibility":
            words = "The training can be carried out as planned"
        case "given":
            when = (resolved.assumptions[owner].given or ())[int(part)].when
            condition = owner if when is None else f"{owner}, given {formula_words(when)}"
            words = _about(condition, claim)
        case "otherwise":
            words = _about(f"{owner}, otherwise", claim)
        case "probability":
            words = claim or owner
        case "from":
            words = _about(f"{owner} comes true in {part}, unless it is true already", claim)
        case "bits" if part in (resolved.story.stages or ()):
            words = _about(f"Bits for {owner} in {part}", claim)
        case "bits":
            words = _about(f"Bits for {part or owner}", claim)
        case "harm":
            words = _about(f"Chance of catastrophe from {owner}", claim)
        case "flags":
            words = _about(f"Chance that {owner} flags {part}", claim)
        case "retrained_flags":
            words = _about(f"Chance that {owner} flags {part}, once sent back", claim)
        case "share":
            words = _about(f"Chance that one thing decides for all of {owner}, of {part}", claim)
        case _:  # a rate, a factor or a relevance of evidence
            words = _about(f"{field.replace('_', ' ')} of {owner}", claim)
    return shortened(words, longest) or name


def literal_label(resolved: ResolvedStory, literal: str, longest: int = LONGEST) -> str:
    """Say what a condition of a path claims, `not` in front of it or without.

    Parameters
    ----------
    resolved : ResolvedStory
    literal : str
        The name of one of its assumptions, perhaps after `not `.
    longest : int
        As of `number_label`.

    Returns
    -------
    str
        Plain text; empty where nothing is claimed.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.scenarios.resolve import resolve
    >>> story = resolve(load_story("rlhf-assistant"))
    >>> literal_label(story, "not order-protects", 40)
    'Not so: The order of emergence matters in this run, and the intended goal comes first.'
    """
    name = literal.removeprefix("not ")
    claim = claims(resolved).get(name) or _at_a_stage(resolved, name)
    return shortened(f"Not so: {claim}" if claim and name != literal else claim, longest)


def _at_a_stage(resolved: ResolvedStory, name: str) -> str:
    """What is claimed of a route or an assumption at a stage, or at a repetition of one."""
    unrolled = unrolled_name(name)
    if unrolled is None or unrolled[1] not in ("after", "by", "in"):
        return ""
    return claims(resolved).get(unrolled[0], "")


def _about(part: str, claim: str) -> str:
    return f"{part}: {claim}" if claim else part


def claims(resolved: ResolvedStory) -> dict[str, str]:
    """Give what each part of a story claims, by its id; empty where it claims nothing."""
    story = resolved.story
    parts: tuple[Hazard | Nudge | Route | Check | CommonCause | Evidence, ...] = (
        *story.goal.hazards,
        *story.rationale.nudges,
        *resolved.routes,
        *story.checks,
        *resolved.common_causes,
        *story.evidence,
    )
    claims = {str(part.id): part.claim for part in parts}
    claims |= {name: number.claim for name, number in story.numbers.items()}
    for name, assumption in resolved.assumptions.items():
        claims[name] = assumption.claim
        for state in assumption.states.names if assumption.states else ():
            claims[literal_of_state(name, state)] = claim_of_state(assumption.claim, state)
        for stage in story.stages or ():
            claims[true_by(name, stage)] = claims[holds_in(name, stage)] = assumption.claim
    for route in resolved.routes:
        for stage in story.stages or ():
            claims[route_after(route.id, stage)] = route.claim
    return claims


def state_in_turn(assumption: Assumption, state: str, row: str = "") -> str:
    """Say of which state a number is the chance, and where: none of those before it holds.

    Parameters
    ----------
    assumption : Assumption
        With states.
    state : str
    row : str
        `given.0` or `otherwise`, where the chance depends on a row.

    Examples
    --------
    >>> from storyodds.scenarios.grammar.states import States
    >>> assumption = Assumption(states=States(counts={"low": 1, "medium": 1, "high": 1}))
    >>> state_in_turn(assumption, "medium"), state_in_turn(assumption, "low")
    ('is medium, if not low', 'is low')
    """
    states = assumption.states
    assert states is not None
    before = states.names[: states.names.index(state)]
    words = f"is {state}" + (f", if not {' or '.join(before)}" if before else "")
    if row == "otherwise":
        return f"{words}, otherwise"
    if row:
        when = states.rows[int(row.partition(".")[2])].when
        assert when is not None
        return f"{words}, given {formula_words(when)}"
    return words
