"""Numbers as people type them: "40%", "30% to 50%" and "0,4" beside the forms that a story has."""

import re
from decimal import Decimal

# Two digits of an exponent are more than any number of a story has.
_NUMBER = r"([+-]?[0-9]+(?:[.,][0-9]+)?(?:e[+-]?[0-9]{1,2})?)\s*(%?)"
_THOUSANDS = re.compile(r"[0-9],[0-9]{3}(?![0-9])")  # 1 or 1000, by who reads it: left as it is
_ONE = re.compile(_NUMBER, re.IGNORECASE)
_TWO = re.compile(rf"{_NUMBER}\s*(?:to|–|—|-)\s*{_NUMBER}", re.IGNORECASE)
_LONGEST = 40  # characters, beyond which nobody types a number or two


def as_prior(text: str, number: str) -> str:
    """Write what somebody typed as a PRIOR.

    Parameters
    ----------
    text : str
        A number, with a point or a comma, or two with "to" or a dash between them, which are a 90
        percent interval; of a probability also in percent, where one sign after both will do.
    number : str
        The full name of the number that it is typed for, such as `aware.probability`: percent
        signs are read only where that is a probability.

    Returns
    -------
    str
        The text as it is where it is nothing of the kind.

    Examples
    --------
    >>> [as_prior(text, "a.probability") for text in ("40%", "0,4", "30 to 50%", "{beta: [1, 2]}")]
    ['0.4', '0.4', '[0.3, 0.5]', '{beta: [1, 2]}']
    >>> as_prior("−1,5 to 2", "r.bits"), as_prior("40%", "r.bits")
    ('[-1.5, 2]', '40%')
    """
    plain = text.strip().replace("−", "-")
    if len(plain) > _LONGEST or _THOUSANDS.search(plain):
        return text
    has_percent = "." in number and "bits" not in number.split(".")[1:]
    if one := _ONE.fullmatch(plain):
        value, sign = one.groups()
        return _decimal(value, sign) if has_percent or not sign else text
    if two := _TWO.fullmatch(plain):
        low, low_sign, high, high_sign = two.groups()
        if (high_sign and not has_percent) or (low_sign and not high_sign):
            return text
        return f"[{_decimal(low, high_sign)}, {_decimal(high, high_sign)}]"
    return text


def _decimal(digits: str, sign: str) -> str:
    plain = digits.replace(",", ".").removeprefix("+")
    return f"{Decimal(plain).scaleb(-2).normalize():f}" if sign else plain
