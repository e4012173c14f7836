"""Pictures said in fewer characters, for a page that holds many."""

import re

from markupsafe import Markup

_EMPTY = re.compile(r"></(?:circle|ellipse|line|path|rect|polygon|polyline)>")
_DATA = re.compile(r' d="([^"]*)"')
_STEP = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TAKES = {"M": 2, "L": 2, "C": 6, "H": 1, "h": 1, "Z": 0}  # numbers
_ONE_LINE = re.compile(r'<text ([^>]*)><tspan (x="[^"]*" y="[^"]*")>([^<]*)</tspan></text>')
_ANCHOR = re.compile(r'class="([^"]*)" text-anchor="(e)nd"|class="([^"]*)" text-anchor="(m)iddle"')
_SILENT = re.compile(r'<g role="img" aria-label="([^"]*)" data-tip="\1"><path ([^>]*)/></g>')
_TOLD = re.compile(r"(<desc [^>]*>)[^<]{160,}(</desc>)")
_BRIEF = r"\1Each mark says what it is; the table under the picture has all of it.\2"
_PLAIN = re.compile(r'(?<= )([a-z][a-z0-9-]*)="([\w.%-]+)"(?=[ >])', re.ASCII)
_SAME = re.compile(r'(aria-label="([^"]*)") data-tip="\2"')


def slim(svg: Markup) -> Markup:
    """Say a picture in fewer characters, for a page that holds many.

    Coordinates to a tenth of a unit, lines by their steps, empty elements closed at once, values
    without quotes where HTML lets them go, no name space, which a page has no need of, and the
    page's classes `e` and `m` for words that end or are centered where they stand; and a tip that
    says what the label of its mark says is left to the page's script to copy. A long description,
    which says the labels again, is left to them and to the table. What is no stop of the tab key
    is for pointing at only: the table under the picture has it for the ear.

    Examples
    --------
    >>> str(slim(Markup('<g aria-label="a" data-tip="a"><path d="M1.25,20.0L3,4"></path></g>')))
    '<g aria-label=a data-tip=""><path d="M1.2,20l1.8-16"/></g>'
    """
    text = str(svg).replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
    text = _ONE_LINE.sub(r"<text \2 \1>\3</text>", _EMPTY.sub("/>", text))
    text = _ANCHOR.sub(lambda match: f'class="{" ".join(filter(None, match.groups()))}"', text)
    text = _SAME.sub(r'\1 data-tip=""', _SILENT.sub(r'<path data-tip="\1" \2/>', text))
    text = _TOLD.sub(_BRIEF, text)
    text = _DATA.sub(lambda match: f' d="{by_steps(match[1])}"', text)
    return Markup(_PLAIN.sub(r"\1=\2", text))


def by_steps(data: str) -> str:
    """Write a path by what its points are away from where the pen is.

    What is rounded are the points, so that the steps lead to them however many there are.

    Parameters
    ----------
    data : str
        Of M, L, C, H, h and Z, each with one point or none; left as it is if there is more.

    Examples
    --------
    >>> by_steps("M10,20L10.5,19L11,21.04Z")
    'M10,20l.5-1 .5,2z'
    >>> by_steps("M10,20V3")
    'M10,20V3'
    """
    steps = [(letter, _NUMBER.findall(coordinates)) for letter, coordinates in _STEP.findall(data)]
    if not all(_TAKES.get(letter) == len(numbers) for letter, numbers in steps):
        return data
    out, pen, start = "", (0, 0), (0, 0)
    before = ""
    for letter, coordinates in steps:
        tenths = [round(10 * float(x)) for x in coordinates]
        match letter:
            case "Z":
                away, pen = [], start
            case "H":
                away, pen = [tenths[0] - pen[0]], (tenths[0], pen[1])
            case "h":
                away, pen = tenths, (pen[0] + tenths[0], pen[1])
            case _:
                away = [x - pen[k % 2] for k, x in enumerate(tenths)]
                pen = (tenths[-2], tenths[-1])
                start = pen if letter == "M" else start
        written = ",".join(map(_tenths, away)).replace(",-", "-")
        if letter == before and letter in "LC":  # the letter need not be said again
            out += written if written[0] == "-" else f" {written}"
        else:
            out += (letter.lower() if out else letter) + written
        before = letter
    return out


def _tenths(x: int) -> str:
    """A number of tenths in as few characters as can be."""
    whole = f"{x / 10:.1f}".removesuffix(".0")
    return whole.replace("0.", ".") if 0 < abs(x) < 10 else whole
