"""How much memory a process has taken, and how much more it may take."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MIB = 2**20  # bytes

_ceiling: ContextVar[int | None] = ContextVar("ceiling", default=None)


def resident() -> int:
    """Memory that the process holds now, in bytes; 0 where the system does not say.

    Examples
    --------
    >>> resident() >= 0
    True
    """
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


@contextmanager
def memory_limit(max_memory: int) -> Iterator[None]:
    """Hold what runs inside to a size of the process.

    A process that is large already, for other reasons, may still grow by half as much.

    Parameters
    ----------
    max_memory : int
        Bytes, Python and its packages included.

    Examples
    --------
    >>> with memory_limit(2**40):
    ...     memory_left(None) > 2**38
    True
    """
    start = resident()
    token = _ceiling.set(start + growth(max_memory, start))
    try:
        yield
    finally:
        _ceiling.reset(token)


def growth(max_memory: int, start: int) -> int:
    """How much a process of some size may grow by, in bytes.

    Examples
    --------
    >>> growth(512 * MIB, 100 * MIB) // MIB, growth(512 * MIB, 400 * MIB) // MIB
    (412, 256)
    """
    return max(max_memory - start, max_memory // 2)


def memory_left[T](unlimited: T) -> int | T:
    """How much more the process may take, in bytes; `unlimited` outside of `memory_limit`.

    Examples
    --------
    >>> memory_left(None) is None
    True
    """
    ceiling = _ceiling.get()
    return unlimited if ceiling is None else max(ceiling - resident(), 0)


def amount(n_bytes: float) -> str:
    """Word an amount of memory.

    Parameters
    ----------
    n_bytes : float

    Examples
    --------
    >>> amount(3 * MIB), amount(100)
    ('3 MiB', 'less than 1 MiB')
    """
    return f"{n_bytes / MIB:,.0f} MiB" if n_bytes >= MIB else "less than 1 MiB"


def shortage(need: str) -> str:
    """Word that there is no room for a need, and what can be done.

    Parameters
    ----------
    need : str
        What was found, and how much of memory it takes.

    Examples
    --------
    >>> with memory_limit(0):
    ...     shortage("found sums that take 3 MiB").split("; ")[1]
    'allow more with --max-memory'
    """
    if memory_left(1) == 0:  # by no fault of the story's
        return (
            f"{need}, beside the {amount(resident())} that the process holds: Python, the "
            "libraries that the method needs and what is worked out so far take all that it may; "
            "allow more with --max-memory"
        )
    return (
        f"{need}, more than is left beside the {amount(resident())} that the process holds; "
        "expected fewer, as of a story whose formulas share less. Ways out: allow more with "
        "--max-memory, or estimate it with --method simulation"
    )
