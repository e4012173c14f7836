"""What things rest on: collected from every corner, printed, and as BibTeX that others read."""

from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import BibliographyData, parse_string
from rich.console import Console

from storyodds.priors.bibliography import works
from storyodds.priors.library import pack, pack_entry, pack_names, view, view_names
from storyodds.priors.text.records import Source
from storyodds.reports.documents.bibliography import (
    Cited,
    Sources,
    assumption_sources,
    entry_sources,
    pack_sources,
    route_sources,
    story_sources,
    view_sources,
)
from storyodds.reports.documents.sources import plain_sources
from storyodds.reports.tables.bibtex import to_bibtex
from storyodds.reports.terminal.sources import print_sources, reference
from storyodds.scenarios.loader import bundled_stories, load_story, load_text
from storyodds.scenarios.resolve import resolve
from storyodds.scenarios.shared import catalog

STORY = """\
story: mine
title: A story that cites in every place
sources: [{cite: Mine 2020, url: "https://example.org/mine", note: the whole of it}]
goal:
  specification: It does the task.
  desirability: The task is good.
  hazards:
    - {id: slip, criterion: alignment, probability: {fixed: 0.1, source: Hazard 2020}}
assumptions:
  situational-awareness:
  aware: {claim: It knows., probability: {ref: carlsmith-2022/aps-feasible},
    sources: [Assumption 2020]}
  tested:
    claim: It was tested.
    probability:
      pool:
        - {by: Ann, value: {ref: empirical-counts/shutdown-o3}}
        - {by: Ben, value: {fixed: 0.2, source: Ben 2020}}
routes:
  - {use: nearest-goal-schemer}
  - {id: schemer, class: deceptive, claim: It hides., requires: aware, harm: 0.1,
     bits: {interval: [-1, 1], source: "storyodds assumption: wide"}}
  - {id: something-else, class: other, bits: 0, harm: {fixed: 0.1, source: {cite: Again,
     url: "http://www.example.org/mine/"}}}
evidence:
  - {id: seen, about: {outcome: true}, bayes_factor: {schemer: 1, default: 0},
     source: {cite: Evidence 2020, url: "https://arxiv.org/pdf/1906.01820v2"}}
"""


@pytest.fixture(scope="module")
def found() -> Sources:
    return story_sources(resolve(load_text(STORY)))


def by(sources: Sources) -> dict[str, tuple[str, ...]]:
    return {cited.key or cited.source.cite: cited.by for cited in sources.cited}


def test_every_place_is_looked_at(found: Sources) -> None:
    cited = by(found)
    assert cited["Mine 2020"] == ("sources", "something-else.harm")
    assert cited["Hazard 2020"] == ("slip.probability",)
    assert cited["Assumption 2020"] == ("assumptions.aware",)
    assert cited["Ben 2020"] == ("tested.probability",)
    assert "evidence.seen" in cited["hubinger-2019"]
    assert cited["carlsmith-2022"] == ("aware.probability (carlsmith-2022/aps-feasible)",)


def test_packs_and_their_disputes_are_looked_into(found: Sources) -> None:
    inside = ("tested.probability (empirical-counts/shutdown-o3)",)
    assert by(found)["palisade-2025"] == by(found)["rajamanoharan-2025"] == inside


def test_the_catalog_is_looked_into(found: Sources) -> None:
    carlsmith = by(found)["carlsmith-2023"]
    assert "assumptions.situational-awareness" in carlsmith
    assert "catalog route nearest-goal-schemer" in carlsmith
    assert "assumptions.goal-guarding" in carlsmith  # which nothing in the story names


def test_numbers_of_ones_own_are_told_apart(found: Sources) -> None:
    assert "schemer.bits" in found.assumed
    assert "goal-guarding.probability" in found.assumed  # the catalog's
    assert found.unsourced == ("schemer.harm", "something-else.bits", "seen.bayes_factor.schemer")
    resting = {number for cited in found.cited for number in cited.by}
    assert not resting & {*found.assumed, *found.unsourced}


def test_the_bibliography_comes_first(found: Sources) -> None:
    listed = [cited.work is not None for cited in found.cited]
    assert listed == sorted(listed, reverse=True)


@pytest.mark.parametrize("name", list(bundled_stories()))
def test_bundled_stories_cite_only_what_is_in_the_bibliography(name: str) -> None:
    sources = story_sources(resolve(load_story(name)))
    assert sources.cited
    assert [cited.source.cite for cited in sources.cited if cited.work is None] == []
    assert sources.unsourced == ()


def test_what_ships_beside_stories_does_so_too() -> None:
    shipped = [
        *(view_sources(view(name)) for name in view_names()),
        *(pack_sources(pack(name)) for name in pack_names()),
        *map(assumption_sources, catalog.assumptions()),
        *map(route_sources, catalog.routes()),
    ]
    for sources in shipped:
        assert all(cited.work is not None for cited in sources.cited)
        assert sources.unsourced == ()


def test_an_entry_of_a_pack() -> None:
    sources = entry_sources(pack_entry("empirical-counts/shutdown-o3"))
    assert [cited.key for cited in sources.cited] == ["palisade-2025", "rajamanoharan-2025"]
    assert (sources.numbers, sources.assumed) == (1, ())


# What is printed


def printed(sources: Sources, width: int = 80) -> str:
    stream = StringIO()
    print_sources(Console(file=stream, width=width, highlight=False), "mine", sources)
    return stream.getvalue()


def test_the_list_tells_everything(found: Sources) -> None:
    text = printed(found)
    assert text.startswith("What mine rests on\n\n")
    assert "https://arxiv.org/abs/2206.13353\n" in text
    assert "Read: the work itself. Sections 7 to 9 and the appendix." in text
    assert "\nNot in the bibliography\nMine 2020\n    https://example.org/mine\n" in text
    assert "    the whole of it\n    Cited by: sources, something-else.harm\n" in text
    flat = " ".join(text.split())
    assert f"Of {found.numbers} numbers, {len(found.assumed)} rest on assumptions" in flat
    assert "3 numbers are without a source: schemer.harm, something-else.bits, seen" in flat


@pytest.mark.parametrize("width", [40, 80, 120])
def test_only_addresses_are_longer_than_the_terminal(found: Sources, width: int) -> None:
    lines = [line for line in printed(found, width).splitlines() if "://" not in line]
    assert max(map(len, lines)) <= width


def test_what_cites_nothing_says_so() -> None:
    assert "No work is cited." in printed(Sources((), 2, (), ("a", "b")))
    assert "All 2 numbers rest on assumptions" in printed(Sources((), 2, ("a", "b"), ()))
    assert "1 number is without a source: a." in printed(Sources((), 2, ("b",), ("a",)))


def test_a_terminal_obeys_nothing_in_a_source() -> None:
    evil = Cited(None, None, Source(cite="a\x1b[2Jb [red]", note="n\x07", url="u\x1b[0m"), ("x",))
    text = printed(Sources((evil,), 0, (), ()))
    assert "\x1b" not in text and "\x07" not in text and "[red]" in text


def test_references_read_well() -> None:
    for work in works().values():
        line = reference(work)
        assert ".." not in line and "?." not in line and ", others" not in line
        assert f"({work.year})" in line


def test_plain_data(found: Sources) -> None:
    data = plain_sources(found)
    assert data["numbers"] == found.numbers
    fields = {"key", "cited_by", "authors", "title", "year", "kind", "url", "arxiv", "read"}
    assert all(fields | {"cite", "note"} == set(item) for item in data["sources"])
    (mine,) = [item for item in data["sources"] if item["cite"] == "Mine 2020"]
    assert (mine["key"], mine["title"], mine["note"]) == (None, None, "the whole of it")


# BibTeX, as pybtex reads it


def read_back(text: str) -> BibliographyData:
    return parse_string(text, "bibtex")


def test_the_whole_bibliography_reads_back() -> None:
    everything = [Cited(key, work, Source(cite=work.cite), ()) for key, work in works().items()]
    entries = read_back(to_bibtex(everything)).entries
    assert list(entries) == list(works())
    for key, work in works().items():
        entry = entries[key]
        assert entry.fields["url"] == work.url
        assert entry.fields["year"] == str(work.year)
        assert entry.fields.get("eprint") == work.arxiv
        assert len(entry.persons.get("author", ())) == len(work.authors)
    assert entries["davidw-2023"].fields["title"].count(r"\textless{}1\%") == 1


def test_names_of_people_and_of_organizations() -> None:
    keys = ("hubinger-2019", "openai-2024", "marks-2025", "palisade-2025")
    cited = [Cited(key, works()[key], Source(cite=key), ()) for key in keys]
    entries = read_back(to_bibtex(cited)).entries
    second = entries["hubinger-2019"].persons["author"][1]
    assert (second.prelast_names, second.last_names) == (["van"], ["Merwijk"])
    assert entries["openai-2024"].persons["author"][0].last_names == ["{OpenAI}"]
    assert str(entries["palisade-2025"].persons["author"][0]) == "{TFI Global News}"
    assert str(entries["marks-2025"].persons["author"][-1]) == "others"


def test_keys_are_not_used_twice() -> None:
    same = [Cited(None, None, Source(cite="Ann", url=f"https://e.org/{k}"), ()) for k in range(3)]
    nameless = [Cited(None, None, Source(cite="百"), ())]
    assert list(read_back(to_bibtex([*same, *nameless])).entries) == [
        "ann",
        "ann-2",
        "ann-3",
        "source",
    ]


text = st.text(min_size=1, max_size=30)


@given(text, st.none() | text, st.none() | text)
def test_whatever_people_cite_reads_back(cite: str, url: str | None, note: str | None) -> None:
    source = Source(cite=cite, url=url, note=note)
    (entry,) = read_back(to_bibtex([Cited(None, None, source, ())])).entries.values()
    assert {"title"} <= set(entry.fields) <= {"title", "url", "note"}


def test_a_bundled_story_reads_back(tmp_path: Path) -> None:
    sources = story_sources(resolve(load_story("rlhf-assistant")))
    assert set(read_back(to_bibtex(sources.cited)).entries) == {c.key for c in sources.cited}
