"""Distributions of uncertain numbers, with digits at both ends."""
