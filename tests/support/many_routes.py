"""A story of very many routes, for what must stay quick to compute and readable."""

from storyodds import Story, load_text

CLASSES = ("mesa-optimizer", "deceptive", "other")


def many_routes(n: int = 48) -> Story:
    """A story of so many routes besides `intended` and `something-else`.

    Every third needs one assumption, every fourth another one. The last but two is the worst by
    far, though it is one of the least likely.
    """
    routes = []
    for k in range(n):
        needs = [name for name, of in (("awareness", 3), ("search", 4)) if k % of == 0]
        requires = f"\n    requires: [{', '.join(needs)}]" if needs else ""
        worst = k == n - 3
        routes.append(
            f"  - id: route-{k:02d}-with-a-rather-long-name\n"
            f"    claim: Rival number {k} wins.\n"
            f"    class: {'deceptive' if worst else CLASSES[k % 3]}{requires}\n"
            f"    bits: {{interval: [{-4 - k / 10}, {-1 - k / 10}]}}\n"
            f"    harm: {0.9 if worst else 0.001}"
        )
    text = f"""\
story: many-routes
title: Very many routes
goal:
  specification: What is meant.
  desirability: Why that is good.
  hazards:
    - {{id: too-slow, criterion: competitiveness, probability: 0.1, harm: 0.001}}
assumptions:
  awareness:
    claim: The model knows that it is being trained.
    probability: {{interval: [0.2, 0.7]}}
  search:
    claim: The model runs a search of its own.
    given:
      - {{when: awareness, probability: 0.8}}
      - {{otherwise: 0.3}}
routes:
{chr(10).join(routes)}
  - id: something-else
    claim: Whatever else.
    class: other
    bits: {{interval: [-3, 0]}}
    harm: 0.001
checks:
  - {{id: audit, claim: A blind audit., role: held-out, flags: {{deceptive: 0.2, default: 0.1}}}}
"""
    return load_text(text, "many-routes.yaml")
