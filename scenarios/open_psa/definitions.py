"""What an Open-PSA file defines: gates, events, parameters, and what changes them."""

from dataclasses import dataclass
from typing import Final

from storyodds.priors.text.xml_reader import Element

GATE: Final = "gate"
BASIC_EVENT: Final = "basic event"
HOUSE_EVENT: Final = "house event"
PARAMETER: Final = "parameter"
GROUP: Final = "common-cause group"
SUBSTITUTION: Final = "substitution"
ALIGNMENT: Final = "alignment"
PHASE: Final = "phase"
EVENT_TREE: Final = "event tree"
INITIATING_EVENT: Final = "initiating event"
RULE: Final = "rule"
CONSEQUENCE: Final = "consequence"
CONSEQUENCE_GROUP: Final = "consequence group"
# What an event tree defines inside of it.
FUNCTIONAL_EVENT: Final = "functional event"
SEQUENCE: Final = "sequence"
BRANCH: Final = "branch"
# Gates and events share their names; each of these kinds has names of its own.
_WITH_NAMES_OF_THEIR_OWN = (
    *(PARAMETER, GROUP, SUBSTITUTION, ALIGNMENT, EVENT_TREE, INITIATING_EVENT, RULE),
    *(CONSEQUENCE, CONSEQUENCE_GROUP, FUNCTIONAL_EVENT, SEQUENCE, BRANCH),
)


def name_space(kind: str) -> str:
    """Return among what a name of that kind has to be the only one."""
    return kind if kind in _WITH_NAMES_OF_THEIR_OWN else "event"


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """One thing that a file defines by name.

    Attributes
    ----------
    kind : str
        As a person reads of it, such as `basic event`.
    name : str
    scope : tuple of str
        Names of the fault tree and components around it.
    public : bool
        Whether its name alone stands for it everywhere.
    label : str
    element : Element
    body : Element or None
        The one formula or expression inside it.
    slug : str
        What its id is made of, where that is not its name.
    """

    kind: str
    name: str
    scope: tuple[str, ...]
    public: bool
    label: str
    element: Element
    body: Element | None
    slug: str = ""

    @property
    def full_name(self) -> str:
        """The name with those of the fault tree and components around it."""
        return ".".join((*self.scope, self.name))

    @property
    def shown(self) -> str:
        """How a person reads of it."""
        return f"{self.kind} {self.name if self.public else self.full_name}"
