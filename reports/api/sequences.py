"""How likely the sequences of an event tree are, in one call."""

from pathlib import Path

from storyodds.models.assessment.assessment import Progress
from storyodds.priors.text.xml_reader import read_xml
from storyodds.reports.contract.sequences import SequenceOdds
from storyodds.reports.documents.sequences import LISTED, summarize_sequences
from storyodds.scenarios.open_psa.event_trees.sequences import event_tree_model


def sequences(
    path: str | Path,
    *,
    initiating_event: str | None = None,
    top: int = LISTED,
    mission_time: float | None = None,
    at_means: bool = False,
    draws: int = 4096,
    seed: int = 1,
    progress: Progress | None = None,
) -> SequenceOdds:
    """Work out how likely every sequence of a file's event trees is.

    Parameters
    ----------
    path : str or pathlib.Path
        An XML file in the Open-PSA Model Exchange Format, as `import_open_psa` takes them.
    initiating_event : str, optional
        Whose event tree alone to look at; those of all unless stated.
    top : int
        How many minimal cut sets and contributors of each to list.
    mission_time : float, optional
        Hours.
    at_means : bool
        Both as `import_open_psa` takes them.
    draws, seed, progress
        As in `estimate`.

    Returns
    -------
    SequenceOdds
        What `storyodds sequences --json` writes: probabilities given the initiating event,
        frequencies where the file says how often that happens, cut sets and importance.

    Raises
    ------
    InputError
        With everything in the file that is wrong or not supported, by line.
    UnsupportedStoryError
        If the event trees or a sequence are too large.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("door.xml").write_text('''<opsa-mef><define-event-tree name="Door">
    ...   <define-functional-event name="Lock"/>
    ...   <define-sequence name="Shut"/> <define-sequence name="Open"/>
    ...   <initial-state> <fork functional-event="Lock">
    ...     <path state="holds">
    ...       <collect-expression><float value="0.75"/></collect-expression>
    ...       <sequence name="Shut"/>
    ...     </path>
    ...     <path state="fails">
    ...       <collect-expression><float value="0.25"/></collect-expression>
    ...       <sequence name="Open"/>
    ...     </path>
    ...   </fork> </initial-state>
    ... </define-event-tree></opsa-mef>''')
    >>> sequences("door.xml")["event_trees"][0]["sequences"][1]["probability"]["mean"]
    0.25
    """
    document = read_xml(Path(path))
    model = event_tree_model(document, mission_time=mission_time, at_means=at_means)
    return summarize_sequences(
        model,
        initiating_event=initiating_event,
        top=top,
        draws=draws,
        seed=seed,
        progress=progress,
    )
