"""What an Open-PSA file defines: gates, events and parameters."""

from dataclasses import dataclass

from storyodds.priors.text.xml_reader import Element


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """One gate, basic event, house event or parameter.

    Attributes
    ----------
    kind : {"gate", "basic event", "house event", "parameter"}
    name : str
    scope : tuple of str
        Names of the fault tree and components around it.
    public : bool
        Whether its name alone stands for it everywhere.
    label : str
    element : Element
    body : Element or None
        The one formula or expression inside it.
    """

    kind: str
    name: str
    scope: tuple[str, ...]
    public: bool
    label: str
    element: Element
    body: Element | None

    @property
    def full_name(self) -> str:
        """The name with those of the fault tree and components around it."""
        return ".".join((*self.scope, self.name))

    @property
    def shown(self) -> str:
        """How a person reads of it."""
        return f"{self.kind} {self.name if self.public else self.full_name}"
