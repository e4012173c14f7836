"""The page of all stories: ranked, with odds, worst paths, and what has changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from storyodds.reports.dashboard.changes import Saved, what_changed
from storyodds.reports.dashboard.page import rendered
from storyodds.reports.dashboard.parts import Json, as_csv, counted, with_band
from storyodds.reports.dashboard.portfolio_picture import plot_portfolio
from storyodds.reports.dashboard.sections_odds import path_name
from storyodds.reports.wording import about_one_in


def portfolio_page(estimates: Sequence[Json], before: Mapping[str, Saved]) -> str:
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
    >>> from storyodds.models.assessment import assess
    >>> from storyodds.reports.summary import summarize
    >>> from storyodds.scenarios.resolve import resolve
    >>> found = summarize(assess(resolve(load_story("carlsmith-six-premises"))))
    >>> "carlsmith-six-premises.html" in portfolio_page([found], {})
    True
    """
    worst = sorted(estimates, key=lambda it: -it["fates"]["catastrophe"]["mean"])
    best = sorted(estimates, key=lambda it: -it["fates"]["success"]["mean"])
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


def _finding(worst: Sequence[Json], best: Sequence[Json]) -> str:
    if len(worst) == 1:
        it = worst[0]["fates"]
        return f"Success {with_band(it['success'])}, catastrophe {with_band(it['catastrophe'])}."
    return (
        f"“{worst[0]['title']}” is the most dangerous, catastrophe "
        f"{with_band(worst[0]['fates']['catastrophe'])}; “{best[0]['title']}” is the most likely "
        f"to succeed, {with_band(best[0]['fates']['success'])}. Intervals that overlap do not "
        "settle an order."
    )


def _row(estimate: Json, changed: str) -> dict[str, Any]:
    paths: Sequence[Json] = estimate["paths"]
    fates = estimate["fates"]
    d = estimate["diagnostics"]
    return {
        "story": estimate["story"],
        "title": estimate["title"],
        "under": f"view {estimate['view']}" if estimate["view"] else "",
        "catastrophe": with_band(fates["catastrophe"]),
        "catastrophe_count": about_one_in(fates["catastrophe"]["mean"]),
        "success": with_band(fates["success"]),
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
