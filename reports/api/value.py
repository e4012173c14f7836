"""What is worth finding out about a story, in one call."""

from collections.abc import Mapping, Sequence

from storyodds.models.assessment.assessment import Method, Progress, assess_story
from storyodds.models.story.events import ODDS
from storyodds.priors.library import View
from storyodds.priors.text.errors import InputError
from storyodds.reports.api.estimate import unknown_name
from storyodds.reports.contract.value import InformationValue
from storyodds.reports.documents.stakes import checked_stakes
from storyodds.reports.documents.value import summarize_value
from storyodds.reports.notebook.document import shown
from storyodds.scenarios.story import Story
from storyodds.scenarios.switches import with_off


def value(
    story: Story,
    *,
    stakes: Mapping[str, float] | None = None,
    of: str | None = None,
    standard: bool = True,
    view: str | View | None = None,
    settings: Mapping[str, object] | None = None,
    off: Sequence[str] = (),
    method: Method = "auto",
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> InformationValue:
    """Ask which observation would tell most, or be worth most to a decision.

    Parameters
    ----------
    story : Story
    stakes : mapping of str to float, optional
        What an ending is worth, in any unit, 0 unless stated: success, uncompetitive,
        benign-failure, catastrophe, and withheld, which is worth the same as being halted. They
        state a decision, to deploy or to withhold; without them, proposals are ranked by bits about
        what `of` says.
    of : str, optional
        What bits are about: a class, a fate, "deployed", or either of the first given that, as in
        "catastrophe-given-deployed". Success unless stated, and catastrophe for a risk argument.
    standard : bool
        Whether to weigh the catalog's standard observations besides what the story proposes.
    view, settings, off, draws, seed, progress
        As in `estimate`.
    method : {"auto", "weighting", "nuts"}
        As in `estimate`.

    Returns
    -------
    Document
        A dict, which notebooks show as a short report: the JSON object of `storyodds value
        --json`, gains in bits, and in the unit of the stakes.

    Raises
    ------
    InputError
        If an ending or what bits are about is not known, a worth is no number, a view or setting
        does not fit, or the evidence is impossible.
    UnsupportedStoryError
        If the story is too large to sum exactly.

    Examples
    --------
    >>> from storyodds import load_story, value
    >>> found = value(load_story("carlsmith-six-premises"), stakes={"catastrophe": -1})
    >>> found["decision"]["choice"], round(found["decision"]["deploy"], 4)
    ('withhold', -0.0514)
    """
    weighed = checked_stakes((stakes or {}).items(), "stakes")
    if of is not None and of not in ODDS:
        raise InputError([unknown_name("of", of, ODDS)])
    assessment = assess_story(
        story,
        view,
        with_off(settings, off),
        standard=standard,
        method=method,
        draws=draws,
        seed=seed,
        progress=progress,
    )
    if progress is not None:
        progress("weighing what could be observed", 0, 0)
    return shown(summarize_value(assessment, weighed or None, of=of))
