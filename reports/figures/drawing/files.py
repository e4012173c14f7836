"""Figures as the files of a folder: pictures, their numbers, and a README about both."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence

from storyodds.reports.figures.drawing.cells import FULL, inert, plain_table
from storyodds.reports.figures.drawing.figure import Credit, Figure, encoded
from storyodds.reports.words.aliases import Json

README = "README.md"


def credit_of(document: Json, command: str) -> Credit:
    """Give the credit of figures of a story.

    Parameters
    ----------
    document : mapping
        Any document about one story.
    command : str
        That makes the figures again.

    Examples
    --------
    >>> document = {"title": "A story", "story": "s", "view": None, "settings": {}}
    >>> credit_of(document | {"story_sha256": 64 * "0"}, "").story
    'A story (s, sha256 0000000000000000…)'
    """
    changed = [f"view {document['view']}"] if document["view"] else []
    changed += [f"{name} = {value}" for name, value in document["settings"].items()]
    under = f", under {', '.join(changed)}" if changed else ""
    print_of = f"sha256 {document['story_sha256'][:16]}…"
    return Credit(f"{document['title']} ({document['story']}, {print_of}{under})", command)


def numbered(names: Sequence[str]) -> list[str]:
    """Tell figures of one name apart.

    Examples
    --------
    >>> numbered(["ranks", "odds", "ranks"])
    ['ranks', 'odds', 'ranks.2']
    """
    counts: Counter[str] = Counter()
    own = []
    for name in names:
        counts[name] += 1
        own.append(f"{name}.{counts[name]}" if counts[name] > 1 else name)
    return own


def figure_files(figures: Mapping[str, Figure], ending: str, credit: Credit) -> dict[str, bytes]:
    """By file name, every picture, its numbers as a CSV file, and a README about them.

    Parameters
    ----------
    figures : mapping of str to Figure
        By name.
    ending : str
        ".svg", ".png" or ".html".
    credit : Credit

    Returns
    -------
    dict of str to bytes
    """
    files = {f"{name}{ending}": encoded(figure, ending, credit) for name, figure in figures.items()}
    files |= {
        f"{name}.csv": csv_text(figure.columns, figure.rows).encode()
        for name, figure in figures.items()
        if figure.rows
    }
    return {**files, README: _readme(figures, ending, credit).encode()}


def csv_text(columns: Sequence[str], rows: Sequence[Sequence[str]], digits: int = FULL) -> str:
    r"""Give a table as comma-separated values: numbers plain, and no text a formula.

    Examples
    --------
    >>> csv_text(["ending", "what it is"], [["success", "=1+1"]])
    "ending,what it is\nsuccess,'=1+1\n"
    """
    text = io.StringIO()
    plain = plain_table(columns, rows, digits)
    csv.writer(text, lineterminator="\n").writerows(
        [[inert(cell) for cell in row] for row in plain]
    )
    return text.getvalue()


def _readme(figures: Mapping[str, Figure], ending: str, credit: Credit) -> str:
    lines = [
        "# Figures",
        "",
        credit.sentence("").strip(),
        "",
        "Each figure has its numbers beside it, in a file of comma-separated values of its name.",
        "A column that ends in `mean`, `median`, `q05` or `q95` is the mean, the median, or an end",
        "of the central 90% interval of its quantity, one in `error` a Monte Carlo standard error.",
        "Chances are fractions between 0 and 1; differences and bits are named as such.",
        "",
    ]
    for name, figure in figures.items():
        own = f" Numbers: `{name}.csv`." if figure.rows else ""
        words = f" {figure.note}" if figure.note else ""
        lines.append(f"- `{name}{ending}`: {figure.title}.{words}{own}")
    return "\n".join([*lines, ""])
