"""Sentences of the card: the answer, the day of the decision, what is trained, how to cite it."""

import math
import re

from storyodds.models.story.events import Fate
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.summaries import Summary
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.endings import FATE_GLOSSES, has_results
from storyodds.reports.words.numbers import (
    NO_ERRORS,
    Errors,
    band,
    percent,
    sentence_case,
    signed,
)
from storyodds.reports.words.sentences import (
    ARGUED,
    NO_DECISION,
    cases,
    errors_of,
    headline_fates,
    is_risk_argument,
    is_zero,
    no_catastrophe,
    states_simulated,
)
from storyodds.reports.words.shortening import plain
from storyodds.scenarios.editor.key_help import VALUES
from storyodds.scenarios.schema import Rationale

UNTOLD_GLOSS = "no catastrophe of this kind; the argument does not claim that anything goes right"
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z“\"(])")
_TELLING = 2.0  # standard errors, within which two chances are not told apart
#: What a training most likely does, by its likeliest ending.
DOES = {
    "success": "goes right",
    "uncompetitive": "gives a model that is as intended but loses out to rivals",
    "halted": "is stopped by a check",
    "benign-failure": "fails once the model is deployed, without catastrophe",
    "catastrophe": "ends in catastrophe",
}
_REASONS = VALUES["Rationale", "class"]


def first_sentences(text: str, least: int) -> str:
    """Take sentences from the start of a text until they have some length.

    Parameters
    ----------
    text : str
        On one line.
    least : int
        Characters.

    Examples
    --------
    >>> first_sentences("It has two parts. One looks, one acts. No more.", 20)
    'It has two parts. One looks, one acts.'
    """
    taken = ""
    for sentence in _END.split(text):
        taken = f"{taken} {sentence}".strip()
        if len(taken) >= least:
            break
    return taken


def reasons_words(rationale: Rationale) -> str:
    """Say on what kinds of argument a rationale rests.

    Examples
    --------
    >>> reasons_words(Rationale(class_=("inductive-bias", "transparency")))
    'what training prefers is known in advance; one can look inside and find what is wrong.'
    """
    words = "; ".join(_REASONS[name] for name in rationale.class_)
    return f"{words}." if words else ""


def lead_sentences(estimate: Estimate) -> tuple[str, ...]:
    """Give the answer in two sentences.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".

    Returns
    -------
    tuple of str
        Of a risk argument, one on catastrophe.
    """
    if is_risk_argument(estimate):
        entry = estimate["fates"]["catastrophe"]
        if is_zero(entry):
            return (no_catastrophe(estimate),)
        return (f"{ARGUED} {_chance(estimate, 'catastrophe')}.",)
    names = [name for name in ("success", "halted", "catastrophe") if name in estimate["fates"]]
    named = {
        "success": "success has",
        "halted": "being stopped by a check",
        "catastrophe": "catastrophe",
    }
    chances = [f"{named[name]} {_short(estimate, name)}" for name in names]
    return (_likeliest(estimate), f"{', '.join(chances)}.".capitalize())


def _likeliest(estimate: Estimate) -> str:
    """What the training most likely does, if it is carried out."""
    fates, start = estimate["fates"], _start(estimate)
    first, second, *_ = sorted(fates, key=lambda name: -float(fates[name]["mean"]))
    errors = [errors_of(estimate, name).get("mean", 0.0) for name in (first, second)]
    apart = fates[first]["mean"] - fates[second]["mean"]
    percents = [percent(fates[n]["mean"], e) for n, e in zip((first, second), errors, strict=True)]
    if fates[first]["mean"] >= 1 and states_simulated(estimate) is not None:
        return f"In every state that was simulated, the training {DOES[first]}."
    if fates[first]["mean"] >= 1:
        return f"{sentence_case(start)} surely {DOES[first]}."
    if apart <= _TELLING * math.hypot(*errors):
        return (
            f"{sentence_case(start)} {DOES[first]} ({percents[0]}) about as likely as "
            f"it {DOES[second]} ({percents[1]})."
        )
    return f"{sentence_case(start)} most likely {DOES[first]} ({percents[0]})."


def _start(estimate: Estimate) -> str:
    """Start of a sentence on what the training does; one with results was carried out."""
    if has_results(estimate):
        return "given the results of its checks so far, the training"
    return "if the training is carried out, it"


def _short(estimate: Estimate, name: Fate) -> str:
    entry, errors = estimate["fates"][name], errors_of(estimate, name)
    return f"{percent(entry['mean'], errors.get('mean', 0.0))} ({cases(estimate, entry)})"


def _chance(estimate: Estimate, name: Fate) -> str:
    """A chance with its count and its interval."""
    entry, errors = estimate["fates"][name], errors_of(estimate, name)
    spread = band(entry, errors)
    chance = percent(entry["mean"], errors.get("mean", 0.0))
    words = f"{chance}, {cases(estimate, entry)}"
    return f"{words} (90% interval {spread})" if spread else words


def halted_gloss(estimate: Estimate) -> str:
    """Say what being halted is, and how much of it is a false alarm."""
    gloss, alarm = FATE_GLOSSES["halted"], estimate["false_alarm"]
    if not alarm["mean"] > 0 or is_risk_argument(estimate):
        return gloss
    size = signed(alarm["mean"]).removeprefix("+")
    return f"{gloss}; {size} points of it are false alarms, on models that would have succeeded"


def day_sentence(estimate: Estimate) -> str:
    """Say the odds on the day of the decision, once no check has flagged the model."""
    checks, day = estimate["checks"], estimate["deployed"]
    if not checks and is_risk_argument(estimate):
        return "The argument has no check that could stop it."
    if not checks:
        return "The story has no check: every model is deployed, and these are the odds of that."
    if day is None:
        return NO_DECISION
    if all(check["result"] is not None for check in checks.values()):
        return "Every check has its result, so these are the odds on the day of the decision."
    condition = _no_flag(estimate)
    chance = _with_band(day["probability"], errors_of(estimate, "deployed"))
    odds = " and ".join(
        f"{name} has {_with_band(day[name], errors_of(estimate, f'deployed.{name}'))}"
        for name in headline_fates(estimate)
    )
    return f"With a chance of {chance} {condition} the model, and on that day of decision {odds}."


def _no_flag(estimate: Estimate) -> str:
    """Start of a sentence on what the decision waits for."""
    return "none of the checks still to come flags" if has_results(estimate) else "no check flags"


def what_the_day_needs(estimate: Estimate) -> str:
    """Say what a model needs to be deployed, such as "no check flags".

    Empty where the day of the decision has no odds of its own.
    """
    is_open = any(check["result"] is None for check in estimate["checks"].values())
    return _no_flag(estimate) if is_open and estimate["deployed"] is not None else ""


def words_that_follow(estimate: Estimate) -> Json:
    """Give the words in which a page puts the odds once its sliders are moved.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".

    Returns
    -------
    dict
        `start`, of a sentence on what the training does; `does`, that, by its ending; `argued`,
        the start of the sentence of a risk argument, empty for others; `headline`, the fates of a
        headline.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> words = words_that_follow(summarize(estimate(load_story("carlsmith-six-premises"))))
    >>> words["argued"], words["headline"]
    ('The argument puts the chance of catastrophe at', ['catastrophe'])
    """
    return {
        "start": _start(estimate),
        "does": DOES,
        "argued": ARGUED if is_risk_argument(estimate) else "",
        "headline": list(headline_fates(estimate)),
    }


def _with_band(entry: Summary, errors: Errors = NO_ERRORS) -> str:
    spread = band(entry, errors)
    mean = percent(entry["mean"], errors.get("mean", 0.0))
    return f"{mean} ({spread})" if spread else mean


def citation(estimate: Estimate) -> str:
    """Give the line by which a card is cited.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> citation(summarize(estimate(load_story("carlsmith-six-premises")))).split(", story")[0]
    'Carlsmith’s six premises of power-seeking catastrophe by 2070. Odds computed with storyodds \
0.1.0'
    """
    title = plain(estimate["title"]).replace("'", "’").rstrip(".")
    drawn, d = "", estimate["diagnostics"]
    if d["draws"] > 1:
        drawn = f", {d['draws']:,} draws, seed {estimate['seed']}"
    under = f", view {plain(estimate['view'])}" if estimate["view"] else ""
    changed = f", {len(estimate['settings'])} numbers overridden" if estimate["settings"] else ""
    return (
        f"{title}. Odds computed with storyodds {estimate['versions']['storyodds']}, story "
        f"{estimate['story']} (sha256 {estimate['story_sha256'][:12]}){under}{changed}{drawn}."
    )
