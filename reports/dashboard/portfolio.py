"""The page of all stories: ranked, with odds, worst paths, and what has changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from storyodds.reports.contract.estimate import Estimate, FailurePath
from storyodds.reports.dashboard.html import rendered
from storyodds.reports.dashboard.parts import as_csv
from storyodds.reports.dashboard.sections_odds import path_name
from storyodds.reports.dashboard.since_saved import Saved, what_changed
from storyodds.reports.figures.drawing.cells import with_band
from storyodds.reports.figures.portfolio import plot_portfolio
from storyodds.reports.words.endings import NO_CLAIM_OF_SAFETY
from storyodds.reports.words.numbers import about_one_in, counted, sentence_case
from storyodds.reports.words.sentences import errors_of, headline_fates, is_risk_argument


def portfolio_page(estimates: Sequence[Estimate], before: Mapping[str, Saved]) -> str:
    """Write the page of all stories.

    Parameters
    ----------
    estimates : sequence of mapping
        "storyodds/estimate/1" of every story; each has a page of its own, `<story>.html`.
    before : mapping of str to Saved
        By story, what was saved before, if anything was.

    Returns
    -------
    str
        An HTML document that loads nothing.

    Examples
    --------
    >>> from storyodds import load_story
    >>> from storyodds.models.assessment.assessment import assess
    >>> from storyodds.reports.documents.estimate import summarize
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> "carlsmith-six-premises.html" in portfolio_page([found], {})
    True
    """
    worst = sorted(estimates, key=lambda it: -it["fates"]["catastrophe"]["mean"])
    stories = [it for it in estimates if not is_risk_argument(it)]
    best = sorted(stories, key=lambda it: -it["fates"]["success"]["mean"])
    picture = plot_portfolio(worst)
    doubtful = [str(it["story"]) for it in worst if not it["diagnostics"]["ok"]]
    return rendered(
        "portfolio.html.j2",
        data={"what_if": None},
        doubtful=False,
        unreliable=doubtful,
        count=counted(len(estimates), "story").replace("storys", "stories"),
        picture=picture,
        downloads=[as_csv(picture.name, picture.columns, picture.rows)],
        by_catastrophe=[
            _row(it, what_changed(it, before.get(str(it["story"]), Saved(None)))) for it in worst
        ],
        by_success=[_row(it, "") for it in best],
        finding=_finding(worst, best),
    )


def _finding(worst: Sequence[Estimate], best: Sequence[Estimate]) -> str:
    first = worst[0]
    if len(worst) == 1:
        odds = (
            f"{name} {with_band(first['fates'][name], errors_of(first, name))}"
            for name in headline_fates(first)
        )
        return f"{sentence_case(', '.join(odds))}. {NO_CLAIM_OF_SAFETY}"
    chance = with_band(first["fates"]["catastrophe"], errors_of(first, "catastrophe"))
    words = f"“{first['title']}” is the most dangerous, catastrophe {chance}"
    if best:
        chance = with_band(best[0]["fates"]["success"], errors_of(best[0], "success"))
        words += f"; “{best[0]['title']}” is the most likely to succeed, {chance}"
    return f"{words}. Intervals that overlap do not settle an order. {NO_CLAIM_OF_SAFETY}"


def _row(estimate: Estimate, changed: str) -> dict[str, Any]:
    paths: Sequence[FailurePath] = estimate["paths"]
    fates = estimate["fates"]
    d = estimate["diagnostics"]
    return {
        "story": estimate["story"],
        "title": estimate["title"],
        "under": f"view {estimate['view']}" if estimate["view"] else "",
        "argued": is_risk_argument(estimate),
        "catastrophe": with_band(fates["catastrophe"], errors_of(estimate, "catastrophe")),
        "catastrophe_count": about_one_in(fates["catastrophe"]["mean"]),
        "success": with_band(fates["success"], errors_of(estimate, "success")),
        "success_count": about_one_in(fates["success"]["mean"]),
        "path": {
            "name": path_name(paths[0]),
            "steps": paths[0]["literals"],
            "weakest": paths[0]["weakest_link"],
            "concern": with_band(paths[0]["concern"]),
        }
        if paths
        else None,
        "ok": d["ok"],
        "messages": " ".join(f"{message}." for message in d["messages"]),
        "method": estimate["method"],
        "draws": counted(d["draws"], "draw") if d["draws"] > 1 else "nothing sampled",
        "changed": changed,
    }
