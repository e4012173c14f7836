"""What is there once for each class, each fate, or each of both."""

from storyodds.models.story.events import Event, Fate
from storyodds.scenarios.grammar.outcomes import OutcomeClass

type ByClass[T] = dict[OutcomeClass, T]
type ByFate[T] = dict[Fate, T]
type ByEvent[T] = dict[Event, T]  # of some or all classes and fates, as its key says
