"""The numbers of a story as they are computed with: each with a distribution and its provenance."""

from dataclasses import dataclass

from storyodds.priors import library
from storyodds.priors.distributions.families import Distribution, distribution_of
from storyodds.priors.distributions.forms import (
    Basis,
    BitsPool,
    Kind,
    Prior,
    ProbabilityPool,
    Ref,
)
from storyodds.priors.references import without_references
from storyodds.priors.text.errors import InputError, Mistake, Problem
from storyodds.priors.text.records import Source
from storyodds.scenarios.numbers.overrides import SETTING, setting_place
from storyodds.scenarios.numbers.slots import Slot

BASES: tuple[Basis, ...] = ("assumed", "elicited", "measured")  # the weakest first


@dataclass(frozen=True)
class StoryNumber:
    """One number of a story.

    Attributes
    ----------
    name : str
        The owner's id and the field.
    key_path : str or None
        Where it stands in the story file; None for a number that the format implies.
    kind : {"probability", "bits"}
    form : Prior
        As written, references included.
    distribution : Distribution
    basis : {"elicited", "assumed", "measured"}
    source : Source or None
    note : str or None
    origin : str
        "story", "catalog", "catalog route …", "pack …", "view …", "setting" or "format".
    file : str or None
        The file in which the number itself stands; None for one that stands in no file. What
        ships with the project is told from the package on: `storyodds/priors/packs/….yaml`.
    line : int or None
        From 1.
    uses : tuple of str
        The places where a number of several stands, by the names that numbers of their own would
        have there. One that the story names has its id for a name; that of a check by which
        findings are read, its place in the check.
    """

    name: str
    key_path: str | None
    kind: Kind
    form: Prior
    distribution: Distribution
    basis: Basis
    source: Source | None
    note: str | None
    origin: str
    file: str | None = None
    line: int | None = None
    uses: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The names of all places where the number stands."""
        return self.uses or (self.name,)


def number_in(slot: Slot) -> StoryNumber:
    """The number that stands in a slot; only here is it seen what the packs referred to say."""
    form, origin = slot.form, slot.origin
    basis, source, note = form.basis, form.source, form.note
    document, path = slot.document, slot.path
    if isinstance(form, Ref):
        entry = library.pack_entry(form.ref)
        pack, _, named = form.ref.partition("/")
        document, path = library.pack(pack).document, ("entries", named, "value")
        basis, source, note = basis or entry.basis, source or entry.source, note or entry.note
        origin = f"{origin}, pack {form.ref}" if origin != "story" else f"pack {form.ref}"
    elif isinstance(form, ProbabilityPool | BitsPool):
        basis = basis or _weakest_basis(form)
    return StoryNumber(
        name=slot.name,
        key_path=slot.key_path,
        kind=slot.kind,
        form=form,
        distribution=_distribution(slot),
        basis=basis or "assumed",
        source=source,
        note=note,
        origin=origin,
        file=None if document is None else library.public_name(document.file),
        line=None if document is None else document.place(path)[0],
        uses=slot.uses,
    )


def _distribution(slot: Slot) -> Distribution:
    """The distribution of a number, with what the packs referred to say."""
    try:
        return distribution_of(without_references(slot.form, slot.kind), slot.kind)
    except InputError as error:
        sentence = error.problems[0].message
    if slot.document is not None:
        raise InputError([slot.document.problem(Mistake(slot.path, sentence))])
    place = setting_place(slot.name) if slot.origin == SETTING else f"{slot.origin}: {slot.name}"
    raise InputError([Problem(sentence, key_path=place)])


def _weakest_basis(form: Prior) -> Basis:
    """What a pool rests on is no better than the worst of what it mixes."""
    if isinstance(form, ProbabilityPool | BitsPool) and form.basis is None:
        return min((_weakest_basis(j.value) for j in form.pool), key=BASES.index)
    if isinstance(form, Ref) and form.basis is None:
        return library.pack_entry(form.ref).basis
    return form.basis or "assumed"
