"""Results as notebooks show them: a short report of HTML, with no script in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from markupsafe import Markup

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.contract.head import StoryDocument
from storyodds.reports.notebook.tables import PARTS, cells
from storyodds.reports.terminal.frame import verdict
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.sentences import NOT_RELIABLE, evidence_words, flagged_words
from storyodds.reports.words.shortening import plain

_TOP = 5  # rows of a table: a note counts the others


class Document(dict[str, Any]):
    """A result as plain data, equal to the dict it is, that notebooks show as a short report.

    Examples
    --------
    >>> Document({"a": 1}) == {"a": 1}
    True
    >>> Document({"schema": "storyodds/other/1", "title": "a < b"})._repr_html_()[43:]
    '<p><strong>a &lt; b</strong></p><p>storyodds/other/1</p></div>'
    """

    def _repr_html_(self) -> str:
        """Give the report."""
        return str(_report(self))


def shown[Kind: Mapping[str, object]](document: Kind) -> Kind:
    """Give a document as one that notebooks show as a short report; its type stays what it was."""
    return cast(Kind, Document(document))


def _report(doc: Json) -> Markup:
    schema = str(doc.get("schema", ""))
    parts = [_title(doc), _doubt(doc), _picture(doc)]
    show = PARTS.get(schema.split("/")[1] if schema.count("/") == 2 else "")
    if show is None:
        parts.append(Markup("<p>{}</p>").format(plain(schema)))
    else:
        for heads, rows in show(doc):
            parts.append(_table(heads, rows[:_TOP], len(rows)))
    if "diagnostics" in doc and "method" in doc:  # of one story, not of several side by side
        parts.append(Markup("<p>{}</p>").format(" ".join(_verdict(cast(StoryDocument, doc)))))
    # Notebooks set what stands between dollar signs as mathematics, unless told not to.
    return Markup('<div class="tex2jax_ignore mathjax_ignore">{}</div>').format(
        Markup("").join(parts)
    )


def _title(doc: Json) -> Markup:
    title = Markup("<strong>{}</strong>").format(plain(str(doc.get("title", "A result"))))
    if "story" in doc:
        title += Markup(" <code>{}</code>").format(plain(str(doc["story"])))
    return Markup("<p>{}</p>").format(title)


def _doubt(doc: Json) -> Markup:
    """What has to be known before any number is quoted."""
    ok = doc.get("diagnostics", {}).get("ok", True)
    words = [] if ok else [f"NOT RELIABLE: {NOT_RELIABLE}"]
    flagged = flagged_words(cast(Estimate, doc)) if "checks" in doc else None
    words += [] if flagged is None else [flagged]
    words += evidence_words(cast(StoryDocument, doc))
    return Markup("").join(Markup("<p><strong>{}</strong></p>").format(line) for line in words)


def _picture(doc: Json) -> Markup:
    """What becomes of the model, drawn."""
    if "fates" not in doc:
        return Markup("")
    # Imported here because they bring xarray, which no other use of a result needs.
    from storyodds.reports.figures.odds import plot_odds
    from storyodds.reports.tables.datasets import datasets

    fates = datasets(doc)["fates"].to_dataset()
    return Markup(plot_odds(fates, title="What becomes of the model")._repr_html_())


def _verdict(doc: Json) -> Iterator[str]:
    yield from (plain(line.plain) for line in verdict(cast(StoryDocument, doc)))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], count: int) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in heads)
    body = Markup("").join(Markup("<tr>{}</tr>").format(cells(row)) for row in rows)
    more = f"{count - len(rows)} more" if count > len(rows) else ""
    note = Markup("<p>{}</p>").format(more) if more else Markup("")
    table = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)
    return table + note
