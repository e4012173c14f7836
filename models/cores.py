"""How much of the machine this process may use."""

import os
import sys


def cores() -> int:
    """How many cores there are for this process.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return os.cpu_count() or 1
