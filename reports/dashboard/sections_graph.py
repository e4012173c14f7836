"""How a story gets to its endings: the graph of it, and the tables behind that."""

from markupsafe import Markup

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.dashboard.compact_svg import slim
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section, Table
from storyodds.reports.dashboard.pictures import drawn
from storyodds.reports.dashboard.sections_odds import path_name
from storyodds.reports.documents.story_graph.records import GraphDocument, Group
from storyodds.reports.figures.drawing.cells import share_cell, with_band
from storyodds.reports.figures.story_graph.narrow import parts_of
from storyodds.reports.figures.story_graph.shown import crowd_label
from storyodds.reports.figures.story_graph.words import EDGE_COLUMNS, edge_rows
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.numbers import percent
from storyodds.reports.words.sentences import no_catastrophe

_GRAPH = "narrow-story-graph"  # what the parts on paper are of
_PART = 400.0  # units of it: less than half a sheet


def how_it_gets_there(dossier: Dossier) -> Section:
    """From assumptions to routes, kinds of model, checks and endings."""
    document = dossier.parts.get("graph")
    if document is None:
        return Section(
            id="how-it-gets-there",
            title="How it gets there",
            finding=dossier.reasons.get("graph", ""),
        )
    return Section(
        id="how-it-gets-there",
        title="How it gets there",
        finding=_of_most_concern(dossier.estimate),
        figures=drawn(dossier, "story_graph"),
        fuller=drawn(dossier, "whole_story_graph"),
        part="narrow_picture",
        data={
            **_narrow(drawn(dossier, "narrow_story_graph")[0].svg),
            "crowds": [_crowd(group, document) for group in document.crowd],
        },
        extra=(
            Table(
                "Where probability flows",
                EDGE_COLUMNS,
                edge_rows(document),
                file=False,
                name="story-graph-flows",
            ),
            *_groups(document),
        ),
        long=True,
    )


def _narrow(svg: Markup) -> Json:
    """The picture for phones; on paper it stands in parts beside each other.

    The wide one would have letters there that nobody reads.
    """
    whole = str(slim(svg)).removesuffix("</svg>")
    # Of its class again, as rules of a style sheet do not reach into a part from outside of it.
    grouped = whole.replace("</desc>", f'</desc><g id="{_GRAPH}" class="chart">', 1) + "</g></svg>"
    return {
        "picture": Markup(grouped),
        "graph": _GRAPH,
        "parts": [{"top": top, "height": height} for top, height in parts_of(svg, _PART)],
    }


def _crowd(group: Group, document: GraphDocument) -> Json:
    """Routes that stand together in the picture, one by one, the likeliest first."""
    nodes = {node.id: node for node in document.nodes}
    members = sorted((nodes[id] for id in group.members), key=lambda node: -node.probability)
    return {
        "label": crowd_label(group),
        "chance": percent(group.probability),
        "members": [
            {"name": node.label, "claim": node.claim, "chance": percent(node.probability)}
            for node in members
        ],
    }


def _groups(document: GraphDocument) -> tuple[Table, ...]:
    """Routes by class and kind, where any group has several."""
    if all(len(group.members) == 1 for group in document.groups):
        return ()
    rows = tuple(
        (
            group.label,
            *(share_cell(p) for p in (group.probability, group.low, group.high)),
            ", ".join(member.removeprefix("route:") for member in group.members),
        )
        for group in document.groups
    )
    heads = ("class and kind", "chance", "5% point", "95% point", "routes")
    name = "story-graph-groups"
    return (Table("Routes by class and kind", heads, rows, file=False, name=name),)


def _of_most_concern(estimate: Estimate) -> str:
    """The worst path, and how likely it is to be caught."""
    if not estimate["paths"] or estimate["paths"][0]["concern"]["mean"] == 0:
        return no_catastrophe(estimate)
    worst = estimate["paths"][0]
    finding = (
        f"The path of most concern ends at “{path_name(worst)}”: its chance is "
        f"{with_band(worst['probability'])}"
    )
    if not worst["checks"]:
        return f"{finding}."
    slips = with_band(worst["undetected"])
    return f"{finding}, and if it comes about, the chance that no check catches it is {slips}."
