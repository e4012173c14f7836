"""Words inside a PNG: what it is of, where it comes from, and what made it."""

import struct
import zlib
from collections.abc import Mapping

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = 25  # bytes of the chunk that stands first: its length, name, 13 bytes and checksum


def with_text(png: bytes, texts: Mapping[str, str]) -> bytes:
    """Put texts into a PNG, as international text after its header.

    Parameters
    ----------
    png : bytes
    texts : mapping of str to str
        By keyword, of which the format knows Title, Description, Source and Software, among
        others; empty ones are left out.

    Raises
    ------
    ValueError
        If it is no PNG.
    """
    if not png.startswith(_SIGNATURE):
        raise ValueError("found bytes without the signature of a PNG")
    start = len(_SIGNATURE) + _HEADER
    chunks = b"".join(_chunk(name, text) for name, text in texts.items() if text)
    return png[:start] + chunks + png[start:]


def _chunk(keyword: str, text: str) -> bytes:
    # After the keyword: not compressed, by method 0, in no language, keyword not translated.
    data = b"iTXt" + keyword.encode("latin-1") + b"\x00\x00\x00\x00\x00" + text.encode()
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
