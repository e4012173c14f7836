"""Whatever is wrong or extreme in what is read: an answer without NaN, or a refusal with 2."""

from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from support.command_line import SMALL, Ran, Run, document
from support.features import FEATURES
from support.mutations import damaged, mutants, revalued, settings

from storyodds.scenarios.loader import story_text

# Enough that each kind of mutation has its turn; some three thousand were run while this was made.
CASES = 40
STORY = FEATURES.replace("RESULT", "flagged")
STORIES = [SMALL, STORY, story_text("coinrun-agent"), story_text("carlsmith-six-premises")]
PANEL = (files("storyodds.priors") / "example-panel.yaml").read_text("utf-8")
NAMES = ["aware", "far", "schemer", "twin", "audit.flags.deceptive", "bad-intent.harm", "nobody"]
VIEW = "view: view\ntitle: A view\nset:\n  aware: [0.1, 0.4]\n  schemer.bits: [-1, 1]\n"
FOLDER = Path(__file__).parent / "data" / "open-psa"
TREES = [(FOLDER / f"{name}.xml").read_text("utf-8") for name in ("pumps", "two-tops")]
EVENT_TREE = (FOLDER / "flood.xml").read_text("utf-8")
ESTIMATE = ("estimate", "--draws", "64", "--json", "--max-memory", "256MiB")


def require_answer(ran: Ran, case: str) -> None:
    """See that a run was answered, or refused in sentences."""
    code, out, err = ran
    assert code in (0, 2, 3), f"{err}\n{case}"  # 3 is an answer that says it is not reliable
    assert "unexpected failure" not in err and "Traceback" not in err, f"{err}\n{case}"
    if code == 2:
        assert err and not out, case
    else:
        document(out)  # of JSON numbers only


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sound.yaml").write_text(STORY, "utf-8")
    return tmp_path


def story(run: Run, folder: Path, seed: int) -> Iterator[tuple[Ran, str]]:
    for text in mutants(STORIES, seed):
        (folder / "story.yaml").write_text(text, "utf-8", errors="surrogatepass")
        yield run(*ESTIMATE, "story.yaml"), text


def setting(run: Run, folder: Path, seed: int) -> Iterator[tuple[Ran, str]]:
    for text in settings(NAMES, seed):
        yield run(*ESTIMATE, "sound.yaml", "--set", text), text


def view(run: Run, folder: Path, seed: int) -> Iterator[tuple[Ran, str]]:
    for text in mutants([VIEW], seed):
        (folder / "view.yaml").write_text(text, "utf-8", errors="surrogatepass")
        yield run(*ESTIMATE, "sound.yaml", "--view", "view.yaml"), text


def panel(run: Run, folder: Path, seed: int) -> Iterator[tuple[Ran, str]]:
    for text in mutants([PANEL], seed):
        (folder / "panel.yaml").write_text(text, "utf-8", errors="surrogatepass")
        yield run("judgments", "panel.yaml", "--repair", "--json"), text


def tree(run: Run, folder: Path, seed: int) -> Iterator[tuple[Ran, str]]:
    random = Random(seed)
    while True:
        text = random.choice((damaged, revalued))(random.choice(TREES), random)
        (folder / "tree.xml").write_text(text, "utf-8", errors="surrogatepass")
        ran = run("import", "tree.xml", "-o", "tree.yaml", "--json")
        yield ran, text
        if ran.code == 0:
            yield run(*ESTIMATE, "tree.yaml"), text
            (folder / "tree.yaml").unlink()


def event_tree(run: Run, folder: Path, seed: int) -> Iterator[tuple[Ran, str]]:
    random = Random(seed)
    while True:
        text = random.choice((damaged, revalued))(EVENT_TREE, random)
        (folder / "tree.xml").write_text(text, "utf-8", errors="surrogatepass")
        yield run("sequences", "tree.xml", "--draws", "64", "--json"), text


@pytest.mark.parametrize(
    "kind", [story, setting, view, panel, tree, event_tree], ids=lambda kind: kind.__name__
)
def test_an_answer_or_a_refusal(
    run: Run, folder: Path, kind: Callable[[Run, Path, int], Iterator[tuple[Ran, str]]]
) -> None:
    codes = set()
    for ran, case in islice(kind(run, folder, seed=1), CASES):
        require_answer(ran, case)
        codes.add(ran.code)
    assert 2 in codes and (0 in codes or kind is panel), "neither answers nor refusals only"
