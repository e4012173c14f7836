"""Formulas as Open-PSA text, and what SCRAM says of them.

Every file of `tests/data/scram` is a tree with SCRAM's answers. A new one needs only `about`,
`formula`, `composites` and `probability`. Where `scram` is installed (Debian has version 0.16.2, in
the package of that name), this writes the answers of all of them anew:

    python tests/support/open_psa_writer.py --renew

Where `importance_sign` is -1, SCRAM 0.16.2 takes every importance measure from MIF with the wrong
sign, though its probability is right: as if it negated the whole tree on the way and forgot that.
In `falling.json` even RAW and RRW are negative, which no probabilities allow.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pydantic import TypeAdapter

from storyodds.scenarios.grammar.formulas import Formula, parts

FOLDER = Path(__file__).parent.parent / "data" / "scram"
SCRAM = shutil.which("scram")
OPTIONS = (
    "--bdd --prime-implicants --probability 1 --importance 1 --limit-order 1000 --no-indent"
).split()
MEASURES = ("MIF", "CIF", "DIF", "RAW", "RRW")
DIGITS = 5e-6  # SCRAM prints six
TOP = "top-event"
MOST_LISTED = 500
GIVEN = ("about", "formula", "composites", "probability", "importance_sign")

FORMULA: TypeAdapter[Any] = TypeAdapter(Formula)


@dataclass(frozen=True)
class Tree:
    """A formula, its composites, and P(true) of every other assumption."""

    formula: Formula
    composites: Mapping[str, Formula]
    probability: Mapping[str, float]


def trees() -> dict[str, dict[str, Any]]:
    """Read every stored tree, with SCRAM's answers, by name."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(FOLDER.glob("*.json"))
    }


def tree_of(stored: Mapping[str, Any]) -> Tree:
    """Take the tree out of what is stored."""
    composites = stored["composites"].items()
    return Tree(
        FORMULA.validate_python(stored["formula"]),
        {name: FORMULA.validate_python(formula) for name, formula in composites},
        stored["probability"],
    )


def open_psa(tree: Tree) -> str:
    """Write a tree in the Open-PSA Model Exchange Format, its top gate `top-event`."""
    model = ElementTree.Element("opsa-mef")
    gates = ElementTree.SubElement(model, "define-fault-tree", name="tree")
    again = 0

    def named(name: str) -> ElementTree.Element:
        return ElementTree.Element("gate" if name in tree.composites else "basic-event", name=name)

    def write(part: Formula) -> ElementTree.Element:
        nonlocal again
        if isinstance(part, str):
            if not part.startswith("not "):
                return named(part)
            negated = ElementTree.Element("not")
            negated.append(named(part.removeprefix("not ")))
            return negated
        members, needed = parts(part)
        if len(members) == 1:
            return write(members[0])
        if needed == len(members):
            written = ElementTree.Element("and")
        elif needed == 1:
            written = ElementTree.Element("or")
        else:
            written = ElementTree.Element("atleast", min=str(needed))
        seen = set()
        for member in members:
            if isinstance(member, str) and member in seen:  # refused by name: give it another one
                again += 1
                define(f"again-{again}", member)
                written.append(ElementTree.Element("gate", name=f"again-{again}"))
            else:
                seen.add(member)
                written.append(write(member))
        return written

    def define(name: str, part: Formula) -> None:
        gate = write(part)
        ElementTree.SubElement(gates, "define-gate", name=name).append(gate)

    define(TOP, tree.formula)
    for name, formula in tree.composites.items():
        define(name, formula)
    data = ElementTree.SubElement(model, "model-data")
    for name, p in tree.probability.items():
        event = ElementTree.SubElement(data, "define-basic-event", name=name)
        ElementTree.SubElement(event, "float", value=repr(p))
    return ElementTree.tostring(model, encoding="unicode")


def ask_scram(tree: Tree) -> dict[str, Any]:
    """Give SCRAM's prime implicants, probability and importance measures of a tree."""
    assert SCRAM is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tree.xml"
        file.write_text(open_psa(tree), encoding="utf-8")
        done = subprocess.run(
            [SCRAM, *OPTIONS, str(file)], capture_output=True, check=True, encoding="utf-8"
        )
    report = ElementTree.fromstring(done.stdout)
    products = report.findall("results/sum-of-products/product")
    sets = sorted((_literals(product) for product in products), key=lambda s: (len(s), s))
    (total,) = report.findall("results/sum-of-products")
    sizes = Counter(map(len, sets))
    return {
        "top_probability": float(total.attrib["probability"]),
        "counts_by_size": {str(size): sizes[size] for size in sorted(sizes)},
        "prime_implicants": sets if len(sets) <= MOST_LISTED else None,
        "importance": {
            event.attrib["name"]: {measure: float(event.attrib[measure]) for measure in MEASURES}
            for event in sorted(
                report.findall("results/importance/basic-event"), key=lambda e: e.attrib["name"]
            )
        },
    }


def _literals(product: ElementTree.Element) -> list[str]:
    true = [event.attrib["name"] for event in product.findall("basic-event")]
    false = [f"not {event.attrib['name']}" for event in product.findall("not/basic-event")]
    return sorted(true + false)


def renew() -> None:
    """Write SCRAM's present answers into every stored tree."""
    assert SCRAM is not None, "scram is not installed"
    said = subprocess.run([SCRAM, "--version"], capture_output=True, check=True, encoding="utf-8")
    version = said.stdout.split()[1]
    for name, stored in trees().items():
        kept = {key: stored[key] for key in GIVEN if key in stored}
        origin = {
            "origin": f"SCRAM {version}",
            "command": " ".join(["scram", *OPTIONS, "tree.xml"]),
        }
        found = json.dumps(kept | origin | ask_scram(tree_of(stored)), indent=1)
        (FOLDER / f"{name}.json").write_text(found + "\n", encoding="utf-8")
        print(f"renewed {name}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--renew"]:
        sys.exit(__doc__)
    renew()
