"""The unit of every variable of a document's datasets, and what it is in words.

`units` is one of `probability` (0 to 1, differences of two included), `bits` (log2 odds or a gain
of information), `nats` (natural logarithms), `count`, `dimensionless` (shares of something else
than probability, ratios, flags of 0 and 1), `stakes` (what a person weighs endings in), or a
`probability per bit`, `per logit` or `per doubling`; or it is `by kind`: then the row's `kind` is
the unit, or that of the `number` it names. Texts have none.
"""

from collections.abc import Mapping

import xarray as xr

BY_KIND = "by kind"
UNITS = ("probability", "bits", "nats", "count", "dimensionless", "stakes", BY_KIND)
_PER = ("probability per bit", "probability per logit", "probability per doubling")
ALL_UNITS = (*UNITS, *_PER)

_P, _B, _C, _D, _S = "probability", "bits", "count", "dimensionless", "stakes"

# By name, or by its end after an underscore: the longest that fits.
_NAMES: Mapping[str, tuple[str, str]] = {
    # Odds
    "probability": (_P, "probability given the evidence"),
    "prior": (_P, "probability before the evidence"),
    "posterior": (_P, "probability given the evidence"),
    "odds": (_P, "probability given the evidence"),
    "mean": (_P, "posterior mean of the probability"),
    "base": (_P, "posterior mean of the probability, nothing scaled"),
    "now": (_P, "probability as the story is"),
    "events": (_P, "probability of the event"),
    "value": (_P, "probability"),
    "success": (_P, "probability of success"),
    "catastrophe": (_P, "probability of catastrophe"),
    "concern": (_P, "probability of ending in catastrophe along it"),
    "undetected": (_P, "probability that no check flags it, given that it comes about"),
    "false_alarm": (_P, "probability that a check halts what would have succeeded"),
    "catastrophe_given_deployed_failure": (_P, "probability of catastrophe of deployed failures"),
    "moves": (_P, "probability of the class before the stage and the route after it"),
    "move_errors": (_P, "Monte Carlo standard error of the move before it is fitted"),
    "given_intended": (_P, "probability given that training ends as intended"),
    "added": (_P, "what the check takes off P(catastrophe) once the others are there"),
    "check_dependence_stated": (_P, "probability with checks as the story has them"),
    "check_dependence_independent": (_P, "probability if every check decided by itself"),
    "check_dependence_as_one": (_P, "probability if the best check were as good as all"),
    "goal_alignment": (_P, "probability of the criterion"),
    "outer_alignment": (_P, "probability of outer alignment"),
    "inner_alignment": (_P, "probability of inner alignment"),
    "failure": (_P, "probability of failure: deployed, and no success"),
    "halted": (_P, "probability that a check halts it"),
    "given_failure_catastrophe": (_P, "probability of catastrophe given failure"),
    "given_failure_safe": (_P, "probability given failure that it is safe"),
    "given_failure_deceptive": (_P, "probability given failure that the model is deceptive"),
    "no_catastrophe": (_P, "probability given the route, deployed, that there is no catastrophe"),
    "if_true": (_P, "probability of the event if the literal holds"),
    "if_false": (_P, "probability of the event if the literal does not hold"),
    "threshold": (_P, "probability that the verdict turns on"),
    "per_premise": (_P, "geometric mean of the premises before the evidence"),
    # Differences
    "difference": (_P, "difference of the probability from now"),
    "differences": (_P, "probability of the second less that of the first"),
    "swing": (_P, "probability at the high end of the number's prior less that at the low end"),
    "band": (_P, "probability at single draws of the numbers"),
    "swing_band": (_P, "difference of the two ends at the same draw"),
    "per_bit": (_PER[0], "derivative of the posterior mean by the number's bits"),
    "per_bit_band": (_PER[0], "derivative of the probability at single draws by the number's bits"),
    "per_logit": (_PER[1], "derivative of the posterior mean by the number's natural log odds"),
    "per_doubling": (_PER[2], "change of the probability when the weight is doubled"),
    "birnbaum": (_P, "probability if the literal holds less that if it does not"),
    "width": (_P, "probability of catastrophe, together less apart"),
    "together": (_P, "probability with the two as dependent as can be"),
    "apart": (_P, "probability with the two as exclusive as can be"),
    "at_half": (_P, "posterior mean at half the weight"),
    "at_double": (_P, "posterior mean at twice the weight"),
    # Shares of draws, of weight and of variance
    "larger": (_D, "share of the draws in which the difference is above 0"),
    "smaller": (_D, "share of the draws in which the difference is below 0"),
    "differences_error": (_D, "Monte Carlo standard error of the shares above and below 0"),
    "equal": (_D, "share of the draws in which numbers in common are equal"),
    "share": (_D, "share of the whole"),
    "goal_reached": (_D, "share of failure although the goal was reached"),
    "share_top": (_D, "share of the draws in which it ranks first"),
    "out_of_reach": (_D, "share of the draws in which 60 bits do not suffice"),
    "never_lost": (_D, "share of the draws in which 60 bits less do not matter"),
    "weight": (_D, "weight given the evidence, equal before it"),
    "weights": (_D, "weight given the evidence, equal before it, in the order of the sides"),
    "assumed": (_D, "share that rests on assumed numbers"),
    "elicited": (_D, "share that rests on elicited numbers"),
    "measured": (_D, "share that rests on measured numbers"),
    "first": (_D, "first-order index: share of the variance by itself"),
    "total": (_D, "total index: share of the variance with all that it takes part in"),
    "shapley": (_D, "Shapley effect: its fair share of the variance"),
    "additive": (_D, "sum of the first-order indices"),
    "sd": (_P, "standard deviation of the probability over independent numbers"),
    "posterior_sd": (_P, "standard deviation of the probability over the posterior"),
    # Ratios
    "elasticity": (_D, "percent of change per percent of the number"),
    "equal_elasticity": (_D, "elasticity that all probabilities have in common"),
    "sensitivity": (_D, "power-scaling sensitivity"),
    "itself_prior": (_D, "how far the number moves with its prior"),
    "itself_evidence": (_D, "how far the number moves with the evidence"),
    "pull": (_D, "move of the number with a doubled prior, in standard deviations"),
    "power_scaling_threshold": (_D, "sensitivity from which it is told"),
    "criticality": (_D, "criticality importance"),
    "diagnosis": (_P, "probability of the literal given the event"),
    "fussell_vesely": (_P, "probability given the event that a path with the literal holds"),
    "risk_achievement_worth": (_D, "risk achievement worth, a ratio"),
    "risk_reduction_worth": (_D, "risk reduction worth, a ratio"),
    "weight_bound": (_D, "times the average weight that no draw can count more than"),
    "pareto_k": (_D, "Pareto shape of the largest weights"),
    "pareto_k_near": (_D, "Pareto shape of the weights of sensitivity and change"),
    "pareto_k_half": (_D, "Pareto shape of the weights at half"),
    "pareto_k_double": (_D, "Pareto shape of the weights at double"),
    # Bits, nats and what a person weighs
    "bits": (_B, "log2 odds"),
    "bits_by_number": (_B, "log2 odds owed to being split into several routes"),
    "bits_value": (_B, "information about what is asked"),
    "bits_error": (_B, "Monte Carlo standard error of the information"),
    "log_probability": ("nats", "log probability of the evidence"),
    "log_probability_error": ("nats", "Monte Carlo standard error of the log probability"),
    "log_evidence": ("nats", "log probability of the evidence"),
    "log_evidence_error": ("nats", "Monte Carlo standard error of the log probability"),
    "worth": (_S, "what the ending is worth"),
    "worth_value": (_S, "gain of the decision"),
    "worth_error": (_S, "Monte Carlo standard error of the gain"),
    "deploy": (_S, "what deploying is worth"),
    "withhold": (_S, "what withholding is worth"),
    "cost": (_S, "cost of the observation"),
    "net": (_S, "gain of the decision less the cost"),
    # Counts
    "draws": (_C, "draws"),
    "ess": (_C, "effective sample size"),
    "orders": (_C, "orders of the items that were drawn"),
    "evaluations": (_C, "evaluations of the story"),
    "others": (_C, "numbers taken together"),
    "place": (_C, "place among the paths, which those that tie share"),
    "close": (_C, "sets of assumptions that the draws cannot decide"),
    "ways": (_C, "ways in which the path can come about"),
    "premises": (_C, "premises"),
    "pairs": (_C, "pairs of assumptions"),
    "compared": (_C, "paths that were compared"),
    "size": (_C, "assumptions in the smallest sets"),
    "up": (_C, "numbers that raise the event as they grow"),
    "down": (_C, "numbers that lower the event as they grow"),
    "hits": (_C, "first and last number of hits of the result"),
    "trials": (_C, "trials"),
    "changed": (_C, "numbers that the view changes"),
    "why_idle": ("", "why the item changes no odds"),
    "number_counts_in_all": (_C, "numbers of the story that somebody wrote down"),
    "number_counts_uncertain_in_all": (_C, "uncertain numbers, but for those of single findings"),
    "number_counts_changed_by_view": (_C, "numbers of the story that the view changes"),
    "numbers": (_C, "numbers that were moved"),
    "count": (_C, "literals without Fussell-Vesely importance for this reason"),
    # Places in tables and files
    "verdict": (_D, "which row of the verdicts, from 0"),
    "conjunction": (_D, "which row of the restated conjunctions, from 0"),
    "pair": (_D, "which row of the pairs, from 0"),
    "order": (_D, "which row of the orders, from 0"),
    "line": (_D, "line of the story's file, from 1"),
    # Flags
    "ok": (_D, "whether the computation can be relied on"),
    "refitted": (_D, "whether it was assessed afresh"),
    "uncertain": (_D, "whether the number is uncertain"),
    "composite": (_D, "whether a formula makes the assumption up of others"),
    "distinguishable": (_D, "whether it can be told from 0"),
    "overlaps": (_D, "whether another path of the same ending can hold with it"),
    "narrowed": (_D, "whether a sequence of stages of more concern may be missing"),
    "opinion": (_D, "whether it is a forecast, which is an opinion and no finding"),
    "idle": (_D, "whether it is about a number that is fixed, and does nothing"),
    "applies": (_D, "whether the lens of inner and outer alignment applies"),
    "above": (_D, "whether the probability is above the threshold now"),
    "near": (_D, "whether it is a near miss"),
    "shuts": (_D, "whether it shuts the path that is the worst now"),
    "complete": (_D, "whether all sets of that size were looked at"),
    "conflict": (_D, "whether prior and evidence pull the number apart"),
    "clear": (_D, "whether the difference has one sign in 95% of the draws"),
    "truth": (_D, "whether the literal says that the assumption is true"),
    "text": (_D, "whether the stories differ in any way"),
}
# What these are hangs on their node.
_HERE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("local/overall", "events"): (_D, "classes and fates that were asked about"),
    ("trust/evidence_sequence", "odds"): (_P, "probability given the findings up to this one"),
    ("local/numbers", "now"): (BY_KIND, "the number itself, given the evidence"),
    ("local/numbers", "low_value"): (BY_KIND, "5% point of the number's prior"),
    ("local/numbers", "high_value"): (BY_KIND, "95% point of the number's prior"),
    ("local/tipping_points", "value"): (BY_KIND, "value at which the verdict flips"),
    ("tipping_points", "value"): (BY_KIND, "value at which the order flips"),
    ("local/tipping_points", "prior_chance"): (_P, "prior probability of being beyond it"),
    ("tipping_points", "prior_chance"): (_P, "prior probability of being beyond it"),
    ("contributions", "adds_mean"): (_P, "what the change adds to the probability"),
    ("contributions", "adds_error"): (_P, "Monte Carlo standard error of what it adds"),
    ("deployed/overall", "probability"): (_P, "probability that no check flags the model"),
    **{
        ("deployed/overall", fate): (_P, f"probability of {fate} once deployed")
        for fate in ("success", "uncompetitive", "benign-failure", "catastrophe")
    },
    ("deployed/classes", "probability"): (_P, "probability of the class once deployed"),
    ("opinions/classes", "probability"): (_P, "probability by the findings, without forecasts"),
    ("opinions/fates", "probability"): (_P, "probability by the findings, without forecasts"),
    ("hazards", "probability"): (_P, "probability that the hazard fires"),
    ("caught", "probability"): (_P, "probability given the route that the check flags the model"),
    ("standard_errors", "probability"): (_P, "Monte Carlo standard error of the answer"),
    ("evidence", "bits"): (_B, "what the item alone does to the log2 odds"),
    ("ranks", "share"): (_D, "share of the draws in which the side takes the place"),
    ("view_ranks", "share"): (_D, "share of the draws in which the view takes the place"),
    ("failure/paths", "share"): (_P, "share of catastrophe, as Fussell and Vesely have it"),
    ("failure/overall", "near_misses_share"): (_D, "share of failure that is a near miss"),
    ("failure/overall", "near_misses_far"): (_D, "share of failure that misses by far"),
    ("views", "bits"): (_B, "how much worse than the best view it explains the evidence"),
    ("rivals", "bits"): (_B, "how much worse than the best side it explains the evidence"),
    ("failure/miss", "bits"): (_B, "what the intended class needs, by the posterior means"),
    ("failure/miss", "median"): (_B, "what the intended class needs, median of the draws"),
    ("failure/miss", "q05"): (_B, "what the intended class needs, 5% point of the draws"),
    ("failure/miss", "q95"): (_B, "what the intended class needs, 95% point of the draws"),
    ("failure/given_failure", "probability"): (_P, "probability given failure"),
    ("failure/flips", "probability"): (_P, "probability that all of the set hold"),
    ("failure/overall", "near_misses_threshold"): (_P, "no_catastrophe of a near miss, at least"),
    **{
        (f"trust/{of}", f"{event}_error"): (_PER[2], "Monte Carlo standard error of the change")
        for of in ("priors", "evidence")
        for event in ("success", "catastrophe")
    },
    ("trust/before", "value"): (_P, "probability without the evidence"),
    ("trust/after", "value"): (_P, "probability with the evidence"),
    ("proposals", "then_q05"): (_P, "5% point of the odds asked about once the result is in"),
    ("proposals", "then_q95"): (_P, "95% point of the odds asked about once the result is in"),
    ("parts", "without_change"): (_P, "difference from the story as it is written"),
    ("by_stage", "odds_change"): (_P, "difference from the story as it is written"),
    ("overall", "now_change"): (_P, "difference from the story as it is written"),
    ("results", "probability"): (_P, "probability of the result"),
    ("results", "then"): (_P, "the odds asked about after the result"),
    ("results", "success"): (_P, "probability of success after the result"),
    ("results", "catastrophe"): (_P, "probability of catastrophe after the result"),
}
_EFFECTS = "evidence_effects"  # of which every number is in bits of log2 odds
_EFFECT_ENDS = ("mean", "error")


def with_units(node: str, data: xr.Dataset, *, ranked_by: str = _B) -> xr.Dataset:
    """Give a node's dataset with `units` and `long_name` at each of its variables.

    Parameters
    ----------
    node : str
        Its path in the tree.
    data : xarray.Dataset
    ranked_by : {"bits", "worth"}
        What the proposals of a `value` document are ranked by, and behind the best in.

    Returns
    -------
    xarray.Dataset

    Examples
    --------
    >>> found = with_units("evidence", xr.Dataset({"bits": ("event", [0.5])}))
    >>> found.bits.attrs["units"]
    'bits'
    """
    result = data.copy()
    for key in result.data_vars:
        name, variable = str(key), result.variables[key]
        units, words = _said(node, name, ranked_by)
        variable.attrs["long_name"] = words
        if units and variable.dtype.kind in "fib":
            variable.attrs["units"] = units
    return result


def _said(node: str, name: str, ranked_by: str) -> tuple[str, str]:
    """The unit of a variable, empty where there is none, and what it is."""
    if (node, name) in _HERE:
        return _HERE[node, name]
    if name.startswith("behind_"):
        return _S if ranked_by == "worth" else _B, _words("behind the best proposal", name[7:])
    if _EFFECTS in f"{node}_{name}" and name.endswith(_EFFECT_ENDS):
        return _B, _words("effect on the log2 odds", name)
    if "standard_errors_" in name:
        return _P, _words("Monte Carlo standard error", name.split("standard_errors_")[1])
    parts = name.split("_")
    for k in range(len(parts)):
        end = "_".join(parts[k:])
        if end in _NAMES:
            units, words = _NAMES[end]
            return units, _words(words, " ".join(parts[:k]))
    if parts[-1] == "error":
        return _P, _words("Monte Carlo standard error", " ".join(parts[:-1]))
    if parts[0] == "opinions":
        return _P, _words("probability without the forecasts", " ".join(parts[1:]))
    if parts[0] == "deployed":
        return _P, _words("probability on the day of the decision", " ".join(parts[1:]))
    return "", name.replace("_", " ")


def _words(meaning: str, more: str) -> str:
    more = more.replace("_", " ")
    return f"{meaning} ({more})" if more else meaning
