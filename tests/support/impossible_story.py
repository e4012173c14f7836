"""A story whose evidence cannot come about, until a part is switched off or a number moved."""

IMPOSSIBLE = """\
story: impossible
title: Either is true although neither part is
goal: {specification: S., desirability: D.}
assumptions:
  tub: {probability: 0.3}
  lung: {probability: 0.2}
  either: {holds_when: {any: [tub, lung]}}
routes:
  - {id: bad, class: deceptive, requires: either, bits: 0, harm: 0.5}
  - {id: something-else, class: other, bits: -5, harm: 0.01}
evidence:
  - {id: no-tub, about: {assumption: tub}, counts: {hits: 1, trials: 1}, rates: {true: 0, false: 1}}
  - {id: no-lung, about: {assumption: lung}, counts: {hits: 1, trials: 1},
     rates: {true: 0, false: 1}}
  - {id: either-seen, about: {assumption: either}, counts: {hits: 1, trials: 1},
     rates: {true: 1, false: 0}}
"""
