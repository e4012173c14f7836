"""The benchmark problems as stories in YAML."""

from collections.abc import Sequence
from typing import Any

import yaml

from problems.fault_trees import FaultTree
from problems.networks import Beta, Network
from problems.races import HITS, TRIALS, Race

ROUTE = "goes-wrong"  # open exactly if what a network or a tree asks for is the case


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def network_story(network: Network) -> str:
    """Write a network: a route that needs the target, and evidence that is a single look each."""
    assumptions = {
        f"x{node}": _table(parents, table)
        for node, (parents, table) in enumerate(zip(network.parents, network.tables, strict=True))
    }
    evidence = [
        {
            "id": f"e{k}",
            "about": {"assumption": f"x{finding.node}"},
            "counts": {"hits": int(finding.seen), "trials": 1},
            "rates": {"true": _beta(finding.hit), "false": _beta(finding.false_alarm)},
        }
        for k, finding in enumerate(network.findings)
    ]
    route = {"id": ROUTE, "class": "deceptive", "requires": network.target}
    return _story("network", assumptions, [route | {"bits": 0, "harm": 0.5}], evidence=evidence)


def _table(parents: Sequence[int], table: Sequence[Beta]) -> dict[str, Any]:
    """One row for each configuration of the parents; the last, all of them true, is the rest."""
    if not parents:
        return {"probability": _beta(table[0])}
    rows: list[dict[str, Any]] = []
    for configuration, entry in enumerate(table[:-1]):
        signs = f"{configuration:0{len(parents)}b}"
        when = [
            f"x{parent}" if sign == "1" else f"not x{parent}"
            for parent, sign in zip(parents, signs, strict=True)
        ]
        rows.append({"when": when, "probability": _beta(entry)})
    return {"given": [*rows, {"otherwise": _beta(table[-1])}]}


def race_story(race: Race) -> str:
    """Write a race of routes, with nudges, a survey of one assumption and a pilot run."""

    def prior(name: str) -> dict[str, Any]:
        family, a, b = race.priors[name]
        return {family: [a, b]}

    assumptions = {
        name.removesuffix(".probability"): {"probability": prior(name)}
        for name in race.priors
        if name.endswith(".probability")
    }
    routes = [
        {
            "id": f"r{k}",
            "class": "deceptive" if k % 2 else "mesa-optimizer",
            "requires": [f"s{gate}" if value else f"not s{gate}", f"r{k}a", f"r{k}b"],
            "bits": prior(f"r{k}.bits"),
            "harm": 0.1,
        }
        for k, (gate, value) in enumerate(race.gates)
    ]
    nudges = []
    for k, (assumption, value, runners) in enumerate(race.nudges):
        names = [race.runners[runner] for runner in runners]
        nudges.append(
            {
                "id": f"n{k}",
                "when": f"s{assumption}" if value else f"not s{assumption}",
                "bits": {name: prior(f"n{k}.bits.{name}") for name in names},
            }
        )
    survey = {key: prior(f"survey.rates.{key}") for key in ("true", "false")}
    keys = [*(race.runners[runner] for runner in race.named), "default"]
    pilot = {key: prior(f"pilot.rates.{key}") for key in keys}
    evidence = [
        _counts("survey", {"assumption": "s0"}, 1, 1) | {"rates": survey},
        _counts("pilot", {"outcome": True}, HITS, TRIALS) | {"rates": pilot},
    ]
    residual = prior("something-else.bits")
    return _story("race", assumptions, routes, residual, nudges=nudges, evidence=evidence)


def tree_story(tree: FaultTree) -> str:
    """Write a fault tree: events as assumptions, gates as composites of them."""
    assumptions: dict[str, Any] = {
        name: {"probability": _beta(prior)} for name, prior in tree.events.items()
    }
    for gate in tree.gates:
        inputs = list(gate.inputs)
        if gate.at_least == len(inputs):
            formula: dict[str, Any] = {"all": inputs}
        elif gate.at_least == 1:
            formula = {"any": inputs}
        else:
            formula = {"at_least": gate.at_least, "of": inputs}
        assumptions[gate.id] = {"holds_when": formula}
    # Closed by a constraint, not by what it requires: the ways in which the top comes about are
    # too many to list as paths.
    routes = [{"id": ROUTE, "class": "deceptive", "bits": 0, "harm": 0.5}]
    closed = {"id": "works", "holds": f"not {tree.top}", "rules_out": [ROUTE]}
    return _story("fault-tree", assumptions, routes, constraints=[closed])


def _beta(prior: Beta) -> dict[str, Any]:
    return {"beta": list(prior)}


def _counts(name: str, about: dict[str, Any], hits: int, trials: int) -> dict[str, Any]:
    return {"id": name, "about": about, "counts": {"hits": hits, "trials": trials}}


def _story(
    name: str,
    assumptions: dict[str, Any],
    routes: list[dict[str, Any]],
    residual: Any = -4,
    *,
    constraints: Sequence[dict[str, Any]] = (),
    nudges: Sequence[dict[str, Any]] = (),
    evidence: Sequence[dict[str, Any]] = (),
) -> str:
    unnamed = {"id": "something-else", "class": "other", "bits": residual, "harm": 0.1}
    data = {
        "story": name,
        "title": f"A benchmark, {name}",
        "goal": {"specification": "None in particular.", "desirability": "None in particular."},
        "rationale": {"constraints": list(constraints), "nudges": list(nudges)},
        "assumptions": assumptions,
        "routes": [*routes, unnamed],
        "evidence": list(evidence),
    }
    return yaml.dump(data, Dumper=_NoAliases, sort_keys=False)
