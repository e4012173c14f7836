"""What every key of the story format means, in a sentence or two: what an editor shows beside it.

By the record that has the key, then by the key as a file writes it. What a record says of itself
is the first paragraph of its docstring.
"""

from collections.abc import Mapping

_ID = "A name of its own: lower-case letters, digits and hyphens, once in the whole story."
_CLAIM = "What it claims, in a sentence or two that somebody could dispute."
_NOTE = "What else a reader should know."
_SOURCES = "Where this comes from: texts, or mappings with cite, url and note."
_TITLE = "One line that says what it is about."
_SUMMARY = "One paragraph."

KEYS: Mapping[str, Mapping[str, str]] = {
    "Story": {
        "story": "The story's id: lower-case letters, digits and hyphens.",
        "title": "One line: which model, trained how.",
        "kind": "A training story unless stated. A risk-argument gives only the chance of a "
        "catastrophe, as a chain of premises or a fault tree does; that it fails to come about "
        "does not mean that anything went right, and headlines do not say so.",
        "summary": "One paragraph that tells the story to somebody who has not heard it.",
        "catastrophe": "What counts as a catastrophe: how bad, by when, and through how many "
        "deployments. Every `harm` of the story is the chance of one.",
        "limits": "What its author would put up with, as in `{catastrophe: 0.01}`: the most that a "
        "fate or a class may have, or for success and intended the least. `catastrophe.q95` limits "
        "the 95% point, and `catastrophe-given-deployed` the odds once no check has flagged. The "
        "page and `estimate` state whether it is kept; no odds change.",
        "sources": _SOURCES,
        "numbers": "Uncertain numbers that stand in several places, by a name of their own. Each "
        "place has {number: name}, and all of them are one unknown.",
        "correlations": "Uncertain numbers that go together, such as two that one doubt is behind. "
        "Each keeps its own distribution; numbers that no block names together are independent.",
        "goal": "The training goal: which model is wanted, and why any such model is good.",
        "rationale": "The training rationale: why training ends at the wanted model, not how one "
        "trains.",
        "assumptions": "What the story hangs on, each true or false in one training run, or in "
        "one of its states. A name with nothing after it takes the assumption as the catalog has "
        "it.",
        "stages": "The stages of training, in order, where it has several: each ends with the "
        "model on one route.",
        "routes": "The kinds of model at which training may end instead of the wanted one. The "
        "route something-else stands for whatever nobody named and is in every story.",
        "checks": "Tests between training and deployment. A model that one of them flags is not "
        "deployed. One whose result is known is evidence.",
        "common_cause": "Checks that fail together. Those that no set names are independent, given "
        "the model and the assumptions.",
        "evidence": "What has been observed or judged: counts, Bayes factors and forecasts.",
        "proposals": "Observations that could be made next: what one would see, and how often "
        "under each hypothesis. They change no odds; `storyodds value` ranks them.",
        "lint": "Rules of the linter that do not apply to this story, each with the reason.",
    },
    "Correlation": {
        "id": "A lower-case id of its own; correlation-1 and so on, in order, if left out. --off "
        "correlation:ID lets its numbers be independent.",
        "between": "Two or more uncertain numbers, by the names that `--set` takes: an id, or in "
        "full as in audit.flags.deceptive.",
        "rank": "Spearman's rank correlation between each two of them, above -1 and below 1: near "
        "1, where one is high the others are. It is that of a Gaussian copula.",
        "source": "Who says so, or why they go together.",
        "note": _NOTE,
    },
    "Goal": {
        "specification": "What algorithm the model is meant to run: mechanism, not behavior. Not "
        "'it tells cats from dogs', but how it does so.",
        "optimization": "What optimization the goal itself intends in the model.",
        "loss_seeking": "Whether a model that optimizes its training objective is what the story "
        "wants.",
        "desirability": "Why any model that meets the specification is safe and does the job, not "
        "only the one that comes to mind.",
        "hazards": "How a model that meets the specification may still be bad or useless. Each "
        "fires by itself, so several may, and their order means nothing.",
    },
    "Hazard": {
        "id": _ID,
        "claim": _CLAIM,
        "criterion": "Which criterion of the goal fails.",
        "requires": "A formula that must hold for the hazard to be possible; always, if left out.",
        "probability": "The chance that it fires, given an intended model and what it requires.",
        "harm": "The chance that it causes a catastrophe if it fires and the model is deployed; 0 "
        "if left out.",
    },
    "Rationale": {
        "class": "The classes of argument that the rationale belongs to.",
        "feasibility": "The chance that training of this kind can be carried out at a price that "
        "others would pay.",
        "constraints": "Facts that must hold of whatever model results, with the routes that they "
        "rule out.",
        "nudges": "Reasons why one model comes out rather than another, in bits.",
    },
    "Constraint": {
        "id": _ID,
        "claim": _CLAIM,
        "holds": "A formula over assumptions. Where it holds, the routes below are ruled out.",
        "rules_out": "Ids of routes, or classes; never something-else.",
        "stages": "The stages of training in which it counts; all of them if left out.",
    },
    "Nudge": {
        "id": _ID,
        "claim": _CLAIM,
        "when": "A formula over assumptions; the nudge acts always if it is left out.",
        "bits": "By route or class: how many bits (factors of two) likelier the nudge makes it. "
        "Negative numbers make it less likely.",
        "stages": "The stages of training in which it acts; all of them if left out.",
    },
    "Assumption": {
        "claim": _CLAIM,
        "probability": "The chance that it is true, on its own.",
        "given": "Its chance by what else is true: rows {when, probability}, of which the first "
        "that holds counts, and last {otherwise}.",
        "holds_when": "A formula: it is true exactly where the formula holds.",
        "states": "For an assumption that is in one of several states: how likely each is, as in "
        "`{low: 0.5, medium: 0.3, high: 0.2}`. Formulas say `awareness is high`.",
        "from": "For an assumption that comes true in the course of training: by stage, the chance "
        "that it comes true there, unless it is true already. Once true it stays so.",
        "scope": "Whether each training run has its own truth value.",
        "sources": _SOURCES,
        "note": _NOTE,
    },
    "GivenRow": {
        "when": "A formula over assumptions.",
        "probability": "The chance where this row is the first that holds.",
        "otherwise": "The chance where no row above holds; the last row, alone.",
    },
    "BitsRow": {
        "when": "A formula over assumptions.",
        "bits": "The bits where this row is the first that holds.",
        "otherwise": "The bits where no row above holds; the last row, alone.",
    },
    "StateOdds": {
        "fixed": "The chance of each state; they add up to 1. Where nothing else is said of them, "
        "the key is left out.",
        "counts": "How often each state was observed: a Dirichlet distribution, with half a count "
        "more for each.",
        "mean": "The mean chance of each state, with concentration: a Dirichlet distribution.",
        "concentration": "How many observations the means are worth.",
        "in_turn": "A PRIOR for each state but the last: its chance where none of the states "
        "before it holds; with rest.",
        "rest": "The last state, which has whatever chance is left.",
        "basis": "How the chances came about.",
        "source": "Who says so.",
        "note": _NOTE,
    },
    "States": {
        "given": "The chances by what else is true: rows {when, states}, of which the first that "
        "holds counts, and last {otherwise}; alone.",
    },
    "StateRow": {
        "when": "A formula over other assumptions.",
        "states": "How likely each state is where this row is the first that holds.",
        "otherwise": "How likely each state is where no row above holds; the last row, alone.",
    },
    "Route": {
        "use": "A route of the catalog. Whatever is not written here is as the catalog has it.",
        "id": _ID,
        "class": "The sort of ending.",
        "kind": "A finer name from the taxonomy of failures.",
        "claim": "What this model does inside and why it looks good in training.",
        "requires": "A formula that must hold for the route to be open; always open if left out.",
        "bits": "log2 of the odds against the intended model where the route is open: 0 as "
        "likely, 1 twice as likely, -3 an eighth as likely. Nudges come on top. In stages, a "
        "mapping by stage, which closes the route in those it leaves out; after the first, they "
        "are against staying what the model is.",
        "harm": "The chance of a catastrophe if training ends here and the model is deployed.",
        "mechanism": "A name of your own for how it comes about. Routes of one mechanism are "
        "ranked together as well.",
    },
    "Check": {
        "id": _ID,
        "claim": _CLAIM,
        "role": "Whether the model was trained against the check. If so, its rates are those "
        "after that training.",
        "flags": "The rate at which it flags a model, by where training ended: a route, a class, "
        "and default for all else (on an intended model, a false alarm). A hazard that is named "
        "adds its own chance of a flag where it fired; one that is not named adds nothing.",
        "after": "The stage of training after which it is run; the last if left out.",
        "on_flag": "halt: what it flags goes no further. retrain: training is taken back to a "
        "stage.",
        "to": "With on_flag: retrain, the stage from which training is repeated.",
        "times": "How often training is taken back at most; what is flagged after that is halted.",
        "retrained_flags": "The flag rates once the model was trained again after a flag; those "
        "of flags if left out.",
        "result": "What it said, once it has been run. It is then evidence, at the rates above, "
        "and halts no more.",
    },
    "CommonCause": {
        "id": "A lower-case id of its own; common-cause-1 and so on, in order, if left out.",
        "claim": "What the checks have in common, so that what escapes one escapes the others.",
        "checks": "Two or more checks, whose results may be known. A check stands in one such set "
        "at most.",
        "share": "The chance that one thing decides for all of them, by route, class, hazard and "
        "default for all else: 0 is independence, 1 that the best of them is as good as all. Each "
        "check keeps its own rate.",
        "source": "Where the shares come from.",
        "note": _NOTE,
    },
    "GivenTable": {
        "given": "The probability by what is true: rows {when, probability}, of which the first "
        "that holds in a run counts, and last {otherwise}.",
    },
    "BitsTable": {
        "given": "The bits by what is true: rows {when, bits}, of which the first that holds in a "
        "run counts, and last {otherwise}.",
    },
    "Evidence": {
        "id": _ID,
        "claim": "What was observed.",
        "about": "What the item speaks of: one of {assumption: id}, {outcome: true} and "
        "{class: name}, the last for forecasts.",
        "after": "The stage of training after which the model was looked at; the last if left out.",
        "counts": "How often something was seen, and how often it could have been; with rates or "
        "rates_of.",
        "exposure": "What came of a stage of a deployment: incidents in so many episodes, or in so "
        "much time; with rates, and about {outcome: true} alone.",
        "rates": "How often one would see it: under true and false for an assumption, or by state; "
        "by route, class and default for the outcome. Classes that are not named share default. "
        "Of an exposure, the chance of an incident in an episode, or incidents per unit of "
        "time, if the model showed itself.",
        "rates_of": "The id of a check in the place of rates: the counts are of its flags, and it "
        "and the finding have one set of numbers. Rates of hazards are left to the check.",
        "visibility": "Of an exposure, the share of a model's conduct that shows at these stakes, "
        "by route, class and default (1 where nothing is written): its rate counts that far.",
        "relevance": "How far the finding carries over to this story, from 0 to 1 (the default). "
        "With the rest of the chance it came about in a way that is blind to the hypotheses.",
        "bayes_factor": "Bits of evidence: for true against false, or for routes and classes "
        "against default, which is 0.",
        "forecast": "Somebody's probability for the assumption or the class; with sd_bits. It "
        "moves uncertain numbers alone: what is fixed stays as it is.",
        "sd_bits": "How far off the forecast may be: standard deviation of its log2 odds.",
        "instrument": "The id of the check whose detector made the observation.",
        "source": "Where it was reported: text, or a mapping with cite, url and note.",
        "note": _NOTE,
    },
    "Proposal": {
        "use": "An observation of the catalog. Whatever is not written here is as the catalog has "
        "it.",
        "id": _ID,
        "claim": "What would be looked at, and what counts as a hit.",
        "replicates": "The id of a finding with counts that would be made once more, in the same "
        "way: its rates and its relevance are whatever they were the first time.",
        "about": "What the observation speaks of: {assumption: id} or {outcome: true}.",
        "after": "The stage of training after which it would be made; the last if none.",
        "trials": "How often it could be seen; of a replication, as often as before if left out.",
        "rates": "How often one would see it: under true and false for an assumption, or by state; "
        "by route, class and default for the outcome.",
        "relevance": "How far the result would carry over to this story, from 0 to 1 (the "
        "default).",
        "cost": "What making it costs, in the units in which endings are weighed.",
        "note": _NOTE,
    },
    "Exposure": {
        "episodes": "How many episodes there were, each of them with an incident or without.",
        "time": "How long the stage was, in the unit of time that the rates are in; in the place "
        "of episodes.",
        "incidents": "How many incidents there were.",
    },
    "About": {
        "assumption": "The id of an assumption.",
        "is": "One of its states: the item is about whether it is in that one.",
        "outcome": "true: where training ended.",
        "class": "A class of ending, which only a forecast can be about.",
    },
    "LintSwitch": {
        "off": "The name of the rule, as `storyodds check` prints it in brackets.",
        "reason": "Why the rule does not apply to this story.",
    },
    "Source": {
        "cite": "Author and year, or an honest word that nobody published it.",
        "url": "An address at which it can be read.",
        "note": "How it was read, or which part is meant.",
    },
    "Form": {
        "basis": "How the number came about.",
        "source": "Who says so. For a number of your own, say that it is an assumption and why it "
        "is as wide as it is.",
        "note": _NOTE,
    },
    "Fixed": {"fixed": "A number that is taken as known."},
    "Interval": {
        "interval": "[low, high]: a central 90% interval, unless level says otherwise. "
        "Logit-normal for a probability, normal for bits.",
        "level": "The probability that the interval holds.",
    },
    "Beta": {"beta": "[a, b]: pseudo-counts of yes and of no."},
    "Counts": {"counts": "What was counted: Beta(hits + 1/2, misses + 1/2)."},
    "UniformForm": {"uniform": "[low, high]: equally likely to be anywhere in between."},
    "Normal": {"normal": "[mean, standard deviation]; cut off at 0 and 1 for a probability."},
    "LogNormal": {"lognormal": "{mean, error_factor}, cut off at 1, as reliability data has it."},
    "Ref": {"ref": "pack/entry: a number of a prior pack, with its provenance."},
    "NumberUse": {
        "number": "The name of one of the story's numbers, which is the same unknown wherever it "
        "stands."
    },
    "NamedProbability": {
        "kind": "probability: of rates too. Beside it stand the keys of the number's form.",
        "claim": "What it is the chance of.",
    },
    "NamedBits": {
        "kind": "bits. Beside it stand the keys of the number's form.",
        "claim": "What it weighs.",
    },
    "Pool": {
        "pool": "Several people's numbers.",
        "method": "How they are taken together.",
    },
    "Judgment": {
        "by": "Who says so.",
        "value": "Their number, in any form.",
        "weight": "How much it counts beside the others.",
    },
    "HitsAndTrials": {
        "hits": "How often it happened.",
        "trials": "How often it could have happened.",
    },
    "MeanAndErrorFactor": {
        "mean": "The mean, before the cut at 1.",
        "error_factor": "The quantile at level over the median.",
        "level": "Which quantile the error factor is for.",
    },
    "AllOf": {"all": "Formulas that must all hold; a bare list says the same."},
    "AnyOf": {"any": "Formulas of which one must hold."},
    "AtLeast": {
        "at_least": "How many of the formulas must hold.",
        "of": "The formulas.",
    },
    "View": {
        "view": "The view's id.",
        "title": _TITLE,
        "summary": _SUMMARY,
        "sources": _SOURCES,
        "set": "Numbers by name: the id of an assumption, a route or a nudge, or id.part for one "
        "of several.",
    },
}

_CLASSES = {
    "intended": "the model that the goal specifies",
    "mesa-optimizer": "it optimizes, inside, for something that is not wanted",
    "deceptive": "it plays along in training for the sake of later",
    "other": "not intended, and neither of the two",
}

_BASES = {
    "elicited": "somebody was asked and said so",
    "assumed": "the author's own guess",
    "measured": "counted or computed from data",
}

VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("Story", "kind"): {
        "training-story": "how training would end at the wanted model, and at its rivals",
        "risk-argument": "how a catastrophe would come about, and nothing of what goes right",
    },
    ("Goal", "optimization"): {
        "none": "the model is not meant to search for anything",
        "narrow": "within one domain",
        "myopic": "no further than the step or episode at hand",
        "open-ended": "over the world and without a horizon",
    },
    ("Check", "on_flag"): {
        "halt": "the model goes no further",
        "retrain": "training is taken back to a stage, and repeated",
    },
    ("Hazard", "criterion"): {
        "alignment": "the model is bad for the world",
        "competitiveness": "the model is safe and not strong enough",
    },
    ("Rationale", "class"): {
        "capability-limitations": "a capability that the bad behavior needs is absent",
        "inductive-bias": "what training prefers is known in advance",
        "transparency": "one can look inside and find what is wrong",
        "automated-oversight": "a model that is itself safe watches or trains this one",
        "ai-cognitive-science": "what is learned from behavior carries over to stronger models",
        "precursor-checking": "something that must come first is looked for and not found",
        "loss-landscape": "the paths that training can take are known",
        "game-theoretic": "pressure among models, or between model and overseer, selects for it",
    },
    ("Assumption", "scope"): {
        "run": "each training run has its own truth value",
        "world": "one truth for all stories",
    },
    ("Route", "class"): _CLASSES,
    ("About", "class"): _CLASSES,
    ("Check", "result"): {
        "passed": "it did not flag this model",
        "flagged": "it flagged this model, and the odds are those of going on all the same",
    },
    ("Check", "role"): {
        "held-out": "kept out of training",
        "in-the-loss": "trained against, so that what it caught before may have learned to hide",
    },
    ("Pool", "method"): {
        "linear": "the weighted mean of the distributions",
        "logarithmic": "their weighted geometric mean, normalized",
    },
    ("Form", "basis"): _BASES,
    ("StateOdds", "basis"): _BASES,
}
