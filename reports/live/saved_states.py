"""States that were saved: each a small JSON file and a story, in the folder and nowhere else."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

from storyodds.models.story.events import FATES
from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.file_batches import write_new_together
from storyodds.priors.text.phrases import SLUG_LIMIT
from storyodds.reports.live.folder import (
    ENDINGS,
    MAX_STORY_BYTES,
    STATE_ENDING,
    is_name,
    read_inside,
)
from storyodds.reports.live.requests import MAX_BODY, State, read_body, read_state
from storyodds.scenarios.loader import bundled_stories

SCHEMA = "storyodds/state/1"
_ID = re.compile(rb"""^["']?story["']?\s*:\s*["']?([a-z0-9-]+)""", re.MULTILINE)
MAX_STATES = 500  # of a folder


def story_file(story: str, name: str) -> str:
    """Name the file of a state's story.

    Examples
    --------
    >>> story_file("coinrun-agent", "dire")
    'coinrun-agent.dire.yaml'
    """
    return f"{story}.{name}.yaml"


def own_id(folder: Path, story: str, name: str) -> str:
    """Give the story of a state an id that no story of the folder has.

    Parameters
    ----------
    folder : Path
    story : str
        The id of the story that was changed.
    name : str
        Of the state.

    Examples
    --------
    >>> own_id(Path("/nowhere"), "coinrun-agent", "dire")
    'coinrun-agent-dire'
    """
    taken = set(_ids(folder)) | set(bundled_stories())
    for k in range(1, 2 + len(taken)):
        end = f"-{name}" if k == 1 else f"-{name}-{k}"
        candidate = f"{story[: SLUG_LIMIT - len(end)].rstrip('-')}{end}"
        if candidate not in taken:
            return candidate
    raise AssertionError("one of so many is free")


def _ids(folder: Path) -> Iterator[str]:
    """The ids that the files of a folder give their stories, as far as their heads say."""
    for path in folder.glob("*"):
        if path.suffix in ENDINGS:
            try:
                head = read_inside(folder, path, MAX_STORY_BYTES)
            except (OSError, RuntimeError):
                continue
            yield from (match.decode() for match in _ID.findall(head))


def save_state(
    folder: Path,
    story: str,
    name: str,
    state: State,
    yaml: str,
    odds: Mapping[str, str] | None = None,
) -> tuple[Path, Path]:
    """Write a state as `STORY.NAME.state.json` into a folder, and its story beside it.

    Parameters
    ----------
    folder : Path
    story, name : str
        As `is_name` allows.
    state : State
    yaml : str
        The changed story.
    odds : mapping of str to str, optional
        Of success and catastrophe, in words, as they are when it is saved.

    Returns
    -------
    tuple of Path
        Of the state, and of its story, `STORY.NAME.yaml`.

    Raises
    ------
    InputError
        If a name is none, is taken, or the folder is full of states.
    OSError
        If the folder cannot be written to; then nothing new is in it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = save_state(Path(folder), "coinrun-agent", "dire", State("sceptic"), "story: …")
    ...     [path.name for path in kept], saved_states(Path(folder), "coinrun-agent")["dire"].view
    (['coinrun-agent.dire.state.json', 'coinrun-agent.dire.yaml'], 'sceptic')
    """
    target = _inside(folder, story, name)
    beside = target.with_name(story_file(story, name))
    if len(list(folder.glob(f"*{STATE_ENDING}"))) >= MAX_STATES:
        raise InputError(f"name: found {MAX_STATES} saved states in the folder, expected fewer")
    document = {"schema": SCHEMA, "story": story, "name": name, "state": state.as_data()}
    document |= {} if odds is None else {"odds": dict(odds)}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        # Whoever makes the state first has the name, of all who ask and of all servers.
        contents = {target.name: f"{text}\n".encode(), beside.name: yaml.encode()}
        write_new_together(target.parent, contents)
    except FileExistsError:
        sentence = f"name: found '{name}', which is taken, expected a new name"
        raise InputError(sentence) from None
    return target, beside


def saved_states(folder: Path, story: str) -> dict[str, State]:
    """Read the states of a story by name; files that are not such states are passed over."""
    states: dict[str, State] = {}
    if not is_name(story):
        return states
    for path in sorted(folder.glob(f"{story}.*{STATE_ENDING}"))[:MAX_STATES]:
        name = path.name.removeprefix(f"{story}.").removesuffix(STATE_ENDING)
        if is_name(name) and (saved := _read(folder, path)) is not None:
            states[name] = saved[0]
    return states


def listed_states(folder: Path) -> list[dict[str, object]]:
    """List the states of all stories: `story`, `name`, the `fragment` that opens it, and `odds`.

    The odds are those in words that it was saved with; there may be none.
    """
    listed: list[dict[str, object]] = []
    for path in sorted(folder.glob(f"*.*{STATE_ENDING}"))[:MAX_STATES]:
        story, _, name = path.name.removesuffix(STATE_ENDING).partition(".")
        if is_name(story) and is_name(name) and (saved := _read(folder, path)) is not None:
            state, odds = saved
            fragment = _fragment(state)
            listed.append({"story": story, "name": name, "fragment": fragment, "odds": odds})
    return listed


def _fragment(state: State) -> str:
    """The address of a state on the page of its story, as the page's own script writes it."""
    view = [] if state.view is None else [("view", state.view)]
    numbers = [(f"set.{name}", text) for name, text in state.set.items()]
    return urlencode([*view, *(("off", part) for part in state.off), *numbers])


def _inside(folder: Path, story: str, name: str) -> Path:
    """Place a state in a folder, and nowhere else."""
    root = folder.resolve()
    target = root / f"{story}.{name}{STATE_ENDING}"
    if not (is_name(story) and is_name(name)) or target.parent != root:
        raise InputError([Problem(f"name: found '{story}' and '{name}', expected names")])
    return target


def _read(folder: Path, path: Path) -> tuple[State, dict[str, str]] | None:
    """A state, and the odds that it was saved with; what is no text is left out."""
    try:
        document: object = read_body(read_inside(folder, path, 2 * MAX_BODY))
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            return None
        odds = document.get("odds")
        words = odds.items() if isinstance(odds, dict) else ()
        quoted_odds = {
            name: text for name, text in words if name in FATES and isinstance(text, str)
        }
        return read_state(document.get("state")), quoted_odds
    except (OSError, RuntimeError, InputError):
        return None
