"""Reading a page as a browser would, without one."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

# Elements that have no end.
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Element:
    """An element with what stands directly in it."""

    tag: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    @property
    def every(self) -> list["Element"]:
        """The element and all within it, in order."""
        return [self, *(it for child in self.children for it in child.every)]

    def all(self, tag: str) -> list["Element"]:
        return [it for it in self.every if it.tag == tag]

    @property
    def text(self) -> str:
        """Every word in it, the spaces evened out."""
        found = " ".join(word for it in self.every for word in it.words)
        return " ".join(found.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        node = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open[-1].tag, f"</{tag}> where <{self.open[-1].tag}> is open"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].words.append(data)


def parsed(page: str) -> Element:
    """Read a page; an element that is closed late, twice or never is a mistake."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is never closed"
    return reader.root


def policy_hash(text: str) -> str:
    """What a policy calls a style or a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy_of(root: Element) -> dict[str, str]:
    """The content security policy of a page, by directive."""
    [said] = [
        it.attributes["content"]
        for it in root.all("meta")
        if it.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    return dict(part.strip().split(" ", 1) for part in said.split(";"))


def shape(root: Element) -> list[tuple[str, tuple[str, ...]]]:
    """Tags and names of attributes, in order: what no text of a story may change."""
    return [(it.tag, tuple(sorted(it.attributes))) for it in root.every]


def addresses(root: Element) -> list[tuple[str, str, str]]:
    """(tag, attribute, value) of whatever could load something."""
    loading = {"src", "href", "xlink:href", "action", "formaction", "poster", "data", "srcset"}
    return [
        (it.tag, name, value)
        for it in root.every
        for name, value in it.attributes.items()
        if name in loading
    ]


def style_addresses(text: str) -> list[str]:
    """What a style sheet would load."""
    return re.findall(r"url\(|@import", text)
