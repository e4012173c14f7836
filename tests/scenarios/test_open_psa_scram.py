"""Common-cause groups, conditions and periodic tests drawn at random, beside SCRAM."""

import random
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.open_psa_odds import exact
from support.open_psa_text import (
    event,
    factors,
    gate,
    group,
    imported,
    model,
    named,
    number,
    substitution,
    tree,
)

SCRAM = shutil.which("scram")
DIGITS = 1e-5  # SCRAM prints six
EVENTS = "ABCDEF"

pytestmark = pytest.mark.skipif(SCRAM is None, reason="scram is not installed")


def scram(text: str, folder: Path) -> float:
    """The exact probability of the one top event."""
    assert SCRAM is not None
    path = folder / "tree.xml"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [SCRAM, "--bdd", "--probability", "1", "--ccf", "1", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    (total,) = ElementTree.fromstring(done.stdout).iter("sum-of-products")
    return float(total.attrib["probability"])


def random_group(rng: random.Random, members: list[str]) -> str:
    kind = rng.choice(("beta-factor", "MGL", "alpha-factor", "phi-factor"))
    levels = {"beta-factor": 1, "MGL": rng.randint(1, len(members) - 1)}
    numbers = [rng.uniform(0.1, 0.9) for _ in range(levels.get(kind, rng.randint(2, len(members))))]
    if kind == "phi-factor":
        numbers = [factor / sum(numbers) for factor in numbers]
    chance = number(rng.uniform(0.01, 0.5))
    return group(kind, " ".join(members), factors(*numbers), chance)


def random_model(rng: random.Random) -> str:
    """Gates each of which stands below the next, a group, and perhaps a condition."""
    members = rng.sample(EVENTS, rng.randint(2, 4))
    gates = []
    for k in range(4):
        below = [f"g{k - 1}"] if k else []
        parts = named("event", *below, *rng.sample(EVENTS, 2))
        votes = k > 0 and rng.random() < 0.3
        tag = "atleast min='2'" if votes else rng.choice(("and", "or"))
        gates.append(gate(f"<{tag}>{parts}</{tag.split()[0]}>", f"g{k}"))
    alone = "".join(
        event(number(rng.uniform(0.01, 0.5)), name) for name in EVENTS if name not in members
    )
    first, second, third = rng.sample(EVENTS, 3)
    both = f"<and>{named('event', first, second)}</and>"
    condition = substitution(both, rng.choice(("false", third)))
    return model(
        f"<define-fault-tree name='t'>{''.join(reversed(gates))}{alone}</define-fault-tree>",
        random_group(rng, members),
        condition if rng.random() < 0.5 else "",
    )


@pytest.mark.parametrize("seed", range(40))
def test_groups_and_conditions(seed: int, tmp_path: Path) -> None:
    text = random_model(random.Random(seed))
    assert exact(imported(text)) == pytest.approx(scram(text, tmp_path), rel=DIGITS)


@pytest.mark.parametrize("count", [4, 5, 11])
@pytest.mark.parametrize("seed", range(10))
def test_periodic_tests(count: int, seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    rate = [number(10 ** rng.uniform(-5, -2)) for _ in range(3)]
    times = [number(rng.choice((50, 120, 700))), number(rng.choice((0, 30, 1000)))]
    now = number(rng.choice((10, 999, 1000, 2345, 8760)))
    share = [number(rng.uniform(0, 0.3)) for _ in range(3)]
    available = f"<bool value='{rng.choice(('true', 'false'))}'/>"
    arguments = {
        4: [rate[0], *times, now],
        5: [*rate[:2], *times, now],
        11: [*rate, *times, share[0], number(10), available, *share[1:], now],
    }[count]
    expression = f"<periodic-test>{''.join(arguments)}</periodic-test>"
    text = tree(gate(named("event", "A")) + event(expression))
    assert exact(imported(text)) == pytest.approx(scram(text, tmp_path), rel=DIGITS)
