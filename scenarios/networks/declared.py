"""What files of networks state of nodes beside their tables: chances, and what was observed."""

import re

_MARGINAL = re.compile(r"\s*(?:marginal|belief)s?\b\s*[=:]?\s*(?P<values>.*)", re.IGNORECASE | re.S)
_OBSERVED = re.compile(r"\s*(?:observed|evidence)\b", re.IGNORECASE)
_VALUE = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?\Z")
_BETWEEN = re.compile(r"[\s,()\[\]]+")


class Declarations:
    """What properties of nodes state.

    A property `marginal = 0.1 0.9` (or `belief`) states the chance of each state of a node, before
    anything is observed. What properties say of a picture, such as `position`, is passed over.
    """

    def __init__(self) -> None:
        self._by_node: dict[str, tuple[str, ...]] = {}

    def add(self, node: str | None, text: str) -> str:
        """Note a property.

        Returns
        -------
        str
            What is wrong with it; empty where nothing is.

        Examples
        --------
        >>> declarations = Declarations()
        >>> declarations.add("rain", "marginal = 0.25 0.75"), declarations.of("rain")
        ('', ('0.25', '0.75'))
        >>> declarations.add("rain", "observed yes")
        "found an observation, expected the network alone: state it in the story's evidence"
        """
        if _OBSERVED.match(text):
            return (
                "found an observation, expected the network alone: state it in the story's evidence"
            )
        match = _MARGINAL.match(text)
        if match is None or node is None:
            return ""
        values = tuple(part for part in _BETWEEN.split(match["values"]) if part)
        wrong = [value for value in values if not _VALUE.match(value) or not 0 <= float(value) <= 1]
        if wrong or not values:
            return f"found {' '.join(wrong) or 'nothing'!r}, expected a probability for each state"
        self._by_node[node] = values
        return ""

    def of(self, node: str) -> tuple[str, ...]:
        """What is stated of a node."""
        return self._by_node.get(node, ())
