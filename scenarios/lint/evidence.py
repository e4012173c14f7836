"""Rules about evidence and checks: whether they can tell anything, and from what."""

from collections.abc import Iterator, Mapping
from typing import Any

from storyodds.priors.distributions.forms import (
    Beta,
    Counts,
    Fixed,
    Interval,
    LogNormal,
    Normal,
    Pool,
    Prior,
    Ref,
    UniformForm,
    parse_prior,
)
from storyodds.priors.library import pack_entry
from storyodds.scenarios.grammar.outcomes import DEFAULT, INTENDED
from storyodds.scenarios.grammar.parts import Rate, numbers_of, rows_of
from storyodds.scenarios.lint.reading import (
    Doubt,
    Reading,
    bits_of,
    chances_of,
    is_fixed,
    is_nought,
    said_of,
    same,
    spoiled_checks,
)
from storyodds.scenarios.schema import Check, Evidence


def blind_evidence(reading: Reading) -> Iterator[Doubt]:
    """An observation that is as likely under every hypothesis."""
    for i, item in enumerate(reading.story.evidence):
        table = reading.table_of(item)
        if table is None:
            continue
        if item.about.outcome:
            numbers = [said_of(table, outcome) for outcome in reading.outcomes]
            shares = [said_of(_visibility(item), outcome) for outcome in reading.outcomes]
            if not all(same(share, shares[0]) for share in shares):
                continue  # the rates are seen to different extents
        else:
            numbers = [*table.values(), *([_ZERO] if item.bayes_factor is not None else [])]
        every = [form for value in numbers for form in numbers_of(value)]  # of all rows
        if all(same(form, every[0]) for form in every):
            yield Doubt(
                ("evidence", i),
                f"'{item.id}' says the same under every hypothesis, so it cannot tell any two "
                "apart",
            )
        elif item.relevance is not None and is_nought(item.relevance):
            yield Doubt(
                ("evidence", i, "relevance"),
                f"'{item.id}' has no relevance, so it cannot tell any two hypotheses apart",
            )


_ZERO = Fixed(fixed=0.0)


def idle_evidence(reading: Reading) -> Iterator[Doubt]:
    """An observation of what no odds turn on, or which is settled; a forecast of what is fixed."""
    for i, item in enumerate(reading.story.evidence):
        name = item.about.assumption
        place = ("evidence", i, "about", "assumption")
        conditions = [
            row.when for rate in (reading.table_of(item) or {}).values() for row in rows_of(rate)
        ]
        beside = reading.needed(when for when in conditions if when is not None)
        if name is not None and not (reading.needed([name]) & reading.used or beside):
            yield Doubt(
                place,
                f"nothing in the story depends on '{name}', so '{item.id}' cannot change any odds",
            )
        elif name is not None and not beside and _is_settled(reading.assumptions[name].probability):
            yield Doubt(
                place,
                f"'{name}' is certain from the start, so '{item.id}' cannot change any odds",
            )
        elif item.forecast is not None and _is_of_what_is_fixed(item, reading):
            subject = f"class {item.about.class_}" if name is None else f"'{name}'"
            yield Doubt(
                ("evidence", i, "forecast"),
                f"the probability of {subject} is fixed by the story's numbers, so the forecast "
                f"'{item.id}' does nothing: a forecast moves uncertain numbers, never a fixed one",
            )


def _is_of_what_is_fixed(item: Evidence, reading: Reading) -> bool:
    """Whether no number is uncertain of which the probability of a forecast's subject is made."""
    story, name = reading.story, item.about.assumption
    bits: list[Prior] = []
    if name is not None:
        premises = reading.needed([name])
    else:
        # Hazards fire once training is over, and say nothing of where it ends.
        before = (f for path, f in reading.ends if path[0] in ("routes", "rationale"))
        premises = reading.needed(before)
        bits += [form for route in story.routes for form in bits_of(route)]
        bits += [form for nudge in story.rationale.nudges for form in nudge.bits.values()]
    chances = [form for part in premises for form in chances_of(reading.assumptions[part])]
    return all(is_fixed(form, "bits") for form in bits) and all(
        is_fixed(form, "probability") for form in chances
    )


def _is_settled(form: Any) -> bool:
    return isinstance(form, Fixed) and form.fixed in (0, 1)


def blind_check(reading: Reading) -> Iterator[Doubt]:
    """A check that flags every kind of model equally often.

    In the loss that is what to expect, and a story does well to say so.
    """
    spoiled = spoiled_checks(reading.story)
    for i, check in enumerate(reading.story.checks):
        silent = all(map(is_nought, check.flags.values()))  # which never-matters reports
        if check.id not in spoiled and not silent and _flags_all_alike(check, reading):
            so = (
                "it halts good and bad alike" if check.result is None else "its result says nothing"
            )
            yield Doubt(
                ("checks", i),
                f"'{check.id}' flags every kind of model equally often, so {so}",
            )


def _flags_all_alike(check: Check, reading: Reading) -> bool:
    """Whether neither where training ended nor a hazard that fired changes how often it flags."""
    rates = [said_of(check.flags, outcome) for outcome in reading.outcomes]
    added = [check.flags[h.id] for h in reading.story.goal.hazards if h.id in check.flags]
    return all(same(rate, rates[0]) for rate in rates) and all(map(is_nought, added))


def evidence_twice(reading: Reading) -> Iterator[Doubt]:
    """A finding that is the known result of a check once more."""
    checks = [check for check in reading.story.checks if check.result is not None]
    for i, item in enumerate(reading.story.evidence):
        if not item.about.outcome:
            continue
        for check in checks:
            if item.instrument != check.id and not _has_rates_of(item, check, reading):
                continue
            how = "was made with" if item.instrument == check.id else "has the very rates of"
            yield Doubt(
                ("evidence", i),
                f"'{item.id}' {how} '{check.id}', whose result is evidence already: is one "
                "observation counted twice?",
            )
            break


def _has_rates_of(item: Evidence, check: Check, reading: Reading) -> bool:
    """Whether a finding tells all kinds of model apart by the rates of a check."""
    if item.rates is None or _is_blind(item.rates):
        return False
    return all(same(said_of(item.rates, o), said_of(check.flags, o)) for o in reading.outcomes)


def no_check_left(reading: Reading) -> Iterator[Doubt]:
    """Every check has its result, so that nothing halts any more."""
    results = [check.result for check in reading.story.checks]
    if results and None not in results:
        on = "going on all the same" if "flagged" in results else "deploying it"
        yield Doubt(
            ("checks",),
            f"every check has its result, so nothing halts this model any more and all odds are "
            f"those of {on}: is no check still to come?",
            at_key=True,
        )


def spoiled_detector(reading: Reading) -> Iterator[Doubt]:
    """A detector that was trained against is taken to see what hides from it."""
    spoiled = spoiled_checks(reading.story)
    hiding = [outcome for outcome in reading.outcomes if outcome[1] == "deceptive"]
    for i, check in enumerate(reading.story.checks):
        if check.id not in spoiled:
            continue
        usual = _highest(check.flags[DEFAULT])
        flagged = [
            outcome[0] for outcome in hiding if _highest(said_of(check.flags, outcome)) > usual
        ]
        if flagged:
            key = next(key for key in (flagged[0], "deceptive") if key in check.flags)
            yield Doubt(
                ("checks", i, "flags", key),
                f"'{check.id}' is part of the training signal and still flags '{flagged[0]}' more "
                "often than a model with nothing to hide: training against a detector teaches "
                "hiding from it",
            )
    for i, item in enumerate(reading.story.evidence):
        detector = spoiled.get(item.instrument or "")
        if detector is None or _is_before(item, detector, reading):
            continue
        if _separates_deception(item, reading):
            since = "" if detector.after is None else f" since '{detector.after}'"
            yield Doubt(
                ("evidence", i, "instrument"),
                f"'{item.id}' rests on '{item.instrument}', which is part of the training signal"
                f"{since}, so it cannot tell a model that hides from one with nothing to hide",
            )


def _is_before(item: Evidence, check: Check, reading: Reading) -> bool:
    """Whether a finding is of a stage before that which trains against its instrument."""
    stages = reading.story.stages or ()
    if item.after is None or check.after is None:
        return False
    return stages.index(item.after) < stages.index(check.after)


def _separates_deception(item: Evidence, reading: Reading) -> bool:
    """Whether an item speaks for or against deception, by the outcome or by a condition of it."""
    table = reading.table_of(item)
    if table is None:
        return item.about.class_ == "deceptive"
    hiding = [route for _, route in reading.rivals if route.class_ == "deceptive"]
    if item.about.assumption is not None:
        formulas = [route.requires for route in hiding if route.requires is not None]
        return item.about.assumption in reading.needed(formulas) and not _is_blind(table)
    usual = (said_of(table, (INTENDED, INTENDED)), table[DEFAULT])
    values = [said_of(table, (route.id, route.class_)) for route in hiding]
    if any(not same(value, other) for value in values for other in usual):
        return True
    visibility = _visibility(item)
    usual = (said_of(visibility, (INTENDED, INTENDED)), visibility[DEFAULT])
    shares = [said_of(visibility, (route.id, route.class_)) for route in hiding]
    return any(not same(share, other) for share in shares for other in usual)


def _visibility(item: Evidence) -> Mapping[str, Any]:
    """How much of its conduct each kind of model shows, all of it where nothing is written."""
    return {DEFAULT: Fixed(fixed=1.0), **(item.visibility or {})}


def _is_blind(table: Mapping[str, Any]) -> bool:
    values = list(table.values())
    return len(values) > 1 and all(same(value, values[0]) for value in values)


def _highest(rate: Rate) -> float:
    """What a rate lies around, in the row in which it is highest."""
    return max(map(middle, numbers_of(rate)))


def middle(form: Any) -> float:
    """Return a number that a PRIOR for a rate lies around, to compare it with another.

    Examples
    --------
    >>> middle(Interval(interval=(0.1, 0.3))), middle(Beta(beta=(1, 3)))
    (0.2, 0.25)
    """
    if isinstance(form, Ref):
        return middle(parse_prior(pack_entry(form.ref).value, "probability"))
    if isinstance(form, Pool):
        total = sum(judgment.weight for judgment in form.pool)
        return float(sum(j.weight * middle(j.value) for j in form.pool) / total)
    if isinstance(form, Interval):
        return sum(form.interval) / 2
    if isinstance(form, UniformForm):
        return sum(form.uniform) / 2
    if isinstance(form, Beta):
        return form.beta[0] / sum(form.beta)
    if isinstance(form, Counts):
        return (form.counts.hits + 0.5) / (form.counts.trials + 1)
    if isinstance(form, Normal):
        return form.normal[0]
    if isinstance(form, LogNormal):
        return form.lognormal.mean
    return float(form.fixed)
