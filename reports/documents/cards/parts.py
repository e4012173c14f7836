"""What a card is made from, beside the estimate."""

from typing import TypedDict

from storyodds.reports.contract.sensitivity.local import SwingsPart
from storyodds.reports.contract.sensitivity.trust import TrustPart
from storyodds.reports.contract.sensitivity.views import ViewsPart


class CardParts(TypedDict, total=False):
    """Parts of a sensitivity analysis, as far as they were worked out."""

    local: SwingsPart
    """Of a thorough page with every number, and all else of the local analysis."""
    trust: TrustPart
    views: ViewsPart
