"""What axe finds on an open page, in both color schemes."""

from typing import Any

# The rules of axe that read colors, which are all that a color scheme changes.
OF_COLORS = ("color-contrast", "link-in-text-block")
# Every property that a rule for one scheme sets and that is no named color, or none of the root's.
NO_COLORS = """[...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
    .filter(rule => /prefers-color-scheme/.test(rule.media?.mediaText ?? ''))
    .flatMap(rule => [...rule.cssRules])
    .flatMap(rule => [...rule.style].filter(name => rule.selectorText !== ':root'
        || !name.startsWith('--')
        || !CSS.supports('color', rule.style.getPropertyValue(name))))"""
# Of rules that are kept, axe writes down one element each, which takes a quarter less time.
BRIEF = {"resultTypes": ["violations"]}

type Violation = tuple[str, str, list[str]]  # the scheme, the rule, the first elements


def violations(page: Any) -> list[Violation]:
    """All that axe finds on a page, opened in the light scheme and past its own policy.

    In the dark scheme the rules that read colors are asked again; that the scheme changes nothing
    but colors is checked.
    """
    from axe_playwright_python.sync_playwright import Axe

    assert page.evaluate("matchMedia('(prefers-color-scheme: light)').matches")
    assert page.evaluate(NO_COLORS) == []
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    light = Axe().run(page, options=BRIEF).response
    assert len(light["passes"]) > 10
    page.emulate_media(color_scheme="dark")
    dark = Axe().run(page, options=BRIEF | {"runOnly": list(OF_COLORS)}).response
    assert len(dark["passes"]) > 0
    return [*_listed("light", light), *_listed("dark", dark)]


def _listed(scheme: str, response: Any) -> list[Violation]:
    return [
        (scheme, rule["id"], [node["html"][:200] for node in rule["nodes"][:3]])
        for rule in response["violations"]
    ]
