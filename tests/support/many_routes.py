"""A story with very many routes, written out as text."""

CLASSES = ("mesa-optimizer", "deceptive", "other")


def many_routes(n: int = 48) -> str:
    """Write a story of so many routes besides `intended` and `something-else`.

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
            f"    class: {'deceptive' if worst else CLASSES[k % 3]}{requires}\n"
            f"    bits: {{interval: [{-4 - k / 10}, {-1 - k / 10}]}}\n"
            f"    harm: {0.9 if worst else 0.001}"
        )
    return f"""\
story: many-routes
title: Very many routes
goal:
  specification: What is meant.
  desirability: Why that is good.
  hazards:
    - {{id: too-slow, criterion: competitiveness, probability: 0.1, harm: 0.001}}
assumptions:
  awareness:
    probability: {{interval: [0.2, 0.7]}}
  search:
    given:
      - {{when: awareness, probability: 0.8}}
      - {{otherwise: 0.3}}
routes:
{chr(10).join(routes)}
  - {{id: something-else, class: other, bits: {{interval: [-3, 0]}}, harm: 0.001}}
checks:
  - {{id: audit, role: held-out, flags: {{deceptive: 0.2, default: 0.1}}}}
"""
