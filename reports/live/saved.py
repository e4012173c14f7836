"""States that were saved: one small JSON file each, beside the stories and nowhere else."""

import json
from pathlib import Path
from typing import Any

from storyodds.priors.errors import InputError, Problem
from storyodds.priors.files import write_atomically
from storyodds.reports.live.folder import is_name
from storyodds.reports.live.requests import MAX_BODY, State, read_body, read_state

SCHEMA = "storyodds/state/1"
MAX_STATES = 500  # of a folder

_ENDING = ".state.json"


def save_state(folder: Path, story: str, name: str, state: State) -> Path:
    """Write a state as `STORY.NAME.state.json` into a folder.

    Parameters
    ----------
    folder : Path
    story, name : str
        As `is_name` allows.
    state : State

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    InputError
        If a name is none, is taken, or the folder is full of states.
    OSError
        If the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = save_state(Path(folder), "coinrun-agent", "dire", State("sceptic"))
    ...     written.name, saved_states(Path(folder), "coinrun-agent")["dire"].view
    ('coinrun-agent.dire.state.json', 'sceptic')
    """
    target = _file(folder, story, name)
    # A link counts as taken too, wherever it leads to.
    if target.is_symlink() or target.exists():
        raise InputError(f"name: found '{name}', which is taken, expected a new name")
    if len(list(folder.glob(f"*{_ENDING}"))) >= MAX_STATES:
        raise InputError(f"name: found {MAX_STATES} saved states in the folder, expected fewer")
    document = {"schema": SCHEMA, "story": story, "name": name, "state": state.as_data()}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(target, f"{text}\n".encode())
    return target


def saved_states(folder: Path, story: str) -> dict[str, State]:
    """Read the states of a story by name; files that are not such states are passed over."""
    found: dict[str, State] = {}
    if not is_name(story):
        return found
    for path in sorted(folder.glob(f"{story}.*{_ENDING}"))[:MAX_STATES]:
        name = path.name.removeprefix(f"{story}.").removesuffix(_ENDING)
        if is_name(name) and (state := _read(folder, path)) is not None:
            found[name] = state
    return found


def _file(folder: Path, story: str, name: str) -> Path:
    root = folder.resolve()
    target = root / f"{story}.{name}{_ENDING}"
    if not (is_name(story) and is_name(name)) or target.parent != root:
        raise InputError([Problem(f"name: found '{story}' and '{name}', expected names")])
    return target


def _read(folder: Path, path: Path) -> State | None:
    try:
        inside = path.resolve(strict=True).is_relative_to(folder.resolve())
        if not inside or not path.is_file() or path.stat().st_size > 2 * MAX_BODY:
            return None
        document: Any = read_body(path.read_bytes())
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            return None
        return read_state(document.get("state"))
    except (OSError, RuntimeError, InputError):
        return None
