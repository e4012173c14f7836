"""Event trees that are wrong: every mistake with its line, the true cause first."""

import pytest
from support.open_psa_events import collect, end, factor, faults, fork, house, walked
from support.open_psa_text import event, gate, named, number, substitution

from storyodds.priors.text.errors import InputError

MODEL = "<model-data>" + event(number(0.5), "A") + "<define-house-event name='H'/></model-data>"
TREES = f"<define-fault-tree name='f'>{gate(named('event', 'A').join(('<or>', '</or>')), 'g')}"
TREES += "</define-fault-tree>"


def tree(start: str, more: str = "", events: str = "F G", sequences: str = "S") -> str:
    """An event tree, its start in a line of its own: the third of the file."""
    inside = named("define-functional-event", *events.split())
    inside += named("define-sequence", *sequences.split())
    return (
        f"<define-event-tree name='T'>{inside}{more}\n<initial-state>{start}</initial-state>"
        "</define-event-tree>"
    )


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (end("R"), "found 'R', expected the name of a sequence that the file defines"),
        ("<branch name='B'/>", "found 'B', expected the name of a branch that the event tree"),
        (fork("E", on=end("S")), "found 'E', expected the name of a functional event that the"),
        ("", "found no end in <initial-state>, expected <fork>, <sequence> or <branch>"),
        (collect("g"), "found no end in <initial-state>"),
        ("<fork functional-event='F'></fork>", "found no <path> in <fork>, expected one or more"),
        (end("S") * 2, "found <sequence> in <initial-state>, whose end is <sequence> in line 3"),
        (end("S") + collect("g"), "found <collect-formula> after <sequence>, which ends"),
        (
            fork("F", a=end("S"), b="<fork functional-event='G'/>"),
            "found no <path> in <fork>",
        ),
        (
            "<fork functional-event='F'><path state='a'><sequence name='S'/></path>"
            "<path state='a'><sequence name='S'/></path></fork>",
            "found the state 'a' again, expected each state of a fork once",
        ),
        ("<fork functional-event='F'><path>" + end("S") + "</path></fork>", "found <path> without"),
        (
            "<fork functional-event='F'><path status='a'>" + end("S") + "</path></fork>",
            "found <path> with 'status', expected state=",
        ),
        (fork("F", a=fork("F", b=end("S"))), "found a fork of the functional event 'F' on a way"),
        ("<set-gate name='g'/>" + end("S"), "found <set-gate> in <initial-state>, expected"),
        ("<event-tree name='T'/>" + end("S"), "found <event-tree> before the end of a way"),
        ("<rule name='R'/>" + end("S"), "found 'R', expected the name of a rule that the file"),
        (house("A", "true") + end("S"), "found 'A', expected the name of a house event that"),
        (house("H", "yes") + end("S"), "found 'yes', expected true or false"),
        (
            house("H", "true").replace("name='H'", "name='H' direction='backward'") + end("S"),
            "found direction='backward', which is not supported, expected forward",
        ),
        (collect("<gate name='q'/>") + end("S"), "found the reference 'q', expected the name of a"),
        (collect("<and/>") + end("S"), "found 0 parts in <and>, expected at least 1"),
        ("<collect-formula/>" + end("S"), "found nothing inside <collect-formula>, expected one"),
        (factor("<float value='1.5'/>") + end("S"), "found 1.5, expected a probability from 0"),
        (factor("<parameter name='q'/>") + end("S"), "found the reference 'q', expected the name"),
        ("<collect-expression/>" + end("S"), "found nothing inside <collect-expression>, expected"),
        ("<if>" + collect("g") + "</if>" + end("S"), "found 1 elements in <if>, expected a cond"),
        (
            "<if><bool value='true'/><float value='1'/></if>" + end("S"),
            "found <float> in <if>, expected an instruction",
        ),
        (
            "<if><test-initiating-event name='J'/>" + collect("g") + "</if>" + end("S"),
            "found 'J', expected the name of an initiating event that the file defines",
        ),
        (
            "<if><test-functional-event name='E' state='a'/>" + collect("g") + "</if>" + end("S"),
            "found 'E', expected the name of a functional event that the file defines",
        ),
        (
            fork(
                "F",
                a=f"<if><test-functional-event name='F' state='b'/>{collect('g')}</if>{end('S')}",
            ),
            "found the state 'b', expected one in which a fork has 'F'",
        ),
        (
            fork("F", a=factor(0.5) + end("S"), b=end("S")),
            "found paths of a fork that collect an expression and no formula beside others",
        ),
        (
            fork(
                "F",
                a=collect("not g") + end("S"),
                b=collect("g") + factor(0.5) + end("S"),
                c=collect("g") + factor(0.5) + end("S"),
            ),
            "found expressions beside formulas on the paths of a fork, which are not the",
        ),
        (
            fork("F", a=factor(0.75) + end("S"), b=factor(0.5) + end("S")),
            "found expressions that add up to 1.25 over the paths of a fork, expected at most 1",
        ),
        ("<frok functional-event='F'/>", "found <frok> in <initial-state>, expected"),
        ("<fork functional-event='F'><paht/></fork>", "found <paht> in <fork>, expected <path>"),
        ("here it begins" + end("S"), "found the text 'here it begins' in <initial-state>"),
    ],
)
def test_a_mistake_at_its_place(start: str, sentence: str) -> None:
    lines = faults(tree(start), MODEL, TREES)
    assert len(lines) == 1
    place, _, rest = lines[0].partition(": ")
    assert place.startswith("3:")
    about, _, found = rest.partition(": ")
    assert about in ("event tree T", "factor of T in line 3")
    assert found.startswith(sentence), lines[0]


@pytest.mark.parametrize(
    ("parts", "sentences"),
    [
        (
            [
                tree(
                    "<branch name='B'/>",
                    "<define-branch name='B'><branch name='B'/></define-branch>",
                )
            ],
            ["branch T.B: found the loop branch T.B -> branch T.B, expected every way to come"],
        ),
        (
            [tree(end("L"), "<define-sequence name='L'><event-tree name='T'/></define-sequence>")],
            ["event tree T: found the loop event tree T -> sequence L -> event tree T"],
        ),
        (
            [
                "<define-rule name='R'><block><rule name='Q'/></block></define-rule>",
                "<define-rule name='Q'><rule name='R'/></define-rule>",
                tree(end("S")),
            ],
            ["rule R: found the loop rule R -> rule Q -> rule R"],
        ),
        (
            [tree(end("S")), tree(end("S"))],
            [
                "event tree T: found 'T' again, expected a name of its own",
                # The names inside of it are not listed as missing or doubled on top of that.
            ],
        ),
        (
            [
                tree(end("S")).replace("<initial-state>", "<initial-state><block/>")
                + "<define-rule/>"
            ],
            ["found <define-rule> without 'name'"],
        ),
        (
            [tree(end("S")), "<define-initiating-event name='I' event-tree='U'/>"],
            ["initiating event I: found event-tree='U', expected the name of an event tree"],
        ),
        (
            [
                tree(end("S")),
                "<define-initiating-event name='I'><gate name='g'/></define-initiating-event>",
            ],
            ["initiating event I: found <gate> in <define-initiating-event>, expected"],
        ),
        (
            [
                tree(end("S")),
                "<define-initiating-event name='I' event-tree='T'><parameter name='p'/>"
                "</define-initiating-event>",
                "<model-data><define-parameter name='p' unit='hours'><float value='1'/>"
                "</define-parameter></model-data>",
            ],
            ["initiating event I: found a value in hours, expected how often the event happens"],
        ),
        (
            [
                tree(end("S")),
                "<define-consequence name='c'><initiating-event name='I'/></define-consequence>",
            ],
            [
                "consequence c: found no <sequence> in <define-consequence>, expected one",
                "consequence c: found 'I', expected the name of an initiating event",
            ],
        ),
        (
            [
                tree(end("S")),
                "<define-consequence-group name='c'><consequence-group name='c'/>"
                "</define-consequence-group>",
            ],
            ["consequence group c: found the loop c -> c, expected no group to be in itself"],
        ),
        ([tree(end("S")), "<define-sequence name='R'/>"], ["found <define-sequence>"]),
        (
            [tree(end("S")), substitution(named("basic-event", "A"), "false")],
            ["substitution false-23: found a substitution beside event trees"],
        ),
        ([""], ["found no event tree, expected one"]),
    ],
)
def test_mistakes_of_the_whole_file(parts: list[str], sentences: list[str]) -> None:
    lines = [line.partition(": ")[2] for line in faults(*parts, MODEL, TREES)]
    assert len(lines) == len(sentences), lines
    for line, sentence in zip(lines, sentences, strict=True):
        assert line.startswith(sentence), line


def test_two_trees_may_not_define_one_sequence() -> None:
    other = tree(end("S")).replace("name='T'", "name='U'")
    (line,) = faults(tree(end("S")), other, MODEL, TREES)
    assert line.startswith("4:") and "sequence S: found 'S' again" in line


def test_a_branch_of_another_tree_is_none_of_this_one() -> None:
    branch = f"<define-branch name='B'>{end('S')}</define-branch>"
    other = tree("<branch name='T.B'/>", sequences="R").replace("name='T'", "name='U'")
    (line,) = faults(tree(end("S"), branch), other, MODEL, TREES)
    assert "event tree U: found 'T.B', expected the name of a branch" in line


@pytest.mark.parametrize("missing", ["gate", "sequence"])
def test_what_is_refused_is_not_missed_again(missing: str) -> None:
    """A definition that is refused as a whole leaves no second mistake where it is named."""
    start = collect("g") if missing == "gate" else ""
    sequences = "S" if missing == "gate" else ""
    more = "" if missing == "gate" else "<define-sequenze name='S'/>"
    fault_tree = TREES.replace("define-gate", "define-gat") if missing == "gate" else TREES
    lines = faults(tree(start + end("S"), more, sequences=sequences), MODEL, fault_tree)
    assert len(lines) == 1
    assert "define-gat>" in lines[0] or "define-sequenze>" in lines[0]


def test_a_link_in_a_rule_before_the_end() -> None:
    rule = "<define-rule name='R'><event-tree name='U'/></define-rule>"
    other = tree(end("R2"), sequences="R2").replace("name='T'", "name='U'")
    (line,) = faults(rule, tree("<rule name='R'/>" + end("S")), other, MODEL, TREES)
    assert line.startswith("2:") and "found <event-tree> in a rule that is used before" in line


def test_an_expression_twice_on_a_way() -> None:
    rule = f"<define-rule name='R'>{factor(0.5)}</define-rule>"
    (line,) = faults(rule, tree("<rule name='R'/>" * 2 + end("S")))
    assert line.startswith("2:") and "found an expression that one way collects twice" in line
    twice = fork("F", a="<rule name='R'/>" + end("S"), b="<rule name='R'/>" + end("S"))
    (analysis,) = walked(rule, tree(twice)).analyses  # one way each
    assert len(analysis.sequences[0].ways) == 2


def test_instructions_after_a_link() -> None:
    other = tree(end("R"), sequences="R").replace("name='T'", "name='U'")
    linking = f"<define-sequence name='L'><event-tree name='U'/>{collect('g')}</define-sequence>"
    (line,) = faults(tree(end("L"), linking, sequences=""), other, MODEL, TREES)
    assert "sequence L: found instructions after <event-tree>" in line


UNCERTAIN = (
    "<model-data><define-parameter name='p'><uniform-deviate><float value='0.1'/>"
    "<float value='0.2'/></uniform-deviate></define-parameter></model-data>"
)


def test_uncertain_factors_that_nothing_holds_together() -> None:
    p = factor("<parameter name='p'/>")
    start = fork("F", a=p + end("S"), b=factor(0.5) + end("S"))
    (line,) = faults(tree(start), UNCERTAIN)
    assert "found an uncertain number among the expressions of a fork's paths" in line
    (analysis,) = walked(tree(start), UNCERTAIN, at_means=True).analyses
    assert len(analysis.sequences[0].ways) == 2


def test_consequences_of_two_initiating_events_are_no_group() -> None:
    starts = (f"<define-initiating-event name='{name}' event-tree='T'/>" for name in "IJ")
    single = (
        f"<define-consequence name='c{name}'><initiating-event name='{name}'/><sequence name='S'/>"
        "</define-consequence>"
        for name in "IJ"
    )
    group = (
        f"<define-consequence-group name='c'>{named('consequence', 'cI', 'cJ')}"
        "</define-consequence-group>"
    )
    (line,) = faults(tree(end("S")), *starts, *single, group, MODEL, TREES)
    assert "consequence group c: found consequences of several initiating events (I and J)" in line


def test_a_consequence_to_which_no_way_leads() -> None:
    consequence = (
        "<define-consequence name='c'><initiating-event name='I'/><sequence name='R'/>"
        "</define-consequence>"
    )
    start = "<define-initiating-event name='I' event-tree='T'/>"
    (line,) = faults(tree(end("S"), sequences="S R"), start, consequence, MODEL, TREES)
    assert "consequence c: found a sequence to which no way leads" in line


def test_a_name_that_is_none() -> None:
    model = walked(tree(end("S")), MODEL, TREES)
    with pytest.raises(InputError, match="--sequence: found 'R', expected the name of a sequence"):
        model.find("R")
    with pytest.raises(InputError, match="to which a way leads, of which there is none"):
        model.find("S", consequence=True)
    with pytest.raises(InputError, match="--initiating-event: found 'J', expected the name of an"):
        model.find("S", "J")
