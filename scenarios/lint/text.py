"""Rules about what a story says in words.

Words are weighed by small lists, so these rules are kept from crying wolf: each asks for a sign
that is seldom there by accident, or for the lack of every sign. How many they catch is held by
tests with written examples of both kinds.
"""

import re
from collections.abc import Iterator

from storyodds.scenarios.grammar.outcomes import INTENDED
from storyodds.scenarios.lint.reading import Doubt, Reading, said_of, same
from storyodds.scenarios.schema import Constraint, Nudge
from storyodds.scenarios.shared import catalog


def _words(text: str) -> re.Pattern[str]:
    """Make one pattern of words and beginnings of words (`plan*`), each at a word's start."""
    parts = [re.escape(part).replace(r"\*", r"\w*").replace("_", r"\s+") for part in text.split()]
    return re.compile(rf"\b(?:{'|'.join(parts)})\b", re.IGNORECASE)


# What goes on inside a model: representing, searching, weighing, and what it does so for.
_MECHANISM = _words(
    """
    represent* search* plan plans planning planner comput* infer infers inferring inference*
    heuristic* feature* objective* optimi* simulat* circuit* algorithm* mechanism* internal*
    select selects selecting selection rank ranks ranking weigh weighs weighing weighted
    reason reasons reasoning estimate* deriv* detector* detects track tracks tracking
    model_of models_of models_the models_how models_what models_who models_its models_their
    world_model world-model self-model its_knowledge knows beliefs believes lookup look-up
    memory memoriz* attention activation* layer* subroutine* module* pointer* lookahead
    look_ahead looks_ahead chain_of_thought value_function pursues pursuing
    for_its_own_sake goal goals target targets motivat* cares_about
    decompos* candidate* compares comparing comparison step_by_step conditions_on updates_on
    posterior* prior_over
    """
)
_LEAST_WORDS = 8  # of a goal: fewer name a behavior and no mechanism

# Words of praise and the nouns they go with: a goal made of them alone says nothing of a mechanism.
_PRAISE = frozenset(
    """
    safe safely safety aligned alignment good beneficial beneficially robustly helpful harmless
    honest trustworthy benevolent ethical moral nice kind friendly wise responsible corrigible
    obedient robust reliable secure useful positive right correct proper well-behaved misaligned
    dangerous unsafe harmful deceptive bad evil power-seeking catastrophic risky
    """.split()
)
_FILLING = frozenset(
    """
    a an the is are be being that which who it its this these and or but not no nor never of to in
    for with by as at on all any every our we us humanity humans human people person users user
    developers principals world values value intent intentions interests wishes preferences model
    models ai agi system systems assistant assistants agent agents machine network algorithm one
    thing anything everything something nothing very fully truly completely always also both does do
    doing what want wants wanted should will would can could may must have has end ends up trained
    training remains stays way ways best act acts behave behaves behavior
    """.split()
)


def behavioral_goal(reading: Reading) -> Iterator[Doubt]:
    """The specification says what the model does, not how."""
    text = reading.story.goal.specification
    if _is_praise(text):
        return
    place = ("goal", "specification")
    if len(text.split()) < _LEAST_WORDS:
        yield Doubt(
            place,
            "the specification is too short to describe an algorithm: what goes on inside the "
            "wanted model?",
        )
    elif not _MECHANISM.search(text):
        yield Doubt(
            place,
            "the specification lists what the model does and not how: which algorithm is wanted?",
        )


def empty_goal(reading: Reading) -> Iterator[Doubt]:
    """The specification only calls the model good."""
    if _is_praise(reading.story.goal.specification):
        yield Doubt(
            ("goal", "specification"),
            "the specification only calls the wanted model good, so the whole question of what "
            "that is comes back one level down",
        )


def _is_praise(text: str) -> bool:
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", text.lower()))
    return bool(words & _PRAISE) and words <= _PRAISE | _FILLING


_METHOD = (
    r"(?:RLHF|RLAIF|RL|SGD|SFT|DPO|PPO|RAT|reinforcement\s+learning|reward\s+model(?:l?ing|s)?|"
    r"adversarial\s+training|amplification|debate|distillation|fine-?tuning|red-?teaming|"
    r"constitutional\s+AI|imitation(?:\s+learning)?|supervised\s+learning|"
    r"interpretability(?:\s+tools)?|safety\s+training|human\s+feedback|data\s+filtering|"
    r"curriculum(?:\s+learning)?|pre-?training|process\s+supervision|oversight)"
)
_STEP = (
    r"(?:train|fine-?tune|pre-?train|use|apply|run|perform|add|reward|penali[sz]e|filter|collect|"
    r"employ|deploy|do|scale|distill|amplify)"
)
# "We train …", "Use …", "The model is trained by …", "… is used": what is done.
_RECIPE = re.compile(
    rf"\b(?:we|developers|the\s+(?:lab|team|developers|company))\s+(?:will\s+|then\s+|first\s+|"
    rf"also\s+|can\s+)?{_STEP}s?\b"
    rf"|(?:^|[.;:]\s+)(?:then\s+|first,?\s+)?{_STEP}(?:ing)?\s"
    r"|\b(?:is|are|gets?)\s+(?:then\s+|first\s+|also\s+|further\s+)?(?:fine-?|pre-?)?"
    r"(?:trained|tuned|rewarded|penali[sz]ed|filtered|distilled|used|applied)\b"
    rf"|^\W*(?:\w+\s+){{0,4}}{_METHOD}\b",
    re.IGNORECASE,
)
# A reason compares, excludes, costs, pulls or follows from something.
_REASON = re.compile(
    r"\b(?:because|since|so|hence|therefore|thus|as|than|whereas|unless|only|until|without|where|"
    r"if|when|while|instead|otherwise|"
    r"cannot|can't|must|need(?:s|ed)?|requires?|exclud\w+|rules?\s+out|leav\w+|no|not|never|none|"
    r"neither|nothing|any|every|simpl\w+|compact|short\w*|cheap\w*|cost\w*|eas(?:y|ier|iest|ily)|"
    r"hard(?:er|est)?|natural\w*|likel\w+|fit|fits|fitting|favou?rs?|prefers?|preferred|pulls?|"
    r"push\w*|bias\w*|gradient\w*|pays|earns?|scores?|wins?|los(?:e|es|ing)|reach\w*|"
    r"separat\w+|distinguish\w*|reveal\w*|expos\w+|same|equally|enough|too|makes?|means?|"
    r"prevents?|keeps?|steers?|thins?|protects?|removes?|gives?|weakens?|dominat\w+|selects?)\b",
    re.IGNORECASE,
)


def recipe_rationale(reading: Reading) -> Iterator[Doubt]:
    """A constraint or nudge says what is done in training, not why it works."""
    rationale = reading.story.rationale
    reasons: list[tuple[str, int, Constraint | Nudge]] = [
        *(("constraints", i, part) for i, part in enumerate(rationale.constraints)),
        *(("nudges", i, part) for i, part in enumerate(rationale.nudges)),
    ]
    for key, index, part in reasons:
        if _RECIPE.search(part.claim) and not _REASON.search(part.claim):
            yield Doubt(
                ("rationale", key, index, "claim"),
                f"'{part.id}' says what is done in training: why does that end at one model "
                "rather than at another?",
            )


_IN_TRAINING = re.compile(
    r"\b(?:in|during|throughout|on|over|while\s+in)\s+(?:all\s+(?:of\s+)?|the\s+|its\s+)?"
    r"(?:pre-?|fine-?tuning\s+|safety\s+)?training\b(?!\s+set-?up)"
    r"|\btraining\s+(?:loss|score|scores|reward|performance|behavior|distribution|episodes|tasks|"
    r"data|set)\b"
    r"|\b(?:benchmark|test\s+score|red-?team)\w*",
    re.IGNORECASE,
)
_INSIDE = re.compile(
    r"\b(?:prob(?:e|es|ing)|internals?|weights|activations?|interpretab\w+|circuits?|features?|"
    r"representations?|audit\w*|inspect\w*|honeypots?|held[- ]out|off[- ]distribution|"
    r"scratchpad\w*|chain[- ]of[- ]thought|monitor\w*|unmonitored|organisms?)\b",
    re.IGNORECASE,
)


def separates_lookalikes(reading: Reading) -> Iterator[Doubt]:
    """Conduct in training is taken to tell deceptive models from intended ones."""
    hiding = [outcome for outcome in reading.outcomes if outcome[1] == "deceptive"]
    for i, item in enumerate(reading.story.evidence):
        table = reading.table_of(item)
        if not item.about.outcome or table is None or item.instrument is not None:
            continue
        if not _IN_TRAINING.search(item.claim) or _INSIDE.search(item.claim):
            continue
        intended = said_of(table, (INTENDED, INTENDED))
        apart = [
            name for name, class_ in hiding if not same(said_of(table, (name, class_)), intended)
        ]
        if apart:
            yield Doubt(
                ("evidence", i),
                f"'{item.id}' tells '{apart[0]}' from the intended model by conduct in training, "
                "where a deceptive model does what the intended one would do",
            )


def missing_claims(reading: Reading) -> Iterator[Doubt]:
    """Something has an id and does not say what it claims."""
    story, rationale = reading.story, reading.story.rationale
    for i, route in enumerate(story.routes):
        if not route.claim and route.id != INTENDED:
            yield _silent(("routes", i), route.id)
    for name, assumption in story.assumptions.items():
        if assumption is not None and not assumption.claim and name not in catalog.assumptions():
            yield Doubt(("assumptions", name), f"'{name}' does not say what it claims", at_key=True)
    for i, hazard in enumerate(story.goal.hazards):
        if not hazard.claim:
            yield _silent(("goal", "hazards", i), hazard.id)
    for i, constraint in enumerate(rationale.constraints):
        if not constraint.claim:
            yield _silent(("rationale", "constraints", i), constraint.id)
    for i, nudge in enumerate(rationale.nudges):
        if not nudge.claim:
            yield _silent(("rationale", "nudges", i), nudge.id)
    for i, item in enumerate(story.evidence):
        if not item.claim:
            yield _silent(("evidence", i), item.id)


def _silent(path: tuple[str | int, ...], name: str) -> Doubt:
    return Doubt(path, f"'{name}' does not say what it claims")
