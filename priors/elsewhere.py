"""Libraries that read a configuration from the current folder are imported from another one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def elsewhere() -> Iterator[None]:
    """Stand in the root folder, which only its owner writes to, and come back.

    A folder that holds a story may hold files that a library takes for its configuration:
    `.numba_config.yaml`, `arvizrc`, `matplotlibrc`. They decide nothing here.

    Examples
    --------
    >>> here = os.getcwd()
    >>> with elsewhere():
    ...     print(os.getcwd() == os.path.abspath(os.sep))
    True
    >>> os.getcwd() == here
    True
    """
    try:
        here = os.open(".", os.O_RDONLY)
    except OSError:  # a folder that is gone or closed holds no configuration either
        yield
        return
    try:
        os.chdir(os.path.abspath(os.sep))
        yield
    finally:
        os.fchdir(here)
        os.close(here)
