"""Arguments of the functions of an Open-PSA file, held to what each of them may be."""

from storyodds.priors.text.phrases import described


class ArgumentError(Exception):
    """Arguments that a function cannot take; the message is what was found and expected."""


def require(right: bool, expectation: str, *numbers: float) -> None:
    """Refuse arguments that are not right.

    Examples
    --------
    >>> try:
    ...     require(False, "a mean above 0", -1.0)
    ... except ArgumentError as error:
    ...     print(error)
    found -1, expected a mean above 0
    """
    if not right:
        values = " and ".join(described(number) for number in numbers)
        raise ArgumentError(f"found {values}, expected {expectation}")


def require_probability(meaning: str, number: float) -> None:
    """Refuse what is no probability."""
    require(0.0 <= number <= 1.0, f"{meaning}, from 0 to 1", number)


def require_positive(meaning: str, number: float) -> None:
    """Refuse what is not above 0."""
    require(number > 0.0, f"{meaning}, above 0", number)


def require_not_negative(meaning: str, number: float) -> None:
    """Refuse what is below 0."""
    require(number >= 0.0, f"{meaning}, 0 or more", number)
