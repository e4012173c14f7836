"""How numbers are said: percentages, odds, bits."""

from collections.abc import Mapping

Summary = Mapping[str, float]

_SURE = 1e-12  # nearer to certainty than this is rounding error


def percent(p: float) -> str:
    """A probability as a percentage of two significant digits.

    Close to certainty the digit is that of what is missing.

    Examples
    --------
    >>> percent(0.3249), percent(0.05), percent(0.0214), percent(0.99953)
    ('32%', '5.0%', '2.1%', '99.95%')
    >>> percent(0.0), percent(1e-9), percent(1 - 1e-9), percent(1.0)
    ('0%', '<0.0001%', '>99.9999%', '100%')
    """
    if p <= 0.0:
        return "0%"
    if p >= 1.0 - _SURE:
        return "100%"
    if p < 1e-6:
        return "<0.0001%"
    if p > 1 - 1e-6:
        return ">99.9999%"
    if p > 0.99:
        missing = float(f"{100 * (1 - p):.1g}")
        decimals = len(f"{missing:.10f}".rstrip("0").split(".")[1])
        return f"{100 - missing:.{decimals}f}%"
    return f"{_two_digits(100 * p)}%"


def _two_digits(x: float) -> str:
    rounded = float(f"{x:.1e}")
    exponent = int(f"{rounded:e}".split("e")[1])
    return f"{rounded:.{max(0, 1 - exponent)}f}"


def interval(summary: Summary) -> str:
    """The central 90 percent interval, as text.

    Examples
    --------
    >>> interval({"q05": 0.18, "q95": 0.52}), interval({"q05": 1e-9, "q95": 1e-8})
    ('18%–52%', '<0.0001%')
    """
    low, high = percent(summary["q05"]), percent(summary["q95"])
    return low if low == high and low[0] in "<>" else f"{low}–{high}"


def about_one_in(p: float) -> str:
    """A chance as a count, for readers who think in cases.

    Examples
    --------
    >>> about_one_in(0.325), about_one_in(0.0021), about_one_in(0.95), about_one_in(0.6)
    ('about 1 in 3', 'about 1 in 480', 'about 19 in 20', 'about 3 in 5')
    """
    if p <= 0.0:
        return "never"
    if p >= 1.0 - _SURE:
        return "always"
    if p < 0.15:
        return f"about 1 in {_round_number(1 / p)}" if p > 1e-9 else "next to never"
    if p > 0.85:
        rare = 1 - p
        if rare <= 1e-9:
            return "all but certain"
        n = _round_number(1 / rare)
        return f"about {int(n.replace(',', '')) - 1:,} in {n}"
    for whole in (2, 3, 4, 5, 6, 10):
        if abs(round(p * whole) / whole - p) <= 0.025:
            return f"about {round(p * whole)} in {whole}"
    return f"about {round(p * 20)} in 20"


def _round_number(n: float) -> str:
    return f"{float(f'{n:.2g}'):,.0f}"


def bits(x: float | None) -> str:
    """Bits with their sign.

    Examples
    --------
    >>> bits(0.17), bits(-2.468), bits(0.001), bits(None)
    ('+0.17', '−2.47', '0', '–')
    """
    if x is None:
        return "–"
    return "0" if abs(x) < 0.005 else f"{x:+.2f}".replace("-", "−")


def odds_words(odds: str) -> str:
    """What odds are of, to read in a sentence.

    Examples
    --------
    >>> odds_words("success"), odds_words("success-given-deployed"), odds_words("deployed")
    ('success', 'success once deployed', 'being deployed')
    """
    if odds == "deployed":
        return "being deployed"
    name = odds.removesuffix("-given-deployed")
    return name if name == odds else f"{name} once deployed"
