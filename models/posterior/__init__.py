"""Draws of the numbers given the evidence: weighting, NUTS, simulation, and how good they are."""
