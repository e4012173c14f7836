"""Imported fault trees: what they mean, what is refused, and what another program says of them."""

import json
import math
import random
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.open_psa_text import (
    event,
    free_names,
    gate,
    imported,
    mistakes,
    number,
    top_probability,
    tree,
    truth,
)
from support.random_trees import COHERENT, NEGATING, REST, Reading, random_tree

from storyodds import InputError, Story, UnsupportedStoryError, import_open_psa, load_text, to_yaml
from storyodds.cli import main
from storyodds.priors.distributions.forms import Fixed
from storyodds.priors.text import xml_reader
from storyodds.priors.text.xml_reader import parse_xml
from storyodds.scenarios.lint.linter import lint
from storyodds.scenarios.open_psa import reader

DATA = Path(__file__).parent.parent / "data" / "open-psa"
SCRAM = shutil.which("scram")


# --- what a story says of its top event ---------------------------------------------------------


def random_story(seed: int, connectives: tuple[str, ...]) -> tuple[Reading, Story | None]:
    """A random tree and its story; None where constants decide the top gate."""
    rng = random.Random(seed)
    text = random_tree(
        rng,
        events=rng.randint(1, 6),
        gates=rng.randint(1, 7),
        connectives=connectives,
        houses=rng.choice((0, 0, 1, 2)),
        nested=rng.choice((0.0, 0.3, 0.7)),
    )
    reading = Reading(text)
    try:
        return reading, imported(text)
    except InputError as error:
        assert "is always" not in str(error) or "top gate" in str(error)
        assert "found a top gate that is always" in str(error), text
        return reading, None


@pytest.mark.parametrize(
    "connectives", [COHERENT, NEGATING, REST], ids=["coherent", "negating", "all"]
)
@given(st.integers(0, 2**32))
def test_truth_tables(connectives: tuple[str, ...], seed: int) -> None:
    """The composite of the top gate and the XML agree in every state of the basic events."""
    reading, story = random_story(seed, connectives)
    found = {
        reading.truth("g0", dict(zip(reading.chances, s, strict=True))) for s in reading.states()
    }
    if story is None:
        assert len(found) == 1
        return
    top = story.routes[0].requires
    assert isinstance(top, str)
    ids = free_names(story)
    for state in reading.states():
        events = dict(zip(reading.chances, state, strict=True))
        by_id = {name: events[event] for event, name in ids.items()}
        assert truth(story, top, by_id) == reading.truth("g0", events)
    # Up to 64 states, each a product of up to 7 roundings.
    assert top_probability(story) == pytest.approx(reading.probability("g0"), rel=1e-13)


@given(st.integers(0, 2**32))
def test_what_is_written_reads_back_and_raises_no_question(seed: int) -> None:
    _, story = random_story(seed, REST)
    if story is not None:
        assert load_text(to_yaml(story)) == story
        # A random gate may well contradict itself, which is worth asking about.
        assert {finding.code for finding in lint(story)} <= {"never-holds"}


def test_every_feature_at_once() -> None:
    story = import_open_psa(DATA / "pumps.xml")
    assert story.story == "cooling"
    assert story.title == "Fault tree: Cooling with two trains"
    claims = {name: spec.claim for name, spec in story.assumptions.items() if spec}
    assert claims == {
        "no-cooling-gate": "No cooling water reaches the core (gate NoCooling)",
        "fails": "Gate Cooling.Train.Fails",
        "train-b": "Gate TrainB",
        "pump": "Basic event Cooling.Train.Pump",
        "valve": "Valve stuck (basic event Valve)",
        "pump-2": "Basic event Pump",
        "ol": "Basic event Öl",
    }
    top, parts = story.assumptions["no-cooling-gate"], story.assumptions["train-b"]
    assert top is not None and parts is not None
    assert top.holds_when == ("fails", "train-b")  # the house event has gone
    forms = {
        name: spec.probability
        for name, spec in story.assumptions.items()
        if spec is not None and spec.probability is not None
    }
    assert all(form.basis == "assumed" for form in forms.values())
    assert {form.source.cite for form in forms.values() if form.source} == {
        "Cooling with two trains"
    }
    assert isinstance(forms["pump-2"], Fixed)
    assert forms["pump-2"].fixed == pytest.approx(1 - math.exp(-0.1), rel=1e-15)
    # With phi and Phi of 2.5: 0.01 Phi + 0.004 phi, and 0.01 + 0.004 phi / Phi in the story.
    assert forms["ol"].note == (
        "Clamped in the file and cut off at 0 and 1 in the story, which moves its mean from "
        "0.010008 in the file to 0.0100706."
    )
    assert [route.id for route in story.routes] == ["no-cooling", "something-else"]
    assert load_text(to_yaml(story)) == story
    assert story.catastrophe == (
        "The top event of the fault tree, and nothing else: No cooling water reaches the core "
        "(gate NoCooling). The tree does not say how bad that is."
    )
    assert lint(story) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("<int value='1'/>", 1.0),
        (f"<add>{number(0.1)}{number(0.2)}</add>", 0.1 + 0.2),
        (f"<sub>{number(0.7)}{number(0.2)}{number(0.1)}</sub>", 0.4),
        (f"<mul>{number(0.5)}{number(0.5)}{number(0.5)}</mul>", 0.125),
        (f"<div>{number(1)}{number(4)}</div>", 0.25),
        (f"<neg>{number(-0.25)}</neg>", 0.25),
        (f"<min>{number(0.5)}{number(0.25)}</min>", 0.25),
        (f"<max>{number(0.5)}{number(0.25)}</max>", 0.5),
        (f"<mean>{number(0.5)}{number(0.25)}</mean>", 0.375),
        (f"<exp>{number(-2)}</exp>", math.exp(-2)),
        (f"<log>{number(2)}</log>", math.log(2)),
        (f"<log10>{number(2)}</log10>", math.log10(2)),
        (f"<sqrt>{number(0.25)}</sqrt>", 0.5),
        (f"<abs>{number(-0.5)}</abs>", 0.5),
        (f"<pow>{number(0.5)}{number(3)}</pow>", 0.125),
        ("<div><pi/><int value='4'/></div>", math.pi / 4),
        (f"<exponential>{number(1e-4)}{number(8760)}</exponential>", 1 - math.exp(-0.876)),
        (
            f"<GLM>{number(0.1)}{number(2)}{number(3)}{number(0.5)}</GLM>",
            (2 - (2 - 0.1 * 5) * math.exp(-2.5)) / 5,
        ),
        (
            f"<Weibull>{number(10)}{number(2)}{number(1)}{number(6)}</Weibull>",
            1 - math.exp(-0.25),
        ),
    ],
)
def test_constant_expressions(expression: str, expected: float) -> None:
    spec = imported(tree(gate("<event name='A'/>") + event(expression))).assumptions["a"]
    assert spec is not None and isinstance(spec.probability, Fixed)
    assert spec.probability.fixed == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "form"),
    [
        (f"<beta-deviate>{number(2)}{number(8)}</beta-deviate>", {"beta": (2.0, 8.0)}),
        (f"<normal-deviate>{number(0.1)}{number(0.05)}</normal-deviate>", {"normal": (0.1, 0.05)}),
        (f"<uniform-deviate>{number(0)}{number(0.2)}</uniform-deviate>", {"uniform": (0.0, 0.2)}),
        (
            f"<max>{number(0)}<uniform-deviate>{number(-0.01)}{number(0.2)}</uniform-deviate></max>",
            {"uniform": (0.0, 0.2)},
        ),
        (
            "<min><uniform-deviate><float value='0.5'/><float value='1.01'/></uniform-deviate>"
            "<int value='1'/></min>",
            {"uniform": (0.5, 1.0)},
        ),
    ],
)
def test_deviates(expression: str, form: dict[str, tuple[float, float]]) -> None:
    spec = imported(tree(gate("<event name='A'/>") + event(expression))).assumptions["a"]
    assert spec is not None and spec.probability is not None
    assert spec.probability.model_dump(include=set(form)) == form


def test_both_ways_to_write_a_lognormal_say_the_same() -> None:
    mean, factor = 0.02, 5.0
    sigma = math.log(factor) / 1.6448536269514722
    mu = math.log(mean) - sigma**2 / 2
    long, short = (
        imported(
            tree(
                gate("<event name='A'/>") + event(f"<lognormal-deviate>{inner}</lognormal-deviate>")
            )
        ).assumptions["a"]
        for inner in (
            number(mean) + number(factor) + number(0.95),
            number(repr(mu)) + number(repr(sigma)),
        )
    )
    assert long is not None and short is not None
    one, other = long.probability, short.probability
    assert one is not None and other is not None
    assert other.lognormal.mean == pytest.approx(one.lognormal.mean, rel=1e-14)  # type: ignore[union-attr]
    assert other.lognormal.error_factor == pytest.approx(factor, rel=1e-14)  # type: ignore[union-attr]


# --- names, tops and sizes ------------------------------------------------------------------------


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
        min_size=1,
        max_size=5,
        unique_by=str.strip,
    )
)
def test_any_name_becomes_an_id(names: list[str]) -> None:
    root = ElementTree.Element("opsa-mef")
    fault_tree = ElementTree.SubElement(root, "define-fault-tree", name="t")
    top = ElementTree.SubElement(fault_tree, "define-gate", name="TOP GATE")
    either = ElementTree.SubElement(top, "or")
    for name in names:
        ElementTree.SubElement(either, "basic-event", name=name)
        defined = ElementTree.SubElement(fault_tree, "define-basic-event", name=name)
        ElementTree.SubElement(defined, "float", value="0.5")
    text = ElementTree.tostring(root, "unicode")
    try:
        ElementTree.fromstring(text)
    except ElementTree.ParseError:  # characters that XML does not have
        return
    try:
        story = imported(text)
    except InputError as error:
        assert any(not name.strip() for name in names) or "TOP GATE" in names, error
        return
    assert load_text(to_yaml(story)) == story
    assert len(story.assumptions) == len(names) + 1


def test_several_tops() -> None:
    with pytest.raises(InputError, match=r"found 2 gates .*: Left, Right; .*--top Left"):
        import_open_psa(DATA / "two-tops.xml")
    assert top_probability(import_open_psa(DATA / "two-tops.xml", "Left")) == pytest.approx(0.28)
    right = import_open_psa(DATA / "two-tops.xml", "two.Right")
    assert top_probability(right) == pytest.approx(0.02)
    assert "left" not in right.assumptions
    with pytest.raises(InputError, match=r"--top: found 'Lefft', .*did you mean 'Left'"):
        import_open_psa(DATA / "two-tops.xml", "Lefft")


def test_a_gate_below_another_may_be_the_top() -> None:
    story = import_open_psa(DATA / "pumps.xml", "Cooling.Train.Fails")
    assert set(story.assumptions) == {"fails-gate", "pump", "valve"}


def test_constants_that_decide_the_top_gate() -> None:
    body = gate("<or><house-event name='H'/><event name='A'/></or>") + event(number(0.5))
    house = "<define-house-event name='H'><constant value='true'/></define-house-event>"
    (sentence,) = mistakes(tree(body + house))
    assert "always true" in sentence


def wide(count: int) -> str:
    names = [f"e{i}" for i in range(count)]
    inner = "".join(f"<event name='{name}'/>" for name in names)
    return tree(gate(f"<or>{inner}</or>") + "".join(event(number(0.001), name) for name in names))


def long(count: int) -> str:
    gates = [
        gate(f"<or><gate name='g{i + 1}'/><event name='A'/></or>", f"g{i}") for i in range(count)
    ]
    return tree("".join(gates) + gate("<event name='A'/>", f"g{count}") + event(number(0.5)))


def test_sizes() -> None:
    assert len(imported(wide(500)).assumptions) == 501
    with pytest.raises(UnsupportedStoryError, match=r"found 501 basic events .* at most 500"):
        imported(wide(501))
    assert len(imported(long(1997)).assumptions) == 1999
    with pytest.raises(UnsupportedStoryError, match=r"found 2,002 .* at most 2,000"):
        imported(long(2000))


def test_deep_formulas() -> None:
    formula = "<event name='A'/>"
    for level in range(90):
        formula = (
            f"<{('and', 'or')[level % 2]}>{formula}<event name='B'/></{('and', 'or')[level % 2]}>"
        )
    story = imported(tree(gate(formula) + event(number(0.5)) + event(number(0.25), "B")))
    assert top_probability(story) == pytest.approx(0.25)  # the outermost is `or` with B
    assert load_text(to_yaml(story)) == story
    assert mistakes("<a>" * 101 + "</a>" * 101) == [
        "1:301: found elements nested more than 100 deep, expected fewer levels"
    ]


# --- what is refused ------------------------------------------------------------------------------


def test_every_mistake_at_once() -> None:
    with pytest.raises(InputError) as caught:
        import_open_psa(DATA / "wrong.xml")
    found = [
        (problem.line, (problem.key_path or "") + ": " + problem.message)
        for problem in caught.value.problems
    ]
    expected = [
        (4, "gate Top: found <andd>", "did you mean 'and'?"),
        (7, "gate Vote: found <atleast> with 'mim'", 'expected min="…"'),
        (7, "gate Vote: found the reference 'Aa'", "did you mean 'A'?"),
        (7, "gate Vote: found 'A', which is a basic event", "expected a gate"),
        (7, "gate Vote: found the reference 'Missing'", ""),
        (10, "gate Many: found min=3", "at most 2"),
        (12, "gate Round: found the loop", "wrong.Round -> wrong.Trip -> wrong.Round"),
        (14, "gate Empty: found nothing inside <define-gate>", "a formula"),
        (15, "gate Two: found 2 formulas", "expected one"),
        (16, "basic event A: found '10%'", "write 0.1"),
        (17, "basic event A: found 'A' again", "in line 16"),
        (18, "basic event B: found 1.5", "expected a probability from 0 to 1"),
        (19, "basic event C: found nothing", "its probability"),
        (21, "basic event D: found a deviate inside <mul>", ""),
        (24, "basic event E: found 0.5", "a number above 1"),
        (28, "basic event F: found div(1, 0)", "a finite result"),
        (30, "basic event G: found <system-mission-time>", "as in --mission-time 8760"),
        (33, ": found <define-basic-event> without 'name'", 'name="…"'),
        (34, "house event I: found 'ture'", "did you mean 'true'?"),
        (35, "parameter p: found the loop", "wrong.p -> wrong.r -> wrong.p"),
        (38, "common-cause group pumps: found no <members>", "expected one"),
        (38, "common-cause group pumps: found no <distribution>", "expected one"),
        (38, "common-cause group pumps: found no <factors> or <factor>", "expected one"),
        (39, "event tree after: found an event tree", "--top with that of a gate"),
    ]
    assert [line for line, _ in found] == [line for line, _, _ in expected]
    for (_, sentence), (_, start, end) in zip(found, expected, strict=True):
        assert sentence.startswith(start), sentence
        assert end in sentence, sentence
    assert caught.value.problems[0].source_line == '      <andd><event name="A"/></andd>'


def test_a_deviate_that_two_events_share() -> None:
    shared = (
        gate("<and><event name='A'/><event name='B'/></and>")
        + event("<parameter name='p'/>")
        + event("<parameter name='p'/>", "B")
        + "<define-parameter name='p'><beta-deviate><float value='1'/><float value='9'/>"
        "</beta-deviate></define-parameter>"
    )
    (sentence,) = mistakes(tree(shared))
    assert "found a deviate that 2 basic events share (A, B)" in sentence
    # Where only one of them matters, nothing moves together.
    alone = shared.replace("<event name='B'/></and>", "</and>")
    assert set(imported(tree(alone)).assumptions) == {"g-gate", "a"}


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (gate("<xor/>"), "gate G: found 0 parts in <xor>"),
        (gate("<not><event name='A'/><event name='A'/></not>"), "gate G: found 2 parts in <not>"),
        (gate("<imply><event name='A'/></imply>"), "gate G: found 1 parts in <imply>"),
        (gate("<atleast min='x'><event name='A'/></atleast>"), "gate G: found min='x'"),
        (
            gate("<cardinality min='1' max='0'><event name='A'/></cardinality>"),
            "gate G: found max=0 below min=1",
        ),
        (gate("<event name='A'/>") + gate("<event name='A'/>"), "gate G: found 'G' again"),
        ("", "found no gate"),
    ],
)
def test_single_mistakes(body: str, start: str) -> None:
    (sentence,) = mistakes(tree(body + event(number(0.5))))
    assert sentence.partition(": ")[2].startswith(start), sentence


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "this is not XML: no element found"),
        (b"<a>\n<b>\n</a>", "this is not XML: mismatched tag"),
        (b"<a/><b/>", "this is not XML: junk after document element"),
        (b"story: yaml\n", "this is not XML: syntax error"),
        (b"\xff\xfe\x00", "this is not XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "this is not XML: unknown encoding"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "found the declaration of an entity"),
        (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
            "found the declaration of an entity",
        ),
        (
            b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><a/>',
            "found the declaration of an entity",
        ),
        (
            b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
            "found a reference to another file",
        ),
        (b"<opsa/>", "found <opsa>, expected <opsa-mef>"),
    ],
)
def test_text_that_is_no_tree(raw: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        reader.imported(parse_xml(raw, "tree.xml"))
    (problem,) = caught.value.problems
    assert problem.message.startswith(sentence)
    assert problem.line is not None and problem.file == "tree.xml"


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_reader, "MAX_XML_BYTES", 1 << 20)
    with pytest.raises(InputError, match="more than 1 MiB"):
        parse_xml(b"<a>" + b" " * (1 << 20) + b"</a>")
    monkeypatch.setattr(xml_reader, "MAX_XML_ELEMENTS", 10)
    with pytest.raises(InputError, match="more than 10 elements"):
        parse_xml(b"<a>" + b"<b/>" * 10 + b"</a>")


@given(st.binary(max_size=60))
def test_any_bytes_are_told_apart(raw: bytes) -> None:
    with pytest.raises(InputError):
        reader.imported(parse_xml(raw))


# --- the command line -----------------------------------------------------------------------------

Printed = pytest.CaptureFixture[str]


def test_command_prints_or_saves(capsys: Printed, tmp_path: Path) -> None:
    assert main(["import", str(DATA / "pumps.xml")]) == 0
    printed = capsys.readouterr()
    note = "note: basic event Öl: Clamped in the file and cut off at 0 and 1 in the story, which "
    assert printed.err == f"{note}moves its mean from 0.010008 in the file to 0.0100706.\n"
    target = tmp_path / "pumps.yaml"
    assert main(["import", str(DATA / "pumps.xml"), "-o", str(target)]) == 0
    saved = capsys.readouterr()
    assert (saved.out, saved.err) == ("", f"{printed.err}saved {target}\n")
    assert target.read_text(encoding="utf-8") == printed.out
    assert [path.name for path in tmp_path.iterdir()] == ["pumps.yaml"]
    assert main(["check", "--strict", str(target)]) == 0


def test_command_as_json(capsys: Printed) -> None:
    assert main(["import", str(DATA / "two-tops.xml"), "--top", "Left", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    text = data.pop("text")
    assert data == {
        "schema": "storyodds/import/1",
        "source": str(DATA / "two-tops.xml"),
        "story": "two",
        "route": "left",
        "basic_events": 2,
        "composites": 1,
        "output": None,
        "remarks": [],
    }
    assert load_text(text) == import_open_psa(DATA / "two-tops.xml", "Left")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.xml"],
        [str(DATA / "wrong.xml")],
        [str(DATA / "laughs.xml")],
        [str(DATA / "two-tops.xml")],
        [str(DATA / "pumps.xml"), "--top", "Nothing"],
        [str(DATA / "pumps.xml"), "-o", "story.json"],
        [str(DATA / "pumps.xml"), "-o", "nowhere/story.yaml"],
        [],
    ],
)
def test_wrong_input_leaves_2_and_writes_nothing(
    arguments: list[str], capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["import", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_fills_up_leaves_1(
    capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("storyodds.commands.console.write_atomically", full)
    assert main(["import", str(DATA / "pumps.xml"), "-o", str(tmp_path / "a.yaml")]) == 1
    assert "no space left on device" in capsys.readouterr().err


# --- another program ------------------------------------------------------------------------------


def scram_probability(path: Path) -> float:
    """The exact probability of the one top event, by SCRAM's decision diagram."""
    assert SCRAM is not None
    done = subprocess.run(
        [SCRAM, "--bdd", "--probability", "1", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    report = ElementTree.fromstring(done.stdout)
    (found,) = {float(x.attrib["probability"]) for x in report.iter("sum-of-products")}
    return found


needs_scram = pytest.mark.skipif(SCRAM is None, reason="scram is not installed")


@needs_scram
@pytest.mark.parametrize("connectives", [COHERENT, NEGATING], ids=["coherent", "negating"])
def test_scram_agrees(connectives: tuple[str, ...], tmp_path: Path) -> None:
    compared = 0
    for seed in range(60):
        rng = random.Random(seed)
        text = random_tree(
            rng,
            events=7,
            gates=rng.randint(1, 6),
            connectives=connectives,
            houses=1,
            distinct=True,
        )
        path = tmp_path / f"{seed}.xml"
        path.write_text(text, encoding="utf-8")
        try:
            story = import_open_psa(path)
        except InputError:
            continue
        # SCRAM prints six digits.
        assert top_probability(story) == pytest.approx(scram_probability(path), rel=1e-5), text
        compared += 1
    assert compared >= 30


@needs_scram
@pytest.mark.parametrize("name", ["two-tops.xml"])
def test_scram_agrees_on_files(name: str, tmp_path: Path) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    right = '<define-gate name="Right"><and><event name="A"/><event name="B"/></and></define-gate>'
    path = tmp_path / name
    path.write_text(text.replace(right, ""), encoding="utf-8")
    story: Story = import_open_psa(path)
    assert top_probability(story) == pytest.approx(scram_probability(path), rel=1e-5)
