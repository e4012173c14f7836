"""How numbers are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyodds.reports.words.numbers import about_one_in, bits, interval, percent

probabilities = st.floats(0, 1)


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.0, "0%"),
        (2.0**-60, "8.7e-19"),
        (5e-9, "5.0e-9"),
        (9.99e-7, "1.0e-6"),
        (1e-6, "0.00010%"),
        (0.000123, "0.012%"),
        (0.05, "5.0%"),
        (0.0514, "5.1%"),
        (0.0999, "10%"),
        (0.325, "32%"),
        (0.9486, "95%"),
        (0.986, "99%"),
        (0.9907, "99.1%"),
        (0.99953, "99.95%"),
        (1 - 1e-8, "1 − 1.0e-8"),
        (1 - 1e-15, "100%"),
        (1.0, "100%"),
    ],
)
def test_percent(p: float, said: str) -> None:
    assert percent(p) == said


def value(said: str) -> float:
    if said.startswith("1 − "):
        return 1 - float(said.removeprefix("1 − "))
    return float(said.strip("~%")) / 100 if said.endswith("%") else float(said.strip("~"))


@given(probabilities)
def test_percent_is_close(p: float) -> None:
    assert value(percent(p)) == pytest.approx(p, rel=0.051, abs=1e-6)
    assert percent(p).count(".") <= 1


@given(probabilities, probabilities)
def test_percent_keeps_the_order(p: float, q: float) -> None:
    low, high = sorted((p, q))
    assert value(percent(low)) <= value(percent(high))


@given(st.floats(1e-300, 1 - 1e-11), st.floats(1e-12, 0.3))
def test_no_digit_is_finer_than_the_first_of_the_error(p: float, error: float) -> None:
    """But for a first digit that says of itself that it is not to be relied on."""
    said = percent(p, error)
    if "~" in said:
        return
    digits = said.strip("%").removeprefix("1 − ")
    digits, _, exponent = digits.partition("e")
    place = -len(digits.partition(".")[2]) + int(exponent or 0)
    if "e" not in said and "." not in digits:
        place = len(digits) - len(digits.rstrip("0")) if said != "0%" else 0
    scale = 100 if said.endswith("%") else 1
    assert 10.0**place * (1 + 1e-9) >= 10.0 ** int(f"{scale * error:.0e}".split("e")[1])


@given(probabilities, st.floats(0, 0.3))
def test_fewer_digits_are_as_close_as_the_error(p: float, error: float) -> None:
    assert abs(value(percent(p, error)) - p) <= max(error, 0.051 * p, 1e-6)


@given(st.floats(1e-6, 0.99))
def test_percent_has_two_significant_digits(p: float) -> None:
    digits = percent(p).strip("%").replace(".", "").lstrip("0")
    assert len(digits) == 2


def test_interval() -> None:
    assert interval({"q05": 0.0069, "q95": 0.05}) == "0.69%–5.0%"
    assert interval({"q05": 0.2, "q95": 0.2}) == "20%–20%"
    assert interval({"q05": 1e-12, "q95": 1e-9}) == "1.0e-12–1.0e-9"
    assert interval({"q05": 0.5, "q95": 1 - 1e-9}) == "50% to 1 − 1.0e-9"


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.0, "never"),
        (1e-12, "next to never"),
        (1e-6, "about 1 in 1,000,000"),
        (0.0021, "about 1 in 480"),
        (0.0514, "about 1 in 19"),
        (0.2, "about 1 in 5"),
        (0.27, "about 1 in 4"),
        (0.32, "about 1 in 3"),
        (0.4, "about 2 in 5"),
        (0.45, "about 9 in 20"),
        (0.5, "about 1 in 2"),
        (0.6, "about 3 in 5"),
        (0.9486, "about 18 in 19"),
        (1 - 1e-10, "all but certain"),
        (1.0, "always"),
    ],
)
def test_about_one_in(p: float, said: str) -> None:
    assert about_one_in(p) == said


@given(st.floats(1e-6, 1 - 1e-6))
def test_the_count_is_close_to_the_chance(p: float) -> None:
    _, part, _, whole = about_one_in(p).replace(",", "").split()
    assert 0 < int(part) < int(whole)
    error = abs(int(part) / int(whole) - p)
    assert error <= (0.026 if 0.15 <= p <= 0.85 else 0.09 * p)


@pytest.mark.parametrize(
    ("x", "said"),
    [(None, "–"), (0.0, "0"), (-0.0049, "0"), (0.17, "+0.17"), (-2.468, "−2.47"), (60.0, "+60.00")],
)
def test_bits(x: float | None, said: str) -> None:
    assert bits(x) == said
