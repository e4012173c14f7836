"""The makes of a story's page, each in a file of its own in `history/<story>/` beside the page.

A file is called after the time of making, in UTC, and the SHA-256 hash of the estimate as it is
written, which is that of `<story>.json` at that time. It is a JSON object with the keys

schema
    "storyodds/make/1".
story_yaml
    The story, so that the make can be computed again; null where it was not kept.
estimate
    "storyodds/estimate/1".
since
    What changed since the make before it, as `storyodds.reports.documents.history.steps` says;
    null for the first one.

Whatever lies in that folder may be anybody's: a file that is no make, or is not what its name
says, is left out, with a sentence.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, Self, cast

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from storyodds.models.story.events import Headline
from storyodds.priors.text.errors import InputError
from storyodds.priors.text.json_reader import MAX_BYTES, read_json
from storyodds.priors.text.json_writer import json_text
from storyodds.priors.text.records import Record, Text
from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.documents.comparison.saved import MAKE
from storyodds.reports.documents.saved_estimate import require_estimate
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import counted
from storyodds.reports.words.sentences import HEADLINE_FATES

FOLDER: Final = "history"
# Files of the largest bundled story have 110 kB and are read in some 10 ms each: so many have some
# megabytes, and are read in well under a second. The oldest make room for new ones.
MOST: Final = 50
_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)  # no make is older, and years have four digits
_STAMP: Final = "%Y-%m-%dT%H%M%S.%f"  # a name that every file system takes has no colons
_NAME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d{6}\.\d{6})Z-([0-9a-f]{64})\.json")


class _Adds(Record):
    model_config = ConfigDict(extra="ignore")
    mean: Annotated[float, Field(strict=True, ge=-1, le=1)]
    error: Annotated[float, Field(strict=True, ge=0, le=1)]


class _Edit(Record):
    model_config = ConfigDict(extra="ignore")
    name: Text
    old: Text
    new: Text


class _Change(Record):
    model_config = ConfigDict(extra="ignore")
    label: Text
    edits: tuple[_Edit, ...]
    adds: dict[Headline, _Adds] | None


class _Since(Record):
    """What is taken from `since` when it is read back."""

    model_config = ConfigDict(extra="ignore")
    causes: Text
    changes: tuple[_Change, ...]
    orders: Annotated[int, Field(strict=True, ge=1)] | None
    why: Text | None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        added = (set(change.adds or ()) for change in self.changes)
        if self.why is None and any(fates != set(HEADLINE_FATES) for fates in added):
            raise PydanticCustomError(
                "adds", "expected what each change adds, or why there is none"
            )
        return self


class _File(Record):
    """What is taken from a make when it is read back; its estimate is checked by itself."""

    model_config = ConfigDict(extra="ignore")
    schema_: Literal["storyodds/make/1"] = Field(alias="schema")
    story_yaml: Text | None
    since: _Since | None


@dataclass(frozen=True)
class Make:
    """One make of a story's page.

    Attributes
    ----------
    made : datetime
        In UTC.
    estimate : mapping
        "storyodds/estimate/1".
    story_yaml : str or None
    since : mapping or None
        What changed since the make before it.
    """

    made: datetime
    estimate: Estimate
    story_yaml: str | None = None
    since: Json | None = None

    @cached_property
    def sha256(self) -> str:
        """The hash of the estimate as it is written."""
        return hashlib.sha256(json_text(self.estimate).encode()).hexdigest()

    @property
    def file_name(self) -> str:
        """What the make is called in the folder of its story."""
        return f"{self.made.strftime(_STAMP)}Z-{self.sha256}.json"

    @property
    def day(self) -> str:
        """The time of making, in words.

        Examples
        --------
        >>> Make(datetime(2026, 3, 1, 9, 5, tzinfo=UTC), {}).day
        '2026-03-01 09:05 UTC'
        """
        return self.made.strftime("%Y-%m-%d %H:%M UTC")

    @property
    def text(self) -> str:
        """The content of its file."""
        entry = {"schema": MAKE, "story_yaml": self.story_yaml}
        return json_text({**entry, "since": self.since, "estimate": self.estimate})


@dataclass(frozen=True)
class History:
    """The makes of one story, the oldest first.

    Attributes
    ----------
    makes : tuple of Make
    problems : tuple of str
        A sentence for what could not be read.
    """

    makes: tuple[Make, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def last(self) -> Make | None:
        """The make before the next one."""
        return self.makes[-1] if self.makes else None

    def with_make(self, make: Make) -> "History":
        """Add a make, unless it is the same as the last one; of too many, the oldest go.

        Examples
        --------
        >>> make = Make(datetime(2026, 3, 1, tzinfo=UTC), {"story": "s"})
        >>> later = Make(datetime(2026, 3, 2, tzinfo=UTC), {"story": "s"})
        >>> len(History().with_make(make).with_make(later).makes)
        1
        """
        if self.last is not None and self.last.sha256 == make.sha256:
            return self
        return History((*self.makes, make)[-MOST:], self.problems)


def history_folder(folder: Path, story: str) -> Path:
    """Where the makes of a story are kept, in the folder of its page."""
    return folder / FOLDER / story


def read_history(folder: Path, story: str) -> History:
    """Read the makes of a story; what cannot be read is left out, with a sentence.

    Parameters
    ----------
    folder : Path
        Of the pages.
    story : str

    Returns
    -------
    History

    Examples
    --------
    >>> read_history(Path("nowhere"), "cat-classifier")
    History(makes=(), problems=())
    """
    place = history_folder(folder, story)
    makes, damaged = [], 0
    for file in _newest(place):
        make = _read(file, story)
        if make is None:
            damaged += 1
        else:
            makes.append(make)
    if not makes:
        makes = _before_history(folder / f"{story}.json", story)
    problems = []
    if damaged:
        verb = "is no make of this story, or is" if damaged == 1 else "are no makes of it, or"
        rest = "damaged, and is left out" if damaged == 1 else "are damaged, and are left out"
        problems.append(f"{counted(damaged, 'file')} in {FOLDER}/{story} {verb} {rest}.")
    return History(tuple(makes), tuple(problems))


def _newest(place: Path) -> list[Path]:
    """Files that are called like a make, the oldest first, no more of them than are kept."""
    try:
        files = sorted(f for f in place.glob("*.json") if _NAME.fullmatch(f.name) and f.is_file())
    except OSError:
        return []
    return files[-MOST:]


def _read(file: Path, story: str) -> Make | None:
    name = _NAME.fullmatch(file.name)
    if name is None:
        return None
    try:
        time = datetime.strptime(name[1], _STAMP).replace(tzinfo=UTC)
        with file.open("rb") as stream:
            data = read_json(stream.read(MAX_BYTES + 1))
        _File.model_validate(data)
        require_estimate(data.get("estimate"), file)
    except (OSError, ValueError, ValidationError, InputError):
        return None
    # Two clocks may differ by hours; what is dated beyond that would be the last make for good.
    if not _FIRST <= time <= datetime.now(UTC) + timedelta(days=1):
        return None
    make = Make(time, data["estimate"], data["story_yaml"], data["since"])
    return make if make.sha256 == name[2] and make.estimate["story"] == story else None


def _before_history(file: Path, story: str) -> list[Make]:
    """The result beside a page that was made before makes were kept."""
    estimate = saved_estimate(file)
    if isinstance(estimate, str) or estimate is None or estimate["story"] != story:
        return []
    return [Make(datetime.fromtimestamp(file.stat().st_mtime, UTC), estimate)]


def saved_estimate(file: Path) -> Estimate | str | None:
    """Read a saved estimate; whatever is wrong with the file is a sentence, not raised.

    Parameters
    ----------
    file : Path

    Returns
    -------
    mapping, str or None
        The estimate; why there is none; None where there is no such file.

    Examples
    --------
    >>> saved_estimate(Path("nowhere.json")) is None
    True
    """
    if not file.is_file():
        return None
    try:
        with file.open("rb") as stream:
            estimate = read_json(stream.read(MAX_BYTES + 1))
        require_estimate(estimate, file)
    except (OSError, ValueError):
        return "The saved result cannot be read."
    except InputError:
        return "What is saved under this name is no result, or is damaged."
    return cast(Estimate, estimate)  # as it has been checked to be


def files_of(history: History, before: Sequence[str]) -> Mapping[str, str]:
    """By file name, the makes that are not in the folder yet.

    Parameters
    ----------
    history : History
    before : sequence of str
        Names of files that are there.
    """
    return {make.file_name: make.text for make in history.makes if make.file_name not in before}


def surplus(place: Path, fresh: Collection[str] = ()) -> list[Path]:
    """List the files of makes beyond as many as are kept, the oldest.

    Parameters
    ----------
    place : Path
        As `history_folder` gives it.
    fresh : collection of str
        Names of files that are kept, whatever else the folder holds.

    Examples
    --------
    >>> surplus(Path("nowhere"))
    []
    """
    makes = sorted(file for file in place.glob("*.json") if _NAME.fullmatch(file.name))
    return [file for file in makes[:-MOST] if file.name not in fresh]


def plain_since(
    causes: str, changes: Sequence[Json], orders: int | None, why: str | None
) -> dict[str, object]:
    """Give `since` as it is written."""
    return {"causes": causes, "changes": list(changes), "orders": orders, "why": why}
