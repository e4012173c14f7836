"""Names for types that many files use."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]  # a document, or a part of one
