"""A Markdown annex is read by a real parser, and story text stays text in it."""

import copy
import json
from functools import cache
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from support.features import features
from support.hostile_story import ATTACK, hostile_story

from storyodds import Story, load_story
from storyodds.models.assessment.assessment import Assessment, assess
from storyodds.reports.documents.estimate import summarize
from storyodds.reports.documents.sensitivity.whole import summarize_sensitivity
from storyodds.reports.documents.value import summarize_value
from storyodds.reports.exports.markdown.annex import markdown_report
from storyodds.reports.exports.markdown.text import link, text
from storyodds.reports.words.endings import CLASS_GLOSSES
from storyodds.reports.words.numbers import about_one_in, percent, signed
from storyodds.scenarios.resolve import resolve

SMALL = "cat-classifier"
MARKS = (
    *("# head", "1. list", "12) list", "- item", "+ item", "=== under", "> quote", "~~~", "---"),
    *("    code", "a\nb\n===\n", "***", "_a_ *b* ~~c~~", "<https://x.org>", "&amp; &#60;b>"),
    *("![i](https://x.org)", "a | b", "\\", "`", "[x]: https://x.org", "$x$", "a  \nb"),
)
NO_LINKS = (
    *("http://x.org", "javascript:alert(1)", "data:text/html,x", "https://", "https://a@x.org"),
    *("//x.org", "file:///etc", "HTTPS ://x.org", "https://[x"),
)


@cache
def assessed(hostile: bool) -> Assessment:
    story = hostile_story(SMALL) if hostile else load_story(SMALL)
    return assess(resolve(story, standard=True), draws=256)


@cache
def report(hostile: bool) -> str:
    found = assessed(hostile)
    return markdown_report(
        summarize(found),
        sensitivity=summarize_sensitivity(found, ["local", "global", "failure"]),
        value=summarize_value(found),
        story=story_of(found),
    )


def story_of(found: Assessment) -> Story:
    return found.prepared.resolved.story


def tokens(markdown: str) -> list[Token]:
    """What a parser of GFM makes of it, HTML allowed so that it would show."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    flat: list[Token] = []
    for token in parser.parse(markdown):
        flat += [token, *(token.children or [])]
    return flat


def shown(markdown: str) -> str:
    """The text that a reader sees, on one line."""
    kinds = ("text", "code_inline", "fence", "softbreak", "text_special")
    words = "".join(t.content or " " for t in tokens(markdown) if t.type in kinds)
    return " ".join(words.replace("\N{WORD JOINER}", "").split())


def addresses(markdown: str) -> set[str]:
    return {str(t.attrs["href"]) for t in tokens(markdown) if t.type == "link_open"}


@pytest.mark.parametrize("hostile", [False, True])
def test_no_html_and_no_image_and_no_link_but_to_sources(hostile: bool) -> None:
    made = tokens(report(hostile))
    kinds = {token.type for token in made}
    assert not kinds & {"html_block", "html_inline", "image", "s_open", "blockquote_open", "hr"}
    story = story_of(assessed(hostile))
    raw = json.dumps([story.model_dump(mode="json"), summarize_value(assessed(hostile))])
    for address in addresses(report(hostile)):
        assert address.startswith("https://")
        assert f'"{address}"' in raw


@pytest.mark.parametrize("hostile", [False, True])
def test_every_row_of_every_table_has_as_many_cells_as_its_head(hostile: bool) -> None:
    markdown = report(hostile)
    tables = sum(line.startswith(("| :---", "| ---:")) for line in markdown.splitlines())
    made = tokens(markdown)
    assert sum(token.type == "table_open" for token in made) == tables > 8
    width, count = 0, 0
    for token in made:
        if token.type == "thead_open":
            width = 0
        width += token.type == "th_open"
        count += token.type == "td_open"
        if token.type == "tr_close" and count:
            assert count == width
            count = 0
    # A parser fills up short rows and cuts long ones: the written ones must be as wide themselves.
    for block in markdown.split("\n\n"):
        rows = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("| ")]
        assert len({row.count("|") for row in rows}) <= 1


def test_hostile_text_is_shown_as_it_is() -> None:
    title = story_of(assessed(True)).title
    assert ATTACK in title
    assert shown(f"x {text(title)}").removeprefix("x ") == title
    assert shown(text(title)) in shown(report(True))
    assert "javascript:" not in "".join(addresses(report(True)))


@pytest.mark.parametrize("words", MARKS)
def test_no_text_is_obeyed(words: str) -> None:
    made = tokens(text(words))
    allowed = {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
    assert {token.type for token in made} <= allowed
    assert shown(text(words)) == " ".join(words.split())


def test_what_forges_make_links_of_is_broken_up() -> None:
    made = text("see https://x.org, www.x.org and @someone or a@b.org")
    assert "://" not in made and "www." not in made and "@s" not in made and "@b" not in made
    assert made.replace("\N{WORD JOINER}", "") == (
        "see https://x.org, www.x.org and @someone or a@b.org"
    )


@pytest.mark.parametrize("url", NO_LINKS)
def test_other_addresses_are_no_links(url: str) -> None:
    assert addresses(link("words", url)) == set()
    assert shown(link("words", url)) == "words"


@pytest.mark.parametrize("url", ["https://x.org/a)b<c>d|e [f]`g`*_", 'https://x.org/"\n\n# h'])
def test_an_address_cannot_end_its_link(url: str) -> None:
    made = tokens(link("words", url))
    assert [t.type for t in made if t.type == "link_open"] == ["link_open"]
    assert shown(link("words", url)) == "words"


def test_the_headline_says_what_the_estimate_says() -> None:
    doc = summarize(assessed(False))
    for fate in ("success", "catastrophe"):
        mean = doc["fates"][fate]["mean"]
        assert f"{percent(mean)}, {about_one_in(mean)}" in shown(report(False))


def test_decision_day_checks_hazards_mechanisms_and_opinions_are_told() -> None:
    doc = features("flagged")
    markdown = markdown_report(doc)
    seen, day = shown(markdown), doc["deployed"]
    assert "A check flagged this model (probe): the odds are those of going on" in seen
    part = markdown[markdown.index("## On the day of") : markdown.index("## The checks")]
    for name in ("success", "uncompetitive", "benign-failure", "catastrophe"):
        assert f"| {name} | {percent(day[name]['mean'])} |" in part
    assert f"| class deceptive | {percent(day['classes']['deceptive']['mean'])} |" in part
    added = signed(doc["checks"]["audit"]["added"]["mean"]).removeprefix("+")
    assert f"| `audit` | before the decision | {added} |" in markdown
    assert "| `probe` | flagged | – | – |" in markdown
    hazard = doc["hazards"]["bad-intent"]
    assert f"| `bad-intent` | alignment | {percent(hazard['mean'])} |" in markdown
    assert f"| scheming | {percent(doc['mechanisms']['scheming']['concern']['mean'])} |" in markdown
    without = percent(doc["opinions"]["classes"]["deceptive"]["mean"])
    (row,) = [line for line in markdown.splitlines() if line.startswith("| deceptive |")]
    assert f"| {without} | {CLASS_GLOSSES['deceptive']} |" in row
    assert "`far-told` (opinion)" in markdown
    assert "`aware-told` does nothing: it is about a number that is fixed." in markdown


def test_what_was_only_simulated_is_not_ruled_out() -> None:
    assessment = assess(resolve(load_story("coinrun-agent")), method="simulation", draws=64)
    seen = shown(markdown_report(summarize(assessment)))
    assert "Catastrophe was not met in" in seen and "cannot end" not in seen
    assert "never" not in seen[: seen.index("The four criteria")]


def test_every_number_is_listed_with_its_basis() -> None:
    markdown = report(False)
    part = markdown[markdown.index("## The numbers") :]
    for number in summarize(assessed(False))["provenance"]:
        zero = number["name"].endswith((".bayes_factor.default", ".bayes_factor.false"))
        assert (f"| `{number['name']}` |" in part) != zero


def test_what_is_not_reliable_says_so_first() -> None:
    doc = copy.deepcopy(summarize(assessed(False)))
    doc["diagnostics"] |= {"ok": False, "messages": ["too <b>few</b> draws"]}
    markdown = markdown_report(doc)
    assert shown(markdown).index("NOT RELIABLE") < shown(markdown).index("goes right")
    assert not any(token.type.startswith("html") for token in tokens(markdown))
    assert "NOT RELIABLE" not in report(False)


def test_parts_come_with_what_was_worked_out() -> None:
    alone = markdown_report(summarize(assessed(False)))
    for head in ("## What it hangs on", "## What is worth finding out next", "## The story as"):
        assert head in report(False)
        assert head not in alone


def test_an_event_that_nothing_varies_has_no_indices_to_tell() -> None:
    # P(catastrophe) of this story is the same at every draw.
    assessment = assess(resolve(load_story("coinrun-agent"), standard=True), draws=64)
    doc = summarize_sensitivity(assessment, ["global"])
    totals = [i["total"] for event in doc["global"]["events"] for i in event["inputs"]]
    assert None in totals
    made = markdown_report(summarize(assessment), sensitivity=doc, story=story_of(assessment))
    assert "All numbers at once" in shown(made)


def test_settings_cannot_end_the_block_of_code() -> None:
    doc: Any = copy.deepcopy(summarize(assessed(False)))
    doc["settings"] = {"a.probability": "'\n```\n# owned\n<script>"}
    made = tokens(markdown_report(doc))
    (fence,) = [token for token in made if token.type == "fence"]
    assert fence.content.count("\n") == 1 and "owned" in fence.content
    heads = [made[k + 1].content for k, t in enumerate(made) if t.type == "heading_open"]
    assert "owned" not in heads


def test_assumptions_findings_and_the_rationale_are_told_in_full() -> None:
    story = load_story("rlhf-assistant")
    doc = summarize(assess(resolve(story), draws=64, method="weighting"))
    markdown = markdown_report(doc, story=story)
    part = markdown[markdown.index("## The assumptions") : markdown.index("## What the evidence")]
    entry = doc["assumptions"]["situational-awareness"]
    means = f"{percent(entry['prior']['mean'])} | {percent(entry['mean'])}"
    assert "During training the model comes to know that it is a model in training" in part
    assert f"| {means} |" in part
    assert "| `beyond-episode-goals` | goal-directedness | 25% to 80%" in part
    assert "It holds where order-protects, and rules out `proxy-goal-schemer`." in markdown
    assert "`bits.human-simulator` −2.5 to 0 bits (90% interval)." in markdown
    assert "It counts where not hacks-rewarded." in markdown
    (line,) = [line for line in markdown.splitlines() if line.startswith("- `in-context-sch")]
    assert "5 of 6" in line and "`rates.true` 30% to 95%" in line
    assert "`relevance` 20% to 60%" in line and "(secondary reading)" in line


def test_a_risk_argument_speaks_of_catastrophe_alone() -> None:
    story = load_story("carlsmith-six-premises")
    assessment = assess(resolve(story, standard=True))
    sensitivity = summarize_sensitivity(assessment, ["local", "global", "failure"])
    markdown = markdown_report(summarize(assessment), sensitivity=sensitivity, story=story)
    assert "success" not in markdown and "four criteria" not in markdown
    assert "| `strong-incentives` | aps-feasible | 80% | 52% |" in markdown


def test_a_model_is_conditional_on_training_being_carried_out() -> None:
    story = load_story("rlhf-assistant")
    markdown = markdown_report(summarize(assess(resolve(story), draws=64, method="weighting")))
    assert "assume that training is carried out at all, which has a chance of 96%" in markdown
    assert "This is not a claim of safety" in markdown
