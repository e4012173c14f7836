"""What the YAML parser complains of, in plain words."""


def plain_syntax(problem: str, letter: str) -> str:
    r"""Put a complaint of the YAML parser into plain words.

    Parameters
    ----------
    problem : str
        The parser's own words.
    letter : str
        The character at the place of the complaint.

    Examples
    --------
    >>> plain_syntax("did not find expected key", "\t")
    'found a tab, expected spaces at the beginning of a line'
    """
    if letter == "\t":
        return "found a tab, expected spaces at the beginning of a line"
    for sentences in (_WHERE_FOUND, _AT_START):
        if problem in sentences:
            return sentences[problem]
    return f"this is not YAML: {problem}"


def is_told_at_start(problem: str) -> bool:
    """Return whether a complaint belongs where the unfinished thing begins."""
    return problem in _AT_START


_WHERE_FOUND = {
    "found character that cannot start any token": "found a character that cannot begin a value, "
    "expected quotes around the text",
    "mapping values are not allowed in this context": "found ': ' inside a value, expected quotes "
    "around the text, or a new key at the indent of the others",
    "did not find expected key": "found text after the end of a value or out of line with the "
    "keys above, expected a new key",
    "did not find expected '-' indicator": "found something that does not line up with the "
    "'-' above, expected another item",
    "block sequence entries are not allowed in this context": "found '- ' on the line of a key, "
    "expected it at the beginning of a line",
    "did not find expected node content": "found no value where one should be, expected one, or "
    "the bracket that closes an earlier one",
    "found unknown escape character": "found an unknown escape, expected '\\\\' for a backslash, "
    "or single quotes around the text",
    "did not find expected <document start>": "found text after the end of the story, "
    "expected none",
}
# Told at the place where the unfinished thing begins, not where the parser gives up.
_AT_START = {
    "found unexpected end of stream": "found a quote that is never closed, expected another one",
    "could not find expected ':'": "found text on a line of its own, expected a key with ': ' "
    "after it, or the indent of the value that it goes on with",
    "did not find expected ',' or ']'": "found a list that goes wrong before its ']', expected "
    "',' between its items and ']' at its end",
    "did not find expected ',' or '}'": "found a mapping that goes wrong before its '}', expected "
    "',' between its entries and '}' at its end",
}
