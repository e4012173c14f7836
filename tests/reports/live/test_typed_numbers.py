"""Numbers as people type them are read as what they mean, and nothing else is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyodds import load_story
from storyodds.priors.settings import read_setting
from storyodds.priors.text.errors import InputError
from storyodds.reports.live.requests import read_state
from storyodds.reports.live.typed_numbers import as_prior
from storyodds.scenarios.resolve import resolve


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("40%", "0.4"),
        (" 40 % ", "0.4"),
        ("0,4", "0.4"),
        ("12,5%", "0.125"),
        ("0.0001%", "0.000001"),
        ("30% to 50%", "[0.3, 0.5]"),
        ("30 to 50%", "[0.3, 0.5]"),
        ("30%–50%", "[0.3, 0.5]"),
        ("0,3-0,5", "[0.3, 0.5]"),
        ("0.3 to 0.5", "[0.3, 0.5]"),
        ("1e-3", "1e-3"),
    ],
)
def test_probabilities(typed: str, read: str) -> None:
    assert as_prior(typed, "aware.probability") == read
    assert read_state({"set": {"aware.probability": typed}}).set == {"aware.probability": read}


@pytest.mark.parametrize(
    ("typed", "read"),
    [("−1,5", "-1.5"), ("-2 to 1", "[-2, 1]"), ("-2--1", "[-2, -1]"), ("+3", "3")],
)
def test_bits(typed: str, read: str) -> None:
    assert as_prior(typed, "r.bits.intended") == read


@pytest.mark.parametrize("typed", ["40%", "30% to 50%", "10 to 20%"])
def test_percent_of_bits_stays_wrong(typed: str) -> None:
    assert as_prior(typed, "r.bits") == typed
    value = read_setting(as_prior(typed, "something-else.bits"), "set")
    with pytest.raises(InputError, match="bits"):
        resolve(load_story("coinrun-agent"), settings={"something-else.bits": value})


@pytest.mark.parametrize(
    "typed", ["[0.1, 0.4]", "{beta: [2, 8]}", "30% to 50", "about 40%", "", "1" * 50, "1,2,3"]
)
def test_anything_else_stays_as_it_is(typed: str) -> None:
    assert as_prior(typed, "aware.probability") == typed


def test_a_name_that_does_not_tell_its_kind_takes_no_percent() -> None:
    assert as_prior("40%", "something-else") == "40%"


@given(st.integers(0, 10**6), st.integers(0, 4))
def test_percent_is_a_hundredth_exactly(digits: int, places: int) -> None:
    """As many places as are typed, and no rounding of binary fractions."""
    whole, part = divmod(digits, 10**places)
    typed = f"{whole}.{part:0{places}d}" if places else str(whole)
    assert float(as_prior(f"{typed}%", "a.probability")) == digits / 10 ** (places + 2)


@pytest.mark.parametrize("typed", ["1e1000005%", "1e999999%", "1e9999999999999999999999", "1,000"])
def test_what_no_number_of_a_story_looks_like_is_left_as_it_is(typed: str) -> None:
    assert as_prior(typed, "a.probability") == typed
