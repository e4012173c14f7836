"""The bar that stays in sight: the answer, and where everything is."""

from storyodds.reports.contract.estimate import Estimate
from storyodds.reports.words.numbers import band, percent
from storyodds.reports.words.sentences import errors_of, headline_fates


def bar_of(estimate: Estimate) -> list[dict[str, str]]:
    """Give the answers of the bar: success and catastrophe; of a risk argument, catastrophe alone.

    Parameters
    ----------
    estimate : mapping
        "storyodds/estimate/1".

    Returns
    -------
    list of dict
        `name`, `chance` and `band` of each; no band where the chance is one value.

    Examples
    --------
    >>> from storyodds import estimate, load_story, summarize
    >>> bar_of(summarize(estimate(load_story("carlsmith-six-premises"))))
    [{'name': 'catastrophe', 'chance': '5.1%', 'band': ''}]
    """
    return [
        {
            "name": name,
            "chance": percent(
                estimate["fates"][name]["mean"], errors_of(estimate, name).get("mean", 0.0)
            ),
            "band": band(estimate["fates"][name], errors_of(estimate, name)),
        }
        for name in headline_fates(estimate)
    ]


def running_style(title: str, fingerprint: str) -> str:
    """Give the style of a printed page's margins: its title, its fingerprint, its number.

    Texts of a story enter a style sheet here, so every character that is not plainly harmless is
    written as its code.

    Examples
    --------
    >>> '"a\\\\3c b"' in running_style("a<b", "")
    True
    """
    head, foot = _css_text(title), _css_text(fingerprint)
    return (
        f"\n@page{{@top-left{{content:{head}}}@bottom-left{{content:{foot}}}"
        '@bottom-right{content:counter(page) " / " counter(pages)}}'
    )


def _css_text(text: str) -> str:
    """A string of a style sheet."""
    coded = (
        c if c.isascii() and (c.isalnum() or c in " .,:;-") else f"\\{ord(c):x} " for c in text
    )
    return f'"{"".join(coded)}"'
