"""How numbers are said: percentages, odds, bits."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from storyodds.reports.contract.summaries import Ends, Interval

Errors = Mapping[str, float]

NO_ERRORS: Errors = {}

_LEFT_OVER = 1e-15  # of chances that cancel
_SURE = 1e-12  # nearer to certainty than this is rounding error
_TINY = 1e-4  # points: smaller differences have more zeros than anybody counts
_SMALL = 1e-6  # a smaller probability has more zeros, as a percentage, than anybody counts
_ZEROS = 6  # after the point; with more of them, a number is written by its power of ten
_NEGLIGIBLE = 1e-9  # of the other end of an interval: no sample of draws has digits so far out


def percent(p: float, error: float = 0.0) -> str:
    """A probability as a percentage of two significant digits, or of fewer.

    Close to certainty the digit is that of what is missing. A probability below a millionth is
    written as such, without a percent sign. The last digit never stands below the place of the
    first digit of the standard error; where no digit is left above it, the first follows a "~", and
    where the error is ten times as large as that, only which end it is near.

    Parameters
    ----------
    p : float
    error : float
        Standard error of `p`.

    Examples
    --------
    >>> percent(0.3249), percent(0.05), percent(0.0214), percent(0.99953)
    ('32%', '5.0%', '2.1%', '99.95%')
    >>> percent(0.0), percent(5e-9), percent(1 - 2e-9), percent(1.0)
    ('0%', '5.0e-9', '1 − 2.0e-9', '100%')
    >>> percent(0.3249, 0.12), percent(0.0214, 0.004), percent(0.0214, 0.2), percent(5e-9, 4e-9)
    ('30%', '2.1%', '~2%', '5e-9')
    >>> percent(6.9e-60, 1e-12), percent(0.999997, 0.001)
    ('~0%', '~100%')
    """
    if p <= 0.0:
        return "0%"
    if p >= 1.0 - _SURE:
        return "100%"
    if p < _SMALL:
        return "~0%" if _drowned(p, error) else _scientific(p, error)
    if p > 1 - _SMALL:
        return "~100%" if _drowned(1 - p, error) else f"1 − {_scientific(1 - p, error)}"
    if p > 0.99:  # the digit is that of what is missing, so that is what is rounded
        missing = float(f"{100 * (1 - p):.0e}")
        x, first = 100 - missing, _place(missing, 0)
        last = first
    else:
        x = 100 * p
        first = _place(x, 1)
        last = first - 1
    coarse = max(last, _place(100 * error, 0)) if error > 0 else last
    if coarse > first + 1:
        return "~0%" if p < 0.5 else "~100%"
    rounded = _to_place(x, coarse)
    if coarse > first or rounded == "100":
        return f"~{_to_place(x, first)}%"
    return f"{rounded}%"


def _scientific(p: float, error: float) -> str:
    first = _place(p, 1)
    coarse = max(first - 1, _place(error, 0)) if error > 0 else first - 1
    digits, exponent = f"{p:.{0 if coarse >= first else 1}e}".split("e")
    return f"{'~' if coarse > first else ''}{digits}e{int(exponent)}"


def _drowned(p: float, error: float) -> bool:
    """Whether an error is so large that not even the first digit means anything."""
    return error > 0 and _place(error, 0) > _place(p, 1) + 1


def _place(x: float, more: int) -> int:
    """The power of ten of the first digit, once rounded to so many more."""
    return int(f"{x:.{more}e}".split("e")[1])


def _to_place(x: float, place: int) -> str:
    rounded = Decimal(x).quantize(Decimal((0, (1,), place)), ROUND_HALF_EVEN)
    return f"{rounded:f}"


def interval(summary: Ends, errors: Errors = NO_ERRORS) -> str:
    """The central 90 percent interval, as text.

    Parameters
    ----------
    summary : mapping
        With `q05` and `q95`.
    errors : mapping
        Their standard errors, where there are any.

    Examples
    --------
    >>> interval({"q05": 0.18, "q95": 0.52}), interval({"q05": 1e-9, "q95": 1e-8})
    ('18%–52%', '1.0e-9–1.0e-8')
    >>> interval({"q05": 0.18, "q95": 1 - 1e-8}), interval({"q05": 0.18, "q95": 0.5}, {"q05": 0.1})
    ('18% to 1 − 1.0e-8', '20%–50%')
    >>> interval({"q05": 6.9e-60, "q95": 0.97})
    '~0%–97%'
    """
    low, high = (percent(summary[end], errors.get(end, 0.0)) for end in ("q05", "q95"))
    if 0 < summary["q05"] < _NEGLIGIBLE * summary["q95"]:
        low = "~0%"
    if 0 < 1 - summary["q95"] < _NEGLIGIBLE * (1 - summary["q05"]):
        high = "~100%"
    return between(low, high)


def between(low: str, high: str) -> str:
    """Join the ends of an interval, in words where one of them has a sign.

    Examples
    --------
    >>> between("18%", "52%"), between("−4.00", "+2.00")
    ('18%–52%', '−4.00 to +2.00')
    """
    signs = any(sign in low + high for sign in "−+")
    return f"{low} to {high}" if signs else f"{low}–{high}"


def significant(x: float, digits: int = 2) -> str:
    """A number that is no probability, to some significant digits.

    Examples
    --------
    >>> significant(0.0181), significant(1234.0), significant(-2e-9), significant(0.3, 1)
    ('0.018', '1,200', '−2.0e-9', '0.3')
    """
    if x == 0:
        return "0"
    place = _place(abs(x), digits - 1)
    if place < -_ZEROS:
        mantissa, exponent = f"{abs(x):.{digits - 1}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    else:
        text = f"{float(f'{abs(x):.{digits - 1}e}'):,.{max(0, digits - 1 - place)}f}"
    return f"−{text}" if x < 0 else text


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


def marked(finding: str, opinion: bool) -> str:
    """Name a finding, and say so where it is a forecast, which is an opinion.

    Examples
    --------
    >>> marked("red-teaming", False), marked("judge", True)
    ('red-teaming', 'judge (opinion)')
    """
    return f"{finding} (opinion)" if opinion else finding


def points(p: float, error: float = 0.0) -> str:
    """A difference of two probabilities in percentage points, of two digits or fewer.

    Examples
    --------
    >>> points(0.08), points(-0.0123), points(0.01), points(0.0), points(-3e-9)
    ('+8.0 points', '−1.2 points', '+1.0 point', '0', '−3.0e-7 points')
    """
    size = signed(p, error)
    if size == "0":
        return size
    return f"{size} point" if size in ("+1.0", "−1.0", "+1", "−1") else f"{size} points"


def signed(p: float, error: float = 0.0) -> str:
    """A difference of two probabilities in percentage points, without the word.

    Parameters
    ----------
    p : float
    error : float
        Standard error of `p`; the last digit never stands below the place of its first digit.

    Examples
    --------
    >>> signed(0.08), signed(-0.5), signed(1e-17), signed(0.0123, 0.004), signed(0.001, 0.03)
    ('+8.0', '−50', '0', '+1.2', '~0')
    """
    if abs(p) < _LEFT_OVER:
        return "0"
    size, coarse = 100 * abs(p), 100 * error
    first = _place(size, 1)
    if error > 0 and _place(coarse, 0) > first:
        return "~0"
    if size < _TINY:
        digits = _scientific(size, coarse)
    else:
        digits = _to_place(size, max(first - 1, _place(coarse, 0)) if error > 0 else first - 1)
    return ("+" if p > 0 else "−") + digits


def plus_minus(error: float) -> str:
    """The error of a difference in points, or nothing where there is none to speak of.

    Examples
    --------
    >>> plus_minus(0.0052), plus_minus(0.0)
    ('±0.52', '')
    """
    size = signed(error)
    return "" if size == "0" else f"±{size[1:]}"


def band(entry: Interval, errors: Errors = NO_ERRORS) -> str:
    """The interval, or nothing where it would only say the mean again."""
    points = {"mean": entry["mean"], "q05": entry["q05"], "q95": entry["q95"]}
    same = {percent(x, errors.get(key, 0.0)) for key, x in points.items()}
    return "" if len(same) == 1 else interval(entry, errors)


def listed(names: Sequence[str]) -> str:
    """Join names in words.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def sentence_case(text: str) -> str:
    """Let a text start with a capital."""
    return text[:1].upper() + text[1:]


def counted(n: int, noun: str) -> str:
    """A number of things.

    Examples
    --------
    >>> counted(1, "path"), counted(3, "path")
    ('1 path', '3 paths')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
