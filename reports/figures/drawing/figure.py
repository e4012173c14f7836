"""A figure: a picture that scales, the words that say the same, and the table under it."""

import re
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup, escape

from storyodds.priors.text.errors import InputError, Problem
from storyodds.priors.text.files import write_atomically
from storyodds.reports.figures.drawing.png_text import with_text

# Color-blind safe: blue against orange-red, never red against green.
LIGHT = {
    "paper": "#ffffff",
    "ink": "#1d2330",
    "quiet": "#5c6473",
    "line": "#e3e1da",
    "blue": "#0b62a4",
    "pale": "#8fbfe3",
    "red": "#b3361b",
    "rose": "#e9a48f",
    "green": "#1c7a4a",
    "amber": "#8a5a00",
    "band": "#dfe1e6",
    "low": "#a9b0bf",
    "high": "#4d5566",
    "gray": "#b4b9c4",
    "sand": "#e6c987",
}
DARK = {
    "paper": "#1a1f29",
    "ink": "#e8eaf0",
    "quiet": "#a3abba",
    "line": "#313846",
    "blue": "#6cb6f5",
    "pale": "#2f6797",
    "red": "#ff8a6b",
    "rose": "#7a3a2a",
    "green": "#6bd49a",
    "amber": "#f0c160",
    "band": "#333b48",
    "low": "#6a7488",
    "high": "#c3cad8",
    "gray": "#6b7385",
    "sand": "#a88a4a",
}
PIXELS = 1600  # across, of a PNG
_NOTEBOOK = 960  # pixels that a notebook has across
_LARGER = 1.4  # times its own size, from where a picture's letters shout
_SELECTORS = re.compile(r"^[^{\n]+(?={)", re.MULTILINE)
_PIECE = "storyodds-figure"  # the class of a figure in a page of others
_VIEW_BOX = re.compile(r'viewBox="0 0 ([0-9.]+) ')


@dataclass(frozen=True)
class Figure:
    """A picture and its numbers.

    Attributes
    ----------
    name : str
        What its files are called.
    title : str
    description : str
        What the picture shows, in a sentence.
    svg : str
        The picture; its colors are CSS variables.
    columns : tuple of str
        Heads of its table.
    rows : tuple of tuple of str
        Cells, the first of each naming the row.
    note : str
        How to read it; may be empty.
    source : str
        How to cite it; may be empty.
    """

    name: str
    title: str
    description: str
    svg: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    source: str = ""

    def _repr_html_(self) -> str:
        """Give the picture as notebooks show it."""
        across = min(_NOTEBOOK, _LARGER * float(_VIEW_BOX.findall(self.svg)[0]))
        look = f"max-width:{across:.0f}px;background:{LIGHT['paper']}"
        return f'<div style="{look}">{standalone(self)}</div>'


def style() -> str:
    """Give the style sheet of figures, colors as variables."""
    return (files("storyodds.reports.figures") / "figures.css").read_text("utf-8")


@dataclass(frozen=True)
class Credit:
    """Where a figure comes from, for whoever meets it without its page.

    Attributes
    ----------
    story : str
        Its title, id and fingerprint, in words; may be empty.
    command : str
        That makes the figure again; may be empty.
    """

    story: str = ""
    command: str = ""

    @property
    def maker(self) -> str:
        """The program and its version."""
        return f"storyodds {version('storyodds')}"

    def sentence(self, title: str) -> str:
        """Give a citation of a figure.

        Examples
        --------
        >>> sentence = Credit("A story (s)").sentence("Odds")
        >>> sentence.startswith("Odds. A story (s). Made by storyodds ")
        True
        """
        again = f", with: {self.command}" if self.command else ""
        parts = [title, self.story, f"Made by {self.maker}{again}"]
        return "".join(f"{part}. " for part in parts if part).rstrip()


def standalone(figure: Figure, credit: Credit = Credit(), scope: str = "") -> str:
    """Give a figure as an SVG document of its own, in light colors, with what it is a figure of.

    Parameters
    ----------
    figure : Figure
    credit : Credit, optional
    scope : str, optional
        A selector of what it stands in, where its style must change nothing else.

    Examples
    --------
    >>> from storyodds.reports.figures.drawing.svg import drawing
    >>> figure = Figure("empty", "Nothing", "Empty.", drawing(9, 9, "Nothing", ""), (), ())
    >>> standalone(figure).startswith("<svg"), "var(" in standalone(figure)
    (True, False)
    """
    look = style()
    for name, color in LIGHT.items():
        look = look.replace(f"var(--{name})", color)
    look = scoped(look, scope) if scope else look
    start, rest = str(figure.svg).split(">", 1)
    return f"{start}>{_metadata(figure, credit)}<style>{look}</style>{rest}"


def scoped(css: str, scope: str) -> str:
    """Let every rule of a style sheet hold within something only; the sheet has a rule a line.

    Examples
    --------
    >>> scoped(".a,.b i{x:0}", ".here")
    '.here .a,.here .b i{x:0}'
    """
    return _SELECTORS.sub(
        lambda match: ",".join(f"{scope} {part}" for part in match[0].split(",")), css
    )


_NAMES = (  # of the vocabularies that image programs and catalogs read
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def _facts(figure: Figure, credit: Credit) -> dict[str, str]:
    """What a figure is and where it comes from, by Dublin Core's names; nothing empty."""
    facts = {
        "title": figure.title,
        "description": figure.note,
        "relation": credit.story,
        "source": credit.command or figure.source,
        "creator": credit.maker,
    }
    return {name: words for name, words in facts.items() if words}


def _metadata(figure: Figure, credit: Credit) -> Markup:
    entries = Markup("").join(
        Markup("<dc:{0}>{1}</dc:{0}>").format(name, words)
        for name, words in _facts(figure, credit).items()
    )
    return Markup(
        '<metadata><rdf:RDF {}><rdf:Description rdf:about="">{}</rdf:Description></rdf:RDF>'
        "</metadata>"
    ).format(Markup(_NAMES), entries)


def fragment(figure: Figure, credit: Credit = Credit()) -> str:
    """Give a figure as a piece of HTML to put into a page: picture, note, numbers and source.

    Parameters
    ----------
    figure : Figure
    credit : Credit, optional

    Examples
    --------
    >>> from storyodds.reports.figures.drawing.svg import drawing
    >>> figure = Figure("empty", "Nothing", "Empty.", drawing(9, 9, "Nothing", ""), (), ())
    >>> fragment(figure).startswith("<figure"), "<script" in fragment(figure)
    (True, False)
    """
    note = Markup("<p>{}</p>").format(figure.note) if figure.note else ""
    numbers = Markup("<details><summary>Numbers</summary>{}</details>").format(table(figure))
    return Markup(
        '<figure class="{}">{}<figcaption>{}{}<p><small>{}</small></p></figcaption></figure>\n'
    ).format(
        _PIECE,
        Markup(standalone(figure, credit, f".{_PIECE}")),
        Markup(note),
        numbers if figure.rows else "",
        credit.sentence(figure.title),
    )


def save_figure(figure: Figure, target: str | Path) -> None:
    """Write a figure as a file.

    Parameters
    ----------
    figure : Figure
    target : str or Path
        Ends in .svg or .png.

    Raises
    ------
    InputError
        If it ends in anything else.
    """
    target = Path(target)
    if target.suffix not in (".svg", ".png"):
        raise InputError([Problem(f"{target}: expected a name that ends in .svg or .png")])
    write_atomically(target, encoded(figure, target.suffix))


def encoded(
    figure: Figure,
    ending: str,
    credit: Credit = Credit(),
) -> bytes:
    """Give a figure as the bytes of a file that ends in .svg, .png or .html.

    Parameters
    ----------
    figure : Figure
    ending : str
    credit : Credit, optional
        It stands in the file: in the metadata of an SVG, in the text chunks of a PNG.
    """
    if ending == ".html":
        return fragment(figure, credit).encode()
    drawn = standalone(figure, credit)
    if ending == ".svg":
        return drawn.encode()
    import resvg_py

    paper = LIGHT["paper"]
    png = bytes(resvg_py.svg_to_bytes(svg_string=drawn, width=PIXELS, background=paper))
    facts = _facts(figure, credit)
    names = {"title": "Title", "description": "Description", "relation": "Subject"}
    names |= {"source": "Source", "creator": "Software"}
    return with_text(png, {names[name]: words for name, words in facts.items()})


def table(figure: Figure) -> Markup:
    """Give a figure's numbers as an HTML table."""
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(c) for c in figure.columns)
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row[0], Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row[1:])
        )
        for row in figure.rows
    )
    return Markup(
        "<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
    ).format(escape(figure.title), head, body)
