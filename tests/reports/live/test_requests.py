"""Every wrong request is refused in words, and a right one is read as it was written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyodds import InputError
from storyodds.reports.live.requests import (
    MAX_PRIOR,
    MAX_SETTINGS,
    State,
    read_body,
    read_name,
    read_state,
)

names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
states = st.builds(
    State,
    view=st.sampled_from([None, "sceptic", "advocate"]),
    set=st.dictionaries(names, st.from_regex(r"\[0\.[1-4], 0\.[5-9]\]", fullmatch=True)),
    off=st.lists(
        st.builds("{}:{}".format, st.sampled_from(["check", "nudge", "evidence"]), names),
        unique=True,
    ).map(tuple),
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(states)
def test_a_state_goes_out_and_back(state: State) -> None:
    assert read_state(read_body(json.dumps(state.as_data()).encode())) == state


@given(plain | st.fixed_dictionaries({"view": plain, "set": plain, "off": plain}))
def test_whatever_comes_is_a_state_or_a_mistake(data: Any) -> None:
    try:
        assert read_state(data).as_data().keys() == {"view", "set", "off"}
    except InputError as error:
        assert error.problems


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b"[Infinity]",
        b'{"view": null, "view": null}',
        b"[" * 60_000,
        b"1" * 5000,
    ],
)
def test_no_strict_json_is_refused(raw: bytes) -> None:
    with pytest.raises(InputError):
        read_state(read_body(raw))


def test_every_mistake_is_told_at_once() -> None:
    wrong = {
        "view": 3,
        "set": {"../x": "1", "a": 0.5, "b": "", "c": "1" * (MAX_PRIOR + 1)},
        "off": ["check", "door:a", 1, "check:../a"],
        "more": True,
    }
    with pytest.raises(InputError) as caught:
        read_state(wrong)
    assert len(caught.value.problems) == 10


@pytest.mark.parametrize(
    "state",
    [
        [],
        {"set": []},
        {"off": {}},
        {"off": ["check:a"] * (MAX_SETTINGS + 1)},
        {"set": {f"n{k}": "1" for k in range(MAX_SETTINGS + 1)}},
        {"view": "../sceptic.yaml"},
    ],
)
def test_wrong_shapes_are_refused(state: Any) -> None:
    with pytest.raises(InputError):
        read_state(state)


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "a" * 65, "a\n", None, 3, ["a"]])
def test_wrong_names_are_refused(name: Any) -> None:
    with pytest.raises(InputError, match="name"):
        read_name(name)
