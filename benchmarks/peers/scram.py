"""SCRAM, asked by files in the Open-PSA format and its command line."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from contest import Answers, MissingError, UnableError
from problems.fault_trees import FaultTree, open_psa
from problems.networks import Beta, Network

_TIMEOUT = 120
_ORDER = "3"  # longer products are not listed; the probability is of the whole diagram anyway


def network_prior(network: Network, draws: int, seed: int) -> Answers:
    """Give P(target) at the means of the numbers, and mean and band over draws of its own."""
    return _with_band(_network_xml(network), draws, seed)


def tree_prior(tree: FaultTree, draws: int, seed: int) -> Answers:
    """Give P(top) likewise."""
    means = np.array([a / (a + b) for a, b in tree.events.values()])
    text = open_psa(tree, means)
    for name, prior in tree.events.items():
        place = rf'(<define-basic-event name="{name}">).*?(?=</define-basic-event>)'
        text = re.sub(place, lambda m, prior=prior: m[1] + _deviate(prior), text)  # type: ignore[misc]
    return _with_band(text, draws, seed)


def tree_importance(tree: FaultTree, order: int) -> Answers:
    """Give P(top) and Birnbaum importance at the means; NaN for events that it leaves out."""
    means = np.array([a / (a + b) for a, b in tree.events.values()])
    report = _run(open_psa(tree, means), "--importance", "true", "-l", str(order))
    pattern = r'<basic-event name="(\w+)"[^>]*MIF="([^"]+)"'
    listed = dict(re.findall(pattern, report))
    importance = [float(listed.get(name, "nan")) for name in tree.events]
    return {"prior": np.array([_probability(report)]), "importance": np.array([importance])}


def file_top(path: Path) -> Answers:
    """Give P(top) of a fault tree in a file."""
    report = _run(path.read_text(encoding="utf-8"), "-l", _ORDER)
    return {"P(top)": np.array([_probability(report)])}


def _with_band(text: str, draws: int, seed: int) -> Answers:
    options = ["--uncertainty", "true", "--num-trials", str(draws), "--num-quantiles", "20"]
    report = _run(text, *options, "--seed", str(seed), "-l", _ORDER)
    mean = re.search(r'<mean value="([^"]+)"', report)
    ends = [float(end) for end in re.findall(r'<quantile[^>]*upper-bound="([^"]+)"', report)]
    if mean is None or len(ends) < 19:
        raise UnableError("its report has no mean and quantiles")
    return {
        "at the means": np.array([_probability(report)]),
        "mean": np.array([float(mean[1])]),
        "band": np.array([ends[0], ends[18]]),
    }


def _probability(report: str) -> float:
    found = re.search(r'<sum-of-products[^>]*probability="([^"]+)"', report)
    if found is None:
        raise UnableError("its report has no probability")
    return float(found[1])


def _run(text: str, *options: str) -> str:
    program = shutil.which("scram")
    if program is None:
        raise MissingError("not installed (no scram on the path)")
    with tempfile.TemporaryDirectory() as folder:
        model, report = Path(folder) / "model.xml", Path(folder) / "report.xml"
        model.write_text(text, encoding="utf-8")
        command = [program, "--bdd", "--probability", "true", *options]
        try:
            done = subprocess.run(
                [*command, "-o", str(report), str(model)],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnableError(f"stopped after {_TIMEOUT} s") from None
        if done.returncode:
            raise UnableError(f"it says: {(done.stderr or done.stdout).strip()[-150:]}")
        return report.read_text(encoding="utf-8")


def _deviate(prior: Beta) -> str:
    """Write a Beta; alone it is refused, because 1 / CDF(0.99) is taken for its upper end."""
    a, b = prior
    beta = f'<beta-deviate><float value="{a!r}"/><float value="{b!r}"/></beta-deviate>'
    return f'<min>{beta}<float value="1"/></min>'


def _network_xml(network: Network) -> str:
    """Write a network as gates: a row of a table is its event and its configuration."""
    gates, events = [], []
    for node, (parents, table) in enumerate(zip(network.parents, network.tables, strict=True)):
        rows = []
        for configuration, prior in enumerate(table):
            event = f"t{node}-{configuration}"
            events.append(
                f'<define-basic-event name="{event}">{_deviate(prior)}</define-basic-event>'
            )
            row = f'<basic-event name="{event}"/>'
            signs = f"{configuration:0{len(parents)}b}"
            for parent, sign in zip(parents, signs, strict=False):
                above = f'<gate name="x{parent}"/>'
                row += above if sign == "1" else f"<not>{above}</not>"
            if parents:
                gates.append(
                    f'<define-gate name="x{node}-{configuration}"><and>{row}</and></define-gate>'
                )
                row = f'<gate name="x{node}-{configuration}"/>'
            rows.append(row)
        body = f"<or>{''.join(rows)}</or>" if len(rows) > 1 else rows[0]
        gates.append(f'<define-gate name="x{node}">{body}</define-gate>')
    head = '<?xml version="1.0"?>\n<opsa-mef>\n<define-fault-tree name="network">'
    middle = "</define-fault-tree>\n<model-data>"
    return "\n".join([head, *gates, middle, *events, "</model-data>", "</opsa-mef>", ""])
