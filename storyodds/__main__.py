"""The `storyodds` command, and `python -m storyodds`: run once and leave the process.

Little is imported here, so that Ctrl-C ends the command in the same way while it is imported.
"""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # the exit code of shells: 128 and the number of SIGINT
_SHOW_CURSOR = "\x1b[?25h"  # a line of progress hides it


class _Interrupt:
    """Ctrl-C: once ends the command as Python does; a second time, without waiting for anything."""

    pressed = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            leave_interrupted()
        self.pressed = True
        raise KeyboardInterrupt


def leave_interrupted() -> None:
    """Leave at once: threads that still compute, and libraries that tidy up, are not waited for."""
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, _SHOW_CURSOR.encode())
    os._exit(INTERRUPTED)


def run() -> None:
    """Be the `storyodds` command."""
    interrupt = _Interrupt()
    signal.signal(signal.SIGINT, interrupt)
    try:
        from storyodds.cli import main, prepare_process

        prepare_process()
        code = main()
    except KeyboardInterrupt:  # while that was imported, or at the very end
        code = INTERRUPTED
        if sys.stderr is not None:
            print("interrupted", file=sys.stderr)
    if code == INTERRUPTED:
        leave_interrupted()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done but for the end of the process
    sys.exit(code)


if __name__ == "__main__":
    run()
