"""The endings of a run and the classes of model: one gloss of each, for everything people read."""

from collections.abc import Mapping

#: What every class of model is, to stand beside its name.
CLASS_GLOSSES: Mapping[str, str] = {
    "intended": "the model that the story wants",
    "mesa-optimizer": "an optimizer that the story does not want, and no deceiver",
    "deceptive": "plays along in training to keep a goal of its own",
    "other": "any other kind of model, those that nobody has named included",
}

#: What every fate is, to stand beside its name. The five exclude each other and leave nothing out.
FATE_GLOSSES: Mapping[str, str] = {
    "success": "as intended, no hazard fires, deployed, no catastrophe",
    "uncompetitive": "as intended and deployed without catastrophe, but loses out to rivals",
    "halted": "flagged by a check, not deployed",
    "benign-failure": "fails in any other way, deployed, no catastrophe",
    "catastrophe": "deployed, and the harm comes about",
}
