"""The page's section on evidence: effects on average, and the odds finding by finding."""

from support.building import item, on_a_class

from storyodds.models.assessment.assessment import assess
from storyodds.reports.dashboard.page_data import make_dossier
from storyodds.reports.dashboard.sections_movers import as_evidence_came_in
from storyodds.reports.words.numbers import percent
from storyodds.scenarios.resolve import resolve


def test_findings_stand_in_the_order_of_the_story_between_both_estimates() -> None:
    said = [
        item(name, {"class_": "deceptive"}, forecast=p, sd_bits=2)
        for name, p in (("zeta", 0.4), ("alpha", 0.1))
    ]
    story = on_a_class({"interval": [0.05, 0.4]}, said)
    dossier = make_dossier(assess(resolve(story), draws=256))
    section = as_evidence_came_in(dossier)
    figure = next(it for it in section.figures if it.name == "evidence-sequence")
    assert [row[0] for row in figure.rows] == ["before", "zeta (opinion)", "alpha (opinion)"]
    after = dossier.estimate["fates"]["success"]
    assert figure.rows[-1][1].startswith(f"{percent(after['mean'])} (")
    assert any("the order in which the story gives them" in note for note in section.reading)
