"""The three depths at which a page is read: who each is for, and which sections it has."""

from collections.abc import Callable
from dataclasses import dataclass

from storyodds.reports.dashboard import sections_day as day
from storyodds.reports.dashboard import sections_history as past
from storyodds.reports.dashboard import sections_movers as movers
from storyodds.reports.dashboard import sections_odds as odds
from storyodds.reports.dashboard import sections_pieces as pieces
from storyodds.reports.dashboard import sections_stages as stages
from storyodds.reports.dashboard import sections_story as about
from storyodds.reports.dashboard.levels import next_steps, reasons
from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section
from storyodds.reports.dashboard.sections_graph import how_it_gets_there

type Maker = Callable[[Dossier], Section | None]


@dataclass(frozen=True)
class Depth:
    """One depth before a story is shown at it.

    Attributes
    ----------
    id, title, opening : str
        The opening is one sentence: for whom it is.
    makers : tuple of callable
        Of its sections, in order.
    folded : bool
        Whether a reader has to open it.
    """

    id: str
    title: str
    opening: str
    makers: tuple[Maker, ...]
    folded: bool = True


DEPTHS = (
    Depth(
        "committee",
        "For a committee",
        "For those who decide: what to find out next, what the odds are on the day, and how the "
        "story gets where it ends.",
        (
            next_steps.what_to_do_next,
            day.decision_day,
            how_it_gets_there,
            odds.what_if,
        ),
        folded=False,
    ),
    Depth(
        "reviewer",
        "For a reviewer",
        "For those who check the argument: what is assumed, what the odds hang on, and what could "
        "be held against them.",
        (
            stages.stage_by_stage,
            stages.from_stage_to_stage,
            movers.assumptions,
            reasons.constraints_and_nudges,
            about.left_out,
            movers.what_moves_it,
            reasons.trust,
            odds.failure_paths,
            movers.if_it_fails,
            movers.as_evidence_came_in,
            movers.value_of_information,
            pieces.piece_by_piece,
            movers.views,
            day.criteria,
            about.as_given,
        ),
    ),
    Depth(
        "technical",
        "For an analyst",
        "For those who check the arithmetic: distributions, diagnostics, every number with its "
        "source, and how to make all of it again.",
        (
            odds.how_it_ends,
            odds.in_cases,
            past.odds_over_time,
            about.lens,
            about.diagnostics,
            about.provenance,
            about.again,
        ),
    ),
)


@dataclass(frozen=True)
class Level:
    """A depth of one story's page.

    Attributes
    ----------
    depth : Depth
    sections : tuple of Section
        Those that have something to show.
    absent : tuple of Section
        Those that have none in this story, or were not worked out: a sentence each.
    """

    depth: Depth
    sections: tuple[Section, ...]
    absent: tuple[Section, ...]


def levels_of(dossier: Dossier) -> tuple[Level, ...]:
    """Give the levels of a story's page.

    Parameters
    ----------
    dossier : Dossier

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.dashboard.page_data import make_dossier
    >>> from storyodds.scenarios.resolve import resolve
    >>> levels = levels_of(make_dossier(assess(resolve(load_story("carlsmith-six-premises")))))
    >>> [level.depth.id for level in levels]
    ['committee', 'reviewer', 'technical']
    >>> "evidence" in [section.id for section in levels[1].absent]
    True
    """
    return tuple(_level(depth, dossier) for depth in DEPTHS)


def sections_of(dossier: Dossier) -> list[Section]:
    """Give every section of a story's page, whether it has something to show or not."""
    return [section for level in levels_of(dossier) for section in (*level.sections, *level.absent)]


def _level(depth: Depth, dossier: Dossier) -> Level:
    sections = [section for maker in depth.makers if (section := maker(dossier)) is not None]
    return Level(
        depth,
        tuple(section for section in sections if section.shows),
        tuple(section for section in sections if not section.shows),
    )
