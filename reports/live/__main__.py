"""The process that works things out for a server: one JSON task a line in, one JSON line out."""

import json
import os
import signal
import sys
import traceback
from pathlib import Path


def main() -> None:
    """Answer until there is nothing more to read."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    start = json.loads(sys.stdin.readline())

    from storyodds.models.engine.evaluation import much_work
    from storyodds.reports.live.tasks import Computer

    computer = Computer(Path(start["folder"]), draws=start["draws"], seed=start["seed"])
    with much_work():
        for line in sys.stdin:
            try:
                answer = json.dumps(computer.do(json.loads(line)), allow_nan=False)
            except Exception as error:  # one answer that fails is not the end of the others
                if os.environ.get("STORYODDS_TRACEBACK"):
                    traceback.print_exception(error)
                message = f"storyodds: {type(error).__name__} while answering"
                print(message, file=sys.stderr, flush=True)
                answer = json.dumps({"failed": True})
            print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
