"""The `storyodds` command, and `python -m storyodds`: run once and leave the process.

Little is imported here, so that Ctrl-C ends the command in the same way while it is imported.
"""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # the exit code of shells: 128 and the number of SIGINT
# Until Ctrl-C is tried again where it came while nothing could be raised; such moments are shorter.
_RETRY_SECONDS = 0.01
_SHOW_CURSOR = "\x1b[?25h"  # a line of progress hides it


class _Interrupt:
    """Ctrl-C: once ends the command as Python does; a second time, without waiting for anything."""

    pressed = False
    lost = False  # what was raised of it last came to nobody

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.pressed and not self.lost:
            leave_interrupted()
        self.pressed, self.lost = True, False
        raise KeyboardInterrupt

    def retry(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Try once more what could not be raised, as while Python takes an object down.

        Python would print a traceback and go on as though nothing had been pressed. What else
        cannot be raised from then on is of objects that were left half made, and is not reported.
        """
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            if not self.pressed:
                sys.__unraisablehook__(unraisable)
        elif hasattr(signal, "setitimer"):
            self.lost = True
            signal.setitimer(signal.ITIMER_REAL, _RETRY_SECONDS)
        else:
            leave_interrupted()


def leave_interrupted() -> None:
    """Leave at once: threads that still compute, and libraries that tidy up, are not waited for."""
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, _SHOW_CURSOR.encode())
    os._exit(INTERRUPTED)


def run() -> None:
    """Be the `storyodds` command."""
    interrupt = _Interrupt()
    signal.signal(signal.SIGINT, interrupt)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, interrupt)
    sys.unraisablehook = interrupt.retry
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
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
    sys.exit(code)


if __name__ == "__main__":
    run()
