"""A story of many routes, for pictures and pages that must stay readable."""

from storyodds import Story, load_text

_HEAD = """\
story: many-routes
title: A story of many rival routes
goal: {specification: The model does as it is asked., desirability: Being asked is harmless.}
assumptions:
  aware: {claim: The model knows that it is being trained., probability: [0.2, 0.7]}
  searches: {claim: The model runs a search of its own., probability: [0.2, 0.8]}
checks:
  - {id: audit, claim: A blind audit., flags: {deceptive: [0.2, 0.6], default: [0.01, 0.05]}}
routes:
  - {id: something-else, class: other, claim: Whatever else., bits: [-2, 1], harm: [0.001, 0.02]}
"""


def large_story(routes: int = 50) -> Story:
    """A story of so many named rivals beside the intended route and the residual."""
    rivals = [
        f"  - {{id: rival-{k:02d}, class: {'deceptive' if k % 3 else 'mesa-optimizer'}, "
        f"claim: Rival number {k} wins., requires: {'[aware, searches]' if k % 3 else 'searches'}, "
        f"bits: [{-6 + k % 7}, {-3 + k % 7}], harm: [0.0{1 + k % 9}, 0.{1 + k % 9}]}}\n"
        for k in range(routes)
    ]
    return load_text(_HEAD + "".join(rivals), "many-routes.yaml")
