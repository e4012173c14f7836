"""The story taken apart: without each of its parts, under each assumption, and where it tips."""

from storyodds.models.story.events import Headline
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section
from storyodds.reports.dashboard.pictures import drawn
from storyodds.reports.words.numbers import percent

_EVENT: Headline = "catastrophe"


def piece_by_piece(dossier: Dossier) -> Section:
    """What the odds would be without each part, given each assumption, and what would tip them."""
    name = ("piece-by-piece", "Piece by piece")
    structure = dossier.parts.get("structure")
    if structure is None:
        return Section(*name, finding=dossier.reasons["structure"])
    pairs = [
        (entry, entry["answer"]["events"][_EVENT])
        for entry in structure["leave_one_out"]
        if entry["answer"] is not None
    ]
    clear = [pair for pair in pairs if abs(pair[1]["difference"]) > 2 * pair[1]["error"]]
    if clear:
        entry, change = max(clear, key=lambda pair: abs(float(pair[1]["difference"])))
        finding = (
            f"Of the story's parts, {_EVENT} would change most without the {entry['part']} "
            f"“{entry['id']}”: from {percent(structure['now'][_EVENT])} to "
            f"{percent(change['mean'])}."
        )
    else:
        finding = f"No part of the story, left out by itself, changes {_EVENT} by what can be told."
    return Section(*name, finding=finding, figures=drawn(dossier, "pieces"), long=True)
