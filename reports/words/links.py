"""Addresses that are safe to follow."""

from urllib.parse import quote, urlsplit

_IN_A_LINK = "/:?#&=%+,;.-_~"


def web_address(url: str | None) -> str | None:
    """Give an https address in characters that mean nothing else; None for any other.

    Examples
    --------
    >>> web_address("https://example.org/?q=a|b"), web_address("data:text/html,x")
    ('https://example.org/?q=a%7Cb', None)
    """
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        return None
    return quote(url or "", safe=_IN_A_LINK, errors="replace")
