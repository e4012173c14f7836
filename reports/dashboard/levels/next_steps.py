"""What a committee can do next: the observations that would tell most."""

from storyodds.reports.dashboard.page_data import Dossier
from storyodds.reports.dashboard.parts import Section
from storyodds.reports.words.aliases import Json
from storyodds.reports.words.levers import plain_name
from storyodds.reports.words.numbers import odds_words, percent, sentence_case

_MOST = 3  # proposals that a committee reads of; the rest are for reviewers
_SURE = 2.0  # errors above 0, from where a gain is more than chance
_LEAST = 1e-3  # of what there is to learn: less is not worth a line


def what_to_do_next(dossier: Dossier) -> Section:
    """The observations that would tell most, in words."""
    name = ("next", "What to find out next")
    value = dossier.parts.get("value")
    if value is None:
        return Section(*name, finding=dossier.reasons["value"])
    whole, about = value["perfect"]["bits"]["value"], odds_words(value["of"])
    telling = [proposal for proposal in value["proposals"] if _is_telling(proposal["bits"], whole)]
    if not value["proposals"]:
        return Section(*name, finding="No observation is proposed.")
    if not telling:
        start = "None of the proposed observations would tell anything to speak of"
        return Section(*name, finding=f"{start} about {about}.")
    best = telling[0]
    finding = (
        f"Of the observations that are proposed, none would tell more about {about} than "
        f"“{plain_name(best['id'])}”."
    )
    return Section(
        *name,
        finding=finding,
        part="next_steps",
        data={
            "steps": [_step(entry, whole, about) for entry in telling[:_MOST]],
            "more": len(telling) > _MOST,
        },
    )


def _is_telling(gain: Json, whole: float) -> bool:
    return bool(gain["value"] > max(_SURE * gain["error"], _LEAST * whole))


def _step(entry: Json, whole: float, about: str) -> Json:
    return {
        "name": sentence_case(plain_name(entry["id"])),
        "claim": entry["claim"],
        "then": _then(entry, about),
        "share": f"On average it settles {percent(min(1.0, entry['bits']['value'] / whole))} of "
        f"what is open about {about}.",
    }


def _then(entry: Json, about: str) -> str:
    """What the chance would become, in the two cases of one trial or over all results."""
    results, chance = entry["results"], f"The chance of {about} would then be"
    if (
        entry["trials"] == 1
        and len(results) == 2
        and all(result["then"] is not None for result in results)
    ):
        missed, hit = results
        return (
            f"{chance} {percent(hit['then'])} if it is seen (which has a chance of "
            f"{percent(hit['probability'])}), and {percent(missed['then'])} if not."
        )
    low, high = entry["then"]["q05"], entry["then"]["q95"]
    if low is None or high is None:
        return ""
    if percent(low) == percent(high):
        return f"{chance} {percent(low)} nearly always."
    return f"{chance} from {percent(low)} to {percent(high)}, in nine cases of ten."
