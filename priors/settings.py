"""One number as a person types it: a PRIOR on one line, outside a story file."""

from typing import Any

from storyodds.priors.library import pack_entry
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.yaml_reader import read_document


def read_setting(text: str, where: str) -> Any:
    """Read a PRIOR that stands alone, as it would stand in a story.

    Parameters
    ----------
    text : str
    where : str
        What a mistake is said to be in.

    Returns
    -------
    number, list or dict
        Plain data; whether it is a PRIOR of the kind that is wanted shows when a story is resolved.

    Raises
    ------
    InputError
        If the text is no YAML, or refers to an entry that no prior pack has.

    Examples
    --------
    >>> read_setting("{beta: [2, 8]}", "--set aware")
    {'beta': [2, 8]}
    """
    data = read_document(text, where).data
    if isinstance(data, dict) and isinstance(data.get("ref"), str):
        try:
            pack_entry(data["ref"])
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    return data
